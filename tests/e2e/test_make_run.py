"""`make run` and `make stop`, as tools/cluster.sh does them, on ports and folders of the test's own."""
import os
import shutil
import socket
import subprocess

import pytest

import harness


class Script:
    """tools/cluster.sh with six ports of its own."""

    def __init__(self, folder, ports):
        shutil.rmtree(folder, ignore_errors=True)
        self.folder, self.ports, self.bin = folder, ports, harness.BIN

    def __call__(self, *words):
        env = {**os.environ, "ASHLAR_BIN_DIR": str(self.bin), "ASHLAR_RUN_DIR": str(self.folder),
               "ASHLAR_PORTS": " ".join(map(str, self.ports))}
        return subprocess.run([harness.TOP / "tools" / "cluster.sh", *map(str, words)], env=env, capture_output=True,
                              text=True, timeout=180, stdin=subprocess.DEVNULL)

    def pids(self):
        return {port: int((self.folder / str(port) / "node.pid").read_text()) for port in self.ports}


@pytest.fixture
def script(request, ports):
    run = Script(harness.WORK / request.node.name, ports.take(6))
    yield run
    run("stop")


def listeners(ports):
    return [port for port in ports if not harness.port_is_free(port)]


def test_run_gives_a_healthy_cluster_a_map_and_three_ways_to_connect(script):
    result = script("start")
    assert result.returncode == 0, result.stdout + result.stderr
    for port in script.ports:
        node = harness.Node(script.folder / str(port), port)
        assert node.fields("CLUSTER", "INFO")["cluster_state"] == "ok"
        assert f"{harness.HOST}:{port} " in result.stdout
    assert result.stdout.count(" master ") == 3 and result.stdout.count(" replica ") == 3
    for client in ("ashlar-cli -c -p", "redis.cluster import RedisCluster", "new Redis.Cluster("):
        assert client in result.stdout


def test_run_twice_is_harmless_and_brings_back_a_node_that_died(script):
    assert script("start").returncode == 0
    first = script.pids()
    again = script("start")
    assert again.returncode == 0 and "already runs" in again.stdout
    assert script.pids() == first

    victim = harness.Node(script.folder / str(script.ports[5]), script.ports[5])
    victim.end()
    assert script("start").returncode == 0
    assert {port: pid for port, pid in script.pids().items() if first[port] != pid}.keys() == {script.ports[5]}


def test_stop_ends_all_keeps_the_data_and_is_harmless_when_nothing_runs(script):
    assert script("start").returncode == 0
    port = script.ports[0]
    node = harness.Node(script.folder / str(port), port)
    key = next(f"k{i}" for i in range(100) if node.call("CLUSTER", "KEYSLOT", f"k{i}") < 5461)
    assert node.call("SET", key, "kept") == "OK"
    pids = script.pids()
    for _ in range(2):
        assert script("stop").returncode == 0
        assert listeners(script.ports) == [] and not any(map(harness.process_exists, pids.values()))

    assert script("start").returncode == 0
    assert node.call("GET", key) == "kept"
    assert script("clean").returncode == 0
    assert not script.folder.exists()


@pytest.mark.parametrize("offset", [0, harness.BUS_OFFSET], ids=["client port", "bus port"])
def test_run_names_a_taken_port_and_starts_nothing(script, offset):
    with socket.create_server((harness.HOST, script.ports[3] + offset)):
        result = script("start")
    assert result.returncode != 0
    assert f"port {script.ports[3] + offset} " in result.stderr and "ASHLAR_PORTS=" in result.stderr
    assert listeners(script.ports) == [] and not script.folder.exists()


def test_run_leaves_nothing_half_started_when_a_node_fails(script, tmp_path):
    script.bin = tmp_path
    (tmp_path / "ashlar-cli").symlink_to(harness.program("ashlar-cli"))
    last = script.folder / str(script.ports[5])
    fails_in_the_last_folder = f'#!/bin/bash\n[[ $PWD == "{last}" ]] && {{ echo "disk on fire" >&2; exit 1; }}\n'
    (tmp_path / "ashlar-server").write_text(f'{fails_in_the_last_folder}exec {harness.program("ashlar-server")} "$@"\n')
    (tmp_path / "ashlar-server").chmod(0o755)
    result = script("start")
    assert result.returncode != 0
    assert "disk on fire" in result.stderr and f"node {script.ports[5]} did not start" in result.stderr
    assert listeners(script.ports) == []
    assert not any((script.folder / str(port)).exists() for port in script.ports)


def test_one_more_node_starts_empty_and_stops_with_the_others(script, ports):
    assert script("start").returncode == 0
    (extra,) = ports.take()
    assert script("node", extra).returncode == 0
    node = harness.Node(script.folder / str(extra), extra)
    assert node.fields("CLUSTER", "INFO")["cluster_known_nodes"] == "1"
    assert script("stop").returncode == 0
    assert listeners([*script.ports, extra]) == []


def test_a_node_that_joined_comes_back_with_the_others(script, ports):
    assert script("start").returncode == 0
    joined, alone = ports.take(2)
    assert "Let it join" in script("node", f"0{joined}").stdout
    assert script("node", alone).returncode == 0
    added = subprocess.run([harness.program("ashlar-cli"), "--cluster", "add-node", f"{harness.HOST}:{joined}",
                            f"{harness.HOST}:{script.ports[0]}"], capture_output=True, text=True, timeout=60)
    assert added.returncode == 0, added.stdout + added.stderr
    assert script("stop").returncode == 0

    again = script("start")
    assert again.returncode == 0, again.stdout + again.stderr
    node = harness.Node(script.folder / str(joined), joined)
    assert node.fields("CLUSTER", "INFO")["cluster_known_nodes"] == "7"
    assert listeners([alone]) == []
    node.end()
    assert "it is a member of its cluster already" in script("node", joined).stdout
