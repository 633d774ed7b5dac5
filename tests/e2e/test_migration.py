"""Moving from Redis to Ashlar and back while clients write, as docs/migrate-from-redis.md tells it: nothing acknowledged is lost,
and no request fails but for being sent to the other server."""
import threading

import pytest
import redis

from harness import HOST, ClusterTool, process_exists, wait_until
from load import PythonWriter, missing_for_redis_py, value_of

OURS, THEIRS = "ashlar-server", "redis-server"
SINGLE = """
port {port}
daemonize yes
dir ./
save ""
appendonly yes
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""
CLUSTERED = SINGLE + """
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 5000
"""
KINDS = {"there": (THEIRS, OURS), "back": (OURS, THEIRS)}


class Client(threading.Thread):
    """Sets m:0, m:1, ... one after the other. A server that says READONLY is no longer the one to write to."""

    def __init__(self, servers):
        super().__init__(daemon=True)
        self.servers, self.acked, self.moves, self.failed, self._ended = servers, 0, 0, [], threading.Event()
        self.start()

    def run(self):
        clients = [redis.Redis(HOST, server.port, socket_timeout=30) for server in self.servers]
        while not self._ended.is_set():
            key = f"m:{self.acked}"
            try:
                clients[self.moves % len(clients)].set(key, value_of(key))
                self.acked += 1
            except redis.exceptions.ReadOnlyError:
                self.moves += 1
            except redis.RedisError as error:
                self.failed.append(repr(error))
                self._ended.wait(0.05)

    def wait_progress(self, writes):
        goal = self.acked + writes
        wait_until(lambda: self.acked >= goal, 60, f"{writes} more writes (failed so far: {self.failed[:3]})")

    def end(self):
        self._ended.set()
        self.join(60)
        assert not self.is_alive()


def replication(node):
    return node.info("replication")


def shut_down(node):
    pid = node.pid
    try:
        node.call("SHUTDOWN", "NOSAVE")
    except redis.ConnectionError:
        pass
    wait_until(lambda: not process_exists(pid), 30, f"the end of {node}")
    node.pid = None


def fill_with_every_type(node):
    client = redis.Redis(HOST, node.port, decode_responses=True)
    for n in range(300):
        client.rpush("list", f"element {n}")
        client.sadd("set", f"member {n}")
        client.zadd("zset", {f"member {n}": n / 3})
        client.hset("hash", f"field {n}", n)
        client.xadd("stream", {"n": n}, id=f"{n + 1}-0")
        client.sadd("integers", n)
        client.setbit("bits", n * 3, 1)
        client.pfadd("hyperloglog", n)
    client.xgroup_create("stream", "group", id="5-0")
    client.xreadgroup("group", "consumer", {"stream": ">"}, count=3)
    client.set("volatile", "v", ex=10_000)
    client.geoadd("places", (13.36, 38.11, "Palermo"))
    client.function_load("#!lua name=lib\nredis.register_function('one', function() return 1 end)")
    client.close()


def content(node):
    client = redis.Redis(HOST, node.port, decode_responses=True)
    return [client.lrange("list", 0, -1), client.smembers("set"), client.zrange("zset", 0, -1, withscores=True),
            client.hgetall("hash"), client.xrange("stream"), client.xpending("stream", "group"), client.smembers("integers"),
            client.bitcount("bits"), client.pfcount("hyperloglog"), client.ttl("volatile") > 9000, client.geopos("places", "Palermo"),
            client.fcall("one", 0)]


def hand_over_by_failover(old, new):
    assert old.call("FAILOVER", "TO", HOST, new.port, "TIMEOUT", 20_000) == "OK"
    wait_until(lambda: replication(new)["role"] == "master", 30, f"{new} to take over")


def hand_over_by_pause(old, new):
    """For servers older than 6.2, which have no FAILOVER."""
    old.call("CLIENT", "PAUSE", 30_000, "WRITE")
    goal = int(replication(old)["master_repl_offset"])
    wait_until(lambda: int(replication(new)["slave_repl_offset"]) >= goal, 30, f"{new} to have everything")
    new.call("REPLICAOF", "NO", "ONE")
    old.call("REPLICAOF", HOST, new.port)
    old.call("CLIENT", "UNPAUSE")


@pytest.mark.parametrize("way", [hand_over_by_failover, hand_over_by_pause])
@pytest.mark.parametrize("direction", KINDS)
def test_a_server_is_replaced_under_writes_and_loses_nothing(cluster, ports, direction, way):
    old, new = (cluster.add(port, SINGLE.format(port=port), server=kind).start()
                for port, kind in zip(ports.take(2), KINDS[direction]))
    fill_with_every_type(old)
    client = Client([old, new])
    client.wait_progress(200)
    new.call("REPLICAOF", HOST, old.port)
    wait_until(lambda: replication(new)["master_link_status"] == "up", 30, f"{new} to follow {old}")
    client.wait_progress(200)
    before = content(old)
    way(old, new)
    client.wait_progress(200)
    wait_until(lambda: replication(old).get("master_link_status") == "up", 30, f"{old} to follow {new}")
    shut_down(old)
    client.wait_progress(200)
    client.end()
    assert client.failed == []
    assert client.moves == 1
    reader = redis.Redis(HOST, new.port, decode_responses=True)
    keys = [f"m:{n}" for n in range(client.acked)]
    assert reader.mget(keys) == [value_of(key) for key in keys]
    assert content(new) == before


def test_a_cluster_moves_to_ashlar_and_back_under_writes_and_loses_nothing(cluster, ports):
    tool = {OURS: ClusterTool("ashlar-cli"), THEIRS: ClusterTool("redis-cli")}
    nodes = [cluster.add(port, CLUSTERED.format(port=port), server=THEIRS).start() for port in ports.take(6)]
    tool[THEIRS]("--cluster", "create", *(node.address for node in nodes), "--cluster-replicas", 1, "--cluster-yes")
    cluster.wait_agreed(60, 6)
    writer = PythonWriter(nodes[0].port, "moving")

    def progress(writes):
        goal = writer.acked + writes
        wait_until(lambda: writer.acked >= goal, 60, f"{writes} more writes (errors: {dict(writer.errors)})")

    for kind in (OURS, THEIRS):
        progress(200)
        leaving = cluster.running()
        masters = cluster.masters_by_slot()
        # Two new nodes for each shard join as replicas ...
        new = []
        for number in range(6):
            port = ports.take()[0]  # one by one: the next port may be in use when its turn comes
            node = cluster.add(port, CLUSTERED.format(port=port), server=kind).start()
            new.append(node)
            tool[kind]("--cluster", "add-node", node.address, masters[0].address, "--cluster-slave", "--cluster-master-id",
                       masters[number % 3].id())
            cluster.wait_agreed(60, 6 + len(new))
        cluster.wait_replicas_caught_up(60)
        progress(200)
        # ... take over one after the other ...
        for heir in new[:3]:
            assert heir.call("CLUSTER", "FAILOVER") == "OK"
            wait_until(lambda: replication(heir)["role"] == "master", 30, f"{heir} to take over")
            cluster.wait_agreed(60, 12)
            progress(100)
        cluster.wait_replicas_caught_up(60)
        # ... and the old ones leave.
        for number, node in enumerate(leaving):
            tool[kind]("--cluster", "del-node", new[0].address, node.id())
            node.end()
            cluster.wait_agreed(60, 12 - number - 1)
        progress(200)
        assert {node.server for node in cluster.running()} == {kind}
        assert len(cluster.masters()) == 3

    writer.stop()
    assert not writer.errors, dict(writer.errors)
    assert missing_for_redis_py(cluster.running()[0].port, "moving", 0, writer.acked) == []
