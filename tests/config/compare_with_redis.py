#!/usr/bin/env python3
"""Compares our configuration with that of a real redis-server 7.0.

usage: compare_with_redis.py <config_tool> [--port N] [--redis /usr/bin/redis-server]

The same directives, CONFIG SETs, CONFIG REWRITEs and broken files go to both; names, values, errors and rewritten files must be
equal, but for the differences named below, each with its reason. Exit status 0: equal.
"""
import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Names that only one side has.
ONLY_REDIS = {}
ONLY_OURS_REASON = "directives of Valkey 8.1, of Redis 7.2, and `threads`"

# CONFIG SET whose answer differs: (name, value) or name -> reason. None stands for any value.
SET_DIFFERS = {
    ("maxmemory", ""): "Redis takes an empty text for 0 bytes, we refuse it",
    "loglevel": "we know the level 'nothing' of Redis 7.2",
    "cluster-node-timeout": "times are bounded to three centuries",
    "latency-monitor-threshold": "times are bounded to three centuries",
    "repl-backlog-ttl": "times are bounded to three centuries",
    "tls-port": "built without TLS",
    "tls-cluster": "built without TLS",
    "tls-replication": "built without TLS",
    "activedefrag": "the reason names our allocator",
    "cluster-announce-ip": "other nodes could not read what has blanks or slashes; Redis cuts what is too long",
}
# The sweep of odd values leaves these out.
NOT_SWEPT = {
    "port": "would move the peer away",
    "bind": "would move the peer away",
    "requirepass": "would lock us out",
    "maxclients": "the peer asks the system for file descriptors",
    "dir": "would move the peer away",
    "proc-title-template": "hides the peer from whoever looks for it",
}
ODD_VALUES = ["", "-99999999999", "-1", "0", "1", "12", "1001", "99999999999", "99999999999999999999999", "abc", "1kb", "5%",
              "yes", "YES", "no", "a b", "a/b", "1 2 3", "-5 x 3"]

SESSION = """
SET save "900 1 300 10"
GET SAVE save sa*
SET save "900  1"
SET save "900 1 x"
SET save "0 1"
SET save " 900 1"
SET save ""
GET save
SET client-output-buffer-limit "foo 1 2 3"
SET client-output-buffer-limit "normal 1 2"
SET client-output-buffer-limit "normal x 2 3"
SET client-output-buffer-limit "normal 1 2 -3"
SET client-output-buffer-limit "master 1 2 3"
SET client-output-buffer-limit "replica 1mb 2mb 60 normal 3gb 1 2"
GET client-output-buffer-limit
SET client-output-buffer-limit ""
GET client-output-buffer-limit
SET slave-priority 5 replica-priority 6
GET *-priority
SET SLAVE-Priority -1
SET Timeout 5 timeout 6
SET maxmemory 1 maxmemory 2
SET maxmemory 3gb
GET MAXMEMORY maxmemory
SET maxmemory 18446744073709551615
GET maxmemory
SET maxmemory 1.5gb
SET maxmemory 0
SET nope 1
SET daemonize yes
SET DAEMONIZE yes
SET daemonize yes nope 2
SET nope 1 daemonize 2
SET timeout 7 maxmemory bad hz 100
GET timeout hz
SET maxmemory-clients 101%
SET maxmemory-clients 5%
GET maxmemory-clients
SET maxmemory-clients 1gb
GET maxmemory-clients
SET maxmemory-clients 0%
GET maxmemory-clients
SET shutdown-on-sigint "now save force"
GET shutdown-on-sigint
SET shutdown-on-sigint "save nosave"
SET shutdown-on-sigint "default save"
GET shutdown-on-sigint
SET shutdown-on-sigint foo
SET shutdown-on-sigint DEFAULT
GET shutdown-on-sigint
SET oom-score-adj-values "1 2"
SET oom-score-adj-values "1 2 x"
SET oom-score-adj-values "1 2 2001"
SET latency-tracking-info-percentiles 101
SET latency-tracking-info-percentiles x
SET latency-tracking-info-percentiles "50 99.95 0.001"
GET latency-tracking-info-percentiles
SET latency-tracking-info-percentiles "1e1 100.0 0"
GET latency-tracking-info-percentiles
SET latency-tracking-info-percentiles ""
GET latency-tracking-info-percentiles
SET dbfilename a/b
SET dbfilename x.rdb
GET dbfilename
SET cluster-announce-hostname "a b"
SET cluster-announce-hostname host-1.example.com
GET cluster-announce-hostname
SET hz 1000
GET hz
SET hz 0
GET hz
SET dir /nope
SET repl-backlog-size 1
GET repl-backlog-size
SET list-max-listpack-size 99999999999
SET acl-pubsub-default x
SET slowlog-log-slower-than -2
SET notify-keyspace-events q
GET use-exit-on-panic
GET use-exit*
GET watchdog-period key-load-delay rdb-key-save-delay loading-process-events-interval-bytes
GET [m]axmemory
GET rename-command include user loadmodule nope
GET list-max-ziplist-entries
SET masterauth "a b\\x01"
GET masterauth
SET masterauth ""
GET masterauth
"""

# Files that must load and say the same.
GOOD_FILES = [
    'save "900 1"\n', 'save "900 1 300 2"\nsave 5 6\n', 'save 900 1\nsave ""\nsave 5 6\n', 'save ""\n', "save\n", "save ''\n",
    'bind "127.0.0.1 -::1"\n', "bind -::1\nbind 127.0.0.1\n",
    'client-output-buffer-limit "normal 1 2 3"\n', "client-output-buffer-limit normal 1 2 3 pubsub 4 5 6\n",
    "client-output-buffer-limit\n", 'replicaof "127.0.0.1 1"\n', "replicaof no one\n", "slaveof 127.0.0.1 0\n",
    'masterauth "a\\x41\\n\\"b\\q"\n', "masterauth 'a\\x41\\'b'\n", 'masterauth a"b"\n', "masterauth a#b\n", 'masterauth ""\n',
    "\tmaxmemory 6\r\n  # c\r\n\r\nMAXMEMORY-Samples 7\r\n", '"maxmemory" 5\n',
    "list-max-ziplist-entries 1\nlist-max-ziplist-value 2\nlua-replicate-commands yes\n",
    'shutdown-on-sigterm "save now"\n', "latency-tracking-info-percentiles 1 2.5\n", "unixsocketperm 700\n", "hz 1000\n",
    "hz 0\n", 'pidfile ""\n', 'oom-score-adj-values "1 2 3"\n', "include included.conf\nmaxmemory-samples 9\n",
    'include "incl?ded.conf"\n', "include nothing*.conf\n", "dir ..\ndir ./here/../here\n", "enable-debug-command LOCAL\n",
    "user someone on\n", "rename-command GET \"\"\n", "min-slaves-to-write 2\nslave-read-only no\nlua-time-limit 7\n",
    "bgsave_cpulist 1\nhash-max-ziplist-entries 3\nhash-max-ziplist-value 4kb\n", "databases 3\nio-threads 2\n",
]
# Files that must be refused in the same words.
BAD_FILES = [
    "save 900\n", "save 900 0 1\n", "port 1 2\n", "xyzzy 1\n", "maxmemory 1 # c\n", 'maxmemory "5"x\n', 'masterauth "a\n',
    "maxmemory\n", "maxmemory a\n", "foo.bar\n", "sentinel x\n", "rename-command GET\n", "user\n", "include\n", "include /nope\n",
    "dir /nope\n", "oom-score-adj-values 1 2\n", "notify-keyspace-events\n", "notify-keyspace-events q\n",
    "list-max-ziplist-entries 1 2\n", "unixsocketperm 1000\n", "unixsocketperm 9\n", "databases 0\n", "io-threads 0\n",
    "appendfilename a/b\n", 'appendfilename ""\n', 'appenddirname ""\n', "appenddirname a/b\n", '"" 2\n', "replicaof a\n",
    "replicaof a 70000\n", "replicaof a 1\ncluster-enabled yes\n", "\n\n# c\ninclude broken.conf\n", "daemonize maybe\n",
    "supervised x\n", "syslog-facility x\n", "tcp-backlog -1\n", "cluster-port 70000\n", "enable-debug-command x\n",
    "socket-mark-id -1\n", "cluster-enabled 1\n", "bind " + "a " * 17 + "\n", "rdbchecksum 2\n", "loadmodule\n",
]
# Arguments behind the file, and what to ask.
COMMAND_LINES = [
    ["--save", "60", "2"], ["--save", "60 2"], ["--save"], ["--save", ""], ["--save", "--maxmemory", "5"],
    ["--maxmemory 5", "--bind", "127.0.0.1", "-::1"], ["--bind 127.0.0.1 -::1"], ["--bind", "127.0.0.1 -::1"],
    ["--masterauth", "--foo", "--maxmemory", "7"], ["--MAXMEMORY", "1kb"], ["--slaveof", "127.0.0.1 1"],
]
BAD_COMMAND_LINES = [["--maxmemory"], ["--maxmemory", "1", "2"], ["--xyzzy", "1"], ["--maxmemory-samples", "--hz", "3"], ["stray"]]

REWRITTEN_FILES = [
    ("", []),
    ("# a comment\n\n\n\nmaxmemory 5gb\n  maxmemory-policy allkeys-lru\n# tail", [("maxmemory", "1048576")]),
    ("save 1 1\nsave 2 2\nsave 3 3\nslave-priority 7\n", [("save", "9 9")]),
    ("save 1 1\n", [("save", "")]),
    ('bogus "line\nwhat is this\nhz 20\nhz 30\n', []),
    ("client-output-buffer-limit slave 1mb 2 3\nclient-output-buffer-limit normal 1 2 3\n", [("hz", "33")]),
    ("# Generated by CONFIG REWRITE\nhz 20\n", [("timeout", "9")]),
    ('masterauth "x y"\nnotify-keyspace-events ""\nlatency-tracking-info-percentiles 1 2\n',
     [("notify-keyspace-events", "KEA"), ("masterauth", "")]),
    ("maxmemory-clients 5%\nunixsocketperm 700\nbind 127.0.0.1\nreplicaof 127.0.0.1 1\n", []),
    ("repl-ping-slave-period 3\nslaveof 127.0.0.1 1\nshutdown-on-sigint save now\n", [("shutdown-on-sigint", "default")]),
    ("bind * -::*\nlogfile \"\"\npidfile \"\"\ninclude included.conf\nrename-command GET \"\"\n", []),
]


class Peer:
    """A real redis-server in a folder of its own."""

    def __init__(self, redis, port, folder, arguments):
        self.process = subprocess.Popen([redis, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.connection = None
        for _ in range(200):
            try:
                self.connection = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        self.stream = self.connection.makefile("rb") if self.connection else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.stream:
            self.stream.close()
            self.connection.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def output(self):
        return self.process.stdout.read()

    def call(self, *words):
        words = [w.encode("latin1") for w in words]
        self.connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.reply()

    def reply(self):
        line = self.stream.readline()[:-2].decode("latin1")
        if line[:1] == "$":
            return self.stream.read(int(line[1:]) + 2)[:-2].decode("latin1")
        if line[:1] == "*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line


def unquote(text):
    """The words of a line that config_tool printed."""
    plain = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b"}
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return [re.sub(r"\\(x[0-9a-f]{2}|.)",
                   lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 3 else plain.get(m[1], m[1]), w) for w in words]


def quote(word):
    return '"' + "".join(c if c.isalnum() or c in " _-*?[]./%" else "\\x%02x" % ord(c) for c in word) + '"'


class Ours:
    def __init__(self, tool, folder, arguments):
        self.process = subprocess.Popen([tool, "session", *arguments], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, encoding="latin1")
        self.first = self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def started(self):
        return self.first == "ready\n"

    def output(self):
        return self.first + self.process.stdout.read()

    def call(self, *words):
        self.process.stdin.write(words[1] + " " + " ".join(quote(w) for w in words[2:]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()[:-1]
        return answer if answer[:1] in ("+", "-") else unquote(answer)


def as_pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


class Comparison:
    def __init__(self, tool, redis, port, folder):
        self.tool, self.redis, self.port, self.folder = tool, redis, port, folder
        self.checks, self.failures = 0, 0
        self.arguments = ["--port", str(port), "--loglevel", "warning", "--enable-protected-configs", "yes"]

    def same(self, what, theirs, ours):
        self.checks += 1
        if theirs != ours:
            self.failures += 1
            print(f"DIFFERS {what}\n  redis: {theirs!r}\n  ours:  {ours!r}")

    def peers(self, arguments):
        here = self.folder / "here"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        (here / "included.conf").write_text("maxmemory 9\n")
        (here / "broken.conf").write_text("maxmemory 9\n\nxyzzy 1\n")
        return (Peer(self.redis, self.port, here, arguments), Ours(self.tool, here, arguments))

    def all_values(self, what, theirs, ours):
        a, b = as_pairs(theirs.call("CONFIG", "GET", "*")), as_pairs(ours.call("CONFIG", "GET", "*"))
        self.same(f"{what}: names only Redis has", sorted(set(a) - set(b)), sorted(ONLY_REDIS))
        for name in sorted(set(a) & set(b)):
            self.same(f"{what}: CONFIG GET {name}", a[name], b[name])
        return a, b

    def with_file(self, text, extra=()):
        path = self.folder / "redis.conf"
        path.write_bytes(text.encode("latin1"))
        return [str(path), *self.arguments, *extra]

    def defaults(self):
        theirs, ours = self.peers(self.arguments)
        with theirs, ours:
            a, b = self.all_values("defaults", theirs, ours)
            print(f"{len(a)} names of Redis, {len(b)} of ours ({ONLY_OURS_REASON})")

    def files(self):
        shipped = [Path("/etc/redis/redis.conf"), Path(__file__).parent / "redis-5.0.7.conf"]
        texts = [p.read_text() for p in shipped if p.exists()] + GOOD_FILES
        changed = ["--daemonize", "no", "--logfile", "", "--pidfile", "", "--dir", str(self.folder / "here")]
        for text in texts:
            theirs, ours = self.peers(self.with_file(text, changed if len(text) > 1000 or "pidfile /" in text else ()))
            with theirs, ours:
                self.same(f"{text[:60]!r} starts", theirs.stream is not None, ours.started())
                if theirs.stream and ours.started():
                    self.all_values(repr(text[:60]), theirs, ours)

    def refusals(self):
        def gist(output):
            lines = [line for line in output.split("\n") if line and not line.startswith("Did you mean")]
            found = [line[4:] for line in lines if line.startswith(">>> ")]
            reason = re.sub(r"^.*# Fatal error", "Fatal error", lines[-1]) if lines else ""
            return found[-1:], reason

        lines = [(text, ()) for text in BAD_FILES] + [("", extra) for extra in BAD_COMMAND_LINES]
        for text, extra in lines:
            theirs, ours = self.peers(self.with_file(text, extra))
            with theirs, ours:
                what = f"refusal of {text!r} {extra}"
                self.same(what, theirs.stream is None, not ours.started())
                if theirs.stream is None and not ours.started():
                    self.same(what, gist(theirs.output()), gist(ours.output()))

    def command_lines(self):
        for extra in COMMAND_LINES:
            theirs, ours = self.peers(self.with_file("save 900 1\nmaxmemory 3\n", extra))
            with theirs, ours:
                self.all_values(str(extra), theirs, ours)

    def both(self, theirs, ours, verb, *words):
        a, b = theirs.call("CONFIG", verb, *words), ours.call("CONFIG", verb, *words)
        if verb == "GET" and isinstance(a, list) and isinstance(b, list):
            a, b = as_pairs(a), as_pairs(b)
        self.same(f"CONFIG {verb} {' '.join(map(repr, words))}", a, b)

    def session(self):
        theirs, ours = self.peers(self.arguments)
        with theirs, ours:
            for line in SESSION.strip().split("\n"):
                verb, rest = line.split(" ", 1)
                words = [unquote(q)[0] if q else w for q, w in re.findall(r'("(?:[^"\\]|\\.)*")|(\S+)', rest)]
                self.both(theirs, ours, verb, *words)
            letters = "KEg$lshzxetmdnA"
            for mask in list(range(0, 1 << len(letters), 977)) + [1 << i for i in range(len(letters))]:
                events = "".join(c for i, c in enumerate(letters) if mask & (1 << i))
                self.both(theirs, ours, "SET", "notify-keyspace-events", events)
                self.both(theirs, ours, "GET", "notify-keyspace-events")

    def sweep(self):
        theirs, ours = self.peers(self.arguments)
        with theirs, ours:
            names = sorted(set(as_pairs(theirs.call("CONFIG", "GET", "*"))) - set(NOT_SWEPT))
            for name in names:
                before = theirs.call("CONFIG", "GET", name)[1]
                for value in ODD_VALUES:
                    if name in SET_DIFFERS or (name, value) in SET_DIFFERS:
                        continue
                    if value == "" and re.fullmatch(r"\d+", before):
                        continue  # Redis takes an empty text for 0 where memory is expected
                    if value == "99999999999999999999999":
                        a, b = theirs.call("CONFIG", "SET", name, value), ours.call("CONFIG", "SET", name, value)
                        if a == "+OK" and b[:1] == "-":
                            for side in (theirs, ours):  # Redis lets too many digits of memory wrap around
                                side.call("CONFIG", "SET", name, before)
                            continue
                        self.same(f"CONFIG SET {name} {value}", a, b)
                        continue
                    self.both(theirs, ours, "SET", name, value)
                    self.both(theirs, ours, "GET", name)
                theirs.call("CONFIG", "SET", name, before)
                ours.call("CONFIG", "SET", name, before)
            self.all_values("after the sweep", theirs, ours)

    def rewrites(self):
        def order(text, keep):
            """The lines up to the appended block in their order, the appended ones sorted: Redis appends in random order."""
            lines = [line for line in text.split("\n") if not re.match(r"user |dir |enable-protected|loglevel |port ", line)]
            if keep:
                return lines
            at = lines.index("# Generated by CONFIG REWRITE") if "# Generated by CONFIG REWRITE" in lines else len(lines)
            return lines[:at], sorted(lines[at:])

        for text, changes in REWRITTEN_FILES:
            theirs, ours = self.peers(self.with_file(text if "bogus" not in text else "hz 30\n"))
            with theirs, ours:
                (self.folder / "redis.conf").write_text(text)
                for name, value in changes:
                    self.both(theirs, ours, "SET", name, value)
                mine = ours.call("CONFIG", "REWRITE")
                self.same(f"CONFIG REWRITE of {text!r}", theirs.call("CONFIG", "REWRITE"), "+OK")
                self.same(f"CONFIG REWRITE of {text!r}", order((self.folder / "redis.conf").read_text(), False),
                          order(mine[0], False))

    def run(self):
        for part in (self.defaults, self.files, self.refusals, self.command_lines, self.session, self.sweep, self.rewrites):
            failures = self.failures
            part()
            print(f"{part.__name__}: {'ok' if failures == self.failures else 'differs'}")
        print(f"{self.checks} comparisons, {self.failures} differences")
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--port", type=int, default=21600)
    parser.add_argument("--redis", default=shutil.which("redis-server") or "/usr/bin/redis-server")
    options = parser.parse_args()
    if not Path(options.redis).exists():
        print("no redis-server to compare with: package redis-server is missing")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        return Comparison(str(Path(options.tool).resolve()), options.redis, options.port, Path(folder)).run()


if __name__ == "__main__":
    sys.exit(main())
