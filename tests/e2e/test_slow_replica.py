"""A replica that is being synchronised while its primary is written to without a pause: nobody is cut off, nothing is missing.

ASHLAR_SATURATED_SECONDS says how long the writes go on (`make soak`: 90).
"""
import os
import subprocess

import pytest
import redis

from fake_peer import FakeReplica
from harness import HOST, program, wait_until

SECONDS = int(os.environ.get("ASHLAR_SATURATED_SECONDS", "5"))
OURS, THEIRS = "ashlar-server", "redis-server"
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
enable-debug-command yes
repl-diskless-sync-delay 0
repl-backlog-size 1mb
client-output-buffer-limit replica {limit}
"""
MEGABYTE = 1 << 20


@pytest.fixture
def start(cluster, ports):
    def start_one(*options, limit="256mb 64mb 60", kind=OURS):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port, limit=limit), server=kind).start(*options)

    return start_one


def write(primary, first, last, value):
    client = redis.Redis(HOST, primary.port)
    for begin in range(first, last, 100):
        pipeline = client.pipeline(transaction=False)
        for number in range(begin, min(begin + 100, last)):
            pipeline.set(f"key:{number}", value)
        assert all(pipeline.execute())
    client.close()


def test_the_stream_waits_on_the_disk_for_a_replica_that_does_not_answer_yet(start):
    primary = start(limit="64mb 2mb 5")  # five seconds for the disk to take what comes in less than one
    replica = FakeReplica(primary.port)
    replica.take_snapshot()
    value, count = b"v" * 10_000, 3000
    write(primary, 0, count, value)  # 30 MB, while the replica says nothing
    wait_until(lambda: int(primary.info("memory")["mem_total_replication_buffers"]) < 6 * MEGABYTE, 30, "the disk")
    assert primary.info("replication")["connected_slaves"] == "1"
    replica.acknowledge(0)
    seen = 0
    while seen < count:
        words = replica.command()
        if words[0] == "SET":
            assert words[1] == f"key:{seen}" and len(words[2]) == len(value)
            seen += 1
        else:
            assert words[0] in ("SELECT", "PING", "REPLCONF"), words
    assert primary.info("replication")["connected_slaves"] == "1"
    # It has everything: from now on the limits hold for it as for any other.
    wait_until(lambda: "offset" in primary.info("replication")["slave0"], 10, "the replica")
    write(primary, 0, count, value)
    wait_until(lambda: primary.info("replication")["connected_slaves"] == "0", 60, "the limit to hold")
    assert "overcoming of output buffer limits" in primary.log.read_text()


def test_no_file_is_left_of_a_stream_that_waited_on_the_disk(start):
    primary = start(limit="4mb 2mb 1")
    replica = FakeReplica(primary.port)
    replica.take_snapshot()
    write(primary, 0, 1000, b"v" * 10_000)
    assert not list(primary.folder.glob("temp-*"))
    replica.close()
    wait_until(lambda: int(primary.info("memory")["mem_total_replication_buffers"]) < 2 * MEGABYTE, 30, "the memory to come back")


class Saturation:
    """As many SETs as the server takes, until the end of the block."""

    def __init__(self, server):
        self._process = subprocess.Popen(
            [program("redis-benchmark"), "-p", str(server.port), "-c", "20", "-P", "32", "-r", "200000", "-d", "100", "-n", "2000000000",
             "-q", "SET", "key:__rand_int__", "x" * 100], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self._process.poll() is None, "the writes ended early"
        self._process.kill()
        self._process.wait()


def digest(node):
    client = redis.Redis(HOST, node.port, socket_timeout=120)
    try:
        return client.execute_command("DEBUG", "DIGEST")
    finally:
        client.close()


@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_saturating_writes_never_cut_a_replica_off(start, kind):
    primary = start()
    replica = start(kind=kind)
    write(primary, 0, 20_000, b"v" * 1000)
    processed = lambda: int(primary.info("stats")["total_commands_processed"])  # noqa: E731
    with Saturation(primary):
        before = processed()
        wait_until(lambda: processed() > before + 100_000, 60, "the writes to be under way")
        assert replica.call("REPLICAOF", HOST, primary.port) == "OK"
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 120, "the replica under writes")
        # Time passes by the clock of the server, while it is written to.
        until = int(primary.info("server")["uptime_in_seconds"]) + SECONDS
        wait_until(lambda: int(primary.info("server")["uptime_in_seconds"]) >= until, SECONDS + 60, "the time to pass")
    goal = int(primary.info("replication")["master_repl_offset"])
    wait_until(lambda: int(replica.info("replication")["slave_repl_offset"]) >= goal, 120, "the replica to have everything")
    assert primary.info("stats")["sync_full"] == "1"
    log = primary.log.read_text()
    assert "Connection with replica" not in log and "lost" not in log
    assert replica.call("DBSIZE") == primary.call("DBSIZE")
    assert digest(replica) == digest(primary)
