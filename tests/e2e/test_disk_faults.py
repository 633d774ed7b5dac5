"""A disk that is full, read-only or damaged: the error names the file, nothing acknowledged is lost, nothing is overwritten,
and refused writes come back by themselves."""
import os
import pathlib
import subprocess

import pytest
import redis

import harness
from harness import HOST, process_exists, program, wait_until

CONFIG = """
port {port}
daemonize yes
dir {disk}
save {save}
appendonly {appendonly}
appendfsync {fsync}
"""
DISK_BYTES = 4 << 20
VALUE = "v" * 1000


class Disk:
    """A small file system of its own, mounted for one test."""

    def __init__(self, folder):
        self.path = folder
        folder.mkdir(parents=True)
        self.mounted = self._mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder))

    @staticmethod
    def _mount(*words):
        return subprocess.run(["mount", *words], capture_output=True).returncode == 0

    @property
    def ballast(self):
        return self.path / "ballast"

    def fill(self, leave=0):
        """Takes all room but `leave` bytes."""
        stat = os.statvfs(self.path)
        free = stat.f_bavail * stat.f_frsize - leave
        with self.ballast.open("ab") as file:
            file.write(bytes(max(0, free)))

    def empty(self):
        self.ballast.unlink()

    def read_only(self, yes):
        assert self._mount("-o", f"remount,{'ro' if yes else 'rw'}", str(self.path))

    def end(self):
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)


@pytest.fixture
def disk(cluster):
    disk = Disk(cluster.folder / "disk")
    if not disk.mounted:
        pytest.skip("a file system cannot be mounted here")
    yield disk
    cluster.end()
    disk.end()


def place(cluster, disk, port, config):
    """A node that works on that disk; its log is elsewhere."""
    node = cluster.add(port, config)
    node.workdir = disk.path
    return node


@pytest.fixture
def start(cluster, ports, disk):
    def start_one(save='""', appendonly="no", fsync="everysec"):
        port = ports.take()[0]
        return place(cluster, disk, port, CONFIG.format(port=port, disk=disk.path, save=save, appendonly=appendonly,
                                                        fsync=fsync)).start()

    return start_one


def start_fails(node, *options):
    """Starts a server that must not come up; what it said."""
    text = (node.folder / "redis.conf").read_text().replace("daemonize yes", "daemonize no")
    (node.folder / "broken.conf").write_text(text)
    done = subprocess.run([program(node.server), "broken.conf", "--bind", HOST, *options], cwd=node.folder, timeout=60,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


def shut_down(node, *words):
    pid = node.pid
    try:
        node.call("SHUTDOWN", *words)
    except redis.ConnectionError:
        pass
    wait_until(lambda: not process_exists(pid), 30, f"the end of {node}")
    node.pid = None


def refused(node, *words):
    """Whether the server refuses a command with MISCONF; its words then."""
    try:
        node.call(*words)
        return None
    except redis.ResponseError as error:
        assert str(error).startswith("MISCONF "), error
        return str(error)


def fill(node, first, last):
    for number in range(first, last):
        node.call("SET", f"key:{number}", VALUE)


def test_failed_save_refuses_writes_until_one_succeeds(start, disk):
    node = start(save="1 1")
    fill(node, 0, 500)
    wait_until(lambda: node.info("persistence")["rdb_changes_since_last_save"] == "0", 30, "a save")
    before = (disk.path / "dump.rdb").read_bytes()
    disk.fill()
    node.call("SET", "key:0", "changed")
    words = wait_until(lambda: refused(node, "SET", "a", "b"), 30, "writes to be refused")
    assert "unable to persist to disk" in words
    assert node.info("persistence")["rdb_last_bgsave_status"] == "err"
    assert node.call("GET", "key:0") == "changed"
    assert "No space left on device" in node.log.read_text() and "rdb" in node.log.read_text()
    assert (disk.path / "dump.rdb").read_bytes() == before
    assert not list(disk.path.glob("temp-*")), "the unfinished file is gone"
    disk.empty()
    wait_until(lambda: refused(node, "SET", "a", "b") is None, 30, "writes to come back by themselves")
    assert node.info("persistence")["rdb_last_bgsave_status"] == "ok"


def test_failed_save_refuses_nothing_when_told_so(start, disk):
    node = start(save="3600 1")
    node.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    fill(node, 0, 100)
    disk.fill()
    with pytest.raises(redis.ResponseError):
        node.call("SAVE")
    node.call("BGSAVE")
    wait_until(lambda: node.info("persistence")["rdb_last_bgsave_status"] == "err", 20, "the save to fail")
    assert refused(node, "SET", "a", "b") is None


@pytest.mark.parametrize("fsync", ["everysec", "always"])
def test_full_disk_under_the_log_refuses_writes_until_there_is_room(start, disk, fsync):
    node = start(appendonly="yes", fsync=fsync)
    fill(node, 0, 100)
    disk.fill(leave=20_000)
    acknowledged = 100
    words = None
    while words is None:
        assert acknowledged < 100_000
        try:
            words = refused(node, "SET", f"key:{acknowledged}", VALUE)
            acknowledged += words is None
        except redis.ConnectionError:
            assert fsync == "always", "only a promise that cannot be kept ends a connection"
    assert words.startswith("MISCONF Errors writing to the AOF file: ") and "No space left on device" in words
    assert node.info("persistence")["aof_last_write_status"] == "err"
    assert node.call("GET", "key:0") == VALUE
    if fsync == "always":  # what was acknowledged is on the disk already
        node.kill()
        disk.empty()
        node.start()
    else:
        disk.empty()
    wait_until(lambda: refused(node, "SET", "after", "b") is None, 30, "writes to come back by themselves")
    wait_until(lambda: node.info("persistence")["aof_last_write_status"] == "ok", 10, "the state to say so")
    fill(node, 200_000, 200_010)
    shut_down(node)
    node.start()
    missing = [n for n in [*range(acknowledged), *range(200_000, 200_010)] if node.call("GET", f"key:{n}") != VALUE]
    assert not missing


def test_full_disk_of_a_primary_stops_its_writes_and_nothing_else(start, disk, cluster, ports):
    primary = start(appendonly="yes")
    port = ports.take()[0]
    replica = cluster.add(port, CONFIG.format(port=port, disk="./", save='""', appendonly="no", fsync="no")).start()
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 30, "the replica")
    fill(primary, 0, 100)
    disk.fill(leave=20_000)
    acknowledged = 100
    while refused(primary, "SET", f"key:{acknowledged}", VALUE) is None:
        acknowledged += 1
    assert primary.call("GET", "key:0") == VALUE
    assert replica.call("GET", "key:0") == VALUE
    assert refused(primary, "DEL", "key:0") is not None
    goal = int(primary.info("replication")["master_repl_offset"])
    wait_until(lambda: int(replica.info("replication")["slave_repl_offset"]) >= goal, 30, "the replica to have everything")
    assert replica.info("replication")["master_link_status"] == "up"
    assert replica.call("DBSIZE") == primary.call("DBSIZE") >= acknowledged
    disk.empty()
    wait_until(lambda: refused(primary, "SET", "after", "b") is None, 30, "writes to come back by themselves")
    wait_until(lambda: replica.call("GET", "after") == "b", 30, "the replica to follow")
    assert primary.info("stats")["sync_full"] == "1"


def test_read_only_directory_is_named(start, disk):
    node = start(save="1 1")
    fill(node, 0, 10)
    wait_until(lambda: (disk.path / "dump.rdb").exists(), 30, "a save")
    disk.read_only(True)
    node.call("SET", "a", "b")
    wait_until(lambda: refused(node, "SET", "a", "c"), 30, "writes to be refused")
    assert "Read-only file system" in node.log.read_text()
    disk.read_only(False)
    wait_until(lambda: refused(node, "SET", "a", "c") is None, 30, "writes to come back by themselves")
    shut_down(node)
    disk.read_only(True)
    said = start_fails(node, "--appendonly", "yes")
    assert "Read-only file system" in said and "appendonlydir" in said, said


def damaged(path, how):
    """Damages a file and returns its content then."""
    content = bytearray(path.read_bytes())
    if how == "truncated":
        del content[len(content) * 2 // 3:]
    else:
        content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_damaged_snapshot_is_named_and_left_alone(start, disk, how):
    node = start(save="3600 1")
    fill(node, 0, 100)
    shut_down(node, "SAVE")
    path = disk.path / "dump.rdb"
    content = damaged(path, how)
    said = start_fails(node)
    assert "dump.rdb" in said and "offset" in said, said
    assert path.read_bytes() == content


def last_increment(disk):
    return sorted((disk.path / "appendonlydir").glob("*.incr.aof"))[-1]


def test_damaged_log_is_named_and_left_alone(start, disk):
    node = start(appendonly="yes", fsync="always")
    fill(node, 0, 100)
    node.kill()
    path = last_increment(disk)
    content = bytearray(path.read_bytes())
    at = content.index(b"*3", len(content) // 2)
    content[at] = ord("?")
    path.write_bytes(content)
    said = start_fails(node)
    assert path.name in said and f"offset {at}" in said, said
    assert path.read_bytes() == content


def test_torn_end_of_a_log_is_cut_off_only_when_allowed(start, disk):
    node = start(appendonly="yes", fsync="always")
    fill(node, 0, 100)
    node.kill()
    path = last_increment(disk)
    content = path.read_bytes()[:-10]
    path.write_bytes(content)
    said = start_fails(node, "--aof-load-truncated", "no")
    assert path.name in said and "offset" in said, said
    assert path.read_bytes() == content
    node.start()
    assert node.call("DBSIZE") == 99
    node.call("SET", "key:99", VALUE)
    node.kill()
    node.start()
    assert node.call("DBSIZE") == 100


def test_damaged_cluster_configuration_is_named_and_left_alone(start, disk, cluster, ports):
    port = ports.take()[0]
    config = CONFIG.format(port=port, disk=disk.path, save='""', appendonly="no", fsync="no") + "cluster-enabled yes\n"
    node = place(cluster, disk, port, config).start()
    node.kill()
    path = pathlib.Path(disk.path) / "nodes.conf"
    path.write_text(path.read_text().replace("myself", "yourself"))
    content = path.read_bytes()
    said = start_fails(node)
    assert "nodes.conf" in said, said
    assert path.read_bytes() == content
