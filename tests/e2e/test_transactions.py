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
