"""One cluster of our nodes and real redis-server nodes: both kinds as masters, replicas and voters, told as one story."""
import pytest
from redis.cluster import RedisCluster

import harness
from harness import HOST, SLOTS, ClusterTool, process_exists, wait_until

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly yes
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 2000
cluster-migration-barrier 5
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""
OURS, THEIRS = "ashlar-server", "redis-server"
KINDS = [OURS, THEIRS, OURS, THEIRS, OURS, THEIRS]  # three masters, and a replica of the other kind for each
KEYS = 3000


class Story:
    def __init__(self, cluster, ports):
        self.cluster, self.tool, self.broken = cluster, ClusterTool("redis-cli"), None
        self.nodes = [cluster.add(port, CONFIG.format(port=port), server=kind)
                      for port, kind in zip(ports.take(len(KINDS)), KINDS)]
        self.entry = self.nodes[0].address
        self.written = {}

    def client(self):
        node = self.cluster.running()[-1]
        return RedisCluster(host=HOST, port=node.port, decode_responses=True, socket_timeout=5)

    def write(self, prefix, count):
        client = self.client()
        for number in range(count):
            key = f"{prefix}:{number}"
            client.set(key, f"value of {key}")
            self.written[key] = f"value of {key}"
        client.close()

    def check_data(self):
        """Every key that was acknowledged is served, and replicas hold what their masters do."""
        client = self.client()
        missing = [key for key, value in self.written.items() if client.get(key) != value]
        client.close()
        assert not missing, f"{len(missing)} keys, such as {missing[:5]}"
        self.cluster.wait_replicas_caught_up()
        for node in self.cluster.running():
            master = self.cluster.master_of(node)
            if master is not None:
                assert node.call("DBSIZE") == master.call("DBSIZE"), f"{node} and {master}"

    def settle(self, size=len(KINDS)):
        self.cluster.wait_agreed(60, size)
        self.cluster.wait_replicas_caught_up(60)

    def master(self, kind):
        """A master of that kind that has a replica of the other kind, and this replica."""
        for node in self.cluster.running():
            if node.server != kind or node not in self.cluster.masters():
                continue
            for other in self.cluster.running():
                if other.server != kind and self.cluster.master_of(other) is node:
                    return node, other
        raise AssertionError(f"no master of kind {kind} with a replica of the other kind")


@pytest.fixture(scope="class")
def story(ports):
    told = Story(harness.Cluster("mixed"), ports)
    yield told
    told.cluster.end()


@pytest.fixture(autouse=True)
def one_step_after_the_other(request, story):
    if story.broken:
        pytest.skip(f"the story broke off in {story.broken}")
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        story.broken = request.node.name


def shut_down(node):
    pid = node.pid
    try:
        node.call("SHUTDOWN", "NOSAVE")
    except harness.NOT_NOW:
        pass
    wait_until(lambda: not process_exists(pid), 30, f"the end of {node}")
    node.pid = None


class TestMixedCluster:
    def test_1_redis_cli_makes_a_cluster_of_both_kinds(self, story):
        masters, replicas = story.nodes[:3], story.nodes[3:]
        for node in masters:
            node.start()
        story.tool("--cluster", "create", *[node.address for node in masters], "--cluster-yes")
        story.settle(size=3)
        for size, (master, replica) in enumerate(zip(masters, replicas), 4):
            assert master.server != replica.server
            replica.start()
            story.tool("--cluster", "add-node", replica.address, story.entry, "--cluster-slave", "--cluster-master-id",
                       master.id())
            story.settle(size)
        story.write("first", KEYS)
        story.check_data()
        assert "[OK] All 16384 slots covered" in story.tool("--cluster", "check", story.entry)

    @pytest.mark.parametrize("source, target", [(OURS, THEIRS), (THEIRS, OURS)], ids="-".join)
    def test_2_slots_with_keys_move_between_the_kinds(self, story, source, target):
        source, target = story.master(source)[0], story.master(target)[0]
        before = {member["id"]: len(member["slots"]) for member in source.cluster_nodes()}
        story.tool("--cluster", "reshard", story.entry, "--cluster-from", source.id(), "--cluster-to", target.id(),
                   "--cluster-slots", 200, "--cluster-yes")
        story.settle()
        after = {member["id"]: len(member["slots"]) for member in target.cluster_nodes()}
        assert after[source.id()] == before[source.id()] - 200 and after[target.id()] == before[target.id()] + 200
        story.check_data()

    @pytest.mark.parametrize("kind", [OURS, THEIRS])
    @pytest.mark.parametrize("how", ["", "TAKEOVER"])
    def test_3_a_replica_of_the_other_kind_takes_over_when_asked(self, story, kind, how):
        master, replica = story.master(kind)
        assert replica.call("CLUSTER", "FAILOVER", *how.split()) == "OK"
        wait_until(lambda: story.cluster.master_of(master) is replica, 30, f"{master} to follow {replica}")
        story.settle()
        story.write(f"after {how} of {replica.server}", 200)
        story.check_data()

    @pytest.mark.parametrize("kind", [OURS, THEIRS])
    def test_4_a_replica_of_the_other_kind_takes_over_from_a_dead_master(self, story, kind):
        master, replica = story.master(kind)
        story.cluster.wait_replicas_caught_up()
        master.kill()
        wait_until(lambda: replica.info("replication")["role"] == "master", 60, f"{replica} to be elected")
        wait_until(lambda: all(node.fields("CLUSTER", "INFO")["cluster_state"] == "ok" for node in story.cluster.running()),
                   60, "the others to see it")
        story.write(f"without the {kind}", 200)
        master.start()
        wait_until(lambda: story.cluster.master_of(master) is replica, 30, f"{master} to follow {replica}")
        story.settle()
        story.check_data()

    @pytest.mark.parametrize("kind, other", [(OURS, THEIRS), (THEIRS, OURS)], ids="-".join)
    @pytest.mark.parametrize("role", ["master", "replica"])
    def test_5_one_kind_goes_on_with_the_files_of_the_other(self, story, kind, other, role):
        if role == "master":
            node = story.master(kind)[0]
        else:
            node = story.master(other)[1]
        assert node.server == kind
        name = node.id()
        shut_down(node)
        node.server = other
        node.start()
        assert node.id() == name
        story.settle()
        node.server = other
        story.write(f"{other} on the files of {kind} as {role}", 100)
        story.check_data()
        # Back again, so that the next step finds both kinds in both roles.
        shut_down(node)
        node.server = kind
        node.start()
        assert node.id() == name
        story.settle()
        story.check_data()

    def test_6_everybody_sees_the_same_cluster_in_the_end(self, story):
        story.settle()
        for node in story.nodes:
            assert "[OK] All 16384 slots covered" in story.tool("--cluster", "check", node.address)
            assert sum(len(member["slots"]) for member in node.cluster_nodes()) == SLOTS
