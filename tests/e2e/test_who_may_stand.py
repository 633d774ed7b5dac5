"""Elections: a replica without its primary's data does not stand, for the primary that comes back would follow it and lose all."""
import pytest

from harness import wait_until

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly {durable}
threads 1
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 1000
repl-diskless-sync-delay 0
"""
KEY = "{460}k"  # slot 5, of the first primary


@pytest.fixture
def shards(cluster, ports):
    """Three primaries that keep what they have, and a replica of the first that does not."""
    return cluster.add_shards({port: CONFIG.format(port=port, durable="no" if number == 3 else "yes") for number, port in enumerate(ports.take(4))})


def test_a_replica_that_started_empty_and_never_reached_its_primary_is_not_elected(shards):
    primary, replica = shards[0], shards[3]
    assert primary.call("SET", KEY, "v") == "OK"
    primary.kill()
    replica.kill()
    before = len(replica.log.read_text())
    replica.start()
    assert replica.info("replication")["master_link_down_since_seconds"] == "-1"  # there was none, as Redis says it
    wait_until(lambda: "never had the data of my master" in replica.log.read_text()[before:], 30, "a reason not to stand")
    assert replica.info("replication")["role"] == "slave"
    primary.start()
    wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 20, "the replica to follow")
    assert primary.info("replication")["role"] == "master"
    wait_until(lambda: primary.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20, "the primary to serve")
    assert primary.call("GET", KEY) == "v"
