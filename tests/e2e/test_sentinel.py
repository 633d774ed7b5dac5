"""Redis' own Sentinel watches our servers: it finds the replicas, notices the death of the primary and promotes one of them; clients that
ask the sentinels follow, and the old primary comes back as a replica."""
import pytest
import redis
from redis.sentinel import Sentinel

from harness import HOST, wait_until

SERVER = """
port {port}
daemonize yes
dir ./
save ""
appendonly yes
"""
SENTINEL = """
port {port}
daemonize yes
dir ./
sentinel monitor ours {host} {watched} 2
sentinel down-after-milliseconds ours 1000
sentinel failover-timeout ours 10000
"""
LOST = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)


@pytest.fixture
def servers(cluster, ports):
    """A primary and its two replicas."""
    numbers = ports.take(3)
    nodes = [cluster.add(port, SERVER.format(port=port)) for port in numbers]
    nodes[0].start()
    for node in nodes[1:]:
        node.start("--replicaof", f"{HOST} {numbers[0]}")
    for node in nodes[1:]:
        wait_until(lambda node=node: node.info("replication")["master_link_status"] == "up", 30, f"the link of {node}")
    return nodes


@pytest.fixture
def sentinels(cluster, ports, servers):
    nodes = [cluster.add(port, SENTINEL.format(port=port, host=HOST, watched=servers[0].port), "redis-server") for port in ports.take(3)]
    for node in nodes:
        node.start("--sentinel")
    for node in nodes:
        wait_until(lambda node=node: "slaves=2,sentinels=3" in node.call("INFO", "sentinel"), 30, f"what {node} knows")
    return nodes


def test_a_replica_is_promoted_and_clients_follow(servers, sentinels):
    old, replicas = servers[0], servers[1:]
    finder = Sentinel([(HOST, node.port) for node in sentinels], socket_timeout=5)
    client = finder.master_for("ours", decode_responses=True)
    client.set("before", "1")
    assert client.wait(2, 5000) == 2
    old.kill()

    def written():
        try:
            return client.set("after", "2")
        except (*LOST, redis.sentinel.MasterNotFoundError):
            return False
    wait_until(written, 60, "a primary that takes writes")
    promoted = next(node for node in replicas if node.port == finder.discover_master("ours")[1])
    other = next(node for node in replicas if node is not promoted)
    assert client.get("before") == "1"
    wait_until(lambda: other.call("GET", "after") == "2", 30, "the write on the other replica")
    assert other.info("replication")["master_port"] == str(promoted.port)
    # What Sentinel told them stands in their configuration files (CONFIG REWRITE), so they keep it over a restart.
    assert "replicaof" not in (promoted.folder / "redis.conf").read_text()
    assert f"replicaof {HOST} {promoted.port}" in (other.folder / "redis.conf").read_text()

    old.start()
    wait_until(lambda: old.info("replication").get("master_port") == str(promoted.port), 60, "the old primary as a replica")
    wait_until(lambda: old.call("GET", "after") == "2", 60, "what it missed")


def test_an_ordered_failover_changes_the_roles_of_living_servers(servers, sentinels):
    assert sentinels[0].call("SENTINEL", "FAILOVER", "ours") in (True, "OK")
    promoted = wait_until(lambda: next((node for node in servers[1:] if node.call("ROLE")[0] == "master"), None), 60, "a new primary")
    assert promoted.call("SET", "k", "v") in (True, "OK")
    for node in servers:
        if node is not promoted:
            wait_until(lambda node=node: node.call("GET", "k") == "v", 60, f"the write on {node}")
