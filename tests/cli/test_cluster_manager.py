"""The cluster manager of ashlar-cli against real servers.

Environment: ASHLAR_BIN or ASHLAR_BIN_DIR, the folder of the programs (default build/bin); ASHLAR_TEST_SERVER, the server program (default
redis-server; a name without a slash is looked for in ASHLAR_BIN first, then in PATH); ASHLAR_TEST_PORT, the first of
forty ports (default 21200).
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ASHLAR_BIN") or os.environ.get("ASHLAR_BIN_DIR") or ROOT / "build" / "bin")
CLI = BIN / "ashlar-cli"
FIRST_PORT = int(os.environ.get("ASHLAR_TEST_PORT", "21200"))
HOST = "127.0.0.1"
NODE_TIMEOUT_MS = 2000


def server_program():
    name = os.environ.get("ASHLAR_TEST_SERVER", "redis-server")
    for candidate in (BIN / name, shutil.which(name)):
        if candidate and Path(candidate).is_file():
            return str(candidate)
    pytest.skip(f"there is no {name}")


class Reply(Exception):
    """An error reply."""


class Client:
    """Just enough RESP2 to look into a server."""

    def __init__(self, port):
        self.sock = socket.create_connection((HOST, port), timeout=10)
        self.file = self.sock.makefile("rb")

    def close(self):
        self.file.close()
        self.sock.close()

    def __call__(self, *args):
        out = [b"*%d\r\n" % len(args)]
        for arg in args:
            data = arg if isinstance(arg, bytes) else str(arg).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.sock.sendall(b"".join(out))
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"+":
            return text
        if kind == b"-":
            raise Reply(text)
        if kind == b":":
            return int(text)
        if kind == b"$":
            if text == "-1":
                return None
            return self.file.read(int(text) + 2)[:-2].decode("utf-8", "surrogateescape")
        assert kind == b"*", line
        return None if text == "-1" else [self.read() for _ in range(int(text))]


def until(condition, what, seconds=30):
    """Waits until condition() is true; errors of servers that are not ready count as no."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (OSError, Reply, ConnectionError) as error:
            last = error
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds} s ({last})")


def call(port, *args):
    client = Client(port)
    try:
        return client(*args)
    finally:
        client.close()


class Server:
    def __init__(self, folder, port, *extra, cluster=True):
        self.port = port
        self.address = f"{HOST}:{port}"
        self.folder = folder / str(port)
        self.folder.mkdir()
        conf = ["bind 127.0.0.1", f"port {port}", 'save ""', "appendonly no", "protected-mode no"]
        if cluster:
            conf += ["cluster-enabled yes", "cluster-config-file nodes.conf", f"cluster-node-timeout {NODE_TIMEOUT_MS}"]
        (self.folder / "server.conf").write_text("\n".join(conf + list(extra)) + "\n")
        self.process = None

    def answers(self):
        try:
            return call(self.port, "PING") == "PONG"
        except Reply as error:
            return str(error).startswith("NOAUTH")

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [server_program(), "server.conf"], cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        until(self.answers, f"server {self.port} answers", 10)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def id(self):
        return call(self.port, "CLUSTER", "MYID")

    def __call__(self, *args):
        return call(self.port, *args)


class World:
    """The servers of one test."""

    def __init__(self, folder):
        self.folder = folder
        self.next_port = FIRST_PORT
        self.servers = []

    def server(self, *extra, cluster=True):
        server = Server(self.folder, self.next_port, *extra, cluster=cluster)
        self.next_port += 1
        self.servers.append(server)
        server.start()
        return server

    def nodes(self, count):
        return [self.server() for _ in range(count)]

    def cluster(self, count, replicas=0):
        nodes = self.nodes(count)
        run("create", *[n.address for n in nodes], "--cluster-replicas", str(replicas), "--cluster-yes").ok()
        return nodes


@pytest.fixture
def world(tmp_path):
    if not CLI.is_file():
        pytest.skip(f"{CLI} is not built")
    w = World(tmp_path)
    yield w
    for server in w.servers:
        server.kill()


class Run:
    def __init__(self, args, answers, options):
        env = dict(os.environ, TERM="dumb")
        done = subprocess.run(
            [str(CLI), *options, "--cluster", *args], input=answers, capture_output=True, text=True, timeout=180, env=env
        )
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.all = self.out + self.err

    def ok(self):
        assert self.status == 0, self.all
        return self

    def failed(self):
        assert self.status == 1, self.all
        return self


def run(*args, answers="", options=()):
    return Run(args, answers, options)


def slot_counts(entry):
    """Number of slots by node id, in the eyes of one node."""
    out = {}
    for line in entry("CLUSTER", "NODES").splitlines():
        fields = line.split()
        count = 0
        for token in fields[8:]:
            if not token.startswith("["):
                first, _, last = token.partition("-")
                count += int(last or first) - int(first) + 1
        out[fields[0]] = count
    return out


def owners(entry):
    """Address by slot, in the eyes of one node."""
    out = {}
    for first, last, master, *_ in entry("CLUSTER", "SLOTS"):
        for slot in range(first, last + 1):
            out[slot] = f"{master[0]}:{master[1]}"
    return out


def key_slot(entry, key):
    return entry("CLUSTER", "KEYSLOT", key)


def fill(nodes, count=300):
    """Writes keys wherever they belong."""
    where = owners(nodes[0])
    clients = {n.address: Client(n.port) for n in nodes}
    for i in range(count):
        key = f"key:{i}"
        clients[where[key_slot(nodes[0], key)]]("SET", key, f"value:{i}")
    for client in clients.values():
        client.close()


def assert_filled(nodes, count=300):
    where = owners(nodes[0])
    clients = {n.address: Client(n.port) for n in nodes}
    for i in range(count):
        key = f"key:{i}"
        assert clients[where[key_slot(nodes[0], key)]]("GET", key) == f"value:{i}"
    for client in clients.values():
        client.close()


def key_of_slot_owned_by(nodes, server):
    where = owners(nodes[0])
    return next(k for k in (f"key:{i}" for i in range(10000)) if where[key_slot(nodes[0], k)] == server.address)


# --- create -----------------------------------------------------------------------------------------------------------


def test_create_makes_a_cluster_that_works_at_once(world):
    nodes = world.nodes(6)
    result = run("create", *[n.address for n in nodes], "--cluster-replicas", "1", answers="yes\n").ok()
    assert ">>> Performing hash slots allocation on 6 nodes..." in result.out
    assert "Master[0] -> Slots 0 - 5460\nMaster[1] -> Slots 5461 - 10922\nMaster[2] -> Slots 10923 - 16383" in result.out
    assert "Can I set the above configuration? (type 'yes' to accept): " in result.out
    assert f"M: {nodes[0].id} {nodes[0].address}\n   slots:[0-5460] (5461 slots) master\n" in result.out
    assert result.out.endswith("[OK] All 16384 slots covered.\n")
    for node in nodes:
        assert "cluster_state:ok" in node("CLUSTER", "INFO")
    assert sorted(node("ROLE")[0] for node in nodes) == ["master"] * 3 + ["slave"] * 3
    fill(nodes)
    assert_filled(nodes)


def test_create_changes_nothing_without_a_yes(world):
    nodes = world.nodes(3)
    for answers in ("no\n", ""):
        run("create", *[n.address for n in nodes], answers=answers).failed()
    assert all(n("CLUSTER", "INFO").count("cluster_slots_assigned:0") for n in nodes)


def test_create_says_the_arithmetic(world):
    result = run("create", *[f"{HOST}:{FIRST_PORT + i}" for i in range(6)], "--cluster-replicas", "2").failed()
    assert "6 nodes with 2 replicas per master make 2 masters; at least 3 are needed, so 9 nodes" in result.out
    assert "*** At least 9 nodes are required." in result.out


def test_create_tells_every_obstacle_before_it_changes_anything(world):
    good, full, met, other = world.nodes(4)
    alone = world.server(cluster=False)
    full("CLUSTER", "ADDSLOTS", *range(16384))
    until(lambda: "cluster_state:ok" in full("CLUSTER", "INFO"), "one node is a cluster")
    full("SET", "a", "b")
    full("CLUSTER", "DELSLOTS", *range(16384))
    met("CLUSTER", "MEET", HOST, other.port)
    until(lambda: len(met("CLUSTER", "NODES").splitlines()) == 2, "two nodes met")
    closed = f"{HOST}:{FIRST_PORT + 39}"
    result = run(
        "create", good.address, full.address, met.address, alone.address, closed, f"localhost:{good.port}",
        "--cluster-yes",
    ).failed()
    assert f"[ERR] Node {full.address} is not empty. It contains 1 keys" in result.out
    assert f"[ERR] Node {met.address} is not empty. It already knows 1 other node(s)" in result.out
    assert f"[ERR] Node {alone.address} is not configured as a cluster node." in result.out
    assert f"Could not connect to Redis at {closed}: Connection refused" in result.out
    assert f"{good.address} and localhost:{good.port} are the same node" in result.out
    assert "cluster_slots_assigned:0" in good("CLUSTER", "INFO")
    assert "cluster_known_nodes:1\r" in good("CLUSTER", "INFO")


def test_create_separates_replicas_from_their_masters_by_host(world):
    nodes = world.nodes(6)
    # Two spellings of one machine are two hosts for this purpose.
    named = [n.address for n in nodes[:3]] + [f"localhost:{n.port}" for n in nodes[3:]]
    result = run("create", *named, "--cluster-replicas", "1", answers="no\n").failed()
    for replica, master in re.findall(r"Adding replica (\S+):\d+ to (\S+):\d+", result.out):
        assert replica != master
    assert "anti-affinity" not in result.out


# --- check, info, call ------------------------------------------------------------------------------------------------


def test_check_info_and_call_show_the_cluster(world):
    nodes = world.cluster(6, replicas=1)
    fill(nodes, 100)
    check = run("check", nodes[4].address).ok()
    assert "[OK] 100 keys in 3 masters.\n0.01 keys per slot on average.\n" in check.out
    assert f">>> Performing Cluster Check (using node {nodes[4].address})" in check.out
    assert "[OK] All nodes agree about slots configuration." in check.out
    assert check.out.count("   1 additional replica(s)\n") == 3
    assert f"   slots: (0 slots) slave\n   replicates {nodes[0].id}\n" in check.out
    info = run("info", HOST, str(nodes[0].port)).ok()
    assert re.search(rf"{nodes[0].address} \({nodes[0].id[:8]}\.\.\.\) -> \d+ keys \| 5461 slots \| 1 slaves\.", info.out)
    every = run("call", nodes[0].address, "config", "get", "port").ok()
    for node in nodes:
        assert f"{node.address}: port\n{node.port}\n" in every.out
    masters = run("call", nodes[0].address, "ping", "--cluster-only-masters").ok()
    assert masters.out.count(": PONG") == 3
    assert run("call", nodes[0].address, "--cluster-only-replicas", "nonsense").failed().out.count("ERR unknown") == 3


def test_check_finds_open_and_uncovered_slots(world):
    nodes = world.cluster(3)
    nodes[0]("CLUSTER", "SETSLOT", 5, "MIGRATING", nodes[1].id)
    nodes[1]("CLUSTER", "SETSLOT", 5, "IMPORTING", nodes[0].id)
    result = run("check", nodes[0].address).failed()
    assert f"[WARNING] Node {nodes[0].address} has slots in migrating state 5." in result.out
    assert f"[WARNING] Node {nodes[1].address} has slots in importing state 5." in result.out
    assert "[WARNING] The following slots are open: 5." in result.out
    for node in nodes:
        node("CLUSTER", "DELSLOTS", 6)
    result = run("check", nodes[0].address).failed()
    assert "[ERR] Not all 16384 slots are covered by nodes.\n" in result.out
    rebalance = run("rebalance", nodes[0].address).failed()
    assert "*** Please fix your cluster problems before rebalancing" in rebalance.out
    reshard = run("reshard", nodes[0].address, "--cluster-slots", "1", "--cluster-yes").failed()
    assert "*** Please fix your cluster problems before resharding" in reshard.out


def test_errors_of_the_command_line(world):
    assert "Unknown --cluster subcommand 'chekc'" in run("chekc", f"{HOST}:{FIRST_PORT}").failed().err
    assert "Connection refused" in run("check", f"{HOST}:{FIRST_PORT + 39}").failed().err
    alone = world.server(cluster=False)
    result = run("check", alone.address).failed()
    assert f"[ERR] Node {alone.address} is not configured as a cluster node." in result.out
    assert "rebalance" in run("help").ok().out


def test_passwords_are_used_everywhere(world):
    secret = ("requirepass sesame", "masterauth sesame")
    nodes = [world.server(*secret) for _ in range(4)]
    ids = []
    for node in nodes:
        client = Client(node.port)
        client("AUTH", "sesame")
        ids.append(client("CLUSTER", "MYID"))
        client.close()
    options = ("-a", "sesame", "--no-auth-warning")
    run("create", *[n.address for n in nodes[:3]], "--cluster-yes", options=options).ok()
    client = Client(nodes[0].port)
    client("AUTH", "sesame")
    key = next(k for k in (f"k{i}" for i in range(1000)) if client("CLUSTER", "KEYSLOT", k) < 100)
    client("SET", key, "v")
    run("add-node", nodes[3].address, nodes[0].address, options=options).ok()
    run("reshard", nodes[0].address, "--cluster-from", ids[0], "--cluster-to", ids[3], "--cluster-slots", "100",
        "--cluster-yes", options=options).ok()
    client.close()
    client = Client(nodes[3].port)
    client("AUTH", "sesame")
    assert client("GET", key) == "v"
    client.close()
    refused = run("check", nodes[0].address, options=("-a", "wrong", "--no-auth-warning")).failed()
    assert "AUTH failed" in refused.all


# --- growing, shrinking -----------------------------------------------------------------------------------------------


def test_nodes_join_take_slots_and_leave_without_losing_keys(world):
    nodes = world.cluster(6, replicas=1)
    fill(nodes)
    seventh, eighth = world.nodes(2)
    added = run("add-node", seventh.address, nodes[0].address).ok()
    assert added.out.endswith("[OK] New node added correctly.\n")
    added = run("add-node", eighth.address, nodes[0].address, "--cluster-slave").ok()
    # A master without slots is no choice as long as there are others.
    assert f"Automatically selected master {nodes[0].address}" in added.out
    until(lambda: eighth("ROLE")[0] == "slave", "the eighth node is a replica")

    result = run("reshard", nodes[0].address, "--cluster-from", "all", "--cluster-to", seventh.id, "--cluster-slots",
                 "1000", "--cluster-yes").ok()
    moved = re.findall(r"^Moving slot (\d+) from (\S+) to (\S+): (\.*)$", result.out, re.M)
    assert len(moved) == 1000
    assert {to for _, _, to, _ in moved} == {seventh.address}
    assert sum(len(dots) for *_, dots in moved) == seventh("DBSIZE") > 0
    assert slot_counts(nodes[0])[seventh.id] == 1000
    run("check", nodes[0].address).ok()
    everybody = nodes + [seventh, eighth]
    assert_filled(everybody)

    refused = run("del-node", nodes[0].address, seventh.id).failed()
    assert f"[ERR] Node {seventh.address} is not empty! Reshard data away and try again." in refused.out
    run("rebalance", nodes[0].address, "--cluster-weight", f"{seventh.id[:10]}=0").ok()
    assert slot_counts(nodes[0])[seventh.id] == 0
    assert_filled(everybody)
    # Emptied, it became a replica of whoever took the last slot, or stayed an empty master.
    gone = run("del-node", nodes[0].address, seventh.id).ok()
    assert ">>> Sending CLUSTER RESET SOFT to the deleted node." in gone.out
    run("del-node", nodes[0].address, eighth.id).ok()
    for node in nodes:
        assert seventh.id not in node("CLUSTER", "NODES")
        assert eighth.id not in node("CLUSTER", "NODES")
    assert len(seventh("CLUSTER", "NODES").splitlines()) == 1
    run("check", nodes[0].address).ok()
    assert_filled(nodes)


def test_add_node_checks_before_it_changes_anything(world):
    nodes = world.cluster(3)
    alone = world.server(cluster=False)
    fresh = world.server()
    assert "is not configured as a cluster node" in run("add-node", alone.address, nodes[0].address).failed().out
    assert "is not empty. It already knows 2 other node(s)" in run("add-node", nodes[1].address, nodes[0].address).failed().out
    result = run("add-node", fresh.address, nodes[0].address, "--cluster-slave", "--cluster-master-id", "f" * 40).failed()
    assert f"[ERR] No such master ID {'f' * 40}" in result.out
    assert len(fresh("CLUSTER", "NODES").splitlines()) == 1
    ok = run("add-node", fresh.address, nodes[0].address, "--cluster-slave", "--cluster-master-id", nodes[2].id).ok()
    assert f">>> Configure node as replica of {nodes[2].address}." in ok.out
    assert f"slave {nodes[2].id}" in nodes[0]("CLUSTER", "NODES")


def test_reshard_asks_for_what_it_was_not_told(world):
    nodes = world.cluster(3)
    answers = f"0\nx\n7\nnobody\n{nodes[2].id}\nnobody\n{nodes[2].id}\n{nodes[0].id}\ndone\nyes\n"
    result = run("reshard", nodes[0].address, answers=answers).ok()
    assert result.out.count("How many slots do you want to move (from 1 to 16384)? ") == 3
    assert result.out.count("What is the receiving node ID? ") == 2
    assert "*** The specified node (nobody) is not known or not a master, please retry." in result.out
    assert "*** It is not possible to use the target node as source node" in result.out
    assert "Do you want to proceed with the proposed reshard plan (yes/no)? " in result.out
    assert slot_counts(nodes[1]) == {nodes[0].id: 5454, nodes[1].id: 5462, nodes[2].id: 5468}
    before = slot_counts(nodes[0])
    for cut in ("", "7\n", f"7\n{nodes[2].id}\n", f"7\n{nodes[2].id}\nall\n", f"7\n{nodes[2].id}\nall\nno\n"):
        run("reshard", nodes[0].address, answers=cut).failed()
    assert slot_counts(nodes[0]) == before
    too_many = run("reshard", nodes[0].address, "--cluster-from", nodes[0].id, "--cluster-to", nodes[1].id,
                   "--cluster-slots", "6000", "--cluster-yes").failed()
    assert "6000 slots are asked for, but the source nodes have only 5454" in too_many.out


def test_rebalance_simulates_and_uses_empty_masters(world):
    nodes = world.cluster(3)
    fill(nodes)
    idle = run("rebalance", nodes[0].address).ok()
    assert "*** No rebalancing needed! All nodes are within the 2.00% threshold." in idle.out
    fourth = world.server()
    run("add-node", fourth.address, nodes[0].address).ok()
    before = slot_counts(nodes[0])
    simulated = run("rebalance", nodes[0].address, "--cluster-use-empty-masters", "--cluster-simulate").ok()
    assert ">>> Rebalancing across 4 nodes. Total weight = 4.00" in simulated.out
    assert simulated.out.count("#") == 4096
    assert slot_counts(nodes[0]) == before
    real = run("rebalance", nodes[0].address, "--cluster-use-empty-masters", "--cluster-pipeline", "50").ok()
    assert real.out.count("#") == 4096
    assert set(slot_counts(fourth).values()) == {4096}
    assert_filled(nodes + [fourth])
    wrong = run("rebalance", nodes[0].address, "--cluster-weight", "zzz=2").failed()
    assert "No such master node zzz" in wrong.out


def test_the_weight_of_a_replica_does_not_count(world):
    nodes = world.cluster(6, replicas=1)
    replica = next(n for n in nodes if n("ROLE")[0] == "slave")
    result = run("rebalance", nodes[0].address, "--cluster-weight", f"{replica.id}=.01", "--cluster-use-empty-masters").ok()
    assert f"[WARNING] {replica.address} is a replica: its weight does not count." in result.out
    assert "No rebalancing needed!" in result.out


def test_del_node_moves_replicas_and_forgets_the_dead(world):
    nodes = world.cluster(6, replicas=1)
    spare, dead = world.nodes(2)
    run("add-node", spare.address, nodes[0].address).ok()
    replica = next(n for n in nodes if n("ROLE")[0] == "slave")
    replica("CLUSTER", "REPLICATE", spare.id)
    until(lambda: f"slave {spare.id}" in nodes[0]("CLUSTER", "NODES"), "the replica follows the spare master")
    result = run("del-node", nodes[0].address, spare.id).ok()
    assert re.search(rf">>> {replica.address} as replica of ", result.out)
    run("add-node", dead.address, nodes[0].address).ok()
    gone = dead.id
    dead.kill()
    until(lambda: re.search(rf"{gone} \S+ \S*fail[ ,]", nodes[0]("CLUSTER", "NODES")), "the dead node is failed")
    result = run("del-node", nodes[0].address, gone).ok()
    assert "does not answer: it is forgotten" in result.out
    assert gone not in nodes[1]("CLUSTER", "NODES")
    assert "[ERR] No such node ID abc" in run("del-node", nodes[0].address, "abc").failed().out


# --- fix --------------------------------------------------------------------------------------------------------------


def test_fix_finishes_a_move_that_was_cut_short(world):
    nodes = world.cluster(3)
    fill(nodes)
    source, target = nodes[0], nodes[1]
    key = key_of_slot_owned_by(nodes, source)
    slot = key_slot(source, key)
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    result = run("fix", nodes[2].address).ok()
    assert f">>> Fixing open slot {slot}" in result.out
    assert f">>> Case 1: Moving slot {slot} from {source.address} to {target.address}" in result.out
    until(lambda: owners(nodes[2])[slot] == target.address, "all know the new owner")
    run("check", nodes[0].address).ok()
    assert_filled(nodes)


def test_fix_returns_keys_of_importing_nodes_to_the_owner(world):
    nodes = world.cluster(3)
    fill(nodes)
    source, target = nodes[0], nodes[1]
    key = key_of_slot_owned_by(nodes, source)
    slot = key_slot(source, key)
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    source("MIGRATE", HOST, target.port, key, 0, 5000)
    source("CLUSTER", "SETSLOT", slot, "STABLE")
    result = run("fix", nodes[2].address).ok()
    assert f">>> Case 2: Moving all the {slot} slot keys to its owner {source.address}" in result.out
    run("check", nodes[0].address).ok()
    assert_filled(nodes)


def test_fix_closes_a_slot_that_nobody_imports(world):
    nodes = world.cluster(3)
    nodes[0]("CLUSTER", "SETSLOT", 3, "MIGRATING", nodes[1].id)
    result = run("fix", nodes[0].address).ok()
    assert f">>> Case 4: Closing slot 3 on {nodes[0].address}" in result.out
    run("check", nodes[0].address).ok()


def test_fix_does_not_guess_between_two_values_of_a_key(world):
    nodes = world.cluster(3)
    source, target = nodes[0], nodes[1]
    key = key_of_slot_owned_by(nodes, source)
    slot = key_slot(source, key)
    source("SET", key, "one")
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    client = Client(target.port)
    client("ASKING")
    client("SET", key, "two")
    source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    result = run("fix", source.address).failed()
    assert f'1 key(s) with different values: "{key}"' in result.out
    assert source("GET", key) == "one"
    client("ASKING")
    client("SET", key, "one")
    run("fix", source.address).ok()
    assert target("GET", key) == "one"
    client.close()


def test_fix_goes_on_with_a_move_that_left_one_key_on_both_sides(world):
    nodes = world.cluster(3)
    source, target = nodes[0], nodes[1]
    tag = "{%s}" % key_of_slot_owned_by(nodes, source)
    slot = key_slot(source, tag)
    for number in range(5):
        source("SET", f"{tag}{number}", "same")
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    client = Client(target.port)
    client("ASKING")
    client("SET", f"{tag}0", "same")
    client.close()
    run("fix", source.address).ok()
    assert [target("GET", f"{tag}{number}") for number in range(5)] == ["same"] * 5


def test_fix_does_not_take_two_refusals_for_the_same_value(world):
    nodes = world.cluster(3)
    source, target = nodes[0], nodes[1]
    for node in nodes:
        node("ACL", "SETUSER", "operator", "on", ">secret", "~*", "&*", "+@all", "-dump")
    key = key_of_slot_owned_by(nodes, source)
    source("SET", key, "one")
    target("CLUSTER", "SETSLOT", key_slot(source, key), "IMPORTING", source.id)
    client = Client(target.port)
    client("ASKING")
    client("SET", key, "two")
    client.close()
    result = run("fix", source.address, options=("--user", "operator", "--pass", "secret")).failed()
    assert f'whether "{key}" has the same value on both nodes cannot be told: NOPERM' in result.all
    assert source("GET", key) == "one"


def test_fix_covers_slots_that_nobody_owns(world):
    nodes = world.cluster(3)
    fill(nodes)
    key = key_of_slot_owned_by(nodes, nodes[0])
    held = key_slot(nodes[0], key)
    filled = {key_slot(nodes[0], f"key:{i}") for i in range(300)}
    empty = next(s for s in range(5461) if s not in filled)
    for node in nodes:
        node("CLUSTER", "DELSLOTS", held, empty)
    refused = run("fix", nodes[0].address, answers="no\nno\n").failed()
    assert "The following uncovered slots have no keys across the cluster:\n[%d]\n" % empty in refused.out
    assert "The following uncovered slots have keys in just one node:\n[%d]\n" % held in refused.out
    run("fix", nodes[0].address, answers="yes\nyes\n").ok()
    until(lambda: owners(nodes[2]).get(held) == nodes[0].address, "the node with the keys owns the slot")
    run("check", nodes[1].address).ok()
    assert_filled(nodes)


def test_fix_gathers_uncovered_slots_held_by_several(world):
    nodes = world.cluster(3)
    fill(nodes)
    source, target = nodes[0], nodes[1]
    where = owners(source)
    slot = next(s for s in range(5461) if source("CLUSTER", "COUNTKEYSINSLOT", s) == 1 and where[s] == source.address)
    first = source("CLUSTER", "GETKEYSINSLOT", slot, 1)[0]
    second = "{%s}:other" % first
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    client = Client(target.port)
    client("ASKING")
    client("SET", second, "x")
    client.close()
    target("CLUSTER", "SETSLOT", slot, "STABLE")
    for node in nodes:
        node("CLUSTER", "DELSLOTS", slot)
    run("fix", source.address, "--cluster-yes").ok()
    run("check", source.address).ok()
    owner = next(n for n in nodes if n.address == owners(source)[slot])
    assert owner("GET", second) == "x"
    assert_filled(nodes)


def test_fix_settles_a_slot_with_two_owners_without_losing_keys(world):
    nodes = world.cluster(3)
    fill(nodes)
    # Gossip settles the slot too, within a second, for the claim with the higher epoch: with the keys at that one
    # nothing is lost whoever comes first, and the slot is contested again until it was the commands that came first.
    source, rival = nodes[1], nodes[0]
    slot = next(s for s in range(5461, 10923) if source("CLUSTER", "COUNTKEYSINSLOT", s) > 0)

    def contest():
        until(lambda: owners(rival)[slot] == source.address, "the slot has one owner")
        rival("CLUSTER", "DELSLOTS", slot)
        rival("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        rival("CLUSTER", "ADDSLOTS", slot)

    def once(command, text):
        for _ in range(50):
            try:
                contest()
            except Reply as gossip:  # gave the slot back already
                assert "already busy" in str(gossip)
                continue
            result = run(command, source.address, "--cluster-search-multiple-owners")
            if text in result.out:
                return result
        raise AssertionError(f"gossip always came before --cluster {command}")

    owned = [f"    {n.address}\n" for n in (source, rival)]
    once("check", f"[WARNING] Slot {slot} has 2 owners:\n" + "".join(owned)).failed()
    once("fix", f">>> Fixing multiple owners for slot {slot}...").ok()
    run("check", source.address, "--cluster-search-multiple-owners").ok()
    assert owners(rival)[slot] == source.address
    assert_filled(nodes)


def test_fix_refuses_while_a_master_is_away(world):
    nodes = world.cluster(3)
    nodes[2].kill()
    until(lambda: "cluster_state:fail" in nodes[0]("CLUSTER", "INFO"), "the failure is seen")
    refused = run("fix", nodes[0].address, "--cluster-yes").failed()
    assert "Fixing slots coverage with 1 unreachable masters is dangerous" in refused.out
    assert sum(slot_counts(nodes[0]).values()) == 16384
    run("fix", nodes[0].address, "--cluster-yes", "--cluster-fix-with-unreachable-masters").ok()
    until(lambda: "cluster_state:ok" in nodes[1]("CLUSTER", "INFO"), "the two serve all slots")


def test_fix_leaves_a_slot_open_while_the_master_that_gets_it_is_away(world):
    nodes = world.cluster(3)
    target = world.server()
    run("add-node", target.address, nodes[0].address).ok()
    source = nodes[0]
    key = key_of_slot_owned_by(nodes, source)
    slot = key_slot(source, key)
    source("SET", key, "only here soon")
    target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    source("MIGRATE", HOST, target.port, key, 0, 5000)
    target.kill()
    refused = run("fix", source.address, "--cluster-yes").failed()
    assert "Fixing open slots with 1 unreachable masters is dangerous" in refused.out
    assert f"[{slot}->-" in source("CLUSTER", "NODES")
    run("fix", source.address, "--cluster-yes", "--cluster-fix-with-unreachable-masters").ok()
    assert f"[{slot}->-" not in source("CLUSTER", "NODES")


def test_a_failed_move_names_the_slot_and_the_way_on(world):
    nodes = world.cluster(3)
    source, target = nodes[0], nodes[1]
    key = next(k for k in (f"k{i}" for i in range(200000)) if key_slot(source, k) == 2)
    source("SET", key, "one")
    target("CLUSTER", "SETSLOT", 2, "IMPORTING", source.id)
    client = Client(target.port)
    client("ASKING")
    client("SET", key, "two")
    client.close()
    target("CLUSTER", "SETSLOT", 2, "STABLE")
    args = ("reshard", source.address, "--cluster-from", source.id, "--cluster-to", target.id, "--cluster-slots", "5",
            "--cluster-yes")
    result = run(*args).failed()
    assert f"*** Moving slot 2 from {source.address} to {target.address}: " in result.out
    assert "*** 2 of 5 slots were moved. Slot 2 may be left open between the two nodes" in result.out
    assert f"--cluster fix {source.address}" in result.out
    run("fix", source.address, "--cluster-replace").ok()
    assert target("GET", key) == "one"
    run("check", source.address).ok()


# --- import, set-timeout, backup --------------------------------------------------------------------------------------


def test_import_brings_the_keys_of_a_single_server(world):
    nodes = world.cluster(3)
    source = world.server(cluster=False)
    for i in range(50):
        source("SET", f"key:{i}", f"value:{i}")
    common = ("import", nodes[0].address, "--cluster-from", source.address)
    copied = run(*common, "--cluster-copy").ok()
    assert "*** Importing 50 keys from DB 0" in copied.out
    assert len(re.findall(r"^Migrating key:\d+ to 127\.0\.0\.1:\d+: OK$", copied.out, re.M)) == 50
    assert source("DBSIZE") == 50
    assert_filled(nodes, 50)
    busy = run(*common).failed()
    assert "BUSYKEY" in busy.out and "50 key(s) were not imported" in busy.out
    run(*common, "--cluster-replace").ok()
    assert source("DBSIZE") == 0
    assert_filled(nodes, 50)
    wrong = run("import", nodes[0].address, "--cluster-from", nodes[1].address).failed()
    assert "The source node should not be a cluster node." in wrong.out
    assert "'--cluster-from' is required" in run("import", nodes[0].address).failed().err


def test_set_timeout_reaches_every_node(world):
    nodes = world.cluster(3)
    result = run("set-timeout", nodes[0].address, "2500").ok()
    assert ">>> New node timeout set. 3 OK, 0 ERR." in result.out
    for node in nodes:
        assert node("CONFIG", "GET", "cluster-node-timeout")[1] == "2500"
    assert "less than 100" in run("set-timeout", nodes[0].address, "99").failed().out


def test_backup_saves_the_data_and_the_map(world, tmp_path):
    import json

    nodes = world.cluster(3)
    fill(nodes, 30)
    folder = tmp_path / "backup"
    result = run("backup", nodes[0].address, str(folder)).ok()
    assert f"[OK] Backup created into: {folder}" in result.out
    saved = json.loads((folder / "nodes.json").read_text())
    assert [n["slots"] for n in sorted(saved, key=lambda n: n["port"])] == [[[0, 5460]], [[5461, 10922]], [[10923, 16383]]]
    for node in nodes:
        rdb = (folder / f"redis-node-{HOST}-{node.port}-{node.id}.rdb").read_bytes()
        assert rdb.startswith(b"REDIS") and rdb[-9] == 0xFF


def test_a_backup_that_fails_leaves_the_one_before_as_it_was(world, tmp_path):
    nodes = world.cluster(3)
    fill(nodes, 30)
    folder = tmp_path / "backup"
    run("backup", nodes[0].address, str(folder)).ok()
    content = lambda: {path.name: path.read_bytes() for path in folder.iterdir()}
    before = content()
    fill(nodes, 60)
    nodes[2]("ACL", "SETUSER", "default", "-sync", "-psync")
    assert "SYNC failed: NOPERM" in run("backup", nodes[0].address, str(folder)).failed().all
    assert content() == before


def test_a_closed_pipe_does_not_stop_a_move(world):
    nodes = world.cluster(3)
    process = subprocess.Popen(
        [str(CLI), "--cluster", "reshard", nodes[0].address, "--cluster-from", nodes[0].id, "--cluster-to", nodes[1].id,
         "--cluster-slots", "20", "--cluster-yes"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert slot_counts(nodes[0])[nodes[1].id] == 5462 + 20


# --- what a person sees -----------------------------------------------------------------------------------------------


def test_a_terminal_gets_a_progress_line_instead_of_a_line_a_slot(world):
    import pty

    nodes = world.cluster(3)
    fill(nodes)
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(str(CLI), [str(CLI), "--cluster", "reshard", nodes[0].address, "--cluster-from", nodes[0].id,
                            "--cluster-to", nodes[1].id, "--cluster-slots", "300", "--cluster-yes"])
    seen = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    text = seen.decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert re.search(r"\[#+\.*\] +\d+%  \d+/300 slots  \d+ slots/s  \d+ keys/s  \d+:\d\d left", text)
    assert "Moving slot 5 from" not in text.split("Resharding plan:")[1].split("[OK]")[0].replace("    Moving slot", "")
    assert re.search(r"\[OK\] Moved 300 slots and \d+ keys in", text)
