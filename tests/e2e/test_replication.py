"""Replication between our servers and real ones, in both directions."""
import pytest
import redis

from harness import wait_until

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
