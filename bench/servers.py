"""The two servers under test: start them, feed them, read what they cost."""
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
CHUNK = 1 << 20


class Ports:
    """Hands out free ports of a range, so that several people can measure on one machine."""

    def __init__(self, text):
        self.low, self.high = map(int, text.split("-"))
        self.next = random.randint(self.low, self.high)

    def take(self):
        for _ in range(self.low, self.high + 1):
            port = self.next
            self.next = port + 1 if port < self.high else self.low
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise SystemExit("no free port")


def encode(*words):
    """One command as RESP."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Server:
    """One server process, ended by its id. `cores` is a list for taskset."""

    def __init__(self, name, program, ports, extra=(), cores="0"):
        self.name, self.port = name, ports.take()
        self.folder = tempfile.mkdtemp(prefix="ashlar-bench-")
        command = ["taskset", "-c", cores, program, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", self.folder, *extra]
        self._command = [str(word) for word in command]
        self.start(at_most=20)

    def start(self, at_most):
        """Starts the process in its folder and returns when it answers; ends the run after `at_most` seconds."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + at_most
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise SystemExit(f"{self.name} did not start")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _answers(self):
        try:
            with self.connect() as s:
                s.sendall(b"PING\r\n")
                return s.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def call(self, *words):
        """The raw reply to one command whose reply fits into one read of a quiet connection."""
        with self.connect() as s:
            s.sendall(encode(*words) + encode("ECHO", "end-of-reply"))
            got = b""
            while not got.endswith(b"$12\r\nend-of-reply\r\n"):
                part = s.recv(CHUNK)
                if not part:
                    raise SystemExit(f"{self.name} closed the connection")
                got += part
        return got[: -len(b"$12\r\nend-of-reply\r\n")].decode()

    def fill(self, commands):
        """Sends many commands, given as an iterable of bytes, over one connection and waits until all are done."""
        end = b"$12\r\nend-of-reply\r\n"
        wrong = []
        with self.connect() as s:
            def drain():
                tail = b""
                while not tail.endswith(end):
                    part = s.recv(CHUNK)
                    if not part:
                        wrong.append(b"closed")
                        return
                    if b"\r\n-" in part or part.startswith(b"-"):
                        wrong.append(part[part.find(b"-"):][:100])
                    tail = (tail + part)[-len(end):]
            reader = threading.Thread(target=drain)
            reader.start()
            pending, size = [], 0
            for command in commands:
                pending.append(command)
                size += len(command)
                if size > 256 * 1024:
                    s.sendall(b"".join(pending))
                    pending, size = [], 0
            s.sendall(b"".join(pending) + encode("ECHO", "end-of-reply"))
            reader.join()
        if wrong:
            raise SystemExit(f"{self.name}: {wrong[0].decode()}")

    def cpu_ns(self):
        """User and system time of all threads so far."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            total += int(pathlib.Path(f"/proc/{self.process.pid}/task/{task}/schedstat").read_text().split()[0])
        return total

    def resident(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def resident_with_children(self):
        """Memory of the process and of what it forked, shared pages counted once."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return self.resident()
        total = 0
        for pid in [self.process.pid, *map(int, children)]:
            try:
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
            except OSError:  # the child has ended
                pass
        return max(total, self.resident())

    def info(self, field, section="everything"):
        for line in self.call("INFO", section).splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        return None

    def used(self):
        return int(self.info("used_memory"))

    def halt(self):
        """Ends the process and leaves its files."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


class Lab:
    """Makes servers; holds the options of the run and collects the rows of the table."""

    def __init__(self, options):
        self.options = options
        self.ports = Ports(options.ports)
        self.ashlar_program = pathlib.Path(options.bin) / "ashlar-server"
        self.rows = []
        wanted = 20_000
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))

    def redis(self, *extra, cores="0"):
        return Server("Redis", "redis-server", self.ports, extra, cores)

    def ashlar(self, *extra, cores="0"):
        return Server("Ashlar", self.ashlar_program, self.ports, ("--threads", "1", *extra), cores)

    def both(self, *extra, cores="0"):
        """The two servers, Redis first. Use as: with lab.both() as (redis, ashlar)."""
        return Pair(self, extra, cores)

    def row(self, section, case, redis, ashlar, ratio, target, text=None):
        """Adds a result. `ratio` and `target` are numbers to compare, or None; `text` replaces the figure of the ratio."""
        met = None if target is None or ratio is None else ratio <= target
        self.rows.append((section, case, redis, ashlar, text or (f"{ratio:.2f}x" if ratio is not None else ""), target, met))
        shown = "" if met is None else ("met" if met else "MISSED")
        print(f"{section:9} {case:62} {redis:>14} {ashlar:>14} {self.rows[-1][4]:>10} {'' if target is None else target:>6} {shown}", flush=True)


class Pair:
    def __init__(self, lab, extra, cores):
        self.lab, self.extra, self.cores = lab, extra, cores

    def __enter__(self):
        self.first = self.lab.redis(*self.extra, cores=self.cores)
        try:
            self.second = self.lab.ashlar(*self.extra, cores=self.cores)
        except BaseException:
            self.first.stop()
            raise
        return self.first, self.second

    def __exit__(self, *_):
        self.first.stop()
        self.second.stop()
