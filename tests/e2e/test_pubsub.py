"""Publish/subscribe, keyspace notifications and MONITOR: what reaches a connection besides the replies to its commands."""
import threading

import pytest
import redis

from harness import HOST, ClusterTool, wait_until
from wire import Error, Push, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
{more}
"""
CLUSTER = "cluster-enabled yes\ncluster-node-timeout 5000\ncluster-config-file nodes.conf\n"


@pytest.fixture
def start(cluster, ports):
    """Starts a server with further lines of configuration; ours has several loops."""

    def start_one(more="", server="ashlar-server"):
        port = ports.take()[0]
        if server == "ashlar-server":
            more += "\nthreads 4"
        return cluster.add(port, CONFIG.format(port=port, more=more), server=server).start()

    return start_one


def subscribed(node, *channels, protocol=2, word="SUBSCRIBE"):
    wire = Wire(node, protocol)
    wire.send(word, *channels)
    wire.read_many(len(channels))
    return wire


def test_every_subscriber_gets_all_messages_in_the_order_of_each_publisher(start):
    node = start()
    publishers, messages = 4, 300
    readers = [subscribed(node, "c") for _ in range(6)] + [subscribed(node, "c*", word="PSUBSCRIBE") for _ in range(3)]

    def publish(number):
        client = redis.Redis(HOST, node.port)
        for n in range(messages):
            assert client.publish("c", f"{number}:{n}") == len(readers)

    threads = [threading.Thread(target=publish, args=(i,)) for i in range(publishers)]
    for thread in threads:
        thread.start()
    orders = [[reader.read()[-1] for _ in range(publishers * messages)] for reader in readers]
    for thread in threads:
        thread.join()
    for order in orders:
        for number in range(publishers):
            own = [text for text in order if text.startswith(f"{number}:")]
            assert own == [f"{number}:{n}" for n in range(messages)]
    assert all(order == orders[0] for order in orders), "all loops see the same order"


def test_a_resp2_subscriber_may_only_listen(start):
    wire = subscribed(start(), "c")
    refusal = wire.call("GET", "k")
    assert isinstance(refusal, Error) and refusal.startswith("ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUB")
    assert wire.call("PING", "x") == ["pong", "x"]
    assert wire.call("UNSUBSCRIBE") == ["unsubscribe", "c", 0]
    assert wire.call("GET", "k") is None


def test_a_resp3_subscriber_goes_on_with_commands_and_hears_itself_behind_its_reply(start):
    wire = subscribed(start(), "c", protocol=3)
    wire.send("PUBLISH", "c", "one")
    wire.send("GET", "k")
    assert wire.read_many(3) == [1, Push(["message", "c", "one"]), None]
    assert wire.call("RESET") == "RESET"
    assert wire.call("PUBLISH", "c", "two") == 0


def test_a_subscription_ends_with_its_connection(start):
    node = start()
    wire = subscribed(node, "c")
    assert node.call("PUBSUB", "NUMSUB", "c") == ["c", 1]
    wire.close()
    wait_until(lambda: node.call("PUBSUB", "CHANNELS") == [], 10, "the subscription to end")
    assert node.info("stats")["pubsub_channels"] == "0"


def test_client_reply_off_lets_messages_through(start):
    node = start()
    wire = Wire(node, protocol=3)
    wire.send("CLIENT", "REPLY", "OFF")
    wire.send("SUBSCRIBE", "c")
    assert wire.read() == Push(["subscribe", "c", 1])
    wire.send("SET", "k", "v")
    node.call("PUBLISH", "c", "m")
    assert wire.read() == Push(["message", "c", "m"])


def test_a_subscriber_that_does_not_read_is_dropped_at_its_own_limit(start):
    node = start()
    node.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    slow = subscribed(node, "c")
    quick = subscribed(node, "d")
    client = redis.Redis(HOST, node.port)
    wait_until(lambda: client.publish("c", b"x" * 500_000) == 0, 30, "the slow subscriber to be dropped")
    assert client.publish("d", "m") == 1
    assert quick.read() == ["message", "d", "m"]
    slow.close()


def test_what_a_slow_subscriber_is_sent_does_not_pile_up_until_the_turn_ends(start):
    node = start()
    node.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    subscribers = [subscribed(node, "c") for _ in range(8)]  # some of them live with the publisher
    publisher = Wire(node)
    script = "return redis.call('PUBLISH', 'c', string.rep('x', 2000000))"
    command = b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\n" % (len(script), script.encode())
    publisher.send_raw(command * 40 + b"INFO memory\r\n")  # all in one turn
    *_, memory = publisher.read_many(41)
    assert int(memory.split("used_memory:")[1].split()[0]) < 60_000_000
    for wire in subscribers:
        wire.close()


def test_client_list_tells_subscribers_and_kills_them_by_type(start):
    node = start()
    wire = subscribed(node, "a", "b")
    wire.send("PSUBSCRIBE", "p*")
    wire.read()
    (line,) = [text for text in node.call("CLIENT", "LIST", "TYPE", "PUBSUB").splitlines()]
    fields = dict(word.split("=", 1) for word in line.split(" "))
    assert (fields["flags"], fields["sub"], fields["psub"], fields["ssub"]) == ("P", "2", "1", "0")
    assert node.call("CLIENT", "KILL", "TYPE", "PUBSUB") == 1
    wait_until(lambda: node.call("PUBSUB", "NUMPAT") == 0, 10, "the subscriber to be gone")


def test_redis_py_listens_to_channels_and_patterns(start):
    node = start()
    client = redis.Redis(HOST, node.port, decode_responses=True)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("a")
    listener.psubscribe("b*")
    wait_until(lambda: client.pubsub_numpat() == 1, 10, "the subscription")
    client.publish("a", "1")
    client.publish("bb", "2")
    heard = []
    while len(heard) < 2:
        message = listener.get_message(timeout=10)
        if message:
            heard.append((message["type"], message["channel"], message["data"]))
    assert heard == [("message", "a", "1"), ("pmessage", "bb", "2")]


@pytest.mark.parametrize("primary_kind, replica_kind", [("ashlar-server", "ashlar-server"), ("redis-server", "ashlar-server"),
                                                        ("ashlar-server", "redis-server")])
def test_messages_reach_subscribers_of_replicas(start, primary_kind, replica_kind):
    primary = start(server=primary_kind)
    replica = start(server=replica_kind)
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 30, "the link")
    reader = subscribed(replica, "c")
    assert primary.call("PUBLISH", "c", "m") == 0
    assert reader.read() == ["message", "c", "m"]


def test_messages_do_not_enter_the_append_only_file(start):
    node = start("appendonly yes\nappendfsync always")
    node.call("SET", "k", "v")
    node.call("PUBLISH", "c", "secret-word")
    node.call("SET", "k", "w")
    text = b"".join(path.read_bytes() for path in (node.folder / "appendonlydir").iterdir())
    assert b"secret-word" not in text and b"SET" in text.upper()


def make_cluster(start, kinds):
    nodes = [start(CLUSTER, server=kind) for kind in kinds]
    ClusterTool("redis-cli")("--cluster", "create", *[node.address for node in nodes], "--cluster-yes")
    return nodes


@pytest.mark.parametrize("kinds", [["ashlar-server"] * 3, ["ashlar-server", "redis-server", "ashlar-server"]],
                         ids=["ours", "with a real one"])
def test_a_cluster_carries_messages_to_all_nodes(start, cluster, kinds):
    nodes = make_cluster(start, kinds)
    cluster.wait_agreed(30, 3)
    readers = [subscribed(node, "c") for node in nodes]
    for number, node in enumerate(nodes):
        node.call("PUBLISH", "c", str(number))
        for reader in readers:
            assert reader.read() == ["message", "c", str(number)]


def test_shard_channels_belong_to_the_owner_of_their_slot(start, cluster):
    nodes = make_cluster(start, ["ashlar-server"] * 3)
    cluster.wait_agreed(30, 3)
    slot = nodes[0].call("CLUSTER", "KEYSLOT", "shard")
    owner = next(n for n in nodes for m in n.cluster_nodes() if "myself" in m["flags"] and slot in m["slots"])
    other = next(n for n in nodes if n is not owner)
    assert Wire(other).call("SSUBSCRIBE", "shard") == Error(f"MOVED {slot} {owner.address}")
    assert str(Wire(other).call("SPUBLISH", "shard", "m")).startswith("MOVED ")
    assert str(Wire(owner).call("SSUBSCRIBE", "a", "b")).startswith(("CROSSSLOT", "MOVED"))
    reader = subscribed(owner, "shard", word="SSUBSCRIBE")
    assert owner.call("SPUBLISH", "shard", "m") == 1
    assert reader.read() == ["smessage", "shard", "m"]
    assert owner.call("PUBSUB", "SHARDCHANNELS") == ["shard"]
    for node in (other, owner, *nodes):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", other.id())
    assert reader.read() == ["sunsubscribe", "shard", 0]
    assert reader.call("GET", "x") != ["pong", ""]
    assert owner.call("PUBSUB", "SHARDCHANNELS") == []


def test_keyspace_notifications_tell_key_and_event(start):
    node = start("notify-keyspace-events KEnx")
    reader = subscribed(node, "__key*__:*", word="PSUBSCRIBE")
    node.call("SET", "k", "v", "PX", "20")
    assert [tuple(reader.read()[2:]) for _ in range(4)] == [
        ("__keyspace@0__:k", "new"), ("__keyevent@0__:new", "k"),
        ("__keyspace@0__:k", "expired"), ("__keyevent@0__:expired", "k")]
    node.call("CONFIG", "SET", "notify-keyspace-events", "Kx")
    node.call("SET", "e", "v", "PX", "1")
    assert reader.read()[2:] == ["__keyspace@0__:e", "expired"]
    node.call("CONFIG", "SET", "notify-keyspace-events", "")
    node.call("SET", "k", "v", "PX", "1")
    wait_until(lambda: node.call("EXISTS", "k") == 0, 10, "the key to expire")
    assert reader.silent()


def test_monitor_shows_what_every_connection_runs_but_no_password(start):
    node = start()
    watcher = Wire(node)
    assert watcher.call("MONITOR") == "OK"
    client = redis.Redis(HOST, node.port)
    client.set("k\n", b"\xff")
    client.config_get("maxmemory")  # administrators' commands are not shown
    client.get("other")
    Wire(node).call("AUTH", "default", "secret")
    shown = [watcher.read() for _ in range(3)]
    assert [line.split("] ", 1)[1] for line in shown] == [
        '"SET" "k\\n" "\\xff"', '"GET" "other"', '"AUTH" "(redacted)" "(redacted)"']
    assert shown[0].split(" ")[1] == "[0"
    multi = client.pipeline(transaction=True)
    multi.set("a", 1)
    multi.execute()
    client.eval("return redis.call('get', KEYS[1])", 1, "a")
    shown = [watcher.read().split("] ", 1) for _ in range(5)]
    assert [text for _, text in shown[:3]] == ['"MULTI"', '"SET" "a" "1"', '"EXEC"']
    assert shown[3][1].startswith('"EVAL"')
    assert shown[4][1] == '"get" "a"' and shown[4][0].endswith("[0 lua")
    assert watcher.call("GET", "k") == Error("ERR Replica can't interact with the keyspace")
    assert watcher.call("RESET") == "RESET"
    client.get("unseen")
    assert watcher.call("PING") == "PONG"


def test_monitor_shows_commands_on_one_key_in_the_order_in_which_they_ran(start):
    node = start()
    monitor = Wire(node)
    monitor.call("MONITOR")
    writers = [Wire(node) for _ in range(4)]
    numbers = [range(i, 4000, len(writers)) for i in range(len(writers))]
    before = {}  # each value, by the one that has replaced it

    def write(wire, own):
        for n in own:
            wire.send("SET", "k", n, "GET")
        before.update({str(n): wire.read() for n in own})

    threads = [threading.Thread(target=write, args=work) for work in zip(writers, numbers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = [monitor.read().split('"')[5] for _ in range(4000)]
    assert [before[value] for value in shown] == [None, *shown[:-1]]
