"""min-replicas-ack: a reply to a write leaves when the replicas have the write."""
import os
import signal

import pytest
import redis

from harness import wait_until
from test_replication import OURS, THEIRS, start, wait_in_step  # noqa: F401  the fixture start
from wire import Error, Wire


def shard(start, replicas, *options):  # noqa: F811
    primary = start(OURS, "--min-replicas-ack", str(len(replicas)), *options)
    nodes = [start(kind, "--replicaof", "127.0.0.1", str(primary.port), *extra) for kind, extra in replicas]
    for node in nodes:
        wait_in_step(primary, node)

    def takes_writes():
        try:
            return primary.call("SET", "first", "1") == "OK"
        except redis.ResponseError:
            return False

    wait_until(takes_writes, 20, "replicas that acknowledge")
    return primary, nodes


@pytest.mark.parametrize("kinds", [(OURS,), (THEIRS,), (OURS, THEIRS)])
def test_a_write_is_answered_when_all_have_it(start, kinds):  # noqa: F811
    primary, replicas = shard(start, [(kind, ()) for kind in kinds])
    for number in range(50):
        assert primary.call("SET", f"key:{number}", str(number)) == "OK"
        for replica in replicas:  # no waiting: it is there when the reply is
            assert replica.call("GET", f"key:{number}") == str(number)


def test_a_write_without_an_answer_of_the_replicas_is_not_acknowledged(start):  # noqa: F811
    primary, (replica,) = shard(start, [(OURS, ())], "--min-replicas-ack-timeout", "200")
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        client = Wire(primary)
        for words in (["GET", "first"], ["SET", "a", "1"], ["GET", "a"], ["MULTI"], ["INCR", "n"], ["EXEC"]):
            client.send(*words)
        first, write, read, multi, queued, executed = client.read_many(6)
        assert (first, read, multi, queued) == ("1", "1", "OK", "QUEUED")  # the write stands here
        for reply in (write, executed):
            assert isinstance(reply, Error) and reply.startswith("NOREPLICAS Too few replicas")
        assert client.call("CONFIG", "SET", "min-replicas-ack", "0") == "OK"
        assert client.call("SET", "a", "2") == "OK"
        client.close()
    finally:
        os.kill(replica.pid, signal.SIGCONT)


def test_replies_leave_when_a_slow_replica_answers(start):  # noqa: F811
    primary, (replica,) = shard(start, [(OURS, ())], "--min-replicas-ack-timeout", "60000")
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        client = Wire(primary)
        for _ in range(1000):
            client.send("INCR", "n")
        wait_until(lambda: primary.call("GET", "n") == "1000", 10, "the writes to be made")
        os.kill(replica.pid, signal.SIGCONT)
        assert client.read_many(1000) == list(range(1, 1001))
        client.close()
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert replica.call("GET", "n") == "1000"


def test_a_client_that_was_served_by_a_write_waits_for_the_replicas_too(start):  # noqa: F811
    primary, (replica,) = shard(start, [(OURS, ())], "--min-replicas-ack-timeout", "60000")
    client, pusher = Wire(primary), Wire(primary)
    client.send("BLPOP", "list", "0")
    wait_until(lambda: primary.info("clients")["blocked_clients"] == "1", 10, "the client to wait")
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        pusher.send("LPUSH", "list", "x")
        wait_until(lambda: primary.info("clients")["blocked_clients"] == "0", 10, "the push")
        assert client.quiet(0.1) and pusher.quiet(0)
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert client.read() == ["list", "x"]
    assert pusher.read() == 1
    client.close()
    pusher.close()


def test_too_few_replicas_refuse_the_write_before_it_is_made(start):  # noqa: F811
    primary, (replica,) = shard(start, [(OURS, ())])
    replica.end()
    wait_until(lambda: primary.info("replication")["connected_slaves"] == "0", 20, "the replica to be missed")
    with pytest.raises(redis.ResponseError, match="NOREPLICAS Not enough good replicas"):
        primary.call("SET", "a", "1")
    assert primary.call("GET", "a") is None
    assert primary.call("CONFIG", "SET", "min-replicas-ack", "0") == "OK"
    assert primary.call("SET", "a", "1") == "OK"


def test_on_disk_means_on_the_disk_of_the_replica(start):  # noqa: F811
    log = ("--appendonly", "yes", "--appendfsync", "always")
    primary, (replica,) = shard(start, [(OURS, log)], "--min-replicas-ack-fsync", "yes")
    for number in range(20):
        assert primary.call("SET", f"key:{number}", "x") == "OK"
    os.kill(replica.pid, signal.SIGKILL)
    wait_until(lambda: primary.info("replication")["connected_slaves"] == "0", 20, "the replica to be missed")
    replica.start(*log)
    assert replica.call("EXISTS", *[f"key:{number}" for number in range(20)]) == 20
