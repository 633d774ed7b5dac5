"""What a cluster counts for each slot (CLUSTER SLOT-STATS), and several databases in a cluster (cluster-databases)."""
import pytest

from harness import SLOTS, ClusterTool, wait_until
from wire import Error, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 2
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 5000
cluster-require-full-coverage no
{more}
"""
KEY_SLOT = 12539  # of "key"; that of "460" is 5, which is soon moved


@pytest.fixture
def start(cluster, ports):
    def start_one(more=""):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port, more=more)).start()

    return start_one


@pytest.fixture
def lone(start):
    """A node that owns all slots."""

    def start_one(more=""):
        node = start(more)
        assert node.call("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1) == "OK"
        wait_until(lambda: node.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 10, "a cluster of one")
        return node

    return start_one


def join(node, primary):
    """Makes `node` a replica of `primary`."""
    assert node.call("CLUSTER", "MEET", "127.0.0.1", primary.port) == "OK"
    name = primary.id()
    wait_until(lambda: node.call("CLUSTER", "REPLICATE", name) == "OK", 20, "the nodes to meet")
    wait_until(lambda: node.info("replication").get("master_link_status") == "up", 20, "the link")


def two_primaries(lone, start):
    """One with all slots and one without any, which know each other."""
    first, second = lone(), start()
    assert second.call("CLUSTER", "MEET", "127.0.0.1", first.port) == "OK"
    wait_until(lambda: len(first.cluster_nodes()) == 2 and second.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20,
               "two nodes")
    return first, second


def open_slot(source, target, key):
    """Begins to move the slot of `key`, which is returned."""
    slot = source.call("CLUSTER", "KEYSLOT", key)
    assert target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id()) == "OK"
    assert source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id()) == "OK"
    return slot


def stats(wire, slot=KEY_SLOT):
    """The figures of one slot."""
    [[number, fields]] = wire.call("CLUSTER", "SLOT-STATS", "SLOTSRANGE", slot, slot)
    assert number == slot
    return dict(zip(fields[::2], fields[1::2]))


def traffic(wire, slot=KEY_SLOT):
    figures = stats(wire, slot)
    return figures["network-bytes-in"], figures["network-bytes-out"]


def test_commands_are_counted_for_the_slot_of_their_keys_by_the_byte(lone):
    node = lone("cluster-slot-stats-enabled yes")
    wire = Wire(node)
    wire.call("SET", "key", "value")
    assert traffic(wire) == (33, 5)
    assert stats(wire)["key-count"] == 1
    wire.call("PING")
    wire.call("INFO")
    assert traffic(wire) == (33, 5), "what has no key is of no slot"
    assert wire.call("CONFIG", "RESETSTAT") == "OK"
    assert stats(wire) == {"key-count": 1, "cpu-usec": 0, "network-bytes-in": 0, "network-bytes-out": 0}
    for words in (["multi"], ["SET", "key", "value"], ["exec"]):
        wire.call(*words)
    assert traffic(wire) == (15 + 33 + 14, len("*1\r\n+OK\r\n")), "EXEC answers for the whole transaction"


def test_a_command_that_this_node_does_not_serve_is_counted_as_rejected(start):
    node = start()
    assert node.call("CLUSTER", "ADDSLOTSRANGE", 0, 99) == "OK"
    wait_until(lambda: node.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 10, "a cluster of one")
    wire = Wire(node)
    wire.call("CONFIG", "RESETSTAT")
    assert str(wire.call("SET", "key", "v")).startswith("CLUSTERDOWN")
    told = node.info("commandstats")["cmdstat_set"]
    assert told.startswith("calls=0,") and told.endswith("rejected_calls=1,failed_calls=0")


def test_a_waiting_command_is_counted_once_when_it_is_served(lone):
    node = lone("cluster-slot-stats-enabled yes")
    waiting, wire = Wire(node), Wire(node)
    waiting.send("BLPOP", "key", "0")
    wait_until(lambda: node.info("clients")["blocked_clients"] == "1", 10, "the wait")
    assert traffic(wire) == (0, 0)
    wire.call("LPUSH", "key", "value")
    assert waiting.read() == ["key", "value"]
    assert traffic(wire) == (31 + 35, 4 + 24)


def test_scripts_count_for_the_slot_that_they_use_and_for_none_when_they_use_several(lone):
    node = lone("cluster-slot-stats-enabled yes")
    wire = Wire(node)
    wire.call("EVAL", "for i = 1, 1000 do redis.call('set', KEYS[1], i) end", 1, "key")
    assert stats(wire)["cpu-usec"] > 0
    wire.call("CONFIG", "RESETSTAT")
    wire.call("EVAL", "#!lua flags=allow-cross-slot-keys\nredis.call('set','key',1) redis.call('set','other',1)", 0)
    assert traffic(wire) == (0, 0)


def test_shard_messages_count_for_the_slot_of_their_channel(lone):
    node = lone("cluster-slot-stats-enabled yes")
    wire, listener = Wire(node), Wire(node)
    slot = wire.call("CLUSTER", "KEYSLOT", "channel")
    listener.call("SSUBSCRIBE", "channel")
    assert traffic(wire, slot) == (34, 38)
    wire.call("CONFIG", "RESETSTAT")
    assert wire.call("SPUBLISH", "channel", "hello") == 1
    assert traffic(wire, slot) == (42, 4 + 42)


def test_the_stream_to_replicas_counts_for_the_slot_of_the_write(lone, start):
    primary, replica = lone("cluster-slot-stats-enabled yes"), start()
    join(replica, primary)
    wire = Wire(primary)

    def counted():
        wire.call("CONFIG", "RESETSTAT")
        wire.call("SET", "key", "value")
        return traffic(wire) == (33, 5 + 33)

    wait_until(counted, 10, "the replica to be counted")
    other = Wire(replica)
    assert "cpu-usec" not in stats(other), "a replica counts when it is told to itself"
    wait_until(lambda: stats(other)["key-count"] == 1, 10, "the key")


def test_without_the_directive_only_keys_are_told(lone):
    wire = Wire(lone())
    wire.call("SET", "key", "value")
    assert stats(wire) == {"key-count": 1}
    assert wire.call("CLUSTER", "SLOT-STATS", "ORDERBY", "cpu-usec") == Error("ERR Unrecognized sort metric for ORDERBY.")
    assert wire.call("CONFIG", "SET", "cluster-slot-stats-enabled", "yes") == "OK"
    wire.call("SET", "key", "value")
    assert traffic(wire) == (33, 5)


def test_a_slot_that_was_given_up_begins_again_with_zero(lone):
    wire = Wire(lone("cluster-slot-stats-enabled yes"))
    wire.call("SET", "key", "value")
    wire.call("DEL", "key")
    wire.call("CLUSTER", "DELSLOTS", KEY_SLOT)
    assert wire.call("CLUSTER", "SLOT-STATS", "SLOTSRANGE", KEY_SLOT, KEY_SLOT) == []
    wire.call("CLUSTER", "ADDSLOTS", KEY_SLOT)
    assert traffic(wire) == (0, 0)


def test_slots_are_ordered_and_cut_as_asked(lone):
    wire = Wire(lone("cluster-slot-stats-enabled yes"))
    for number in range(4):
        for key in range(number + 1):
            wire.call("SET", f"{{{number}}}{key}", "v")
    slots = [wire.call("CLUSTER", "KEYSLOT", f"{{{number}}}0") for number in range(4)]

    def order(*words):
        return [entry[0] for entry in wire.call("CLUSTER", "SLOT-STATS", "ORDERBY", *words)]

    assert order("key-count", "LIMIT", 4) == slots[::-1]
    assert order("network-bytes-in", "desc", "limit", 2) == slots[:1:-1]
    assert order("key-count", "ASC")[-4:] == slots
    assert order("key-count", "ASC", "LIMIT", 3) == [0, 1, 2], "equal figures keep the order of the slots"
    assert len(order("key-count")) == SLOTS
    for words, error in [
        (["ORDERBY", "keys"], "ERR Unrecognized sort metric for ORDERBY."),
        (["ORDERBY", "key-count", "LIMIT", 0],
         "ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."),
        (["ORDERBY", "key-count", "ASC", "DESC"], "ERR Multiple filters of the same type are disallowed."),
        (["ORDERBY", "key-count", "UP"], "ERR syntax error"),
        (["SLOTSRANGE", 2, 1], "ERR Start slot number 2 is greater than end slot number 1"),
        (["SLOTSRANGE", 0, SLOTS], "ERR Invalid or out of range slot"),
        (["SLOTSRANGE", 0, 1, 2],
         "ERR unknown subcommand or wrong number of arguments for 'SLOT-STATS'. Try CLUSTER HELP."),
    ]:
        assert wire.call("CLUSTER", "SLOT-STATS", *words) == Error(error)


def fill(wire, databases=4, keys=50):
    for db in range(databases):
        assert wire.call("SELECT", db) == "OK"
        for key in range(keys):
            assert wire.call("SET", f"{{460}}{key}", f"{db}:{key}") == "OK"
        wire.call("SET", f"elsewhere{db}", "v")


def check(wire, databases=4, keys=50):
    for db in range(databases):
        assert wire.call("SELECT", db) == "OK"
        assert wire.call("DBSIZE") == keys + 1
        for key in range(keys):
            assert wire.call("GET", f"{{460}}{key}") == f"{db}:{key}"


def test_a_cluster_has_one_database_unless_told_otherwise(lone):
    wire = Wire(lone())
    assert wire.call("SELECT", 1) == Error("ERR SELECT is not allowed in cluster mode")
    assert wire.call("MOVE", "k", 1) == Error("ERR MOVE is not allowed in cluster mode")
    assert wire.call("COPY", "k", "k", "DB", 1) == Error("ERR Copying to another database is not allowed in cluster mode")
    assert wire.call("CONFIG", "GET", "databases") == ["databases", "16"]


def test_databases_of_a_cluster_are_counted_and_emptied_one_by_one(lone):
    node = lone("cluster-databases 4")
    wire = Wire(node)
    fill(wire)
    check(wire)
    slot = wire.call("CLUSTER", "KEYSLOT", "{460}")
    wire.call("SELECT", 2)
    assert wire.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 50
    assert sorted(wire.call("CLUSTER", "GETKEYSINSLOT", slot, 100)) == sorted(f"{{460}}{key}" for key in range(50))
    assert stats(wire, slot) == {"key-count": 200}
    assert wire.call("SELECT", 4) == Error("ERR DB index is out of range")
    assert wire.call("SWAPDB", 0, 1) == Error("ERR SWAPDB is not allowed in cluster mode")
    assert wire.call("CLUSTER", "FLUSHSLOTS") == Error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS.")
    assert wire.call("MOVE", "{460}0", 3) == 0 and wire.call("DEL", "{460}0") == 1
    wire.call("SELECT", 1)
    assert wire.call("MOVE", "{460}0", 2) == 1
    assert wire.call("COPY", "{460}1", "{460}copy", "DB", 3) == 1
    wire.call("SELECT", 0)
    assert wire.call("FLUSHDB") == "OK" and wire.call("DBSIZE") == 0
    assert wire.call("CLUSTER", "RESET") == Error("ERR CLUSTER RESET can't be called with master nodes containing keys")
    wire.call("SELECT", 3)
    assert wire.call("GET", "{460}copy") == "1:1"
    wire.call("FLUSHALL")
    assert wire.call("CLUSTER", "FLUSHSLOTS") == "OK"


def test_databases_of_a_cluster_reach_replicas_and_files(lone, start):
    primary, replica = lone("cluster-databases 4\nappendonly yes"), start("cluster-databases 4")
    fill(Wire(primary), databases=2)
    join(replica, primary)  # the first two come with the snapshot, all four by the stream
    wire = Wire(primary)
    fill(wire)
    reader = Wire(replica)
    assert reader.call("READONLY") == "OK"
    wait_until(lambda: primary.info("replication")["master_repl_offset"]
               == replica.info("replication")["slave_repl_offset"], 20, "the replica")
    check(reader)
    primary.kill()
    primary.start()
    wait_until(lambda: primary.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20, "the primary")
    check(Wire(primary))


def test_a_slot_moves_with_the_keys_of_all_databases(lone, start):
    first, second = lone("cluster-databases 4"), start("cluster-databases 4")
    fill(Wire(first))
    slot = Wire(first).call("CLUSTER", "KEYSLOT", "{460}")
    assert second.call("CLUSTER", "MEET", "127.0.0.1", first.port) == "OK"
    wait_until(lambda: len(first.cluster_nodes()) == 2 and second.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20,
               "two nodes")
    # Given away from the lowest slots on, as far as the one with the keys.
    ClusterTool("ashlar-cli")("--cluster", "reshard", first.address, "--cluster-from", first.id(), "--cluster-to",
                              second.id(), "--cluster-slots", slot + 1, "--cluster-yes")
    wire = Wire(second)
    for db in range(4):
        wire.call("SELECT", db)
        assert wire.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 50
        assert wire.call("GET", "{460}7") == f"{db}:7"
    assert [entry for entry in Wire(first).call("CLUSTER", "SLOT-STATS", "SLOTSRANGE", 0, slot)] == []


def test_a_waiting_client_is_sent_after_the_slot_when_it_has_moved(lone, start):
    first, second = lone(), start()
    slot = first.call("CLUSTER", "KEYSLOT", "list")
    assert second.call("CLUSTER", "MEET", "127.0.0.1", first.port) == "OK"
    wait_until(lambda: len(first.cluster_nodes()) == 2 and second.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20,
               "two nodes")
    waiter = Wire(first)
    waiter.send("BLPOP", "list", 0)
    wait_until(lambda: first.info("clients")["blocked_clients"] == "1", 10, "a waiting client")
    assert second.call("CLUSTER", "SETSLOT", slot, "IMPORTING", first.id()) == "OK"
    assert first.call("CLUSTER", "SETSLOT", slot, "MIGRATING", second.id()) == "OK"
    for node in (second, first):
        assert node.call("CLUSTER", "SETSLOT", slot, "NODE", second.id()) == "OK"
    assert waiter.read() == Error(f"MOVED {slot} {second.address}")  # no ASK before


def test_a_slot_that_another_node_took_is_emptied_in_all_databases(lone, start):
    first, second = lone("cluster-databases 4"), start("cluster-databases 4")
    wire = Wire(first)
    fill(wire)
    slot = wire.call("CLUSTER", "KEYSLOT", "{460}")
    name = second.id()
    second.call("CLUSTER", "MEET", "127.0.0.1", first.port)
    wait_until(lambda: len(first.cluster_nodes()) == 2 and len(second.cluster_nodes()) == 2, 20, "two nodes")
    # The other one takes the slot by force: a higher epoch wins, and what the loser has is not reachable any more.
    wait_until(lambda: first.id() in {m["id"] for m in second.cluster_nodes() if slot in m["slots"]}, 20, "the owner")
    second.call("CLUSTER", "BUMPEPOCH")
    # The old owner may say that the slot is its own just in between: once more, then.
    wait_until(lambda: second.call("CLUSTER", "DELSLOTS", slot) == "OK" == second.call("CLUSTER", "ADDSLOTS", slot), 10,
               "the slot to be taken")
    second.call("CLUSTER", "BUMPEPOCH")
    wait_until(lambda: name in {m["id"] for m in first.cluster_nodes() if slot in m["slots"]}, 20, "the new owner")

    def emptied():
        for db in range(4):
            wire.call("SELECT", db)
            if wire.call("CLUSTER", "COUNTKEYSINSLOT", slot) != 0:
                return False
        return True

    wait_until(emptied, 10, "the keys to go")


def test_slots_are_emptied_in_all_databases_here_and_on_replicas(lone, start):
    primary, replica = lone("cluster-databases 4"), start("cluster-databases 4")
    join(replica, primary)
    wire, reader = Wire(primary), Wire(replica)
    fill(wire)
    slot = wire.call("CLUSTER", "KEYSLOT", "{460}")
    wire.call("SELECT", 1)
    assert wire.call("SFLUSH", slot, slot, 2, 3, "SYNC") == [[2, 3], [slot, slot]]
    assert wire.call("SET", "last", 1) == "OK"
    reader.call("READONLY")
    reader.call("SELECT", 1)
    wait_until(lambda: reader.call("GET", "last") == "1", 20, "the replica")
    for side in (wire, reader):
        for db in range(4):
            side.call("SELECT", db)
            assert side.call("DBSIZE") == (2 if db == 1 else 1)
            assert side.call("GET", f"elsewhere{db}") == "v"
    for words, error in [
        ([0], "ERR wrong number of arguments for 'sflush' command"),
        ([0, 1, 2], "ERR wrong number of arguments for 'sflush' command"),
        ([0, SLOTS], "ERR Invalid or out of range slot"),
        ([2, 1], "ERR start slot number 2 is greater than end slot number 1"),
        ([0, 3, 2, 5], "ERR Slot 2 specified multiple times"),
    ]:
        assert wire.call("SFLUSH", *words) == Error(error)
