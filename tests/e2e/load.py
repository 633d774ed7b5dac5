"""Writers that go on through failures and count, and the check that everything they were promised is there.

A writer sets `<prefix>:0`, `<prefix>:1`, ... one after the other, each until it is acknowledged. So a number says it all:
keys 0..acked-1 were acknowledged. The value of a key is `value of <key>`.
"""
import collections
import json
import logging
import socket
import subprocess
import threading

from redis.cluster import RedisCluster

from harness import HOST, TOP, wait_until

NODE_CLIENTS = TOP / "tests" / "e2e" / "node"
BATCH = 500
PACE_SECONDS = 0.001  # between two writes: enough to be always in the middle of one, and the machine has other work
logging.getLogger("redis.cluster").setLevel(logging.CRITICAL)  # it logs every redirection with a stack trace


def value_of(key):
    return f"value of {key}"


def cluster_client(port):
    return RedisCluster(host=HOST, port=port, decode_responses=True, socket_timeout=5, socket_connect_timeout=5)


class PythonWriter:
    """redis-py's cluster client in a thread: one client object, made once, for its whole life."""

    def __init__(self, port, prefix):
        self.prefix, self.acked, self.errors = prefix, 0, collections.Counter()
        self._stop = threading.Event()
        self._client = cluster_client(port)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            key = f"{self.prefix}:{self.acked}"
            self._stop.wait(PACE_SECONDS)
            try:
                if self._client.set(key, value_of(key)):
                    self.acked += 1
            except Exception as error:  # the library raises many unrelated kinds; the tests judge what was counted
                self.errors[f"{type(error).__name__}: {error}"[:160]] += 1
                self._stop.wait(0.05)

    def stop(self):
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the redis-py writer hangs in a call"
        self._client.close()


class PipelinedWriter(threading.Thread):
    """SETs of `<prefix>:0`, `<prefix>:1`, ... to their numbers, `pipeline` at a time on one connection, until it breaks or a write is refused;
    `acked` replies in order were +OK, `refused` is the first that was not (empty when the server ended)."""

    def __init__(self, port, prefix, pipeline):
        super().__init__(daemon=True)
        self.prefix, self.acked, self.refused = prefix, 0, None
        self._pipeline = pipeline
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self.start()

    def run(self):
        sent = 0
        try:
            reader = self._socket.makefile("rb")
            while True:
                numbers = range(sent, sent + self._pipeline)
                self._socket.sendall(b"".join(b"SET %s:%d %d\r\n" % (self.prefix.encode(), n, n) for n in numbers))
                sent += self._pipeline
                for _ in numbers:
                    line = reader.readline()
                    if line != b"+OK\r\n":
                        self.refused = line
                        return
                    self.acked += 1
        except OSError:
            return
        finally:
            self._socket.close()


class IoredisWriter:
    """ioredis' cluster client in a Node.js process: one client object, made once, for its whole life."""

    def __init__(self, port, prefix):
        self.prefix, self.acked, self.errors = prefix, 0, collections.Counter()
        self._process = subprocess.Popen(["node", "writer.js", str(port), prefix], cwd=NODE_CLIENTS, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            report = json.loads(line)
            self.errors = collections.Counter(report["errors"])
            self.acked = report["acked"]

    def stop(self):
        if self._process.poll() is None:
            self._process.stdin.close()
        try:
            code = self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError("the ioredis writer hangs in a call")
        self._thread.join(10)
        assert code == 0, f"the ioredis writer ended with {code}"


class Load:
    """Both writers at once. Use as a context: they end with it."""

    def __init__(self, port, name):
        self.writers = [PythonWriter(port, f"{name}:redis-py"), IoredisWriter(port, f"{name}:ioredis")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.stop()

    def counts(self):
        return {writer.prefix: writer.acked for writer in self.writers}

    def errors(self):
        return {writer.prefix: dict(writer.errors) for writer in self.writers if writer.errors}

    def wait_progress(self, writes, seconds):
        """Waits until each writer had `writes` more writes acknowledged."""
        before = self.counts()
        for writer in self.writers:
            wait_until(lambda: writer.acked >= before[writer.prefix] + writes, seconds,
                       f"{writes} writes of {writer.prefix} (errors so far: {dict(writer.errors)})")


def fill(port, prefix, count):
    """Writes keys 0..count-1 with redis-py in pipelines."""
    client = cluster_client(port)
    for start in range(0, count, BATCH):
        pipeline = client.pipeline()
        for i in range(start, min(start + BATCH, count)):
            key = f"{prefix}:{i}"
            pipeline.set(key, value_of(key))
        assert all(pipeline.execute())
    client.close()


def missing_for_redis_py(port, prefix, first, last):
    """Those of the keys first..last-1 that redis-py does not read back with their value."""
    client = cluster_client(port)
    missing = []
    for start in range(first, last, BATCH):
        keys = [f"{prefix}:{i}" for i in range(start, min(start + BATCH, last))]
        pipeline = client.pipeline()
        for key in keys:
            pipeline.get(key)
        missing += [key for key, value in zip(keys, pipeline.execute()) if value != value_of(key)]
    client.close()
    return missing


def missing_for_ioredis(port, prefix, first, last):
    """The same, read by ioredis."""
    result = subprocess.run(["node", "reader.js", str(port), prefix, str(first), str(last)], cwd=NODE_CLIENTS, text=True,
                            capture_output=True, timeout=180, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)["missing"]
