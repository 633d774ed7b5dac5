"""What a crash or an end finds on disk after the append-only file was to be closed, began anew or moved; and what it may hold."""
import os
import signal

import pytest
import redis

from fake_peer import HISTORY, FakePrimary, command, rdb_string
from harness import HOST, process_exists, wait_until

OURS, THEIRS = "ashlar-server", "redis-server"
BOTH = pytest.mark.parametrize("kind", [OURS, THEIRS])
CONFIG = """
port {port}
daemonize yes
dir {dir}
save {save}
appendonly {appendonly}
appendfsync always
enable-debug-command yes
enable-protected-configs yes
repl-diskless-sync-delay 0
"""
SECOND = 1_000_000  # in the unit of the delays


@pytest.fixture
def make(cluster, ports):
    def add(kind=OURS, save='""', appendonly="yes", dir="./"):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port, save=save, appendonly=appendonly, dir=dir), server=kind)

    return add


@pytest.fixture
def start(make):
    return lambda *arguments, **settings: make(*arguments, **settings).start()


def restart(node):
    node.kill()
    return node.start()


def rewriting(node):
    return node.info("persistence")["aof_rewrite_in_progress"] == "1"


def linked(node):
    return node.info("replication")["master_link_status"] == "up"


def keys(node):
    return sorted(node.call("KEYS", "*"))


@BOTH
@pytest.mark.parametrize("how", ["SHUTDOWN", "SIGTERM"])
def test_a_shutdown_that_cannot_save_leaves_the_log_on(start, kind, how):
    node = start(kind, save="3600 1000000")
    node.call("SET", "a", 1)
    (node.folder / "dump.rdb").mkdir()  # nothing can be put in its place
    if how == "SHUTDOWN":
        with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
            node.call("SHUTDOWN", "SAVE")
    else:
        os.kill(node.pid, signal.SIGTERM)
        wait_until(lambda: "can't exit" in node.log.read_text(), 20, "the failure")
    (node.folder / "dump.rdb").rmdir()
    wait_until(lambda: node.call("SAVE") == "OK", 20, "a save")
    wait_until(lambda: node.call("SET", "b", 2) == "OK", 20, "a write to be allowed again")
    assert node.info("persistence")["aof_enabled"] == "1"
    assert keys(restart(node)) == ["a", "b"]


def replicate_slowly(start, save='""'):
    """A primary and a replica whose log does not come to the end of its rewrite."""
    primary, replica = start(appendonly="no"), start(save=save)
    primary.call("RPUSH", "k", "x")
    primary.call("SET", "n", 1)
    for words in (("SET", "k", "former"), ("SET", "n", 100)):
        replica.call(*words)
    replica.call("CONFIG", "SET", "rdb-key-save-delay", 60 * SECOND)
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: linked(replica) and rewriting(replica), 30, "the rewrite after the synchronisation")
    primary.call("RPUSH", "k", "y")
    primary.call("INCR", "n")
    wait_until(lambda: replica.call("GET", "n") == "2", 20, "the stream")
    return primary, replica


def test_a_replica_that_is_killed_before_its_log_has_the_new_data_finds_the_former(start):
    _, replica = replicate_slowly(start)
    restart(replica)
    assert (replica.call("GET", "k"), replica.call("GET", "n")) == ("former", "100")


def test_a_replica_finds_the_new_data_in_its_log_when_the_rewrite_has_ended(start):
    primary, replica = replicate_slowly(start)
    replica.call("CONFIG", "SET", "rdb-key-save-delay", 0)
    wait_until(lambda: not rewriting(replica), 20, "the end of the rewrite")
    primary.call("INCR", "n")
    wait_until(lambda: replica.call("GET", "n") == "3", 20, "the stream")
    restart(replica)
    assert (replica.call("LRANGE", "k", 0, -1), replica.call("GET", "n")) == (["x", "y"], "3")


def test_a_replica_whose_log_is_not_complete_does_not_shut_down_unless_forced(start):
    _, replica = replicate_slowly(start)
    with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
        replica.call("SHUTDOWN")
    assert "Writing initial AOF, can't exit" in replica.log.read_text()
    pid, replica.pid = replica.pid, None
    with pytest.raises(redis.ConnectionError):
        replica.call("SHUTDOWN", "FORCE")
    wait_until(lambda: not process_exists(pid), 20, "the end of the server")
    replica.start()
    assert (replica.call("GET", "k"), replica.call("GET", "n")) == ("former", "100")


def load_slowly(start, **settings):
    """A replica in the midst of loading what its primary sent, with its former data in all files that it has."""
    primary, replica = start(appendonly="no"), start(**settings)
    primary.call("DEBUG", "POPULATE", 100, "new")
    replica.call("SET", "former", 1)
    replica.call("SAVE")
    replica.call("SET", "t", 1)
    replica.call("DEL", "t")
    replica.call("CONFIG", "SET", "key-load-delay", 60 * SECOND)
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: replica.info("persistence")["loading"] == "1", 20, "the load")
    return replica


@pytest.mark.parametrize("appendonly", ["yes", "no"])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_while_a_replica_loads_leaves_the_former_data(start, appendonly, end):
    replica = load_slowly(start, appendonly=appendonly, save="1 1")
    begun = int(replica.info("server")["uptime_in_seconds"])
    wait_until(lambda: int(replica.info("server")["uptime_in_seconds"]) >= begun + 3, 20, "the time that a save point needs")
    replica.signal(end)
    replica.start()
    assert keys(replica) == ["former"]


def test_a_load_that_fails_leaves_nothing_and_the_disk_has_the_former_data_until_the_replica_is_promoted(start, ports):
    primary, replica = FakePrimary(ports.take()[0]), start(save="3600 1")

    def fails(times):
        return replica.log.read_text().count("Failed trying to load the MASTER synchronization DB") == times

    replica.call("SET", "former", 1)
    replica.call("SAVE")
    replica.call("REPLICAOF", HOST, primary.port)
    link, _ = primary.accept()
    damaged = b"REDIS0009" + rdb_string(b"half", b"v") + b"\xef"
    link.send(b"+FULLRESYNC %s 0\r\n$%d\r\n%s" % (HISTORY.encode(), len(damaged), damaged))
    wait_until(lambda: fails(1), 20, "the load to fail")
    assert keys(replica) == []
    with pytest.raises(redis.ResponseError, match="being replaced"):
        replica.call("BGREWRITEAOF")
    assert keys(restart(replica)) == ["former"]
    replica.call("REPLICAOF", HOST, primary.port)
    again, _ = primary.accept()
    again.send(b"+FULLRESYNC %s 0\r\n$%d\r\n%s" % (HISTORY.encode(), len(damaged), damaged))
    wait_until(lambda: fails(2), 20, "the load to fail")
    replica.call("REPLICAOF", "NO", "ONE")
    replica.call("SET", "later", 1)
    wait_until(lambda: not rewriting(replica), 20, "the end of the rewrite")
    assert keys(restart(replica)) == ["later"]
    for end in (link, again, primary):
        end.close()


@BOTH
@pytest.mark.parametrize("off", [True, False])
def test_the_log_follows_the_directory(make, kind, off):
    node = make(kind).start()
    other = node.folder / "other"
    other.mkdir()
    node.call("SET", "a", 1)
    if off:
        node.call("CONFIG", "SET", "appendonly", "no")
    node.call("CONFIG", "SET", "dir", str(other))
    node.call("SET", "b", 1)
    node.call(*(("CONFIG", "SET", "appendonly", "yes") if off or kind == OURS else ("BGREWRITEAOF",)))
    wait_until(lambda: not rewriting(node), 20, "the rewrite")
    node.call("SET", "c", 1)
    node.workdir = other
    node.kill()
    node.start("--dir", str(other))
    assert keys(node) == ["a", "b", "c"]


@BOTH
def test_a_directory_that_is_none_is_refused_and_files_go_to_one_that_is(make, kind):
    node = make(kind, appendonly="no").start()
    (node.folder / "file").write_text("")
    (node.folder / "other").mkdir()
    for name, why in (("none", "No such file or directory"), ("file", "Not a directory")):
        with pytest.raises(redis.ResponseError, match=why):
            node.call("CONFIG", "SET", "dir", str(node.folder / name))
    assert os.readlink(f"/proc/{node.pid}/cwd") == str(node.folder.resolve())
    node.call("CONFIG", "SET", "dir", str(node.folder / "other"))
    assert os.readlink(f"/proc/{node.pid}/cwd") == str((node.folder / "other").resolve())
    node.call("SAVE")
    assert (node.folder / "other" / "dump.rdb").exists()
    node.workdir = node.folder / "other"


def test_a_directory_where_the_log_cannot_be_is_refused(make):
    node = make().start()
    (node.folder / "other").mkdir()
    (node.folder / "other" / "appendonlydir").write_text("not a folder")
    with pytest.raises(redis.ResponseError, match="CONFIG SET failed"):
        node.call("CONFIG", "SET", "dir", str(node.folder / "other"))
    assert node.call("CONFIG", "GET", "dir")[1] == str(node.folder)
    node.call("SET", "a", 1)
    wait_until(lambda: not rewriting(node), 20, "the rewrite")
    assert keys(restart(node)) == ["a"]


@BOTH
def test_a_save_that_fails_refuses_no_writes_when_somebody_waited_for_it(start, kind):
    node = start(kind, appendonly="no", save="3600 1000000")
    (node.folder / "dump.rdb").mkdir()
    with pytest.raises(redis.ResponseError):
        node.call("SAVE")
    assert node.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert node.call("SET", "a", 1) == "OK"
    node.call("BGSAVE")
    wait_until(lambda: node.info("persistence")["rdb_last_bgsave_status"] == "err", 20, "the failure")
    node.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    assert node.call("SET", "a", 2) == "OK"
    node.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
    with pytest.raises(redis.ResponseError, match="MISCONF"):
        node.call("SET", "a", 3)


def test_a_flushall_lets_a_save_end_that_somebody_waits_for(make):
    node = make(appendonly="no", save="3600 1000000").start("--threads", "2")
    node.call("DEBUG", "POPULATE", 100)
    node.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    saver, *others = (redis.Redis(HOST, node.port, socket_timeout=2, single_connection_client=True) for _ in range(5))
    saver.connection.send_command("SAVE")

    def on_the_other_thread():
        for other in others:
            try:
                if other.info("persistence")["rdb_bgsave_in_progress"] == 1:
                    return other
            except redis.TimeoutError:
                pass
        return None

    other = wait_until(on_the_other_thread, 20, "the save")
    other.flushall()
    other.config_set("rdb-key-save-delay", 0)
    assert saver.connection.read_response() == b"OK"
    for client in (saver, *others):
        client.close()


def test_a_backlog_takes_memory_for_what_has_come(make):
    primary, replica = make(appendonly="no").start(), make(appendonly="no").start()
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: linked(replica), 20, "the link")
    primary.call("CONFIG", "SET", "repl-backlog-size", 1 << 40)
    primary.call("SET", "a", 1)
    wait_until(lambda: replica.call("GET", "a") == "1", 20, "the stream")
    assert int(primary.info("memory")["mem_replication_backlog"]) < 1 << 30


@BOTH
def test_what_is_on_the_disk_may_be_longer_than_clients_may_send(make, kind):
    node = make(kind).start()
    node.call("SET", "a", "x" * (3 << 20))
    node.kill()
    node.start("--proto-max-bulk-len", "1mb")
    assert node.call("STRLEN", "a") == 3 << 20


def with_log(node, *commands):
    """Starts it from an append-only file of these commands."""
    folder = node.folder / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    (folder / "appendonly.aof.1.incr.aof").write_bytes(b"".join(command(*words) for words in commands))
    return node.start()


@BOTH
def test_a_command_of_the_log_that_is_answered_with_an_error_does_not_end_the_start(make, kind):
    script = "redis.call('set', KEYS[1], 1) error('x')"
    node = with_log(make(kind), ("SELECT", 0), ("SET", "s", "text"), ("LPUSH", "s", "x"), ("RENAME", "none", "some"), ("INCR", "s"),
                    ("EVAL", script, 1, "k"), ("XADD", "x", "2-1", "f", "v"), ("XADD", "x", "1-1", "f", "v"), ("SET", "z", 1))
    assert keys(node) == ["k", "s", "x", "z"]
    assert node.call("XLEN", "x") == 1


def test_a_stream_that_asks_for_a_save_or_a_load_does_not_stop_its_replica(start, ports):
    primary, replica = FakePrimary(ports.take()[0]), start()
    replica.call("REPLICAOF", HOST, primary.port)
    link = primary.full_sync()
    for words in (("SAVE",), ("BGSAVE",), ("BGREWRITEAOF",), ("DEBUG", "RELOAD"), ("DEBUG", "LOADAOF"), ("SET", "z", 1)):
        link.send(command(*words))
    wait_until(lambda: replica.call("GET", "z") == "1", 20, "the stream")
    for end in (link, primary):
        end.close()


@BOTH
@pytest.mark.parametrize("name", ["SAVE", "BGSAVE", "BGREWRITEAOF"])
def test_a_log_that_asks_for_a_save_can_be_loaded(make, kind, name):
    node = with_log(make(kind), ("SELECT", 0), ("SET", "a", 1), (name,), ("SET", "b", 1))
    assert keys(node) == ["a", "b"]
