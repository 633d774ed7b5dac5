"""What failovers lose of acknowledged writes: nothing with min-replicas-ack 1 and one replica a shard.

Six nodes; a master dies of kill -9 in the middle of pipelined writes, its replica takes over, the dead node comes back as a
replica, and so on, one shard after the other. ASHLAR_FAILOVERS says how often (`make soak`: 200).
"""
import os

import pytest

from harness import ClusterTool, wait_until
from load import PipelinedWriter

FAILOVERS = int(os.environ.get("ASHLAR_FAILOVERS", "3"))
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 1000
repl-diskless-sync-delay 0
"""
OURS, THEIRS = "ashlar-server", "redis-server"
CONNECTIONS, PIPELINE = 4, 100


def tag_of(node, nodes):
    """A hash tag whose slot the node owns."""
    mine = next(m["slots"] for m in node.cluster_nodes() if "myself" in m["flags"])
    return next(str(i) for i in range(100_000) if node.call("CLUSTER", "KEYSLOT", str(i)) in mine)


def takes_writes(node):
    try:
        return node.call("SET", "{%s}:probe" % node.tag, "1") == "OK"
    except Exception:  # not yet: the link of its replica, or its own role
        return False


def fail_over(cluster, node, number, options):
    """Kills a master under writes and lets its replica take over. Returns (acknowledged, lost)."""
    heir = cluster.replica_of(node)
    heir.tag = node.tag
    writers = [PipelinedWriter(node.port, "{%s}:%d:%d" % (node.tag, number, i), PIPELINE) for i in range(CONNECTIONS)]
    wait_until(lambda: all(writer.acked >= 1000 for writer in writers), 60, "the writers to be under way")
    node.kill()
    for writer in writers:
        writer.join(30)
        assert writer.refused in (None, b""), writer.refused
    wait_until(lambda: heir.info("replication")["role"] == "master", 60, f"{heir} to take over")
    wait_until(lambda: heir.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 60, "the cluster to be whole")
    acked = lost = 0
    for writer in writers:
        acked += writer.acked
        for first in range(0, writer.acked, 1000):
            keys = [f"{writer.prefix}:{i}" for i in range(first, min(first + 1000, writer.acked))]
            lost += len(keys) - heir.call("EXISTS", *keys)
    node.start(*options)
    cluster.wait_agreed(60, 6)
    wait_until(lambda: takes_writes(heir), 60, f"{heir} to have its replica")
    return acked, lost


@pytest.mark.parametrize("kind,ack", [(OURS, 1), (OURS, 0), (THEIRS, 0)])
def test_acknowledged_writes_survive_failovers_when_they_were_told_to(cluster, ports, kind, ack):
    options = ("--min-replicas-ack", str(ack), "--min-replicas-ack-timeout", "20000") if kind == OURS else ()
    nodes = [cluster.add(port, CONFIG.format(port=port), server=kind).start(*options) for port in ports.take(6)]
    ClusterTool("ashlar-cli")("--cluster", "create", *(node.address for node in nodes), "--cluster-replicas", 1,
                              "--cluster-yes")
    cluster.wait_agreed(60, 6)
    for node in cluster.masters():
        node.tag = tag_of(node, nodes)
        wait_until(lambda: takes_writes(node), 60, f"{node} to have its replica")
    acked = lost = 0
    for number in range(FAILOVERS):
        node = sorted(cluster.masters(), key=lambda n: n.tag)[number % 3]
        counts = fail_over(cluster, node, number, options)
        acked, lost = acked + counts[0], lost + counts[1]
    print(f"{kind}, min-replicas-ack {ack}: {FAILOVERS} failovers, {acked} writes acknowledged, {lost} of them lost")
    if ack:
        assert lost == 0
