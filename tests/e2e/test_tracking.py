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
