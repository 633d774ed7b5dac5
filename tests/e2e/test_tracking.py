"""Client-side caching: who is told that a key has changed, and when."""
import threading

import pytest
import redis

from harness import HOST, wait_until
from wire import Error, Push, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 4
"""


@pytest.fixture
def node(cluster, ports):
    port = ports.take()[0]
    return cluster.add(port, CONFIG.format(port=port)).start()


def invalid(*keys):
    return Push(["invalidate", list(keys)])


def tracker(node, *options):
    wire = Wire(node, protocol=3)
    assert wire.call("CLIENT", "TRACKING", "ON", *options) == "OK"
    return wire


def test_a_key_is_told_once_after_it_was_read(node):
    reader = tracker(node)
    node.call("SET", "k", "unread")
    reader.call("GET", "k")
    node.call("SET", "k", "1")
    assert reader.read() == invalid("k")
    node.call("SET", "k", "2")
    assert reader.silent()
    assert reader.call("GET", "k") == "2"
    node.call("DEL", "k")
    assert reader.read() == invalid("k")


def test_expiry_counts_as_a_change(node):
    reader = tracker(node)
    node.call("SET", "k", "v", "PX", "30")
    reader.call("GET", "k")
    assert reader.read() == invalid("k")


def test_own_changes_are_told_behind_the_reply_unless_noloop_is_asked_for(node):
    wire = tracker(node)
    wire.call("GET", "k")
    wire.send("SET", "k", "1")
    wire.send("GET", "k")
    assert wire.read_many(3) == ["OK", invalid("k"), "1"]
    quiet = tracker(node, "NOLOOP")
    quiet.call("GET", "q")
    assert quiet.call("SET", "q", "1") == "OK"
    assert quiet.silent()


def test_flushing_tells_all_keys_to_every_tracker(node):
    reader, broad = tracker(node), tracker(node, "BCAST", "PREFIX", "nothing")
    reader.call("GET", "k")
    node.call("FLUSHALL")
    assert reader.read() == Push(["invalidate", None])
    assert broad.read() == Push(["invalidate", None])
    node.call("SET", "k", "1")
    assert reader.silent()


def test_broadcasting_tells_keys_with_the_prefix_unread(node):
    wire = tracker(node, "BCAST", "PREFIX", "a:", "PREFIX", "b:")
    node.call("SET", "c:1", "v")
    node.call("SET", "a:1", "v")
    node.call("SET", "b:", "v")
    assert wire.read_many(2) == [invalid("a:1"), invalid("b:")]
    assert wire.call("CLIENT", "TRACKING", "OFF") == "OK"
    node.call("SET", "a:1", "w")
    assert wire.silent()


def test_optin_tracks_the_command_behind_caching_yes_only(node):
    wire = tracker(node, "OPTIN")
    wire.call("GET", "no")
    wire.call("CLIENT", "CACHING", "YES")
    wire.call("GET", "yes")
    wire.call("GET", "late")
    node.call("MSET", "no", "1", "late", "1", "yes", "1")
    assert wire.read() == invalid("yes")
    assert wire.silent()
    assert isinstance(wire.call("CLIENT", "CACHING", "NO"), Error)


def test_a_command_that_there_is_not_uses_up_caching_yes(node):
    reader = tracker(node, "OPTIN")
    reader.call("CLIENT", "CACHING", "YES")
    assert isinstance(reader.call("NOSUCH"), Error)
    reader.call("GET", "k")
    node.call("SET", "k", "v")
    assert reader.silent()


def test_a_resp2_connection_is_told_through_the_one_it_names(node):
    listener = Wire(node)
    number = listener.call("CLIENT", "ID")
    listener.call("SUBSCRIBE", "__redis__:invalidate")
    wire = Wire(node)
    assert wire.call("CLIENT", "TRACKING", "ON", "REDIRECT", number) == "OK"
    assert wire.call("CLIENT", "GETREDIR") == number
    wire.call("GET", "k")
    node.call("SET", "k", "v")
    assert listener.read() == ["message", "__redis__:invalidate", ["k"]]
    node.call("FLUSHALL")
    assert listener.read() == ["message", "__redis__:invalidate", None]


def test_a_tracker_is_told_that_the_connection_it_named_is_gone(node):
    listener = Wire(node, protocol=3)
    number = listener.call("CLIENT", "ID")
    wire = tracker(node, "REDIRECT", number)
    listener.close()
    wait_until(lambda: f"id={number} " not in node.call("CLIENT", "LIST"), 10, "the listener to be gone")
    wire.call("GET", "k")
    node.call("SET", "k", "v")
    assert wire.read() == Push(["tracking-redir-broken", number])
    assert wire.call("CLIENT", "TRACKINGINFO")["flags"] == ["on", "broken_redirect"]


def test_the_table_keeps_to_its_limit_and_tells_what_it_forgets(node):
    node.call("CONFIG", "SET", "tracking-table-max-keys", "2")
    wire = tracker(node)
    for key in ("a", "b", "c"):
        wire.call("GET", key)
    message = wire.read()
    assert isinstance(message, Push) and message[1][0] in ("a", "b", "c")
    stats = node.info("stats")
    assert (stats["tracking_total_keys"], stats["tracking_total_items"]) == ("2", "2")
    assert node.info("clients")["tracking_clients"] == "1"
    wire.close()
    wait_until(lambda: node.info("clients")["tracking_clients"] == "0", 10, "the tracker to be gone")


def test_a_cache_that_heeds_invalidations_never_stays_stale(node):
    """Writers on other loops race a caching reader: when all is quiet its cache must equal the data."""
    keys = [f"k{i}" for i in range(20)]
    wire = tracker(node)
    cache = {}

    def heed(value):
        if isinstance(value, Push):
            for key in value[1]:
                cache.pop(key, None)
            return True
        return False

    def write(number):
        client = redis.Redis(HOST, node.port)
        for n in range(400):
            client.set(keys[(n * 7 + number) % len(keys)], f"{number}:{n}")

    writers = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for writer in writers:
        writer.start()
    def fill():
        for key in keys:
            if key in cache:
                continue
            wire.send("GET", key)
            value = wire.read()
            while heed(value):
                value = wire.read()
            cache[key] = value

    while any(writer.is_alive() for writer in writers):
        fill()
    for writer in writers:
        writer.join()
    wire.send("PING")
    while heed(wire.read()):  # what the last writes had to tell
        pass
    fill()
    client = redis.Redis(HOST, node.port, decode_responses=True)
    assert cache == {key: client.get(key) for key in keys}


def test_keys_that_change_in_one_turn_are_broadcast_as_one_list(node):
    wire = tracker(node, "BCAST")
    node.call("MSET", "b", "1", "a", "1", "c", "1")
    assert wire.read() == invalid("a", "b", "c")
    writer = Wire(node)
    for words in (["MULTI"], ["SET", "x", "1"], ["SET", "y", "1"], ["SET", "x", "2"], ["EXEC"]):
        writer.call(*words)
    assert wire.read() == invalid("x", "y")


def test_what_a_script_reads_is_tracked_for_its_caller(node):
    reader = tracker(node)
    reader.call("EVAL", "redis.call('SET', KEYS[1], 'v'); return redis.call('GET', KEYS[2])", "2", "declared", "read")
    node.call("MSET", "declared", "1", "read", "1")
    assert reader.read() == invalid("read")
    assert reader.silent()


def test_a_command_that_waited_is_answered_before_it_is_told_of_its_own_change(node):
    node.call("RPUSH", "to", "a")
    waiter = tracker(node)
    waiter.call("LRANGE", "to", "0", "-1")
    waiter.send("BLMOVE", "from", "to", "LEFT", "LEFT", "0")
    wait_until(lambda: node.info("clients")["blocked_clients"] == "1", 10, "the wait to begin")
    node.call("RPUSH", "from", "x")
    assert waiter.read_many(2) == ["x", invalid("to")]


def test_what_a_command_reads_that_has_waited_is_tracked(node):
    waiter = tracker(node)
    waiter.send("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    wait_until(lambda: node.info("clients")["blocked_clients"] == "1", 10, "the wait to begin")
    node.call("XADD", "s", "1-1", "a", "b")
    assert waiter.read_many(2) == [invalid("s"), {"s": [["1-1", ["a", "b"]]]}]
    node.call("XADD", "s", "2-1", "a", "b")
    assert waiter.read() == invalid("s")


def test_keys_that_are_evicted_or_moved_away_are_told(cluster, ports, node):
    other = cluster.add(port := ports.take()[0], CONFIG.format(port=port)).start()
    reader = tracker(node)
    node.call("SET", "moved", "v")
    reader.call("GET", "moved")
    assert node.call("MIGRATE", HOST, other.port, "moved", "0", "5000") == "OK"
    assert reader.read() == invalid("moved")
    node.call("SET", "evicted", "v")
    reader.call("GET", "evicted")
    node.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    node.call("CONFIG", "SET", "maxmemory", "1")
    assert reader.read() == invalid("evicted")
