"""Which commands a node of a cluster serves: replicas for readers, and both nodes of a slot that moves."""
import pytest

from harness import wait_until
from wire import Error, Wire

from test_slots import join, lone, open_slot, start, two_primaries  # noqa: F401


@pytest.fixture
def pair(lone, start):  # noqa: F811
    """A primary and its replica."""
    primary, replica = lone(), start()
    join(replica, primary)
    return primary, replica


@pytest.fixture
def moving(lone, start):  # noqa: F811
    """The two nodes between which the slot of {t} moves."""
    source, target = two_primaries(lone, start)
    open_slot(source, target, "t")
    return source, target


def has_arrived(primary, replica):
    goal = int(primary.info("replication")["master_repl_offset"])
    wait_until(lambda: int(replica.info("replication")["slave_repl_offset"]) >= goal, 10, "the replica")


def transaction(wire, *commands):
    assert wire.call("MULTI") == "OK"
    for words in commands:
        assert wire.call(*words) == "QUEUED", words
    return wire.call("EXEC")


def test_a_replica_serves_whatever_reads_to_readers(pair):
    primary, replica = pair
    wire = Wire(primary)
    wire.call("SET", "k", "v")
    wire.call("PFADD", "{k}hll", "a")
    library = "#!lua name=lib\nredis.register_function{function_name='f', flags={'no-writes'}, callback=" \
              "function(keys) return redis.call('get', keys[1]) end}"
    assert wire.call("FUNCTION", "LOAD", library) == "lib"
    has_arrived(primary, replica)
    script = "return redis.call('get', KEYS[1])"
    digest = wire.call("SCRIPT", "LOAD", script)
    readers = [(("PFCOUNT", "{k}hll"), 1), (("EVAL", script, 1, "k"), "v"), (("EVAL_RO", script, 1, "k"), "v"),
               (("EVAL", "#!lua flags=no-writes\n" + script, 1, "k"), "v"), (("EVALSHA", digest, 1, "k"), "v"),
               (("EVALSHA_RO", digest, 1, "k"), "v"), (("FCALL", "f", 1, "k"), "v"), (("FCALL_RO", "f", 1, "k"), "v")]
    reader = Wire(replica)
    reader.call("SCRIPT", "LOAD", script)
    moved = Error(f"MOVED {primary.call('CLUSTER', 'KEYSLOT', 'k')} {primary.address}")
    assert [reader.call(*words) for words, _ in readers] == [moved] * len(readers)
    assert reader.call("READONLY") == "OK"
    assert [reader.call(*words) for words, _ in readers] == [value for _, value in readers]
    assert transaction(reader, *(words for words, _ in readers)) == [value for _, value in readers]


def test_what_may_write_goes_to_the_primary_or_fails_when_it_does(pair):
    primary, replica = pair
    reader = Wire(replica)
    assert reader.call("READONLY") == "OK"
    moved = Error(f"MOVED {primary.call('CLUSTER', 'KEYSLOT', 'k')} {primary.address}")
    writer = "return redis.call('set', KEYS[1], 1)"
    assert reader.call("SET", "k", 1) == moved
    assert reader.call("EVAL", "#!lua\n" + writer, 1, "k") == moved
    assert reader.call("EVAL", writer, 1, "k").startswith("READONLY You can't write against a read only replica.")
    # Nor where replicas take writes outside of a cluster.
    assert replica.call("CONFIG", "SET", "replica-read-only", "no") == "OK"
    assert reader.call("EVAL", writer, 1, "k").startswith("ERR Script attempted to access a non local key in a cluster node")
    assert reader.call("GET", "k") is None


def test_a_transaction_that_was_queued_on_a_primary_writes_nothing_on_the_replica_that_it_has_become(pair):
    primary, replica = pair
    assert primary.call("SET", "k", "v") == "OK"
    queues = {"message": Wire(primary), "flush": Wire(primary)}
    for wire in queues.values():
        assert wire.call("MULTI") == "OK"
    assert queues["message"].call("SPUBLISH", "{k}c", "m") == "QUEUED"
    assert queues["message"].call("SET", "k", "lost") == "QUEUED"
    assert queues["flush"].call("FLUSHALL") == "QUEUED"
    has_arrived(primary, replica)
    assert replica.call("CLUSTER", "FAILOVER", "TAKEOVER") == "OK"
    wait_until(lambda: primary.info("replication")["role"] == "slave", 20, "the roles to change")
    wait_until(lambda: primary.info("replication")["master_link_status"] == "up", 20, "the link")
    slot = primary.call("CLUSTER", "KEYSLOT", "k")
    assert queues["message"].call("EXEC") == Error(f"MOVED {slot} {replica.address}")
    assert queues["flush"].call("EXEC").startswith("EXECABORT Transaction discarded because of: READONLY")
    reader = Wire(primary)
    reader.call("READONLY")
    assert reader.call("GET", "k") == "v"


def test_a_key_that_is_named_twice_is_one_key_on_the_node_that_a_slot_moves_to(moving):
    _, target = moving
    wire = Wire(target)

    def asking(*words):
        assert wire.call("ASKING") == "OK"
        return wire.call(*words)

    assert wire.call("ASKING") == "OK"
    assert transaction(wire, ("SET", "{t}a", 1), ("GET", "{t}a")) == ["OK", "1"]
    assert asking("MGET", "{t}b", "{t}b") == [None, None]
    assert asking("RENAME", "{t}b", "{t}b") == Error("ERR no such key")
    assert asking("EVAL", "return redis.call('set', KEYS[1], 2)", 2, "{t}c", "{t}c") == "OK"
    assert asking("MGET", "{t}a", "{t}b").startswith("TRYAGAIN")
    assert asking("SSUBSCRIBE", "{t}channel") == ["ssubscribe", "{t}channel", 1]


def test_channels_in_a_transaction_do_not_hide_what_is_missing_of_its_keys(moving):
    source, target = moving
    wire = Wire(source)
    slot = source.call("CLUSTER", "KEYSLOT", "t")
    assert source.call("CLUSTER", "SETSLOT", slot, "STABLE") == "OK"
    assert wire.call("SET", "{t}there", 1) == "OK"
    queues = {name: Wire(source) for name in ("here", "gone", "both", "only")}
    for name, keys in {"here": ["there"], "gone": ["gone"], "both": ["there", "gone"], "only": []}.items():
        assert queues[name].call("MULTI") == "OK"
        assert queues[name].call("SPUBLISH", "{t}channel", "m") == "QUEUED"
        for key in keys:
            assert queues[name].call("SET", "{t}" + key, 2) == "QUEUED"
    assert source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id()) == "OK"
    assert queues["only"].call("EXEC") == [0]
    assert queues["here"].call("EXEC") == [0, "OK"]
    assert queues["gone"].call("EXEC") == Error(f"ASK {slot} {target.address}")
    assert queues["both"].call("EXEC").startswith("TRYAGAIN")
    apart = Wire(source)
    assert apart.call("MULTI") == "OK"
    assert apart.call("SPUBLISH", "elsewhere", "m") == "QUEUED"
    assert apart.call("SET", "{t}there", 2) == "QUEUED"
    assert apart.call("EXEC").startswith("CROSSSLOT")


def test_scripts_are_sent_after_the_keys_that_they_did_not_declare(moving):
    source, target = moving
    wire = Wire(source)
    slot = source.call("CLUSTER", "KEYSLOT", "t")
    assert source.call("CLUSTER", "SETSLOT", slot, "STABLE") == "OK"
    assert wire.call("MSET", "{t}there", 1, "{t}too", 2) == "OK"
    assert source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id()) == "OK"
    foreign = "ERR Script attempted to access a non local key in a cluster node"
    assert wire.call("EVAL", "return redis.call('get', '{t}too')", 1, "{t}there") == "2"
    assert wire.call("EVAL", "return redis.call('set', '{t}gone', 1)", 1, "{t}there").startswith(foreign)
    assert wire.call("EVAL", "return redis.call('get', '{t}gone')", 1, "{t}there").startswith(foreign)
    assert sorted(wire.call("CLUSTER", "GETKEYSINSLOT", slot, 10)) == ["{t}there", "{t}too"]
    # A transaction belongs where it began, whatever it has deleted on its way.
    assert transaction(wire, ("DEL", "{t}there"), ("SET", "{t}there", 3)) == [1, "OK"]
