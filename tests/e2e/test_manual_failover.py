"""CLUSTER FAILOVER beside whatever else pauses writes: none is acknowledged by the old primary once it has told its offset."""
import os
import signal

import pytest

from harness import wait_until
from wire import Error, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 1
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 15000
repl-diskless-sync-delay 0
"""
KEY = "{460}k"  # slot 5, of the first primary


@pytest.fixture
def shards(cluster, ports):
    """Three primaries, of which the first has a replica."""
    return cluster.add_shards({port: CONFIG.format(port=port) for port in ports.take(4)})


class Silent:
    """Nodes that do not vote for a while."""

    def __init__(self, nodes):
        self._nodes = nodes

    def __enter__(self):
        for node in self._nodes:
            os.kill(node.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for node in self._nodes:
            os.kill(node.pid, signal.SIGCONT)


def begin_failover(primary, heir):
    """Returns once the primary has stopped its writes; a client whose write waits there."""
    assert heir.call("CLUSTER", "FAILOVER") == "OK"
    wait_until(lambda: "Received replication offset" in heir.log.read_text(), 10, "the primary to pause")
    late = Wire(primary)
    late.send("SET", KEY, "late")
    wait_until(lambda: primary.info("clients")["blocked_clients"] == "1", 10, "a write that waits")
    return late


def is_moved(reply, heir):
    return isinstance(reply, Error) and reply.startswith("MOVED") and reply.endswith(heir.address)


def test_the_end_of_another_pause_lets_no_write_through_that_a_failover_holds_back(shards):
    primary, heir = shards[0], shards[3]
    wire = Wire(primary)
    with Silent(shards[1:3]):
        assert wire.call("CLIENT", "PAUSE", 60_000, "WRITE") == "OK"
        late = begin_failover(primary, heir)
        assert wire.call("CLIENT", "UNPAUSE") == "OK"
        assert wire.call("GET", KEY) is None
        assert primary.info("clients")["blocked_clients"] == "1"
    assert is_moved(late.read(), heir)
    wait_until(lambda: heir.info("replication")["role"] == "master", 10, f"{heir} to take over")


def test_the_end_of_a_failover_does_not_end_the_pause_of_a_user(shards):
    primary, heir = shards[0], shards[3]
    wire = Wire(primary)
    assert wire.call("CLIENT", "PAUSE", 60_000, "WRITE") == "OK"
    with Silent(shards[1:3]):  # else it may have ended before anybody sees a write wait
        late = begin_failover(primary, heir)
    wait_until(lambda: primary.info("replication")["role"] == "slave", 10, f"{primary} to follow {heir}")
    assert is_moved(late.read(), heir)
    other = Wire(primary)
    other.send("PUBLISH", "channel", "message")  # no keys, but it may not be passed on either
    wait_until(lambda: primary.info("clients")["blocked_clients"] == "1", 10, "a command that waits")
    assert wire.call("CLIENT", "UNPAUSE") == "OK"
    assert other.read() == 0
