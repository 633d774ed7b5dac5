"""kill -9 and a disk that does not keep its word: what was acknowledged is there afterwards.

ASHLAR_CRASHES says how many crashes (`make soak`: 100), ASHLAR_CRASH_SEED which ones.
"""
import os
import random
import subprocess

import pytest
import redis

from harness import HOST, program, wait_until
from load import PipelinedWriter
from syncs import syncs  # noqa: F401  a fixture

CRASHES = int(os.environ.get("ASHLAR_CRASHES", "10"))
SEED = int(os.environ.get("ASHLAR_CRASH_SEED", "1"))
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly yes
appendfsync {fsync}
auto-aof-rewrite-percentage 0
"""
CONNECTIONS, PIPELINE = 4, 20


def missing(node, writers):
    """Acknowledged writes that are not there, and holes: numbers that are missing below one that is there."""
    client = redis.Redis(HOST, node.port)
    lost = []
    for writer in writers:
        keys = [f"{writer.prefix}:{n}" for n in range(writer.acked)]
        for first in range(0, len(keys), 1000):
            part = keys[first:first + 1000]
            lost += [key for n, (key, value) in enumerate(zip(part, client.mget(part)), first) if value != b"%d" % n]
    client.close()
    return lost


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_acknowledged_writes_survive_kill_9(cluster, ports, fsync):
    rng = random.Random(SEED)
    port = ports.take()[0]
    node = cluster.add(port, CONFIG.format(port=port, fsync=fsync)).start()
    acked = 0
    for crash in range(CRASHES):
        writers = [PipelinedWriter(port, f"{crash}:{n}", PIPELINE) for n in range(CONNECTIONS)]
        goal = rng.randrange(1, 3000)
        rewrite_at = rng.randrange(1, 2 * goal)  # in half of all crashes a rewrite is on its way or has just ended
        wait_until(lambda: min(writer.acked for writer in writers) >= min(goal, rewrite_at), 60, "the writes to be under way")
        if rewrite_at < goal:
            node.call("BGREWRITEAOF")
            wait_until(lambda: min(writer.acked for writer in writers) >= goal, 60, "more writes")
        node.kill()
        for writer in writers:
            writer.join(30)
            assert writer.refused in (None, b""), writer.refused
        node.start()
        lost = missing(node, writers)
        assert not lost, f"seed {SEED}, crash {crash}: {len(lost)} acknowledged writes lost, such as {lost[:3]}"
        acked += sum(writer.acked for writer in writers)
    print(f"appendfsync {fsync}: {CRASHES} crashes, {acked} writes acknowledged, none lost")


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_failed_sync_is_made_good_by_a_new_base_and_nothing_is_written_meanwhile(cluster, ports, syncs, fsync):  # noqa: F811
    port = ports.take()[0]
    node = cluster.add(port, CONFIG.format(port=port, fsync=fsync)).start()
    for n in range(100):
        node.call("SET", f"key:{n}", n)
    before = sorted(path.name for path in node.folder.glob("appendonlydir/*"))
    syncs.fail()

    def refused():
        try:
            node.call("SET", "late", "1")
        except redis.ConnectionError:
            assert fsync == "always", "only a promise that cannot be kept ends a connection"
        except redis.ResponseError as error:
            return str(error)

    words = wait_until(refused, 20, "writes to be refused")
    assert words.startswith("MISCONF Errors writing to the AOF file: ") and "Input/output error" in words
    assert node.call("GET", "key:7") == "7"
    assert node.info("persistence")["aof_last_write_status"] == "err"
    assert "can only be repaired by a rewrite" in node.log.read_text()
    syncs.recover()
    # No later sync of that file counts: only the rewrite, which begins by itself, brings writes back.
    wait_until(lambda: refused() is None and node.info("persistence")["aof_last_write_status"] == "ok", 60, "writes to come back")
    after = sorted(path.name for path in node.folder.glob("appendonlydir/*"))
    assert not set(before) & set(after) - {"appendonly.aof.manifest"}, "all files are new"
    node.call("SET", "after", "1")
    node.kill()
    node.start()
    assert node.call("GET", "after") == "1"
    assert node.call("MGET", *(f"key:{n}" for n in range(100))) == [str(n) for n in range(100)]


def test_a_hole_in_the_log_stops_the_start_and_is_named(cluster, ports):
    port = ports.take()[0]
    node = cluster.add(port, CONFIG.format(port=port, fsync="always")).start()
    for n in range(100):
        node.call("SET", f"key:{n}", "v" * 100)
    node.kill()
    log = next(node.folder.glob("appendonlydir/*.incr.aof"))
    content = log.read_bytes()
    record = content.index(b"*3\r\n", len(content) // 2)
    log.write_bytes(content[:record] + bytes(1000) + content[record + 1000:])
    text = (node.folder / "redis.conf").read_text().replace("daemonize yes", "daemonize no")
    (node.folder / "broken.conf").write_text(text)
    done = subprocess.run([program("ashlar-server"), "broken.conf", "--bind", HOST], cwd=node.folder, timeout=60, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert log.name in said and f"offset {record}" in said, said
    assert len(log.read_bytes()) == len(content), "the file is left alone"
