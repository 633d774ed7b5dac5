"""A server that loads its data takes connections and says so; every file here is loaded slowly enough to be watched."""
import os
import signal
import subprocess

import pytest
import redis

from harness import HOST, process_exists, program, wait_until

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly {appendonly}
enable-debug-command yes
rdbcompression no
loading-process-events-interval-bytes 1024
{more}
"""
SLOW = ("--key-load-delay", "2000")  # microseconds after each of the keys
KEYS = 2000


@pytest.fixture
def make(cluster, ports):
    def add(appendonly="no", more="", server="ashlar-server"):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port, appendonly=appendonly, more=more), server)
    return add


def start_loading(node, *options):
    """Starts a server that answers, but has not loaded yet."""
    command = [program(node.server), "redis.conf", "--bind", HOST, "--logfile", str(node.log),
               "--pidfile", str(node.folder / "node.pid"), *SLOW, *options]
    subprocess.run(command, cwd=node.folder, check=True, timeout=20, stdin=subprocess.DEVNULL)
    wait_until(lambda: node.info("persistence")["loading"] == "1", 20, "a server that loads")
    node.pid = node._find_process()
    return node


def filled(node):
    node.start()
    node.call("DEBUG", "POPULATE", KEYS, "key", 64)
    return node


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_a_server_that_loads_answers_loading_until_all_its_data_is_there(make, appendonly):
    node = filled(make(appendonly))
    node.call("SET", "last", "written")
    if appendonly == "yes":
        node.call("BGREWRITEAOF")
        wait_until(lambda: node.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the rewrite")
    else:
        node.call("SAVE")
    node.signal(signal.SIGKILL)
    start_loading(node)
    for words in (("GET", "last"), ("SET", "last", "x"), ("PING",), ("DBSIZE",), ("DEBUG", "RELOAD"),
                  ("CONFIG", "SET", "appendonly", "yes" if appendonly == "no" else "no"), ("PSYNC", "?", "-1")):
        with pytest.raises(redis.BusyLoadingError):
            node.call(*words)
    assert node.call("CONFIG", "GET", "appendonly") == ["appendonly", appendonly]
    assert node.call("CONFIG", "SET", "maxmemory-samples", "7") == "OK"
    told = node.info("persistence")
    assert 0 <= int(told["loading_loaded_bytes"]) < int(told["loading_total_bytes"])
    assert 0 <= float(told["loading_loaded_perc"]) < 100
    assert int(told["loading_eta_seconds"]) >= 0 and int(told["loading_start_time"]) > 0
    assert told["async_loading"] == "0"
    assert "Ready to accept connections" not in node.log.read_text().split("starting")[-1]
    assert node.call("CONFIG", "SET", "key-load-delay", "0") == "OK"
    assert wait_until(lambda: node.call("GET", "last"), 20, "the data") == "written"
    assert node.call("DBSIZE") == KEYS + 1
    assert node.call("SET", "last", "again") == "OK"
    told = node.info("persistence")
    assert told["loading"] == "0" and "loading_total_bytes" not in told
    assert "Ready to accept connections" in node.log.read_text().split("starting")[-1]


@pytest.mark.parametrize("how", ["SIGTERM", "SHUTDOWN NOSAVE", "SHUTDOWN"])
def test_a_server_that_loads_can_be_stopped_and_leaves_its_file_as_it_is(make, how):
    node = filled(make(more="save 3600 1"))
    node.call("SAVE")
    node.signal(signal.SIGKILL)
    before = (node.folder / "dump.rdb").read_bytes()
    start_loading(node)
    pid = node.pid
    if how == "SIGTERM":
        os.kill(pid, signal.SIGTERM)
    else:
        with pytest.raises(redis.ConnectionError):
            node.call(*how.split())
    wait_until(lambda: not process_exists(pid), 20, "the end of a server that loads")
    assert (node.folder / "dump.rdb").read_bytes() == before
    node.pid = None
    assert node.start().call("DBSIZE") == KEYS


def test_a_damaged_file_ends_a_server_that_has_answered_already(make):
    node = filled(make())
    node.call("SAVE")
    node.signal(signal.SIGKILL)
    file = node.folder / "dump.rdb"
    data = bytearray(file.read_bytes())
    data[-20] ^= 0xFF
    file.write_bytes(data)
    start_loading(node)
    pid = node.pid
    node.call("CONFIG", "SET", "key-load-delay", "0")
    wait_until(lambda: not process_exists(pid), 20, "the end of a server whose file is damaged")
    node.pid = None
    assert "Fatal error loading the DB" in node.log.read_text()
    assert file.read_bytes() == data


def test_a_replica_says_what_it_is_while_it_loads_and_follows_when_it_has_loaded(make):
    primary = filled(make())
    replica = filled(make(more=f"replicaof {HOST} {primary.port}"))
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the link")
    replica.call("SAVE")
    replica.signal(signal.SIGKILL)
    start_loading(replica)
    told = replica.info("replication")
    assert (told["role"], told["master_port"], told["master_link_status"]) == ("slave", str(primary.port), "down")
    primary.call("SET", "later", "v")
    replica.call("CONFIG", "SET", "key-load-delay", "0")
    assert wait_until(lambda: replica.call("GET", "later"), 20, "what was written meanwhile") == "v"


def test_a_node_of_a_cluster_that_loads_serves_no_key(make):
    node = filled(make(more="cluster-enabled yes\ncluster-node-timeout 2000"))
    node.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    wait_until(lambda: node.fields("CLUSTER", "INFO")["cluster_state"] == "ok", 20, "a cluster of one")
    assert node.call("SET", "k", "v") == "OK"
    node.call("SAVE")
    node.signal(signal.SIGKILL)
    start_loading(node)
    for words in (("GET", "k"), ("DBSIZE",)):
        with pytest.raises((redis.BusyLoadingError, redis.ResponseError), match="CLUSTERDOWN|loading"):
            node.call(*words)
    node.call("CONFIG", "SET", "key-load-delay", "0")
    assert wait_until(lambda: node.call("GET", "k"), 20, "the data") == "v"
