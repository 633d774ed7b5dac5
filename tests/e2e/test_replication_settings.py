"""What the directives and commands of replication promise, compared with redis-server where it can be asked."""
import os
import signal
import threading

import pytest
import redis

from fake_peer import HISTORY, FakePrimary, FakeReplica, command, rdb_string
from harness import HOST, wait_until

OURS, THEIRS = "ashlar-server", "redis-server"
BOTH = pytest.mark.parametrize("kind", [OURS, THEIRS])
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""


@pytest.fixture
def start(cluster, ports):
    def start_one(kind=OURS, *options):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port), server=kind).start(*options)

    return start_one


@pytest.fixture
def primary(ports):
    played = FakePrimary(ports.take()[0])
    yield played
    played.close()


def replication(node):
    return node.info("replication")


def follow(replica, primary, seconds=30):
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: replication(replica)["master_link_status"] == "up" and "state=online" in replication(primary)["slave0"], seconds,
               f"{replica} to follow {primary}")


def loading(node):
    fields = node.info("persistence")
    return fields["loading"], fields["async_loading"]


MARK = b"m" * 40


def begin_snapshot(link, history=HISTORY, offset=500):
    link.send(b"+FULLRESYNC %s %d\r\n$EOF:%s\r\n" % (history.encode(), offset, MARK) + b"REDIS0010\xfe\x00")
    link.send(rdb_string(b"key", b"new"))


# redis-server waits for a primary that stops in the middle of a snapshot and answers nobody meanwhile, so these cannot ask it.
def replica_of_one_history(start, primary):
    """A replica with the data `key` = old of HISTORY, asking for a synchronisation again."""
    replica = start(OURS, "--repl-diskless-load", "swapdb")
    replica.call("REPLICAOF", HOST, primary.port)
    link = primary.full_sync(offset=100)
    stream = command("SELECT", 0) + command("SET", "key", "old") + command("SET", "former", "1")
    link.send(stream)
    link.acknowledgement(100 + len(stream))
    link.close()
    link, asked = primary.accept()
    assert asked[0] == HISTORY
    return replica, link


def test_swapdb_serves_the_old_data_until_all_of_the_new_is_there(start, primary):
    replica, link = replica_of_one_history(start, primary)
    begin_snapshot(link)
    wait_until(lambda: loading(replica)[1] == "1", 20, "the load to begin")
    assert replica.call("MGET", "key", "former") == ["old", "1"]
    with pytest.raises(redis.BusyLoadingError):
        replica.call("REPLICAOF", "NO", "ONE")
    link.send(b"\xff" + bytes(8) + MARK)
    link.acknowledgement(500)
    assert loading(replica) == ("0", "0")
    assert replica.call("MGET", "key", "former") == ["new", None]


def test_swapdb_keeps_the_old_data_when_the_new_does_not_arrive(start, primary):
    replica, link = replica_of_one_history(start, primary)
    begin_snapshot(link)
    wait_until(lambda: loading(replica)[1] == "1", 20, "the load to begin")
    link.close()
    wait_until(lambda: loading(replica) == ("0", "0"), 20, "the load to be given up")
    assert replica.call("MGET", "key", "former") == ["old", "1"]
    # And the next attempt may succeed.
    link, _ = primary.accept()
    begin_snapshot(link)
    link.send(b"\xff" + bytes(8) + MARK)
    link.acknowledgement(500)
    assert replica.call("MGET", "key", "former") == ["new", None]


def test_swapdb_does_not_serve_the_data_of_another_history(start, primary):
    replica, link = replica_of_one_history(start, primary)
    begin_snapshot(link, history="f" * 40)
    wait_until(lambda: loading(replica)[0] == "1", 20, "the load to begin")
    with pytest.raises(redis.BusyLoadingError):
        replica.call("GET", "key")
    link.close()
    wait_until(lambda: loading(replica) == ("0", "0"), 20, "the load to be given up")
    assert replica.call("GET", "key") == "old"


@BOTH
def test_disabled_keeps_the_old_data_until_the_file_is_there(start, primary, kind):
    replica = start(kind)
    replica.call("SET", "key", "old")
    replica.call("REPLICAOF", HOST, primary.port)
    link, _ = primary.accept()
    begin_snapshot(link)
    wait_until(lambda: int(replication(replica).get("master_sync_read_bytes", 0)) > 0, 20, "a part of the snapshot to arrive")
    assert replica.call("GET", "key") == "old"
    link.close()
    link, _ = primary.accept()
    assert replica.call("GET", "key") == "old"
    link.close()


@pytest.mark.parametrize("there", ["data", "nothing"])
def test_on_empty_db_takes_the_direct_way_only_without_data(start, primary, there):
    replica = start(OURS, "--repl-diskless-load", "on-empty-db")
    if there == "data":
        replica.call("SET", "key", "old")
    replica.call("REPLICAOF", HOST, primary.port)
    link, _ = primary.accept()
    begin_snapshot(link)
    if there == "data":
        wait_until(lambda: int(replication(replica).get("master_sync_read_bytes", 0)) > 0, 20, "a part to arrive")
        assert replica.call("GET", "key") == "old"
    else:
        wait_until(lambda: loading(replica)[0] == "1", 20, "the load to begin")
    link.close()


@BOTH
def test_the_backlog_goes_some_time_after_the_last_replica(start, kind):
    primary, replica = start(kind, "--repl-backlog-ttl", "1"), start()
    follow(replica, primary)
    assert replication(primary)["repl_backlog_active"] == "1"
    history = replication(primary)["master_replid"]
    replica.end()
    wait_until(lambda: replication(primary)["repl_backlog_active"] == "0", 30, "the backlog to be freed")
    assert replication(primary)["master_replid"] != history


@BOTH
def test_a_replica_gives_up_a_primary_that_says_nothing_for_repl_timeout(start, primary, kind):
    replica = start(kind, "--repl-timeout", "2")
    replica.call("REPLICAOF", HOST, primary.port)
    link = primary.full_sync()
    again, asked = primary.accept()  # without a word from us
    assert asked[0] == HISTORY
    assert "MASTER timeout: no data nor PING received..." in replica.log.read_text()
    link.close()
    again.close()


@BOTH
def test_a_primary_gives_up_a_replica_that_says_nothing_for_repl_timeout(start, kind):
    primary = start(kind, "--repl-timeout", "2")
    replica = FakeReplica(primary.port)
    replica.take_snapshot()
    replica.acknowledge(0)
    wait_until(lambda: replication(primary)["connected_slaves"] == "1", 20, "the replica to be known")
    wait_until(lambda: replication(primary)["connected_slaves"] == "0", 30, "the replica to be given up")
    assert "Disconnecting timedout replica (streaming sync)" in primary.log.read_text()
    replica.close()


@pytest.mark.parametrize("kinds", [(OURS, OURS), (THEIRS, OURS), (OURS, THEIRS)], ids="-".join)
def test_a_replica_is_known_by_the_address_that_it_announces(start, kinds):
    primary = start(kinds[0])
    replica = start(kinds[1], "--replica-announce-ip", "10.1.2.3", "--replica-announce-port", "7777")
    follow(replica, primary)
    assert replication(primary)["slave0"].startswith("ip=10.1.2.3,port=7777,state=online,")
    wait_until(lambda: [words[:2] for words in primary.call("ROLE")[2]] == [["10.1.2.3", "7777"]], 20, "ROLE to tell")


@BOTH
def test_priority_and_announcement_are_told_to_who_asks(start, kind):
    primary = start()
    replica = start(kind, "--replica-priority", "7", "--replica-announced", "no")
    follow(replica, primary)
    facts = replication(replica)
    assert (facts["slave_priority"], facts["replica_announced"]) == ("7", "0")
    replica.call("CONFIG", "SET", "replica-priority", "0", "replica-announced", "yes")
    wait_until(lambda: [replication(replica)[name] for name in ("slave_priority", "replica_announced")] == ["0", "1"], 10, "CONFIG SET")


@BOTH
def test_writes_are_refused_while_replicas_lag_more_than_allowed(start, kind):
    primary, replica = start(kind, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"), start()

    def refused():
        try:
            primary.call("SET", "a", "1")
        except redis.ResponseError as error:
            assert str(error) == "NOREPLICAS Not enough good replicas to write."
            return True
        return False

    assert refused()
    follow(replica, primary)
    wait_until(lambda: not refused(), 20, "writes to be taken")
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        wait_until(refused, 30, "writes to be refused")
        assert primary.call("GET", "a") == "1"
        assert replication(primary)["min_slaves_good_slaves"] == "0"
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    wait_until(lambda: not refused(), 20, "writes to be taken again")


@BOTH
def test_a_forced_failover_does_not_wait_longer_than_its_timeout(start, kind):
    old, new = start(kind), start()
    follow(new, old)
    os.kill(new.pid, signal.SIGSTOP)
    try:
        old.call("SET", "a", "1")
        assert old.call("FAILOVER", "TO", HOST, new.port, "FORCE", "TIMEOUT", 300) == "OK"
        wait_until(lambda: replication(old)["master_failover_state"] == "failover-in-progress", 20, "the timeout")
        assert replication(old)["role"] == "slave"
    finally:
        os.kill(new.pid, signal.SIGCONT)
    wait_until(lambda: replication(new)["role"] == "master" and replication(old).get("master_link_status") == "up", 30, "the swap")
    assert replication(old)["master_failover_state"] == "no-failover"


@pytest.mark.parametrize("kinds", [(OURS, OURS), (THEIRS, OURS)], ids="-".join)
def test_a_replica_promoted_under_load_has_whole_transactions_and_takes_writes(start, kinds):
    primary, replica = start(kinds[0]), start(kinds[1])
    ended, written = threading.Event(), [0]

    def write():
        client = redis.Redis(HOST, primary.port)
        while not ended.is_set():
            pipeline = client.pipeline(transaction=False)
            for _ in range(50):
                written[0] += 1
                for word in (("MULTI",), ("SET", "a", written[0]), ("RPUSH", "list", written[0]), ("SET", "b", written[0]), ("EXEC",)):
                    pipeline.execute_command(*word)
            pipeline.execute()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        for _ in range(5):
            follow(replica, primary)
            goal = written[0] + 500
            wait_until(lambda: int(replica.call("GET", "a") or 0) >= goal, 60, "the replica to be in the middle of it")
            assert replica.call("REPLICAOF", "NO", "ONE") == "OK"
            a, b, length = replica.call("GET", "a"), replica.call("GET", "b"), replica.call("LLEN", "list")
            assert a == b == str(length), "no half of a transaction, nothing twice, nothing left out"
            assert replica.call("SET", "own", "1") == "OK"
            assert replica.call("GET", "a") == a, "nothing arrives any more"
    finally:
        ended.set()
        writer.join(30)



def test_wait_counts_exactly_those_who_have_the_last_write(start):
    primary = start()
    replicas = [FakeReplica(primary.port) for _ in range(2)]
    for replica in replicas:
        replica.take_snapshot()
        replica.acknowledge(0)
    client = redis.Redis(HOST, primary.port, single_connection_client=True)
    wait_until(lambda: replication(primary)["connected_slaves"] == "2", 20, "both to be known")
    client.set("a", 1)
    written = int(replication(primary)["master_repl_offset"])  # at least behind the write; pings may have followed
    assert client.execute_command("WAIT", 1, 50) == 0
    replicas[0].acknowledge(1)
    assert client.execute_command("WAIT", 1, 50) == 0, "a part is not enough"
    replicas[0].acknowledge(written)
    assert client.execute_command("WAIT", 1, 20_000) == 1
    assert client.execute_command("WAIT", 2, 50) == 1
    replicas[1].acknowledge(written)
    assert client.execute_command("WAIT", 2, 20_000) == 2
    # Another connection, which has written nothing, has nothing to wait for.
    assert redis.Redis(HOST, primary.port).execute_command("WAIT", 2, 20_000) == 2
    for replica in replicas:
        replica.close()


def test_waitaof_counts_exactly_the_disks_that_have_the_last_write(start):
    primary = start(OURS, "--appendonly", "yes", "--appendfsync", "always")
    replica = FakeReplica(primary.port)
    replica.take_snapshot()
    replica.acknowledge(0)
    client = redis.Redis(HOST, primary.port, single_connection_client=True)
    client.set("a", 1)
    written = int(replication(primary)["master_repl_offset"])
    replica.acknowledge(written)
    assert client.execute_command("WAITAOF", 1, 1, 50) == [1, 0], "in memory is not on the disk"
    replica.acknowledge(written, "FACK", 1)
    assert client.execute_command("WAITAOF", 1, 1, 50) == [1, 0], "a part is not enough"
    replica.acknowledge(written, "FACK", written)
    assert client.execute_command("WAITAOF", 1, 1, 20_000) == [1, 1]
    replica.close()


@BOTH
def test_the_links_of_replication_are_connections_that_can_be_listed_and_ended(start, kind):
    primary, replica = start(kind), start(kind)
    follow(replica, primary)

    def links(node, of_kind):
        lines = node.call("CLIENT", "LIST", "TYPE", of_kind).splitlines()
        return [dict(word.split("=", 1) for word in line.split()) for line in lines]

    (to_replica,), (to_primary,) = links(primary, "replica"), links(replica, "master")
    assert (to_replica["flags"], to_primary["flags"]) == ("S", "M")
    assert (to_replica["addr"], to_replica["laddr"]) == (to_primary["laddr"], to_primary["addr"])
    assert not links(primary, "master") and not links(replica, "replica")
    assert f"id={to_replica['id']} " in primary.call("CLIENT", "LIST")
    assert f"id={to_replica['id']} " in primary.call("CLIENT", "LIST", "ID", to_replica["id"])
    assert f"id={to_replica['id']} " not in primary.call("CLIENT", "LIST", "TYPE", "normal")
    assert primary.call("CLIENT", "KILL", "ID", to_replica["id"]) == 1
    wait_until(lambda: [link["id"] for link in links(primary, "replica")] not in ([], [to_replica["id"]]), 20, "a new link")
    (to_primary,) = wait_until(lambda: links(replica, "master"), 20, "its other end")
    assert replica.call("CLIENT", "KILL", "LADDR", to_primary["laddr"]) == 1
    wait_until(lambda: [link["laddr"] for link in links(replica, "master")] not in ([], [to_primary["laddr"]]), 20, "a new link")


@BOTH
def test_a_replica_keeps_to_its_own_limit_as_soon_as_it_is_told_to(start, kind):
    primary, replica = start(kind), start(kind)
    follow(replica, primary)
    replica.call("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "allkeys-lru")
    primary.call("SET", "one", "1")
    wait_until(lambda: replica.call("DBSIZE") == 1, 20, "the key to come")
    replica.call("CONFIG", "SET", "replica-ignore-maxmemory", "no")
    primary.call("SET", "two", "2")
    wait_until(lambda: replica.call("DBSIZE") == 0, 20, "both keys to go")
    assert int(replica.info("stats")["evicted_keys"]) > 0
