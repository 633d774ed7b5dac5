"""A server as a process among others: the files it may open, the names it leaves, the log that somebody rotates."""
import os
import resource
import signal
import socket
import subprocess

import pytest
import redis

from harness import HOST, program, wait_until
from wire import Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 2
"""


@pytest.fixture
def node(cluster, ports):
    port = ports.take()[0]
    return cluster.add(port, CONFIG.format(port=port))


@pytest.fixture
def few_files():
    """What this process starts may open 256 files, until it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def start_fails(node, *options):
    """Starts a second process from the configuration of `node`; what it said before it ended."""
    done = subprocess.run([program(node.server), "redis.conf", "--bind", HOST, "--daemonize", "no", *options],
                          cwd=node.folder, timeout=60, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


def dump(node):
    return (node.folder / "dump.rdb").exists()


def test_more_clients_come_than_files_were_allowed_at_first(node, few_files):
    node.start()
    few_files()
    connections = [Wire(node) for _ in range(400)]
    for connection in connections:
        connection.send("PING")
    assert {connection.read() for connection in connections} == {"PONG"}


def test_no_more_clients_are_promised_than_the_system_has_files_for(node):
    node.start()
    admin = redis.Redis(HOST, node.port, decode_responses=True)
    before = admin.config_get("maxclients")
    with pytest.raises(redis.ResponseError, match="not able to handle the specified number of clients, try with [1-9]"):
        admin.config_set("maxclients", 4_000_000_000)
    assert admin.config_get("maxclients") == before


def test_who_finds_no_file_left_waits_and_the_log_stays_short(node):
    node.start()
    admin = Wire(node)
    assert admin.call("PING") == "PONG"
    limits = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{node.pid}/fd")), limits[1]))
    late = [socket.create_connection((HOST, node.port), timeout=20) for _ in range(20)]

    def complaints():
        return node.log.read_text().count("Too many open files")

    wait_until(complaints, 10, "the server to find none")
    for _ in range(500):
        assert admin.call("PING") == "PONG"
    assert complaints() < 20
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, limits)
    for connection in late:
        connection.sendall(b"PING\r\n")
        assert connection.recv(7) == b"+PONG\r\n"
        connection.close()


def test_a_start_that_fails_leaves_the_pid_file_of_the_one_that_runs(node):
    node.start()
    file = node.folder / "node.pid"
    assert "Address already in use" in start_fails(node, "--pidfile", str(file))
    assert int(file.read_text()) == node.pid


def test_a_start_that_fails_leaves_no_pid_file(node):
    (node.folder / "dump.rdb").write_bytes(b"REDIS0011" + b"\xff" * 20)
    start_fails(node, "--pidfile", str(node.folder / "node.pid"))
    assert not (node.folder / "node.pid").exists()


def test_a_server_that_nobody_could_reach_does_not_start(node):
    assert "not listen anywhere" in start_fails(node, "--port", "0")


def test_a_mistyped_log_file_is_named_and_nothing_made_of_it(node):
    assert "No such file or directory" in start_fails(node, "--logfile", str(node.folder / "logs" / "x.log"))
    assert not (node.folder / "logs").exists()


def test_sigterm_and_sigint_save_as_their_directives_say(node):
    node.start("--shutdown-on-sigterm", "nosave", "now", "--save", "3600 1")
    node.call("SET", "k", "v")
    node.signal(signal.SIGTERM)
    assert not dump(node)
    node.start()
    node.call("SET", "k", "v")
    assert node.call("CONFIG", "SET", "shutdown-on-sigint", "save") == "OK"
    node.signal(signal.SIGINT)
    assert dump(node)


def test_a_renamed_log_is_begun_anew(node):
    node.start()
    node.log.rename(node.folder / "node.log.1")
    node.signal(signal.SIGTERM)
    assert "ready to exit" in node.log.read_text()


def test_connections_are_logged_when_asked_for(node):
    node.start("--loglevel", "verbose")
    with socket.create_connection((HOST, node.port), timeout=10) as client:
        client.sendall(b"CLIENT ID\r\n")
        number = client.recv(20).decode().strip(":\r\n")
        name = f"{HOST}:{client.getsockname()[1]}"
    assert f"Accepted {name} id={number}\n" in node.log.read_text()
    wait_until(lambda: f"Client id={number} is gone\n" in node.log.read_text(), 10, "the line of its end")


def test_the_cluster_configuration_may_stand_outside_of_the_directory(node, tmp_path):
    file = tmp_path / "nodes.conf"
    node.start("--cluster-enabled", "yes", "--cluster-config-file", str(file))
    assert node.id() in file.read_text()
    assert not (node.folder / "nodes.conf").exists()


def test_who_is_not_supervised_does_not_say_so(node):
    node.start("--supervised", "auto")
    assert node.info("server")["process_supervised"] == "no"


def test_who_is_supervised_stays_where_the_supervisor_sees_it(node, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        command = [program(node.server), "redis.conf", "--bind", HOST, "--supervised", "systemd"]  # and daemonize yes
        started = subprocess.Popen(command, cwd=node.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")})
        try:
            assert b"READY=1" in supervisor.recv(1000)
            info = node.info("server")
            assert (int(info["process_id"]), info["process_supervised"]) == (started.pid, "systemd")
        finally:
            started.terminate()
            started.wait(20)


def test_a_restart_counts_the_growth_of_the_log_from_its_base_and_no_replayed_command(node):
    node.start("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
    for number in range(300):
        node.call("SET", "k", f"{number:1000}")
    node.signal(signal.SIGTERM)
    node.start("--appendonly", "yes", "--auto-aof-rewrite-percentage", "100", "--auto-aof-rewrite-min-size", "100kb")
    assert int(node.info("stats")["total_commands_processed"]) < 300
    assert "cmdstat_set" not in node.info("commandstats")

    def rewritten():
        info = node.info("persistence")
        return int(info["aof_rewrites"]) == 1 and int(info["aof_base_size"]) < 100_000

    wait_until(rewritten, 20, "the log to be rewritten")
