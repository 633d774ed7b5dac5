"""What one connection does to others: pauses, ends of waits, limits on memory, sockets that open and close."""
import pathlib
import re
import socket
import threading

import pytest
import redis

from harness import HOST, wait_until
from wire import Error, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 2
enable-debug-command yes
"""


@pytest.fixture
def node(cluster, ports):
    port = ports.take()[0]
    return cluster.add(port, CONFIG.format(port=port)).start()


def blocked(node, count):
    wait_until(lambda: node.info("clients")["blocked_clients"] == str(count), 10, f"{count} blocked clients")


def test_a_pause_of_writes_holds_back_writes_and_scripts_that_may_write(node):
    node.call("CLIENT", "PAUSE", "100000", "WRITE")
    commands = (["SET", "k", "v"], ["EVAL", "return 1", "0"], ["PUBLISH", "c", "m"])
    held = [Wire(node) for _ in commands]
    for wire, words in zip(held, commands):
        wire.send(*words)
    blocked(node, 3)
    reader = Wire(node)
    assert reader.call("GET", "k") is None
    assert reader.call("EVAL", "#!lua flags=no-writes\nreturn 2", "0") == 2
    assert [reader.call(*words) for words in (["MULTI"], ["EVAL_RO", "return 3", "0"], ["EXEC"])] == ["OK", "QUEUED", [3]]
    held[2].close()
    blocked(node, 2)
    node.call("CLIENT", "UNPAUSE")
    assert [wire.read() for wire in held[:2]] == ["OK", 1]
    blocked(node, 0)


def test_nothing_expires_or_is_evicted_while_writes_are_paused(node):
    node.call("SET", "k", "v", "PX", "20")
    node.call("CLIENT", "PAUSE", "100000", "WRITE")
    node.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    node.call("CONFIG", "SET", "maxmemory", "1")
    wait_until(lambda: node.call("GET", "k") is None, 10, "the key to be out of date")
    stats = node.info("stats")
    assert (stats["expired_keys"], stats["evicted_keys"]) == ("0", "0")
    node.call("CLIENT", "UNPAUSE")
    wait_until(lambda: node.call("DBSIZE") == 0, 10, "the key to go")


def test_unblock_ends_wait_too(node):
    waiter = Wire(node)
    number = waiter.call("CLIENT", "ID")
    waiter.call("SET", "k", "v")
    waiter.send("WAIT", "1", "0")
    blocked(node, 1)
    assert node.call("CLIENT", "UNBLOCK", number) == 1
    assert waiter.read() == 0
    waiter.send("WAIT", "1", "0")
    blocked(node, 1)
    assert node.call("CLIENT", "UNBLOCK", number, "ERROR") == 1
    assert str(waiter.read()).startswith("UNBLOCKED")
    assert node.call("CLIENT", "UNBLOCK", number) == 0


@pytest.mark.parametrize("first", [b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["post", "get"])
@pytest.mark.parametrize("password", ["", "secret"], ids=["open", "closed"])
def test_http_is_not_run(node, first, password):
    admin = Wire(node)
    admin.call("SET", "victim", "x")
    admin.call("CONFIG", "SET", "requirepass", password)
    sender = Wire(node)
    sender.send_raw(first + b"Content-Type: text/plain\r\n\r\nDEL victim\r\n")
    with pytest.raises((EOFError, OSError)):
        while True:
            sender.read()
    assert admin.call("EXISTS", "victim") == 1
    assert "HTTP" in node.log.read_text()


def test_words_of_client_are_asked_for_as_in_redis(node):
    wire = Wire(node)
    assert wire.call("CLIENT", "LIST", "ID", "-1", "0") == ""
    for word in ("PAUSE", "UNBLOCK"):
        assert wire.call("CLIENT", word, "1", "x", "y").endswith(f"wrong number of arguments for '{word}'. Try CLIENT HELP.")


def test_reply_skip_silences_the_next_command_and_no_other(node):
    wire = Wire(node)
    for words in (["CLIENT", "UNBLOCK", "999"], ["CLIENT", "LIST"], ["CLIENT", "KILL", "ID", "999"], ["GET", "k"]):
        wire.send("CLIENT", "REPLY", "SKIP")
        wire.send(*words)
        assert wire.call("ECHO", words[1]) == words[1]
    wire.send("CLIENT", "REPLY", "OFF")
    wire.send("CLIENT", "LIST")
    assert wire.call("CLIENT", "REPLY", "ON") == "OK"
    assert wire.call("CLIENT", "UNBLOCK", "999") == 0


def test_an_unblocked_command_counts_as_failed(node):
    waiter = Wire(node)
    number = waiter.call("CLIENT", "ID")
    waiter.send("BLPOP", "k", "0")
    blocked(node, 1)
    node.call("CLIENT", "UNBLOCK", number, "ERROR")
    assert isinstance(waiter.read(), Error)
    assert "count=1" in node.info("errorstats")["errorstat_UNBLOCKED"]
    assert "failed_calls=1" in node.info("commandstats")["cmdstat_blpop"]


def test_a_lower_limit_evicts_keys_without_another_command(node):
    for i in range(100):
        node.call("SETRANGE", f"k{i}", "100000", "x")
    listener = Wire(node)
    listener.call("SUBSCRIBE", "__keyevent@0__:evicted")
    node.call("CONFIG", "SET", "notify-keyspace-events", "Ee")
    node.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    node.call("CONFIG", "SET", "maxmemory", "6000000")
    for _ in range(30):
        assert listener.read()[1] == "__keyevent@0__:evicted"


def test_spare_buffers_neither_count_against_maxmemory_nor_save_a_key(node):
    crowd = [Wire(node) for _ in range(40)]
    for wire in crowd:  # all at once, so that each has buffers of its own
        wire.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n" + b"v" * 19000)
    wait_until(lambda: int(node.info("memory")["mem_clients_normal"]) > 40 * 19000, 10, "all bytes to arrive")
    for wire in crowd:
        wire.send_raw(b"v" * 1000 + b"\r\n")
    assert [wire.read() for wire in crowd] == ["OK"] * 40
    memory = node.info("memory")
    exempt = int(memory["mem_not_counted_for_evict"])
    assert exempt > 20 * 19000  # a loop keeps most of them for a while
    node.call("CONFIG", "SET", "maxmemory-policy", "volatile-random")
    node.call("CONFIG", "SET", "maxmemory", str(int(memory["used_memory"]) - exempt + 100_000))
    asking = Wire(node)
    asking.call("SETEX", "volatile", "10000", "x")
    asking.call("SETBIT", "big", "3200000", "0")
    assert asking.call("EXISTS", "volatile") == 0


@pytest.mark.parametrize("grow", [
    lambda wire: [wire.call("WATCH", f"k{i}") for i in range(20000)],
    lambda wire: [wire.call("SSUBSCRIBE", f"c{i}") for i in range(20000)],
    lambda wire: [wire.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", f"{i:06}") for i in range(20000)],
], ids=["watch", "ssubscribe", "tracking"])
def test_what_a_connection_registers_counts_as_its_memory(node, grow):
    node.call("CONFIG", "SET", "maxmemory-clients", "200000")
    with pytest.raises((EOFError, OSError)):
        grow(Wire(node))
    assert node.info("stats")["evicted_clients"] == "1"


def test_what_a_waiting_command_holds_counts_as_the_memory_of_its_connection(node):
    waiting = Wire(node)
    waiting.send("BLPOP", "k" * 5_000_000, "0")
    blocked(node, 1)
    line = next(line for line in node.call("CLIENT", "LIST").splitlines() if " cmd=blpop " in line)
    fields = dict(field.split("=", 1) for field in line.split())
    assert int(fields["argv-mem"]) == 5_000_006  # the name of the command counts
    assert int(fields["tot-mem"]) > 10_000_000
    assert int(node.info("memory")["mem_clients_normal"]) > 10_000_000
    node.call("CONFIG", "SET", "maxmemory-clients", "5000000")
    with pytest.raises((EOFError, OSError)):
        waiting.read()
    assert node.info("stats")["evicted_clients"] == "1"


def test_a_connection_that_ends_behind_its_replies_may_be_evicted(node):
    node.call("SETRANGE", "big", "6000000", "x")
    leaving = [Wire(node) for _ in range(20)]
    for wire in leaving:
        wire.send("GET", "big")
        wire.send("QUIT")
    wait_until(lambda: node.call("CLIENT", "LIST").count(" cmd=quit ") == 20, 10, "all to be about to leave")
    node.call("CONFIG", "SET", "maxmemory-clients", "20000000")
    wait_until(lambda: int(node.info("memory")["mem_clients_normal"]) < 20_000_000, 10, "the largest to go")


def test_the_largest_of_all_loops_goes_first(node):
    held = {}
    for size in (2_000_000, 500_000, 100_000):
        for n in range(3):
            wire = Wire(node)
            wire.call("CLIENT", "SETNAME", f"s{size}-{n}")
            wire.send_raw(b"*2\r\n$3\r\nGET\r\n$%d\r\n" % size + b"v" * (size - 1))
            held[f"s{size}-{n}"] = wire
    lines = lambda: [line for line in node.call("CLIENT", "LIST").splitlines() if " name=s" in line]
    wait_until(lambda: all(f"qbuf={size - 1}" in line for line in lines() for size in [int(line.split("name=s")[1].split("-")[0])]),
               10, "all bytes to arrive")
    node.call("CONFIG", "SET", "maxmemory-clients", "3000000")
    wait_until(lambda: len(lines()) == 6, 10, "the largest to go")
    assert not any("name=s2000000" in line for line in lines())


def test_a_reply_beyond_the_hard_limit_ends_the_connection_unsent(node):
    node.call("SETRANGE", "k", "200000", "x")
    node.call("CONFIG", "SET", "client-output-buffer-limit", "normal 100000 0 0")
    with pytest.raises((EOFError, OSError)):
        Wire(node).call("GET", "k")


def memory_peak(node):
    status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


def test_a_reply_far_beyond_the_hard_limit_does_not_fill_the_memory(node):
    node.call("SETRANGE", "k", "1000000", "x")
    node.call("SADD", "s", "m" * 1000)
    node.call("CONFIG", "SET", "client-output-buffer-limit", "normal 3000000 0 0")
    before = memory_peak(node)
    for command in ("MGET", *["k"] * 300), ("SRANDMEMBER", "s", "-300000"):
        with pytest.raises((EOFError, OSError)):
            Wire(node).call(*command)
    assert memory_peak(node) - before < 60_000_000


def test_a_reply_that_nobody_wants_may_be_of_any_length(node):
    node.call("SETRANGE", "k", "1000000", "x")
    node.call("CONFIG", "SET", "client-output-buffer-limit", "normal 3000000 0 0")
    silent = Wire(node)
    silent.send("CLIENT", "REPLY", "OFF")
    silent.send("MGET", *["k"] * 50)
    silent.send("CLIENT", "REPLY", "ON")
    assert silent.read() == "OK"
    assert silent.call("PING") == "PONG"


def test_monitor_shows_a_script_before_its_commands(node):
    monitor = Wire(node)
    assert monitor.call("MONITOR") == "OK"
    node.call("EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "k")
    assert '"EVAL"' in monitor.read().upper()
    assert 'lua] "SET"' in monitor.read()


def test_another_port_is_listened_to_at_once_and_a_taken_one_changes_nothing(node, ports):
    fresh, taken = ports.take()[0], ports.take()[0]
    admin = redis.Redis(HOST, node.port, single_connection_client=True)
    admin.ping()
    assert admin.config_set("port", fresh)
    with pytest.raises(redis.ConnectionError):
        redis.Redis(HOST, node.port).ping()
    assert redis.Redis(HOST, fresh).ping()
    with socket.create_server((HOST, taken)):
        with pytest.raises(redis.ResponseError, match="Unable to listen on this port"):
            admin.config_set("port", taken)
    with pytest.raises(redis.ResponseError, match="Failed to bind to specified addresses"):
        admin.config_set("bind", "999.999.999.999")
    assert redis.Redis(HOST, fresh).ping()
    assert admin.config_set("port", node.port)


def test_kill_by_type_ends_the_links_of_replicas(cluster, ports, node):
    replica = cluster.add(port := ports.take()[0], CONFIG.format(port=port)).start()
    replica.call("REPLICAOF", HOST, node.port)
    wait_until(lambda: node.info("replication")["connected_slaves"] == "1", 10, "the replica to come")
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the link to stand")
    assert node.call("CLIENT", "KILL", "TYPE", "replica") == 1
    assert node.call("CLIENT", "KILL", "TYPE", "pubsub") == 0
    wait_until(lambda: int(node.info("stats")["sync_partial_ok"]) >= 1, 20, "the replica to come back")


def test_a_paused_replica_takes_the_stream_without_applying_it(cluster, ports, node):
    replica = cluster.add(port := ports.take()[0], CONFIG.format(port=port)).start()
    replica.call("REPLICAOF", HOST, node.port)
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the link to stand")
    replica.call("CLIENT", "PAUSE", "100000", "WRITE")
    node.call("SET", "k", "v")
    end = node.info("replication")["master_repl_offset"]
    wait_until(lambda: replica.info("replication")["slave_read_repl_offset"] == end, 10, "the bytes to arrive")
    assert replica.info("replication")["slave_repl_offset"] != end
    replica.call("CLIENT", "UNPAUSE")
    wait_until(lambda: replica.info("replication")["slave_repl_offset"] == end, 10, "the stream to be applied")


@pytest.mark.parametrize("login", ["with", "without"])
def test_who_sends_faster_than_commands_run_waits_and_loses_nothing(node, login):
    if login == "without":
        node.call("CONFIG", "SET", "requirepass", "secret")
    admin = redis.Redis(HOST, node.port, password="secret" if login == "without" else None, decode_responses=True)
    admin.config_set("client-query-buffer-limit", 1 << 20)
    commands = 300_000
    answer = b"+PONG\r\n" if login == "with" else b"-NOAUTH Authentication required.\r\n"
    flood = socket.create_connection((HOST, node.port))
    left = commands * len(answer)
    sender = threading.Thread(target=flood.sendall, args=(b"PING\r\n" * commands,))
    sender.start()
    try:
        while left > 0:
            got = flood.recv(1 << 20)
            assert got, f"the connection ended with {left} bytes of replies to come"
            left -= len(got)
    finally:
        flood.close()
        sender.join()
    assert admin.info("memory")["used_memory_peak"] < (40 << 20)


def test_a_wait_may_name_keys_twice_and_in_any_order(node):
    waiting = Wire(node)
    waiting.send("BLPOP", "b", "a", "b", "c", "a", "0")
    blocked(node, 1)
    node.call("RPUSH", "c", "v")
    assert waiting.read() == ["c", "v"]
