"""MIGRATE with a target that answers when the test says so: what happens to keys that are on their way."""
import socket

import pytest

from harness import HOST, wait_until
from wire import Error, Wire

from test_slots import lone, open_slot, start, two_primaries  # noqa: F401

PLAIN = """
port {port}
daemonize yes
dir ./
save ""
threads 2
"""


class Peer(Wire):
    """The end of a connection that a server has opened: commands are read, replies are sent."""

    def __init__(self, connection):
        connection.settimeout(10)
        self._socket, self._reader = connection, connection.makefile("rb")


class Target:
    """Takes what MIGRATE sends, and answers nothing by itself."""

    def __init__(self, port):
        self.port = port
        self._listener = socket.create_server((HOST, port))
        self._listener.settimeout(10)

    def accept(self):
        return Peer(self._listener.accept()[0])

    def close(self):
        self._listener.close()


@pytest.fixture
def target(ports):
    here = Target(ports.take()[0])
    yield here
    here.close()


@pytest.fixture
def server(cluster, ports):
    port = ports.take()[0]
    return cluster.add(port, PLAIN.format(port=port)).start()


@pytest.fixture
def moving(lone, start):  # noqa: F811
    """Two nodes, between which the slot of {t} moves."""
    first, second = two_primaries(lone, start)
    return first, lambda: Error(f"ASK {open_slot(first, second, 't')} {second.address}")


def blocked(node, count):
    wait_until(lambda: node.info("clients")["blocked_clients"] == str(count), 10, f"{count} waiting clients")


def sent(node, *words):
    wire = Wire(node)
    wire.send(*words)
    return wire


def migrate(node, target, *keys, more=()):
    """Begins; what the target has got, and where MIGRATE will answer."""
    mover = sent(node, "MIGRATE", HOST, target.port, "", 0, 10_000, "REPLACE", *more, "KEYS", *keys)
    peer = target.accept()
    for key in keys:
        assert peer.read()[1] == key
    return mover, peer


def queued(node, *commands):
    wire = Wire(node)
    assert wire.call("MULTI") == "OK"
    for words in commands:
        assert wire.call(*words) == "QUEUED"
    return wire


def test_writes_to_a_slot_wait_while_its_keys_are_on_their_way_and_follow_them(moving, target):
    node, begin = moving
    wire = Wire(node)
    wire.call("SET", "{t}k", "old")
    both = queued(node, ("SET", "{t}k", "new"), ("SPUBLISH", "{t}c", "m"))
    elsewhere = queued(node, ("SET", "other", 1))
    ask = begin()
    mover, peer = migrate(node, target, "{t}k")
    both.send("EXEC")
    waiting = [both, sent(node, "DEL", "{t}k"), sent(node, "SET", "{t}k", "new"), sent(node, "SET", "{t}new", 1),
               sent(node, "EVAL", "return redis.call('set', KEYS[1], 'new')", 1, "{t}k")]
    anywhere = sent(node, "EVAL", "return redis.call('exists', 'other')", 0)
    flush = sent(node, "FLUSHALL")
    blocked(node, len(waiting) + 3)  # these, and MIGRATE
    assert wire.call("GET", "{t}k") == "old"
    assert wire.call("EVAL_RO", "return redis.call('get', KEYS[1])", 1, "{t}k") == "old"
    assert wire.call("SET", "other", 0) == "OK"
    assert elsewhere.call("EXEC") == ["OK"]
    peer.send_raw(b"+OK\r\n")
    assert mover.read() == "OK"
    assert [wire.read() for wire in waiting] == [ask] * len(waiting)
    assert anywhere.read() in (0, 1)
    assert flush.read() == "OK"
    blocked(node, 0)


def test_a_key_that_expires_on_its_way_is_not_written_at_the_other_server_before_it_is_there(moving, target):
    node, begin = moving
    wire = Wire(node)
    wire.call("SET", "{t}k", "old", "PX", 1000)
    ask = begin()
    mover, peer = migrate(node, target, "{t}k")
    wait_until(lambda: wire.call("GET", "{t}k") == ask, 10, "the end of the key")
    late = sent(node, "SET", "{t}k", "new")
    blocked(node, 2)
    peer.send_raw(b"+OK\r\n")
    assert mover.read() == "OK"
    assert late.read() == ask


def test_outside_of_a_cluster_writes_wait_for_keys_on_their_way_too(server, target):
    wire = Wire(server)
    wire.call("RPUSH", "k", "old")
    served = sent(server, "BLMOVE", "source", "k", "LEFT", "RIGHT", 0)
    blocked(server, 1)
    exec_ = queued(server, ("LPUSH", "k", "new"))
    mover, peer = migrate(server, target, "k")
    exec_.send("EXEC")
    waiting = [exec_, sent(server, "EVAL", "return redis.call('del', 'k')", 0), sent(server, "FLUSHDB"),
               sent(server, "COPY", "k", "copy"), sent(server, "PEXPIRE", "k", 100_000)]
    assert wire.call("RPUSH", "source", "moved") == 1  # for the one that waits to put it into the key
    blocked(server, len(waiting) + 2)
    assert wire.call("LRANGE", "k", 0, -1) == ["old"]
    peer.send_raw(b"+OK\r\n")
    assert mover.read() == "OK"
    assert not [reply for reply in (wire.read() for wire in waiting) if isinstance(reply, Error)]
    wire.call("RPUSH", "source", "again")  # FLUSHDB may have come before it was served
    assert served.read() in ("moved", "again")


def test_what_the_other_server_does_not_take_stays_and_is_writable_again(server, target):
    wire = Wire(server)
    wire.call("MSET", "a", 1, "b", 2)
    mover, peer = migrate(server, target, "a", "b")
    late = sent(server, "INCR", "a")
    blocked(server, 2)
    peer.send_raw(b"-BUSYKEY there is one\r\n+OK\r\n")
    assert mover.read() == Error("ERR Target instance replied with error: BUSYKEY there is one")
    assert late.read() == 2
    assert wire.call("EXISTS", "b") == 0
    # A connection that ends leaves everything where it was.
    mover.send("MIGRATE", HOST, target.port, "a", 0, 10_000)
    assert peer.read()[1] == "a"
    late.send("INCR", "a")
    blocked(server, 2)
    target.close()  # it would be tried once more
    peer.close()
    assert mover.read().startswith("IOERR")
    assert late.read() == 3


def test_a_second_migrate_of_a_key_finds_what_the_first_has_left(server, target):
    wire = Wire(server)
    wire.call("SET", "k", 1)
    mover, peer = migrate(server, target, "k")
    second = sent(server, "MIGRATE", HOST, target.port, "k", 0, 10_000)
    blocked(server, 2)
    peer.send_raw(b"+OK\r\n")
    assert mover.read() == "OK"
    assert second.read() == "NOKEY"


def test_keys_are_not_deleted_while_writes_are_paused(server, target):
    wire = Wire(server)
    wire.call("SET", "k", 1)
    mover, peer = migrate(server, target, "k")
    assert wire.call("CLIENT", "PAUSE", 100_000, "WRITE") == "OK"
    peer.send_raw(b"+OK\r\n")
    late = sent(server, "INCR", "k")
    blocked(server, 2)
    assert wire.call("GET", "k") == "1"
    assert mover.quiet(0.1)
    assert wire.call("CLIENT", "UNPAUSE") == "OK"
    assert mover.read() == "OK"
    assert late.read() == 1


def test_the_deletion_of_a_key_that_has_gone_is_an_event(server, target):
    wire = Wire(server)
    assert wire.call("CONFIG", "SET", "notify-keyspace-events", "KEA") == "OK"
    wire.call("SET", "k", 1)
    listener = Wire(server)
    listener.call("PSUBSCRIBE", "__key*__:*")
    mover, peer = migrate(server, target, "k")
    peer.send_raw(b"+OK\r\n")
    assert mover.read() == "OK"
    assert listener.read_many(2) == [["pmessage", "__key*__:*", "__keyspace@0__:k", "del"],
                                     ["pmessage", "__key*__:*", "__keyevent@0__:del", "k"]]


def test_a_key_that_is_sent_to_its_own_server_stays(server):
    wire = Wire(server)
    wire.call("SET", "k", 1)
    assert wire.call("MIGRATE", HOST, server.port, "k", 0, 200, "REPLACE").startswith("IOERR")
    assert wire.call("GET", "k") == "1"
