"""MULTI, EXEC and WATCH, and commands that wait, on a server of four threads with many connections."""
import pathlib
import socket
import sys
import threading

import pytest
import redis

import harness
from harness import wait_until
from wire import Wire

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "diff"))
import transactions_vs_redis as stories  # noqa: E402

CONFIG = "daemonize yes\nsave ''\nport {port}\n"
THREADS = "" if harness.program("ashlar-server").endswith("redis-server") else "threads 4\n"


@pytest.fixture
def server(cluster, ports):
    port, = ports.take()
    return cluster.add(port, CONFIG.format(port=port) + THREADS).start()


def client(server, **options):
    return redis.Redis(harness.HOST, server.port, decode_responses=True, **options)


def blocked(server):
    return int(server.info("clients")["blocked_clients"])


def test_every_story_goes_as_with_redis(cluster, ports, server):
    port, = ports.take()
    real = cluster.add(port, CONFIG.format(port=port), server="redis-server").start()
    found = []
    for story in stories.STORIES:
        found += stories.differences(server.address, real.address, story)
    assert not found, "\n".join(found)


def test_optimistic_increments_of_many_clients_lose_nothing(server):
    rounds, workers = 100, 8

    def work():
        own = client(server)
        for _ in range(rounds):
            while True:
                with own.pipeline() as pipe:
                    try:
                        pipe.watch("n", "{other}n")
                        value = int(pipe.get("n") or 0)
                        pipe.multi()
                        pipe.set("n", value + 1)
                        pipe.set("{other}n", value + 1)
                        pipe.execute()
                        break
                    except redis.WatchError:
                        continue

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client(server).mget("n", "{other}n") == [str(rounds * workers)] * 2


def test_readers_never_see_half_of_a_transaction(server):
    stop = threading.Event()

    def write():
        own = client(server)
        n = 0
        while not stop.is_set():
            n += 1
            own.pipeline(transaction=True).set("a", n).set("b", n).set("c", n).execute()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        own = client(server)
        for _ in range(2000):
            values = own.mget("a", "b", "c")
            assert len(set(values)) == 1, values
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_a_thousand_waiting_clients_are_served_in_the_order_in_which_they_came(server):
    count = 1000
    waiting = []
    for i in range(count):
        connection = socket.create_connection((harness.HOST, server.port))
        connection.settimeout(20)
        connection.sendall(b"BLPOP queue 0\r\n")
        waiting.append(connection)
        if i % 50 == 49:  # the order is that of arrival, so none may overtake another on its way
            wait_until(lambda: blocked(server) == i + 1, 20, f"{i + 1} waiting clients")
    own = client(server)
    for start in range(0, count, 100):
        own.rpush("queue", *range(start, start + 100))
    for group in range(0, count, 50):
        values = [connection.recv(100).split(b"\r\n")[-2] for connection in waiting[group:group + 50]]
        # Those that were sent together may have arrived in any order, but not before or after another group.
        assert sorted(map(int, values)) == list(range(group, group + 50))
    assert blocked(server) == 0
    assert own.llen("queue") == 0


def test_a_client_that_leaves_while_it_waits_gets_nothing(server):
    leaving = socket.create_connection((harness.HOST, server.port))
    leaving.sendall(b"BLPOP queue 0\r\n")
    wait_until(lambda: blocked(server) == 1, 10, "a waiting client")
    leaving.close()
    wait_until(lambda: blocked(server) == 0, 10, "its end")
    own = client(server)
    own.rpush("queue", "x")
    assert own.lrange("queue", 0, -1) == ["x"]


def test_client_unblock_ends_a_wait_of_another_client(server):
    own = client(server)
    for how, reply in (("TIMEOUT", b"*-1\r\n"), ("ERROR", b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")):
        waiting = socket.create_connection((harness.HOST, server.port))
        waiting.sendall(b"CLIENT ID\r\n")
        number = int(waiting.recv(100)[1:])
        waiting.sendall(b"BLPOP queue 0\r\n")
        wait_until(lambda: blocked(server) == 1, 10, "a waiting client")
        line, = [one for one in own.client_list() if int(one["id"]) == number]
        assert line["flags"] == "b"
        assert own.execute_command("CLIENT", "UNBLOCK", number, how) == 1
        assert waiting.recv(200) == reply
        assert own.execute_command("CLIENT", "UNBLOCK", number, how) == 0
        waiting.close()


def test_waiting_costs_no_processor_time(server):
    connections = []
    for _ in range(200):
        connections.append(socket.create_connection((harness.HOST, server.port)))
        connections[-1].sendall(b"BLPOP nothing 600\r\n")
    wait_until(lambda: blocked(server) == 200, 20, "200 waiting clients")

    def cpu():
        fields = server.info("cpu")
        return float(fields["used_cpu_user"]) + float(fields["used_cpu_sys"])

    # What two hundred polls would cost is far above what the timers of the server itself cost.
    before = cpu()
    for _ in range(20):
        client(server).ping()
    assert cpu() - before < 0.5


def test_a_primary_that_becomes_a_replica_lets_its_waiting_clients_go(cluster, ports, server):
    port, = ports.take()
    other = cluster.add(port, CONFIG.format(port=port) + THREADS).start()
    waiting = socket.create_connection((harness.HOST, server.port))
    waiting.settimeout(20)
    waiting.sendall(b"BLPOP queue 0\r\n")
    wait_until(lambda: blocked(server) == 1, 10, "a waiting client")
    server.call("REPLICAOF", harness.HOST, str(other.port))
    assert waiting.recv(200).startswith(b"-UNBLOCKED force unblock from blocking operation, instance state changed")


def test_a_replica_applies_transactions_as_a_whole(cluster, ports, server):
    port, = ports.take()
    replica = cluster.add(port, CONFIG.format(port=port) + THREADS).start()
    replica.call("REPLICAOF", harness.HOST, str(server.port))
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 30, "a link to the primary")
    writer, reader = client(server), client(replica)
    for n in range(300):
        writer.pipeline(transaction=True).set("a", n).set("b", n).execute()
        values = reader.mget("a", "b")
        assert values[0] == values[1], values
    wait_until(lambda: reader.get("b") == "299", 10, "the last transaction")


def test_replies_that_come_late_stand_where_their_commands_stood(server):
    wire = Wire(server)
    wire.send("MULTI")
    wire.send("CONFIG", "SET", "timeout", 100)
    wire.send("PING")
    wire.send("REPLICAOF", "NO", "ONE")
    wire.send("CONFIG", "GET", "timeout")
    wire.send("EXEC")
    wire.send("PING")
    assert [wire.read() for _ in range(5)] == ["OK"] + ["QUEUED"] * 4
    assert wire.read() == ["OK", "PONG", "OK", ["timeout", "100"]]
    assert wire.read() == "PONG"


def test_secrets_of_a_command_in_a_transaction_are_shown_nowhere(server):
    admin, watcher = client(server), client(server)
    admin.config_set("slowlog-log-slower-than", 0)
    admin.set("k", "v")
    with watcher.monitor() as monitor:
        for commands in ([("ACL", "SETUSER", "u", "on", *[">hush"] * 100)], [("CONFIG", "SET", "masterauth", "hush")],
                         [("MIGRATE", "127.0.0.1", "1", "k", "0", "10", "AUTH2", "user", "hush"), ("PING",)]):
            pipe = admin.pipeline(transaction=True)
            for command in commands:
                pipe.execute_command(*command)
            pipe.execute(raise_on_error=False)
        admin.set("end", "1")
        seen = []
        while not seen or not seen[-1].endswith("end 1"):
            seen.append(monitor.next_command()["command"])
    assert seen.count("EXEC") == 3
    logged = [entry["command"].decode() if isinstance(entry["command"], bytes) else entry["command"]
              for entry in admin.slowlog_get(100)]
    assert any(line.startswith("MIGRATE 127.0.0.1 1 k 0 10 AUTH2 (redacted) (redacted)") for line in logged), logged
    assert not [line for line in seen + logged if "hush" in line]


def test_exec_asks_again_whether_the_user_may_do_what_was_queued(server):
    admin = client(server)
    admin.execute_command("ACL", "SETUSER", "once", "on", ">p", "~*", "+@all")
    other = redis.Redis(harness.HOST, server.port, username="once", password="p").client()
    for command in (("MULTI",), ("CONFIG", "SET", "maxmemory", "12345"), ("ACL", "SETUSER", "once", "+@all"), ("GET", "k")):
        other.execute_command(*command)
    admin.execute_command("ACL", "SETUSER", "once", "-@all", "+exec")
    other.connection.send_command("EXEC")
    replies = other.connection.read_response()
    assert len(replies) == 3 and all(isinstance(reply, redis.exceptions.NoPermissionError) for reply in replies), replies
    assert admin.config_get("maxmemory") == {"maxmemory": "0"}


@pytest.mark.parametrize("transaction", [False, True], ids=["pipeline", "transaction"])
def test_replies_beyond_the_output_limit_are_not_kept(server, transaction):
    admin = client(server)
    admin.set("big", "x" * (1 << 20))
    admin.config_set("client-output-buffer-limit", "normal 3000000 0 0")
    before = admin.info("memory")["used_memory"]
    pipe = client(server).pipeline(transaction=transaction)
    for _ in range(60):
        pipe.get("big")
    pipe.set("done", "1")
    with pytest.raises(redis.ConnectionError):
        pipe.execute()
    assert admin.info("memory")["used_memory_peak"] < before + (20 << 20)
    assert admin.get("done") == ("1" if transaction else None)  # a transaction is executed whole


def test_a_pause_that_ends_in_a_pipeline_ends_for_the_commands_behind_it(server):
    admin, other = client(server), client(server)
    for key, kind in (("list", "RPUSH"), ("set", "SADD"), ("hll", "PFADD")):
        admin.execute_command(kind, key, "a")
        admin.pexpire(key, 100)
    admin.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    wait_until(lambda: not any(admin.exists(key) for key in ("list", "set", "hll")), 10, "the end of their time")
    pipe = other.pipeline(transaction=False)
    pipe.execute_command("CLIENT", "UNPAUSE")
    for key in ("list", "set", "hll"):
        pipe.execute_command("PFADD", key, "x", "y")
    assert pipe.execute()[1:] == [1, 1, 1]
    assert [other.pfcount(key) for key in ("list", "set", "hll")] == [2, 2, 2]
    assert other.info("stats")["expired_keys"] == 3


def test_replies_that_come_later_stand_where_their_commands_do(server):
    pipe = client(server).pipeline(transaction=True)
    pipe.set("n", 1)
    for _ in range(3):
        pipe.execute_command("CLIENT", "KILL", "ID", "99999999")
        pipe.incr("n")
        pipe.client_list()
    pipe.get("n")
    replies = pipe.execute()
    assert replies[0] is True and replies[-1] == "4"
    for turn in range(3):
        killed, number, clients = replies[1 + 3 * turn:4 + 3 * turn]
        assert (killed, number, [c["cmd"] for c in clients].count("exec")) == (0, turn + 2, 1), replies


EXPIRED_FIELD = [("HSET", "h2", "f", "x", "g", 1), ("HPEXPIRE", "h2", 1, "FIELDS", 1, "f")]
REMOVALS = {
    "read of a key that was swapped in": (
        [("SELECT", 1), ("SET", "k", "old", "PX", 1), ("SELECT", 0), ("SET", "k", "live")], [("SWAPDB", 0, 1), ("GET", "k")]),
    "key that was renamed before": ([("SET", "k", "live")], [("RENAME", "k", "x"), ("SET", "k", "v", "PXAT", 1), ("GET", "k")]),
    "key set into the past": ([], [("SET", "k", 10, "PXAT", 1), ("INCR", "k")]),
    "field of a renamed hash": (EXPIRED_FIELD, [("RENAME", "h2", "h1"), ("HINCRBY", "h1", "f", 3)]),
    "field of a copied hash": (EXPIRED_FIELD, [("COPY", "h2", "h1"), ("HSETNX", "h1", "f", 3)]),
    "field of another hash of that name": (
        [("HSET", "h1", "f", "live", "q", 1)] + EXPIRED_FIELD, [("RENAME", "h1", "h3"), ("RENAME", "h2", "h1"), ("HDEL", "h1", "none")]),
}


@pytest.mark.parametrize("manner", ["transaction", "script"])
@pytest.mark.parametrize("case", REMOVALS)
def test_removals_by_expiry_are_recorded_in_their_place_among_the_commands(cluster, ports, case, manner):
    before, commands = REMOVALS[case]
    port, = ports.take()
    node = cluster.add(port, CONFIG.format(port=port) + THREADS).start("--appendonly", "yes", "--enable-debug-command", "yes")
    wire = Wire(node)
    wire.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    for words in before:
        wire.call(*words)
    assert wire.call("DEBUG", "SLEEP", 0.005) == "OK"  # longer than the times to live
    if manner == "transaction":
        wire.call("MULTI")
        for words in commands:
            wire.call(*words)
        wire.call("EXEC")
    else:
        calls = "; ".join("redis.call(%s)" % ", ".join(f"'{word}'" for word in words) for words in commands)
        wire.call("EVAL", calls, 0)
    digest = wire.call("DEBUG", "DIGEST")
    assert wire.call("DEBUG", "LOADAOF") == "OK"
    assert wire.call("DEBUG", "DIGEST") == digest
