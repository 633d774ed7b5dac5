"""Our server and redis-server answer a stream of random commands alike. Seeds are fixed; see commands_vs_redis.py."""
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402  the folder is known only now

CONFIG = 'port {port}\ndaemonize yes\ndir ./\nsave ""\nappendonly no\n'
COMMANDS = 20_000


@pytest.fixture(scope="module")
def pair():
    cluster, ports = harness.Cluster("diff"), harness.Ports()
    nodes = [cluster.add(port, CONFIG.format(port=port), server=server).start()
             for port, server in zip(ports.take(2), ("ashlar-server", "redis-server"))]
    yield nodes
    cluster.end()


def compare(pair, script, *options):
    ours, theirs = pair
    done = subprocess.run([sys.executable, HERE / script, "--left", ours.address, "--right", theirs.address, *options],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("resp", ["2", "3"])
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_random_commands_get_the_same_replies(pair, resp, seed):
    compare(pair, "commands_vs_redis.py", "--count", str(COMMANDS), "--seed", seed, "--resp", resp)


@pytest.mark.parametrize("resp", ["2", "3"])
def test_random_list_commands_get_the_same_replies(pair, resp):
    compare(pair, "lists_vs_redis.py", "--count", str(COMMANDS), "--seed", "1", "--resp", resp)


def test_clients_that_wait_for_lists_get_the_same_replies(pair):
    compare(pair, "waiting_lists_vs_redis.py")
