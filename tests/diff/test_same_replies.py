"""Our server and redis-server answer a stream of random commands alike: a bounded run; `make differential` runs the long one."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402  the folder is known only now

CONFIG = 'port {port}\ndaemonize yes\ndir ./\nsave ""\nappendonly no\n'
COMMANDS = int(os.environ.get("ASHLAR_DIFF_COMMANDS", "20000"))  # of each stream
SEED = os.environ.get("ASHLAR_DIFF_SEED", "1")


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
                          capture_output=True, text=True, timeout=300 + COMMANDS / 100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("resp", ["2", "3"])
@pytest.mark.parametrize("about", ["commands", "lists", "sets_hashes_bits", "zset", "streams"])
def test_random_commands_get_the_same_replies(pair, about, resp):
    compare(pair, f"{about}_vs_redis.py", "--count", str(COMMANDS), "--seed", SEED, "--resp", resp)


def test_clients_that_wait_for_lists_get_the_same_replies(pair):
    compare(pair, "waiting_lists_vs_redis.py")


def test_stories_of_transactions_get_the_same_replies(pair):
    compare(pair, "transactions_vs_redis.py")


def categories(rows):
    """Of every command and subcommand in a reply of COMMAND."""
    found = {}
    for row in rows:
        found[row[0]] = set(row[6])
        found |= categories(row[9])
    return found


def test_commands_are_in_the_same_categories_of_permissions(pair):
    ours, theirs = (categories(node.call("COMMAND")) for node in pair)
    common = ours.keys() & theirs.keys()
    assert len(common) > 300
    assert {name: ours[name] for name in common} == {name: theirs[name] for name in common}
