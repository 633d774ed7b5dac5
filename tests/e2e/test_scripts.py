"""Scripts: what they say about themselves, servers that are busy with one, and where their effects go."""
import os
import re
import signal
import threading

import pytest
import redis

import harness
from harness import process_exists, wait_until
from wire import Wire

CONFIG = "daemonize yes\nsave ''\nport {port}\nenable-debug-command local\n"
WRITER = "#!lua\nreturn redis.call('get', KEYS[1])"
READER = "#!lua flags=no-writes\nreturn redis.call('get', KEYS[1])"
PLAIN = "return redis.call('get', KEYS[1])"
ENDLESS = "while true do end"


def start(cluster, ports, more=""):
    port, = ports.take()
    return cluster.add(port, CONFIG.format(port=port) + more).start()


@pytest.fixture
def server(cluster, ports):
    return start(cluster, ports)


def client(server, **options):
    return redis.Redis(harness.HOST, server.port, decode_responses=True, **options)


def busy(server):
    """Whether commands are refused because of a script."""
    with client(server) as asking:
        try:
            asking.ping()
        except redis.ResponseError as error:
            return "BUSY" in str(error)
    return False


class Endless:
    """A script that runs until somebody ends it."""

    def __init__(self, server, script=ENDLESS, seen=busy):
        client(server).config_set("busy-reply-threshold", 10)
        self._server = server
        self._script = script
        self._seen = seen
        self.error = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            client(self._server).eval(self._script, 1, "k")
        except redis.RedisError as error:
            self.error = error

    def __enter__(self):
        self._thread.start()
        wait_until(lambda: self._seen(self._server), 10, "a busy server")
        return self

    def __exit__(self, *_):
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_a_script_that_may_write_is_refused_by_a_read_only_replica_before_it_begins(cluster, ports, server):
    replica = client(start(cluster, ports))
    client(server).set("k", "v")
    replica.replicaof(harness.HOST, server.port)
    wait_until(lambda: replica.get("k") == "v", 20, "the replica")
    assert replica.eval(READER, 1, "k") == replica.eval(PLAIN, 1, "k") == "v"
    with pytest.raises(redis.ReadOnlyError):
        replica.eval(WRITER, 1, "k")
    # What was queued before is asked again when it is to run.
    replica.replicaof("no", "one")
    queued = replica.pipeline()
    connection = replica.connection_pool.get_connection("_")
    connection.send_command("MULTI")
    assert connection.read_response() == "OK"
    connection.send_command("EVAL", WRITER, 1, "k")
    assert connection.read_response() == "QUEUED"
    replica.replicaof(harness.HOST, server.port)
    connection.send_command("EXEC")
    with pytest.raises(redis.exceptions.ExecAbortError, match="READONLY"):
        connection.read_response()
    queued.reset()


def test_without_memory_only_scripts_run_that_need_none(server):
    asking = client(server)
    asking.set("k", "v")
    asking.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError, match="command not allowed when used memory"):
        asking.eval(WRITER, 1, "k")
    assert asking.eval(READER, 1, "k") == "v"
    assert asking.eval("#!lua flags=allow-oom\nreturn redis.call('set', KEYS[1], 'w')", 1, "k") == "OK"


def test_a_transaction_that_meets_a_busy_server_does_nothing(server):
    other = client(server).connection_pool.get_connection("_")
    other.send_command("MULTI")
    assert other.read_response() == "OK"
    with Endless(server):
        other.send_command("INCR", "n")
        with pytest.raises(redis.ResponseError, match="BUSY"):
            other.read_response()
        client(server).script_kill()
    other.send_command("EXEC")
    with pytest.raises(redis.ResponseError, match="previous errors"):
        other.read_response()
    assert client(server).get("n") is None


def test_who_wants_no_replies_is_not_told_that_the_server_is_busy(server):
    silent = Wire(server)
    silent.send("CLIENT", "REPLY", "OFF")
    with Endless(server):
        silent.send("SET", "a", "1")
        for _ in range(10):
            assert busy(server)
        client(server).script_kill()
    assert silent.call("CLIENT", "REPLY", "ON") == "OK"
    assert silent.call("PING") == "PONG"


def test_nobody_is_told_of_a_busy_script_after_its_end(cluster, ports):
    server = start(cluster, ports, "cluster-enabled yes\nthreads 2\n")
    client(server).execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_until(lambda: server.info("cluster") and "cluster_state:ok" in server.call("CLUSTER", "INFO"), 10, "a cluster")
    asking = [Wire(server) for _ in range(8)]  # on both loops
    # It has a key, so only its own loop is busy.
    with Endless(server, seen=lambda _: any("BUSY" in str(one.call("PING")) for one in asking)):
        client(server).script_kill()
    asking[0].send("DEBUG", "SLEEP", "0.5")
    for one in asking[1:]:
        one.send("GET", "k")
    assert [one.read() for one in asking] == ["OK"] + [None] * 7


def test_exec_on_a_busy_server_ends_the_transaction(server):
    other = client(server).connection_pool.get_connection("_")
    for words, answer in ((("MULTI",), "OK"), (("INCR", "n"), "QUEUED")):
        other.send_command(*words)
        assert other.read_response() == answer
    with Endless(server):
        other.send_command("EXEC")
        with pytest.raises(redis.ResponseError, match="BUSY"):
            other.read_response()
        client(server).script_kill()
    other.send_command("PING")
    assert other.read_response() == "PONG"
    assert client(server).get("n") is None


def test_a_busy_server_can_be_shut_down_when_nothing_is_to_be_saved(cluster, ports):
    server = start(cluster, ports, "appendonly yes\nappendfsync always\n")
    pid = client(server).info("server")["process_id"]
    client(server).set("before", "1")
    with Endless(server, "redis.call('set', KEYS[1], 'half') while true do end"):
        with pytest.raises(redis.ResponseError, match="UNKILLABLE"):
            client(server).script_kill()
        with pytest.raises(redis.ResponseError, match="BUSY"):
            client(server).execute_command("SHUTDOWN")
        client(server).shutdown(nosave=True)
    wait_until(lambda: not harness.process_exists(pid), 20, "the end of the server")
    server.start()
    assert client(server).mget("before", "k") == ["1", None]


def test_a_busy_server_that_was_told_to_save_and_end_can_still_be_shut_down_without_saving(cluster, ports):
    server = start(cluster, ports, "busy-reply-threshold 10\nsave 3600 1\n")
    running = Wire(server)
    running.send("EVAL", "redis.call('set', 'half', 1) " + ENDLESS, 0)
    wait_until(lambda: busy(server), 10, "the script to be busy")
    pid = server.pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: "Waiting for a script" in server.log.read_text(), 10, "the signal")
    asking = Wire(server)
    asking.send("SHUTDOWN", "NOSAVE")
    wait_until(lambda: not process_exists(pid), 10, "the end of the server")
    assert not (server.folder / "dump.rdb").exists()
    server.pid = None


def test_effects_go_where_the_script_says(cluster, ports):
    server = start(cluster, ports, "appendonly yes\n")
    replica = client(start(cluster, ports))
    replica.replicaof(harness.HOST, server.port)
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the replica")
    asking = client(server)
    asking.eval("redis.call('set', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', 1) "
                "redis.set_repl(redis.REPL_AOF) redis.call('set', 'c', 1) "
                "redis.set_repl(redis.REPL_REPLICA) redis.call('set', 'd', 1)", 0)
    asking.set("e", 1)  # goes everywhere again
    wait_until(lambda: replica.get("e"), 20, "the last write")
    assert replica.mget(*"abcde") == ["1", None, None, "1", "1"]
    asking.execute_command("DEBUG", "LOADAOF")
    assert asking.mget(*"abcde") == ["1", None, "1", None, "1"]


def test_the_keys_that_a_script_reads_are_tracked_for_its_caller(server):
    reader = client(server).connection_pool.get_connection("_")
    for words in (("HELLO", "3"), ("CLIENT", "TRACKING", "ON"), ("EVAL", PLAIN, "1", "k")):
        reader.send_command(*words)
    client(server).set("warm", "up")
    reader.send_command("PING")
    raw = reader._sock
    raw.settimeout(10)
    seen = b""
    while b"PONG" not in seen:
        seen += raw.recv(4096)
    client(server).set("k", "new")
    while not re.search(rb">2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$1\r\nk\r\n", seen):
        seen += raw.recv(4096)


def test_errors_are_counted_once_however_they_come_back(server):
    asking = client(server)
    asking.config_resetstat()
    for script in ("return redis.call('lpush', 'k')", "return redis.pcall('lpush', 'k')"):
        with pytest.raises(redis.ResponseError):
            asking.eval(script, 0)
    assert asking.eval("redis.pcall('lpush', 'k') return 1", 0) == 1
    assert asking.info("errorstats")["errorstat_ERR"] in ("count=3", {"count": 3})  # as the version of the client reads it
    assert asking.info("commandstats")["cmdstat_eval"]["failed_calls"] == 2


def test_an_error_names_the_line_of_the_call_that_is_returned(server):
    asking = client(server)
    asking.set("k", "v")
    with pytest.raises(redis.ResponseError, match=r"WRONGTYPE .* script: [0-9a-f]{40}, on @user_script:2\.$"):
        asking.eval("local n = 1\nreturn redis.call('lpush', KEYS[n], 'x')", 1, "k")


DEFERRED = [("cluster", "links"), ("cluster", "bumpepoch"), ("cluster", "saveconfig"), ("cluster", "setslot", 1, "stable"),
            ("cluster", "forget", 40 * "0"), ("cluster", "count-failure-reports", 40 * "0"), ("migrate", harness.HOST, 1, "k", 0, 10)]


def test_a_script_cannot_call_what_answers_when_it_has_long_ended(cluster, ports):
    node = start(cluster, ports, "cluster-enabled yes\ncluster-config-file nodes.conf\n")
    assert node.call("CLUSTER", "ADDSLOTSRANGE", 0, harness.SLOTS - 1) == "OK"
    wait_until(lambda: node.call("SET", "k", "v") == "OK", 10, "a cluster of one")
    wire = Wire(node)
    for words in DEFERRED:
        for keys in ([], ["k"]):
            reply = wire.call("EVAL", "return redis.call(unpack(ARGV))", len(keys), *keys, *words)
            assert reply.startswith("ERR This Redis command is not allowed from script"), words
    # Not even when everything is allowed to scripts.
    assert wire.call("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1) == "OK"
    reply = wire.call("EVAL", "return redis.call('config', 'rewrite')", 0)
    assert reply.startswith("ERR A script cannot wait for the reply of this command")
    assert wire.call("GET", "k") == "v"


def test_what_a_library_keeps_outlives_the_scripts_that_are_forgotten(server):
    asking = client(server)
    asking.function_load("#!lua name=counter\nlocal n = 0\n"
                         "redis.register_function('count', function() n = n + 1 return n end)")
    sha = asking.script_load("return 7")
    assert [asking.fcall("count", 0), asking.evalsha(sha, 0), asking.fcall("count", 0)] == [1, 7, 2]
    asking.script_flush()
    with pytest.raises(redis.exceptions.NoScriptError):
        asking.evalsha(sha, 0)
    assert [asking.fcall("count", 0), asking.eval("return 7", 0)] == [3, 7]
    asking.function_flush()
    with pytest.raises(redis.ResponseError, match="Function not found"):
        asking.fcall("count", 0)


def test_a_server_outlives_a_library_that_names_its_functions_otherwise_each_time(server):
    asking = client(server)
    asking.eval("return 1", 0)  # an interpreter that is not the one that loads the library
    asking.function_load("#!lua name=address\nredis.register_function(('f%p'):format({}), function() return 1 end)")
    name = re.search(r"f0x[0-9a-f]+", str(asking.function_list()))[0]
    try:
        assert asking.fcall(name, 0) == 1  # the same address by chance
    except redis.ResponseError as error:
        assert "did not register this function" in str(error)
    assert asking.ping()


def test_a_script_may_ask_about_a_command_without_its_arguments(server):
    asking = client(server)
    asking.execute_command("ACL", "SETUSER", "low", "on", "nopass", "+eval", "+get", "~own", "allchannels")
    ask = "local may = {} for i, name in ipairs(ARGV) do may[i] = redis.acl_check_cmd(name) and 1 or 0 end return may"
    names = ("get", "set", "subscribe", "eval", "xread")
    assert asking.eval(ask, 0, *names) == [1] * 5
    low = client(server, username="low", password="x")
    assert low.eval(ask, 0, *names) == [1, 0, 0, 1, 0]
