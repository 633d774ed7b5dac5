"""The tutorial: six nodes from 5.0.7-style configuration files, a cluster, clients, a failover, a restart, growth.

Told twice: with our command line and the tutorial's node timeout of 15 s, and with redis-cli and a shorter one.
"""
import re
from dataclasses import dataclass

import pytest
from redis.crc import key_slot

import harness
from harness import HOST, SLOTS, ClusterTool, wait_until
from load import Load, fill, missing_for_ioredis, missing_for_redis_py

CONFIG = (harness.TOP / "tests" / "e2e" / "data" / "redis-5.0.7.conf").read_text()
KEYS = 100_000
MOVED_SLOTS = SLOTS // 16  # to the seventh node; every slot costs a dozen commands, and the tests have minutes
# What an operator's client may meet while a master is dead and nobody has taken over yet; anything else is a fault.
ERRORS_OF_A_FAILOVER = re.compile(r"CLUSTERDOWN|ClusterDown|Connection|Timeout|[Tt]imed out|SlotNotCovered|MaxRetries|"
                                  r"ClusterAllFailed|Redis Cluster cannot be connected|refresh slots|Too many Cluster|LOADING")


def tutorial_config(port, timeout_ms):
    """The 5.0.7 file with the changes that the tutorial tells its reader to make."""
    text = re.sub(r"^bind .*\n", "", CONFIG, flags=re.M)
    for directive, value in [("protected-mode", "no"), ("port", port), ("daemonize", "yes"), ("appendonly", "yes")]:
        text, changes = re.subn(rf"^{directive} .*$", f"{directive} {value}", text, flags=re.M)
        assert changes == 1
    return (text + f"cluster-enabled yes\ncluster-config-file nodes-{port}.conf\n"
            f"cluster-node-timeout {timeout_ms}\n")


@dataclass
class Telling:
    tool: str
    node_timeout_ms: int
    leaver: str  # "veteran": one of the first masters leaves in the end; "newcomer": the one that had just joined


TELLINGS = [Telling("ashlar-cli", 15000, "veteran"), Telling("redis-cli", 3000, "newcomer")]


class Story:
    """What the steps of one telling share."""

    def __init__(self, telling, cluster, ports):
        self.telling, self.tool, self.cluster = telling, ClusterTool(telling.tool), cluster
        wanted = list(range(6001, 6009))
        self.ports = wanted if all(map(harness.port_is_free, wanted)) else ports.take(8)
        self.first = self.ports[0]
        self.promised = []  # (prefix, first, last): keys first..last-1 must be there from now on
        self.broken = None

    def add_node(self, port):
        return self.cluster.add(port, tutorial_config(port, self.telling.node_timeout_ms)).start()

    def promise(self, prefix, first, last):
        self.promised.append((prefix, first, last))

    def check_promises(self, *readers):
        """Every key that was promised so far is found by the clients named, without names by ioredis."""
        for missing in readers or (missing_for_ioredis,):
            for prefix, first, last in self.promised:
                gone = missing(self.first, prefix, first, last)
                assert not gone, f"{missing.__name__}: {len(gone)} of {last - first} keys, such as {gone[:5]}"


@pytest.fixture(scope="class", params=TELLINGS, ids=lambda telling: telling.tool)
def story(request, ports):
    cluster = harness.Cluster(f"tutorial-{request.param.tool}")
    yield Story(request.param, cluster, ports)
    cluster.end()


@pytest.fixture(autouse=True)
def one_step_after_the_other(request, story):
    if story.broken:
        pytest.skip(f"the story broke off in {story.broken}")
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        story.broken = request.node.name


class TestTutorial:
    def test_1_six_nodes_start_from_5_0_7_configuration_files(self, story):
        for port in story.ports[:6]:
            story.add_node(port)
        for node in story.cluster.nodes:
            assert node.info("cluster")["cluster_enabled"] == "1"
            assert node.fields("CLUSTER", "INFO")["cluster_state"] == "fail"  # no slot has an owner yet
            wait_until(lambda node=node: (node.folder / f"nodes-{node.port}.conf").exists(), 20, "its file")

    def test_2_the_tool_makes_a_cluster_of_three_masters_and_three_replicas(self, story):
        story.tool("--cluster", "create", *[node.address for node in story.cluster.nodes], "--cluster-replicas", 1,
                   "--cluster-yes")
        story.cluster.wait_agreed(60, size=6)
        masters = story.cluster.masters()
        assert len(masters) == 3
        assert {story.cluster.master_of(story.cluster.replica_of(master)) for master in masters} == set(masters)
        assert "[OK] All 16384 slots covered" in story.tool("--cluster", "check", f"{HOST}:{story.first}")

    def test_3_the_shell_reaches_keys_of_every_master(self, story):
        shell = lambda *words: story.tool("-p", story.first, "-c", *words)
        owners = {slot: member["address"] for member in story.cluster.nodes[0].cluster_nodes() for slot in member["slots"]}
        keys = {}
        for i in range(1000):
            keys.setdefault(owners[key_slot(f"name:{i}".encode())], f"name:{i}")
        assert len(keys) == 3
        for address, key in keys.items():
            assert shell("set", key, f"lives on {address}") == "OK\n"
            assert shell("get", key) == f"lives on {address}\n"
        info = shell("cluster", "info")
        for line in ("cluster_state:ok", f"cluster_slots_assigned:{SLOTS}", "cluster_known_nodes:6", "cluster_size:3"):
            assert line in info
        assert shell("cluster", "nodes").count("master") == 3
        ranges = shell("cluster", "slots").split()
        for bound in ("0", "5460", "5461", "10922", "10923", "16383"):
            assert bound in ranges

    def test_4_a_hundred_thousand_keys_of_redis_py_are_read_by_ioredis(self, story):
        fill(story.first, "key", KEYS)
        story.promise("key", 0, KEYS)
        story.check_promises()

    def test_5_a_killed_master_is_replaced_by_its_replica_and_both_clients_carry_on(self, story):
        cluster = story.cluster
        # Not the owner of the lowest slots: redis-py 4.3 asks that one first for a new map, and when it is dead gives up
        # (it cannot copy its own settings) instead of asking the next.
        lowest, victim, _ = cluster.masters_by_slot()
        heir = cluster.replica_of(victim)
        with Load(lowest.port, "failover") as load:
            load.wait_progress(500, 30)
            before = load.counts()
            cluster.wait_replicas_caught_up()
            victim.kill()
            wait_until(lambda: heir.info("replication")["role"] == "master", story.telling.node_timeout_ms / 1000 + 20,
                       f"{heir.address} to take over")
            wait_until(lambda: heir.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 10, "a healthy cluster again")
            load.wait_progress(500, 60)
            after = load.counts()
            load.wait_progress(500, 30)

            # The dead node comes back under load, as a replica of its heir, with the data.
            victim.start()
            wait_until(lambda: cluster.master_of(victim) is heir, 30, f"{victim.address} to follow {heir.address}")
            cluster.wait_replicas_caught_up(60)
        for prefix, acked in load.counts().items():
            story.promise(prefix, 0, before[prefix])
            story.promise(prefix, after[prefix], acked)
        unexpected = [text for errors in load.errors().values() for text in errors if not ERRORS_OF_A_FAILOVER.search(text)]
        assert not unexpected
        cluster.wait_agreed(60, size=6)
        cluster.wait_replicas_caught_up()
        assert victim.call("DBSIZE") == heir.call("DBSIZE") > KEYS // 4
        story.check_promises()

    def test_6_every_key_survives_the_sudden_death_of_all_six(self, story):
        sizes = {node: node.call("DBSIZE") for node in story.cluster.nodes}
        for node in story.cluster.nodes:
            node.kill()
        for node in story.cluster.nodes:
            node.start(seconds=60)
        story.cluster.wait_agreed(60, size=6)
        story.cluster.wait_replicas_caught_up(60)
        assert {node: node.call("DBSIZE") for node in story.cluster.nodes} == sizes
        story.check_promises()

    def test_7_two_nodes_join_and_one_leaves_under_load_and_no_client_notices(self, story):
        cluster, tool, entry = story.cluster, story.tool, f"{HOST}:{story.first}"
        veteran = cluster.masters_by_slot()[-1]
        with Load(story.first, "growth") as load:
            load.wait_progress(200, 30)
            seventh = story.add_node(story.ports[6])
            tool("--cluster", "add-node", seventh.address, entry)
            cluster.wait_agreed(60, size=7)
            eighth = story.add_node(story.ports[7])
            tool("--cluster", "add-node", eighth.address, entry, "--cluster-slave", "--cluster-master-id", seventh.id())
            cluster.wait_agreed(60, size=8)
            assert cluster.master_of(eighth) is seventh

            tool("--cluster", "reshard", entry, "--cluster-from", "all", "--cluster-to", seventh.id(), "--cluster-slots",
                 MOVED_SLOTS, "--cluster-yes")
            cluster.wait_agreed(60, size=8)
            owned = {member["id"]: len(member["slots"]) for member in seventh.cluster_nodes()}
            assert owned[seventh.id()] == MOVED_SLOTS

            leaver = veteran if story.telling.leaver == "veteran" else seventh
            gone = leaver.id()
            tool("--cluster", "rebalance", entry, "--cluster-weight", f"{gone}=0")
            wait_until(lambda: all(not member["slots"] for member in eighth.cluster_nodes() if member["id"] == gone), 30,
                       "the leaving node to be empty")
            cluster.wait_agreed(60, size=8)
            tool("--cluster", "del-node", entry, gone)
            others = [node for node in cluster.running() if node is not leaver]
            wait_until(lambda: all(gone not in [m["id"] for m in node.cluster_nodes()] for node in others), 30,
                       "everybody to forget the node that left")
            leaver.end()
            load.wait_progress(200, 30)
        cluster.wait_agreed(60, size=7)
        assert load.errors() == {}
        for prefix, acked in load.counts().items():
            story.promise(prefix, 0, acked)
        story.check_promises(missing_for_ioredis, missing_for_redis_py)
