"""appendfsync always: a reply leaves when what it tells of is on the disk, and the server goes on meanwhile.

The disk is held up by the library of syncs.py. A loop with one client that waits syncs by itself; so what must be shared is begun by two
connections whose commands come in the same turn (`together`). That a command has run although its reply waits is told by the server's log."""
import contextlib
import itertools
import os
import re
import signal
import threading

import pytest

from harness import HOST, wait_until
from syncs import syncs  # noqa: F401  a fixture
from wire import Push, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
threads 1
save ""
appendonly yes
appendfsync always
enable-debug-command yes
auto-aof-rewrite-percentage 0
"""
QUIET = 0.1  # seconds without an answer: a wrong server answers at once


class Clients:
    def __init__(self, node):
        self.node, self._open = node, []

    def new(self, protocol=2):
        wire = Wire(self.node, protocol)
        assert wire.call("PING") in ("PONG", ["pong", ""])
        self._open.append(wire)
        return wire

    def some(self, count):
        return [self.new() for _ in range(count)]

    def close(self):
        for wire in self._open:
            wire.close()


@pytest.fixture
def start(cluster, ports, syncs):  # noqa: F811
    def start_one(*options):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port)).start(*options)

    return start_one


@pytest.fixture
def clients():
    with contextlib.ExitStack() as stack:
        yield lambda node: stack.enter_context(contextlib.closing(Clients(node)))


@contextlib.contextmanager
def together(node):
    """What is sent meanwhile comes to the server in one turn."""
    os.kill(node.pid, signal.SIGSTOP)
    wait_until(lambda: re.search(r"\) T", open(f"/proc/{node.pid}/stat").read()), 10, "the server to stand still")
    yield
    os.kill(node.pid, signal.SIGCONT)


NUMBERS = itertools.count()


def marked(wire, *words):
    """Sends a command and behind it another that leaves the mark it returns in the server's log."""
    mark = f"mark {next(NUMBERS)}."
    wire.send(*words)
    wire.send("DEBUG", "LOG", mark)
    return mark


def run(node, wire, *words):
    """Returns when the command has run; answer() is for its reply."""
    mark = marked(wire, *words)
    wait_until(lambda: mark in node.log.read_text(), 10, f"{words} to run")


def answer(wire):
    reply, mark = wire.read_many(2)
    assert mark == "OK"
    return reply


def held_up(node, syncs, *wires):  # noqa: F811
    """A write of each has run, and their sync does not end. At least two of each loop."""
    before = syncs.begun()
    syncs.hold()
    with together(node):
        marks = [marked(wire, "SET", f"key:{number}", "1") for number, wire in enumerate(wires)]
    wait_until(lambda: syncs.begun() == before + 1, 10, "the sync")
    wait_until(lambda: all(mark in node.log.read_text() for mark in marks), 10, "all to have run")


def closed(wire):
    with pytest.raises(ConnectionError):
        wire.read()
    return True


def test_whoever_sees_a_write_that_is_not_durable_waits_and_is_served_meanwhile(start, clients, syncs):  # noqa: F811
    node = start()
    a, b, reader, third = clients(node).some(4)
    held_up(node, syncs, a, b)
    reader.send("GET", "key:0")
    run(node, third, "INCR", "counter")
    assert all(wire.quiet(QUIET) for wire in (a, b, reader, third))
    syncs.release()
    assert (answer(a), answer(b), reader.read(), answer(third)) == ("OK", "OK", "1", 1)
    assert reader.call("GET", "key:0") == "1"


def test_all_who_come_during_a_sync_share_the_next(start, clients, syncs):  # noqa: F811
    node = start()
    a, b, *others = clients(node).some(12)
    held_up(node, syncs, a, b)
    before = syncs.begun()
    for number, wire in enumerate(others):
        run(node, wire, "SET", f"other:{number}", "x")
    syncs.release()
    assert [answer(wire) for wire in (a, b, *others)] == ["OK"] * 12
    assert syncs.begun() == before + 1


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failed_sync_acknowledges_nothing(start, clients, syncs, threads):  # noqa: F811
    node = start("--threads", str(threads))
    own = clients(node)
    writers, (waiting, reader, *others) = own.some(2 * threads), own.some(6)
    waiting.send("BLPOP", "list", "0")
    wait_until(lambda: node.info("clients")["blocked_clients"] == "1", 10, "the client to wait")
    held_up(node, syncs, *writers)
    for number, wire in enumerate(others):
        run(node, wire, *(("LPUSH", "list", "x") if number == 0 else ("SADD", f"set:{number}", "x")))
    reader.send("GET", "key:0")
    assert all(wire.quiet(QUIET) for wire in (*writers, waiting, reader, *others))
    syncs.fail()
    syncs.release()
    for wire in (*writers, waiting, *others):
        assert closed(wire), "a promise that cannot be kept is not made"
    assert reader.read() == "1", "the data is there, and can be read"
    late = own.new()
    assert late.call("SET", "late", "1").startswith("MISCONF Errors writing to the AOF file: ")
    syncs.recover()
    wait_until(lambda: late.call("SET", "late", "1") == "OK", 30, "a rewrite to repair the log")
    node.kill()
    node.start()
    assert node.call("MGET", "key:0", "key:1", "late") == ["1", "1", "1"], "the rewrite had the data"


def test_replies_and_pushes_of_a_connection_keep_their_order(start, clients, syncs):  # noqa: F811
    node = start()
    own = clients(node)
    a, b, pusher = own.some(3)
    listener = own.new(protocol=3)
    listener.call("SUBSCRIBE", "channel")
    held_up(node, syncs, a, b)
    listener.send("GET", "key:0")
    for words in (["SET", "n", "5"], ["MULTI"], ["INCR", "n"], ["PUBLISH", "channel", "m"], ["EXEC"], ["GET", "n"]):
        pusher.send(*words)
    run(node, pusher, "PING")
    run(node, listener, "INCR", "seen")
    assert listener.quiet(QUIET) and pusher.quiet(0)
    syncs.release()
    assert pusher.read_many(6) == ["OK", "OK", "QUEUED", "QUEUED", [6, 1], "6"]
    assert listener.read_many(4) == ["1", Push(["message", "channel", "m"]), 1, "OK"]


def test_pipelined_commands_run_while_their_predecessors_wait(start, clients, syncs):  # noqa: F811
    node = start()
    a, b = clients(node).some(2)
    held_up(node, syncs, a, b)
    for number in range(1000):
        run(node, a, "INCR", "n") if number % 100 == 99 else a.send("INCR", "n")
    b.send("GET", "n")
    assert a.quiet(QUIET) and b.quiet(0)
    syncs.release()
    assert answer(a) == answer(b) == "OK"
    assert [reply for reply in a.read_many(1010) if reply != "OK"] == list(range(1, 1001))
    assert b.read() == "1000"


def test_a_client_that_goes_while_it_waits_disturbs_nobody(start, clients, syncs):  # noqa: F811
    node = start()
    own = clients(node)
    a, b = own.some(2)
    gone = Wire(node)
    held_up(node, syncs, a, b)
    run(node, gone, "SET", "gone", "1")
    gone.close()
    syncs.release()
    assert (answer(a), answer(b)) == ("OK", "OK")
    assert own.new().call("GET", "gone") == "1"


def test_a_new_policy_is_for_those_who_come_later(start, clients, syncs):  # noqa: F811
    node = start()
    a, b, admin = clients(node).some(3)
    held_up(node, syncs, a, b)
    assert admin.call("CONFIG", "SET", "appendfsync", "everysec") == "OK"
    assert admin.call("SET", "third", "1") == "OK"
    run(node, b, "SET", "fourth", "1")
    assert a.quiet(QUIET) and b.quiet(0), "what was promised before is kept, and what follows on a connection comes behind"
    syncs.release()
    assert (answer(a), answer(b), answer(b)) == ("OK", "OK", "OK")


@pytest.mark.parametrize("disk", ["good", "failing"])
def test_switching_the_log_off_answers_those_who_wait_as_the_disk_does(start, clients, syncs, disk):  # noqa: F811
    node = start()
    own = clients(node)
    a, b, admin, switcher = own.some(4)
    held_up(node, syncs, a, b)
    switcher.send("CONFIG", "SET", "appendonly", "no")
    if disk == "failing":
        syncs.fail()
    assert a.quiet(QUIET) and b.quiet(0)
    syncs.release()
    if disk == "good":
        assert (answer(a), answer(b), switcher.read()) == ("OK", "OK", "OK")
    else:
        assert closed(a) and closed(b)
    syncs.recover()
    assert admin.call("CONFIG", "SET", "appendonly", "yes") == "OK"
    wait_until(lambda: node.info("persistence")["aof_rewrite_in_progress"] == "0", 30, "the first base")
    held_up(node, syncs, admin, own.new())
    syncs.release()
    assert answer(admin) == "OK", "the new log has nothing to do with what the old one lost"


def test_a_rewrite_meanwhile_keeps_promises_on_either_side_of_its_cut(start, clients, syncs):  # noqa: F811
    node = start()
    own = clients(node)
    a, b, admin, after = own.some(4)
    node.call("CONFIG", "SET", "rdb-key-save-delay", 10_000_000)  # the new base is not complete before the end
    held_up(node, syncs, a, b)
    admin.send("BGREWRITEAOF")
    wait_until(lambda: len(list(node.folder.glob("appendonlydir/*.incr.aof"))) == 2, 10, "the cut")
    after.send("SET", "behind", "1")
    assert a.quiet(QUIET) and after.quiet(0)
    syncs.release()
    assert (answer(a), answer(b), after.read()) == ("OK", "OK", "OK")
    node.kill()
    node.start()
    assert node.call("MGET", "key:0", "key:1", "behind") == ["1", "1", "1"]


def test_shutdown_answers_what_it_has_made_durable(start, clients, syncs):  # noqa: F811
    node = start()
    a, b, admin = clients(node).some(3)
    held_up(node, syncs, a, b)
    admin.send("SHUTDOWN", "NOSAVE")
    wait_until(lambda: "User requested shutdown" in node.log.read_text(), 10, "the shutdown")
    assert a.quiet(QUIET)
    syncs.release()
    assert (answer(a), answer(b)) == ("OK", "OK")
    assert closed(a)
    node.pid = None
    node.start()
    assert node.call("MGET", "key:0", "key:1") == ["1", "1"]


def test_waitaof_counts_the_disk_when_it_has_the_write(start, clients, syncs):  # noqa: F811
    node = start()
    a, b = clients(node).some(2)
    held_up(node, syncs, a, b)
    a.send("WAITAOF", "0", "0", "1")
    a.send("WAITAOF", "1", "0", "0")
    assert a.quiet(QUIET)
    run(node, b, "INCR", "later")
    syncs.release()
    assert answer(a) == "OK"
    assert a.read() == [0, 0], "its time was over before the disk had it"
    assert a.read() == [1, 0]


def test_a_busy_script_lets_replies_go_that_have_become_durable(start, clients, syncs):  # noqa: F811
    node = start("--busy-reply-threshold", "50")
    a, b, script, other = clients(node).some(4)
    held_up(node, syncs, a, b)
    script.send("EVAL", "while true do end", "0")
    other.send("GET", "key:0")
    assert a.quiet(QUIET)
    syncs.release()
    assert (answer(a), answer(b)) == ("OK", "OK")
    assert other.read().startswith("BUSY ")
    assert other.call("SCRIPT", "KILL") == "OK"
    assert "killed by user" in script.read()


def test_a_write_waits_for_the_disk_and_for_replicas(start, clients, syncs):  # noqa: F811
    node = start("--repl-diskless-sync-delay", "0")
    replica = start("--appendonly", "no", "--replicaof", HOST, str(node.port))
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the replica")
    a, b, admin = clients(node).some(3)
    assert admin.call("CONFIG", "SET", "min-replicas-ack", "1") == "OK"
    wait_until(lambda: admin.call("SET", "zero", "1") == "OK", 20, "a replica that acknowledges")
    held_up(node, syncs, a, b)
    wait_until(lambda: replica.call("GET", "key:1") == "1", 10, "the replica to have it")
    assert a.quiet(QUIET) and b.quiet(0), "the replica has it, the disk does not"
    syncs.release()
    assert (answer(a), answer(b)) == ("OK", "OK")
    assert admin.call("CONFIG", "SET", "min-replicas-ack-timeout", "100") == "OK"
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        held_up(node, syncs, a, b)
        run(node, a, "SET", "more", "2")
        a.send("GET", "more")
        assert a.quiet(0.5) and b.quiet(0), "the time for the replica is over, but what is told comes when the disk has it"
        syncs.release()
        refused = "NOREPLICAS Too few replicas"
        errors = [answer(wire) for wire in (a, a, b)]
        assert a.read() == "2" and all(error.startswith(refused) for error in errors)
    finally:
        os.kill(replica.pid, signal.SIGCONT)


def test_many_writers_on_several_loops_are_all_answered(start, clients, syncs):  # noqa: F811
    node = start("--threads", "4")
    wires = clients(node).some(16)

    def write(number, wire):
        for n in range(200):
            assert wire.call("INCR", f"{number}:counter") == n + 1

    threads = [threading.Thread(target=write, args=pair) for pair in enumerate(wires)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert syncs.begun() < 16 * 200, "some were shared"
    assert node.call("MGET", *(f"{n}:counter" for n in range(16))) == ["200"] * 16


def test_transactions_that_come_together_from_the_primary_share_a_sync(start, clients, syncs):  # noqa: F811
    primary = start("--appendonly", "no", "--repl-diskless-sync-delay", "0")
    replica = start("--replicaof", f"{HOST} {primary.port}")
    wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 20, "the replica to follow")
    wire = clients(primary).new()
    wait_until(lambda: wire.call("WAIT", 1, 100) == 1, 20, "the replica to be in step")
    before = syncs.begun()
    with together(primary):
        for number in range(200):
            for words in (("MULTI",), ("SET", "k", number), ("INCR", "n"), ("EXEC",)):
                wire.send(*words)
    wire.read_many(800)
    wait_until(lambda: wire.call("WAIT", 1, 100) == 1, 20, "the replica to have them")
    assert 0 < syncs.begun() - before < 50
