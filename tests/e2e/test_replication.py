"""Replication between our servers and real ones, in both directions."""
import os
import signal
import subprocess
import threading

import pytest
import redis

from fake_peer import HISTORY, FakePrimary, command, rdb_string
from harness import process_exists, program, wait_until
from wire import Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
repl-diskless-sync {diskless}
repl-diskless-sync-delay 0
repl-backlog-size 1mb
repl-ping-replica-period 1
repl-timeout 20
enable-debug-command yes
"""
OURS, THEIRS = "ashlar-server", "redis-server"
PAIRS = [(OURS, OURS), (THEIRS, OURS), (OURS, THEIRS)]


@pytest.fixture
def start(cluster, ports):
    """Starts a server of the given kind with further options."""

    def start_one(server, *options, diskless="yes"):
        port = ports.take()[0]
        config = CONFIG.format(port=port, diskless=diskless)
        if server == OURS:
            config = config.replace("enable-debug-command yes\n", "")
        return cluster.add(port, config, server=server).start(*options)

    return start_one


def fill(node, first, last, size=20):
    for number in range(first, last):
        node.call("SET", f"key:{number}", f"value:{number}:" + "x" * size)


def replication(node):
    return node.info("replication")


def in_step(primary, replica):
    """True once the replica is connected and has all bytes of the primary's stream."""
    theirs, ours = replication(primary), replication(replica)
    return (ours["role"] == "slave" and ours["master_link_status"] == "up"
            and ours["master_replid"] == theirs["master_replid"]
            and int(ours["slave_repl_offset"]) >= int(theirs["master_repl_offset"]))


def wait_in_step(primary, replica, seconds=30):
    wait_until(lambda: in_step(primary, replica), seconds, f"{replica} to follow {primary}")


def follow(replica, primary):
    assert replica.call("REPLICAOF", "127.0.0.1", primary.port) == "OK"


def same_data(primary, replica, numbers):
    for number in numbers:
        expected = primary.call("GET", f"key:{number}")
        assert expected is not None
        assert replica.call("GET", f"key:{number}") == expected


@pytest.mark.parametrize("diskless", ["yes", "no"])
@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_full_sync_and_stream(start, kinds, diskless):
    primary, replica = start(kinds[0], diskless=diskless), start(kinds[1])
    fill(primary, 0, 100)
    primary.call("SET", "volatile", "v", "EX", "1000")
    replica.call("SET", "stale", "must go")
    follow(replica, primary)
    wait_in_step(primary, replica)
    assert replica.call("GET", "stale") is None
    same_data(primary, replica, range(0, 100, 7))
    assert 0 < int(replica.call("TTL", "volatile")) <= 1000

    fill(primary, 100, 150)
    primary.call("DEL", "key:1")
    primary.call("INCR", "counter")
    wait_in_step(primary, replica)
    same_data(primary, replica, range(100, 150, 7))
    assert replica.call("GET", "key:1") is None
    assert replica.call("GET", "counter") == "1"
    assert replication(primary)["connected_slaves"] == "1"
    with pytest.raises(Exception, match="READONLY|read only"):
        replica.call("SET", "a", "b")


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_replica_that_was_a_master_for_a_while_synchronises_anew(start, kinds):
    primary, replica = start(kinds[0]), start(kinds[1])
    fill(primary, 0, 10)
    follow(replica, primary)
    wait_in_step(primary, replica)
    assert replica.call("REPLICAOF", "NO", "ONE") == "OK"
    replica.call("SET", "astray", "1")
    fill(primary, 10, 20)
    follow(replica, primary)
    wait_in_step(primary, replica)
    same_data(primary, replica, range(20))
    assert replica.call("GET", "astray") is None


def test_their_replica_resumes_from_our_backlog(start):
    primary, replica = start(OURS), start(THEIRS)
    fill(primary, 0, 10)
    follow(replica, primary)
    wait_in_step(primary, replica)
    replica.call("CLIENT", "KILL", "TYPE", "master")
    fill(primary, 10, 20)
    wait_in_step(primary, replica)
    same_data(primary, replica, range(20))
    log = primary.log.read_text()
    assert log.count("Full resync requested by replica") == 1
    assert "Partial resynchronization request from" in log


def test_cut_connection_is_resumed_from_the_backlog(start):
    primary, replica = start(THEIRS), start(OURS)
    fill(primary, 0, 10)
    follow(replica, primary)
    wait_in_step(primary, replica)
    fulls = primary.info("stats")["sync_full"]
    primary.call("CLIENT", "KILL", "TYPE", "replica")
    fill(primary, 10, 20)
    wait_in_step(primary, replica)
    same_data(primary, replica, range(20))
    stats = primary.info("stats")
    assert (stats["sync_full"], stats["sync_partial_ok"]) == (fulls, "1")


@pytest.mark.parametrize("last", [OURS, THEIRS])
def test_chain(start, last):
    top, middle, bottom = start(OURS), start(OURS), start(last)
    fill(top, 0, 20)
    follow(middle, top)
    wait_in_step(top, middle)
    follow(bottom, middle)
    wait_in_step(middle, bottom)
    fill(top, 20, 40)
    wait_in_step(top, middle)
    wait_in_step(middle, bottom)
    same_data(top, bottom, range(40))
    assert replication(top)["master_replid"] == replication(bottom)["master_replid"]


@pytest.mark.parametrize("other", [OURS, THEIRS])
def test_promotion_keeps_the_history(start, other):
    # A ping that reaches one replica and not the other would put that one ahead.
    old, new, third = start(OURS, "--repl-ping-replica-period", "600"), start(OURS), start(other)
    fill(old, 0, 20)
    for replica in (new, third):
        follow(replica, old)
        wait_in_step(old, replica)
    history = replication(old)["master_replid"]
    wait_until(lambda: in_step(old, new) and in_step(old, third), 20, "both replicas to have all")
    old.kill()
    assert new.call("REPLICAOF", "NO", "ONE") == "OK"
    facts = replication(new)
    assert facts["role"] == "master" and facts["master_replid2"] == history
    assert facts["master_replid"] != history
    follow(third, new)
    wait_in_step(new, third)
    fill(new, 20, 30)
    wait_in_step(new, third)
    same_data(new, third, range(30))
    assert "Full resync requested by replica" not in new.log.read_text()


def test_databases_follow_the_stream(start):
    primary, replica = start(THEIRS), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    with redis.Redis("127.0.0.1", primary.port, db=3) as client:
        client.set("in three", "yes")
    wait_in_step(primary, replica)
    with redis.Redis("127.0.0.1", replica.port, db=3) as client:
        assert client.get("in three") == b"yes"
    assert replica.call("GET", "in three") is None


@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_wait_counts_replicas(start, kind):
    primary, replica = start(OURS), start(kind)
    follow(replica, primary)
    wait_in_step(primary, replica)
    with redis.Redis("127.0.0.1", primary.port) as client:
        connection = client.connection_pool.get_connection("SET")
        connection.send_command("SET", "a", "b")
        connection.read_response()
        connection.send_command("WAIT", 1, 5000)
        assert connection.read_response() == 1
        connection.send_command("WAIT", 2, 100)
        assert connection.read_response() == 1
        client.connection_pool.release(connection)


def shut_down(node, *words):
    """Ends a server in order; it may be started again."""
    pid = node.pid
    try:
        node.call("SHUTDOWN", *words)
    except redis.ConnectionError:
        pass
    wait_until(lambda: not process_exists(pid), 30, f"the end of {node}")
    node.pid = None


def full_syncs(primary):
    return int(primary.info("stats")["sync_full"]) if primary.server == THEIRS else primary.log.read_text().count(
        "Full resync requested by replica")


@pytest.mark.parametrize("kinds", [(OURS, OURS), (OURS, THEIRS)], ids="-".join)
def test_replicas_that_arrive_together_share_a_snapshot(start, kinds):
    # The delay is longer than the test may take: only the number of replicas can begin the transfer.
    primary = start(OURS, "--repl-diskless-sync-delay", "600", "--repl-diskless-sync-max-replicas", "2")
    replicas = [start(kind) for kind in kinds]
    fill(primary, 0, 50)
    follow(replicas[0], primary)
    wait_until(lambda: "state=wait_bgsave" in replication(primary).get("slave0", ""), 20, "the first to wait")
    follow(replicas[1], primary)
    for replica in replicas:
        wait_in_step(primary, replica)
        same_data(primary, replica, range(50))
    assert primary.log.read_text().count("Starting snapshot for SYNC") == 1


def test_replica_lost_during_a_shared_snapshot_does_not_disturb_the_other(start):
    # The second may arrive before the first is gone, or behind it and alone: then the delay begins the transfer.
    primary = start(OURS, "--repl-diskless-sync-delay", "3", "--repl-diskless-sync-max-replicas", "2")
    steady, fickle = start(OURS), start(OURS)
    fill(primary, 0, 2000, size=1000)
    follow(fickle, primary)
    wait_until(lambda: "state=wait_bgsave" in replication(primary).get("slave0", ""), 20, "the first to wait")
    follow(steady, primary)
    fickle.kill()
    wait_in_step(primary, steady)
    same_data(primary, steady, range(0, 2000, 100))


@pytest.mark.parametrize("appendonly", ["no", "yes"])
@pytest.mark.parametrize("kinds", [(OURS, OURS), (THEIRS, OURS)], ids="-".join)
def test_our_replica_resumes_after_its_restart(start, kinds, appendonly):
    primary, replica = start(kinds[0]), start(kinds[1], "--appendonly", appendonly)
    fill(primary, 0, 50)
    follow(replica, primary)
    wait_in_step(primary, replica)
    if appendonly == "yes":
        wait_until(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0"
                   and "rewriting started" in replica.log.read_text(), 20, "the log to hold the data of the primary")
    fulls = full_syncs(primary)
    shut_down(replica, "SAVE")
    fill(primary, 50, 100)
    replica.start("--appendonly", appendonly, "--replicaof", f"127.0.0.1 {primary.port}")
    wait_in_step(primary, replica)
    same_data(primary, replica, range(0, 100, 3))
    assert full_syncs(primary) == fulls


def test_a_snapshot_of_a_replica_has_no_effects_without_their_place_in_the_stream(start):
    primary, replica = start(OURS, "--repl-backlog-size", "256mb"), start(OURS, "--enable-debug-command", "yes")
    primary.call("SET", "n", "0")
    follow(replica, primary)
    wait_in_step(primary, replica)
    ended = threading.Event()

    def write():
        writer = Wire(primary)
        while not ended.is_set():
            for _ in range(100):
                writer.send("INCR", "n")
                writer.send("SWAPDB", "0", "1")  # runs while nobody else does
            writer.read_many(200)

    thread = threading.Thread(target=write)
    thread.start()
    contents = []
    try:
        for _ in range(4):
            sleeping = Wire(replica)
            sleeping.send("DEBUG", "SLEEP", "0.3")  # much of the stream waits then, and the cut falls into it
            replica.call("BGSAVE")
            assert sleeping.read() == "OK"
            wait_until(lambda: replica.info("persistence")["rdb_bgsave_in_progress"] == "0", 20, "the snapshot")
            contents.append((replica.folder / "dump.rdb").read_bytes())
    finally:
        ended.set()
        thread.join()

    def numbers(node):
        reader = Wire(node)
        return [(reader.call("SELECT", db), reader.call("GET", "n"))[1] for db in (0, 1)]

    fulls = full_syncs(primary)
    later = start(OURS)
    for content in contents:
        shut_down(later, "NOSAVE")
        (later.folder / "dump.rdb").write_bytes(content)
        later.start("--replicaof", f"127.0.0.1 {primary.port}")
        wait_in_step(primary, later)
        assert numbers(later) == numbers(primary)
    assert full_syncs(primary) == fulls


@pytest.mark.parametrize("appendonly", ["no", "yes"])
@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_replica_resumes_after_the_restart_of_our_primary(start, kind, appendonly):
    primary, replica = start(OURS, "--appendonly", appendonly), start(kind)
    fill(primary, 0, 50)
    primary.call("SET", "short-lived", "v", "PX", "1")
    follow(replica, primary)
    wait_in_step(primary, replica)
    fill(primary, 50, 60)  # the shutdown waits until the replica has these
    history = replication(primary)["master_replid"]
    shut_down(primary, "SAVE")
    primary.log.rename(primary.log.with_suffix(".before"))
    primary.start("--appendonly", appendonly)
    facts = replication(primary)
    assert facts["master_replid2"] == history and facts["master_replid"] != history
    wait_in_step(primary, replica)
    fill(primary, 60, 70)
    wait_in_step(primary, replica)
    same_data(primary, replica, range(70))
    assert replica.call("DBSIZE") == primary.call("DBSIZE")
    assert full_syncs(primary) == 0


def test_log_that_went_on_after_its_note_does_not_name_a_place_in_the_stream(start):
    primary, replica = start(OURS, "--appendonly", "yes"), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    fill(primary, 0, 10)
    history = replication(primary)["master_replid"]
    shut_down(primary)
    primary.start("--appendonly", "yes", "--appendfsync", "always")
    assert replication(primary)["master_replid2"] == history
    fill(primary, 10, 20)
    primary.kill()
    primary.start("--appendonly", "yes")
    assert replication(primary)["master_replid2"] == "0" * 40
    assert primary.call("DBSIZE") == 20


def test_transaction_of_the_stream_is_applied_as_one(start, ports):
    port = ports.take()[0]
    primary, replica = FakePrimary(port), start(OURS, "--appendonly", "yes", "--appendfsync", "always")
    replica.call("REPLICAOF", "127.0.0.1", port)
    link = primary.full_sync(offset=100)
    begin = command("SELECT", 0) + command("SET", "before", 1)
    link.send(begin + command("MULTI") + command("SET", "a", 1) + command("SET", "b", 2))
    acknowledged = link.acknowledgement(100 + len(begin))
    assert acknowledged == 100 + len(begin), "the offset stays at the beginning of the transaction"
    assert replica.call("MGET", "before", "a", "b") == ["1", None, None]
    # Cut off inside it, the replica asks for the transaction from its beginning.
    link.close()
    link, asked = primary.accept()
    assert asked == [HISTORY, str(acknowledged + 1)]
    whole = command("MULTI") + command("SET", "a", 1) + command("SET", "b", 2) + command("EXEC")
    link.send(b"+CONTINUE\r\n" + whole)
    link.acknowledgement(acknowledged + len(whole))
    assert replica.call("MGET", "before", "a", "b") == ["1", "1", "2"]
    link.close()
    primary.close()
    wait_until(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the rewrite")

    # In the append-only file it is a transaction too: cut off in front of EXEC it is not there at all.
    replica.kill()
    log = sorted(replica.folder.glob("appendonlydir/*.incr.aof"))[-1]
    content = log.read_bytes()
    assert content.rstrip().endswith(b"EXEC")
    log.write_bytes(content[:content.rindex(b"*1\r\n$4\r\nEXEC")])
    replica.start("--appendonly", "yes")
    assert replica.call("MGET", "before", "a", "b") == ["1", None, None]


def test_replica_that_loads_for_long_gives_signs_of_life(start, ports):
    port = ports.take()[0]
    primary, replica = FakePrimary(port), start(OURS, "--repl-diskless-load", "swapdb")
    replica.call("REPLICAOF", "127.0.0.1", port)
    link, _ = primary.accept()
    mark = b"m" * 40
    link.send(b"+FULLRESYNC %s 0\r\n$EOF:%s\r\n" % (HISTORY.encode(), mark) + b"REDIS0010\xfe\x00")
    sent = 0
    while not link.sign_of_life(0.1):
        assert sent < 200, "no sign of life during a load of many seconds"
        link.send(b"".join(rdb_string(b"key:%d:%d" % (sent, i), b"x" * 1000) for i in range(2200)))
        sent += 1
    link.send(b"\xff" + bytes(8) + mark)
    link.acknowledgement(0)
    assert replica.call("DBSIZE") == 2200 * sent
    primary.close()


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
@pytest.mark.parametrize("named", ["named", "any"])
def test_failover_swaps_the_roles(start, kinds, named):
    old, new = start(kinds[0]), start(kinds[1])
    fill(old, 0, 20)
    follow(new, old)
    wait_in_step(old, new)
    # The replica may have the data before its primary has heard so.
    wait_until(lambda: "state=online" in replication(old)["slave0"], 20, "the replica to be online")
    fulls = full_syncs(old)
    assert old.call("FAILOVER", *(["TO", "127.0.0.1", new.port] if named == "named" else [])) == "OK"
    wait_until(lambda: replication(old)["role"] == "slave" and replication(new)["role"] == "master", 20, "the swap")
    wait_in_step(new, old)
    assert replication(old)["master_failover_state"] == "no-failover"
    fill(new, 20, 30)
    wait_in_step(new, old)
    same_data(new, old, range(30))
    assert full_syncs(old) == fulls and full_syncs(new) == 0


@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_failover_refuses_what_cannot_be(start, kind):
    primary, replica = start(kind), start(OURS)

    def refused(node, *words):
        with pytest.raises(redis.ResponseError) as error:
            node.call("FAILOVER", *words)
        return str(error.value)

    assert refused(primary) == "FAILOVER requires connected replicas."
    assert refused(primary, "ABORT") == "No failover in progress."
    follow(replica, primary)
    wait_in_step(primary, replica)
    assert refused(replica) == "FAILOVER is not valid when server is a replica."
    assert refused(primary, "TO", "127.0.0.1", 1) == "FAILOVER target HOST and PORT is not a replica."
    assert refused(primary, "TIMEOUT", 0) == "FAILOVER timeout must be greater than 0"
    assert refused(primary, "TIMEOUT", "x") == "value is not an integer or out of range"
    assert refused(primary, "FORCE") == ("FAILOVER with force option requires both a timeout and target HOST and IP.")
    assert refused(primary, "TO", "127.0.0.1") == "syntax error"
    assert refused(primary, "NOW") == "syntax error"
    assert replication(primary)["role"] == "master"


@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_failover_that_no_replica_can_follow_holds_writes_until_it_ends(start, ports, kind):
    primary, replica = start(kind), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        fill(primary, 0, 5)
        assert primary.call("FAILOVER") == "OK"
        assert replication(primary)["master_failover_state"] == "waiting-for-sync"
        with pytest.raises(redis.ResponseError, match="FAILOVER already in progress."):
            primary.call("FAILOVER")
        with pytest.raises(redis.ResponseError, match="REPLICAOF not allowed while failing over."):
            primary.call("REPLICAOF", "127.0.0.1", 1)
        assert primary.call("FAILOVER", "ABORT") == "OK"
        assert replication(primary)["master_failover_state"] == "no-failover"
        primary.call("SET", "after", "abort")
        assert primary.call("FAILOVER", "TIMEOUT", 300) == "OK"
        primary.call("SET", "after", "timeout")  # held back until the time is over
        assert replication(primary)["master_failover_state"] == "no-failover"
        assert replication(primary)["role"] == "master"
    finally:
        os.kill(replica.pid, signal.SIGCONT)


def on_one_connection(node, *commands):
    """The replies to these commands, sent on one connection."""
    with redis.Redis("127.0.0.1", node.port, single_connection_client=True, decode_responses=True) as client:
        client.response_callbacks.clear()
        return [client.execute_command(*words) for words in commands]


def test_waitaof_counts_disks(start):
    primary, replica = start(OURS, "--appendonly", "yes"), start(OURS, "--appendonly", "yes")
    assert on_one_connection(primary, ("SET", "a", 1), ("WAITAOF", 1, 0, 5000))[1] == [1, 0]
    follow(replica, primary)
    wait_in_step(primary, replica)
    assert on_one_connection(primary, ("SET", "a", 2), ("WAITAOF", 1, 1, 10000))[1] == [1, 1]
    assert on_one_connection(primary, ("SET", "a", 3), ("WAITAOF", 0, 2, 100))[1][1] < 2


def test_waitaof_refuses_what_cannot_be(start):
    primary, replica = start(OURS), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    with pytest.raises(redis.ResponseError, match="WAITAOF cannot be used when numlocal is set but appendonly is disabled."):
        primary.call("WAITAOF", 1, 0, 0)
    with pytest.raises(redis.ResponseError, match="value is out of range, value must between 0 and 1"):
        primary.call("WAITAOF", 2, 0, 0)
    with pytest.raises(redis.ResponseError, match="WAITAOF cannot be used with replica instances."):
        replica.call("WAITAOF", 0, 1, 0)
    assert primary.call("WAITAOF", 0, 0, 0) == [0, 0]
    # A replica without a log never says that it has anything on its disk.
    assert primary.call("WAITAOF", 0, 1, 100) == [0, 0]


@pytest.mark.parametrize("form", [("CLIENT", "KILL", "{}"), ("CLIENT", "KILL", "ADDR", "{}")])
def test_client_kill_by_address_ends_the_link_to_the_primary_which_comes_again(start, form):
    primary, replica = start(OURS), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    assert replica.call(*(word.format(primary.address) for word in form)) in ("OK", 1)
    wait_until(lambda: int(primary.info("stats")["sync_partial_ok"]) == 1, 20, "a partial resynchronization")
    with pytest.raises(redis.ResponseError, match="No such client"):
        replica.call("CLIENT", "KILL", "127.0.0.1:1")


def test_a_replica_that_is_cut_off_again_and_again_under_writes_has_the_same_data(start):
    primary, first, second = (start(OURS, "--enable-debug-command", "yes") for _ in range(3))
    for replica in (first, second):
        follow(replica, primary)
        wait_in_step(primary, replica)
    done = threading.Event()

    def write():
        client = redis.Redis("127.0.0.1", primary.port)
        while not done.is_set():
            with client.pipeline(transaction=False) as pipe:
                for number in range(100):
                    pipe.incr(f"count:{number}")
                pipe.execute()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for round_ in range(20):
            # One link comes while bytes for the other lie ready.
            replica = first if round_ % 2 else second
            replica.call("CLIENT", "KILL", "TYPE", "master")
            wait_until(lambda: replication(replica)["master_link_status"] == "up", 20, "the link to come again")
    finally:
        done.set()
        writer.join()
    for replica in (first, second):
        wait_in_step(primary, replica)
        assert replica.call("DEBUG", "DIGEST") == primary.call("DEBUG", "DIGEST")
        assert "Unexpected answer to PSYNC" not in replica.log.read_text()


SLOW = ("SORT_RO", "{slow}list", "LIMIT", 0, 1)


def make_slow(node):
    script = "for i = 1, 300000 do redis.call('RPUSH', KEYS[1], i * 7919 % 300007) end"
    node.call("EVAL", script, 1, "{slow}list")


@pytest.mark.parametrize("words", [("SWAPDB", 0, 1), ("FLUSHALL",), ("EXEC",)], ids=lambda words: words[0])
def test_a_command_that_waits_for_all_loops_does_not_write_behind_a_change_of_roles(start, words):
    ours, other = (start(OURS, "--enable-debug-command", "yes", "--threads", "2") for _ in range(2))
    make_slow(ours)
    fill(ours, 0, 20)
    follow(other, ours)
    wait_in_step(ours, other)
    busy, rival = Wire(ours), Wire(ours)
    assert other.call("REPLICAOF", "NO", "ONE") == "OK"
    if words == ("EXEC",):
        for queued in (("MULTI",), ("EVAL", "return 1", 0), ("SET", "key:1", "changed")):
            busy.call(*queued)
    # Whichever of the two comes first: in the end both have the same.
    busy.send(*SLOW)
    busy.send(*words)
    rival.send("REPLICAOF", "127.0.0.1", other.port)
    assert rival.read() == "OK"
    busy.read_many(2)
    wait_in_step(other, ours)
    assert ours.call("DEBUG", "DIGEST") == other.call("DEBUG", "DIGEST")


def test_no_write_is_under_way_any_more_when_a_pause_is_answered(start):
    node = start(OURS, "--threads", "2")
    make_slow(node)
    busy, other = Wire(node), Wire(node)
    other.call("PING")
    busy.send(*SLOW)
    busy.send("MULTI")
    busy.send("EVAL", "return redis.call('SET', 'k', 'v')", 0)
    busy.send("EXEC")
    assert other.call("CLIENT", "PAUSE", 100000, "WRITE") == "OK"
    before = other.call("GET", "k")
    busy.read()
    for _ in range(100):
        assert other.call("GET", "k") == before
    assert other.call("CLIENT", "UNPAUSE") == "OK"
    assert busy.read_many(3)[-1] == ["OK"]


def test_a_replica_may_keep_an_estimate_that_its_primary_does_not_know(start):
    primary, replica = start(OURS), start(OURS)
    follow(replica, primary)
    primary.call("PFADD", "h", *"abcdefg")
    wait_in_step(primary, replica)
    theirs, ours = (redis.Redis("127.0.0.1", node.port) for node in (primary, replica))
    before = ours.get("h")
    assert ours.pfcount("h") == 7
    assert ours.get("h") != before
    assert theirs.get("h") == before


def test_a_shutdown_that_waits_for_a_replica_says_so_and_can_be_aborted(start):
    primary, replica = start(OURS), start(OURS)
    follow(replica, primary)
    wait_in_step(primary, replica)
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        assert primary.call("SET", "late", "v") == "OK"
        links = [redis.Connection(host="127.0.0.1", port=primary.port) for _ in range(2)]
        for link in links:
            link.connect()
            link.send_command("SHUTDOWN")
        wait_until(lambda: primary.info("clients")["blocked_clients"] == "2", 20, "two clients that wait")
        wait_until(lambda: "shutdown_in_milliseconds" in primary.info("server"), 20, "the shutdown that they wait for")
        assert int(primary.info("server")["shutdown_in_milliseconds"]) > 0
        assert primary.call("SHUTDOWN", "ABORT") == "OK"
        for link in links:
            with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
                link.read_response()
            link.disconnect()
        assert "shutdown_in_milliseconds" not in primary.info("server")
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    wait_in_step(primary, replica)
    assert replica.call("GET", "late") == "v"


def test_a_snapshot_may_be_asked_for_functions_only(start, tmp_path):
    node = start(OURS)
    fill(node, 0, 100)
    node.call("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    path = tmp_path / "functions.rdb"
    subprocess.run([program("ashlar-cli"), "-p", str(node.port), "--functions-rdb", str(path)], check=True, timeout=20,
                   capture_output=True)
    content = path.read_bytes()
    assert content.startswith(b"REDIS") and b"register_function" in content and b"value:1:" not in content
