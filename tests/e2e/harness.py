"""Starts, watches and ends servers for the end-to-end tests. Everything listens on 127.0.0.1 and is ended by its process id."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import redis

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("ASHLAR_BIN_DIR", TOP / "build" / "bin")).resolve()
WORK = TOP / "build" / "e2e"
HOST = "127.0.0.1"
BUS_OFFSET = 10000
SLOTS = 16384


class NotYet(Exception):
    """Raised by a condition that does not hold yet, to say why."""


# A server that starts, stops, loads or is cut off answers with these; whoever waits simply asks again.
NOT_NOW = (NotYet, redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ResponseError, ConnectionError)


def program(name):
    """Path of one of our programs, or of Redis' own when the name says so."""
    path = BIN / name if name.startswith("ashlar") else shutil.which(name)
    assert path and os.access(path, os.X_OK), f"{name} is missing (looked for {path}); 'make build' makes ours"
    return str(path)


def wait_until(condition, seconds, what):
    """Asks `condition` until it is true and returns its value. Fails after `seconds`, saying what was waited for."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except NOT_NOW as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}; last: {last!r}")
        time.sleep(0.05)


def port_is_free(port):
    for number in (port, port + BUS_OFFSET):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError:
                return False
    return True


class Ports:
    """Hands out ports that nobody listens on, with their bus ports, each once per run."""

    def __init__(self):
        first, last = map(int, os.environ.get("ASHLAR_E2E_PORTS", "21000-21999").split("-"))
        self._range = range(first, last + 1)
        self._next = first

    def take(self, count=1):
        """`count` free ports in a row."""
        while self._next + count - 1 in self._range:
            ports = list(range(self._next, self._next + count))
            if all(map(port_is_free, ports)):
                self._next += count
                return ports
            self._next += 1
        raise AssertionError(f"no {count} free ports in {self._range}")


def process_exists(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] != "Z":
                return True
        return len(os.listdir(f"/proc/{pid}/task")) > 1  # its other threads may end later, and with them its sockets
    except OSError:
        return False


class Node:
    """One server process with a folder of its own. It may be started again after its end and finds its data."""

    def __init__(self, folder, port, server="ashlar-server"):
        self.folder, self.port, self.server = pathlib.Path(folder), port, server
        self.address = f"{HOST}:{port}"
        self.pid = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.workdir = self.folder  # where the server works: its directive `dir`

    def write_config(self, text):
        (self.folder / "redis.conf").write_text(text)

    @property
    def log(self):
        return self.folder / "node.log"

    def start(self, *options, seconds=30):
        """Starts from redis.conf in the node's folder and returns once it answers. Expects `daemonize yes` there."""
        # Whatever the configuration file says, a test listens on loopback alone and leaves its traces in its folder.
        command = [program(self.server), "redis.conf", "--bind", HOST, "--logfile", str(self.log),
                   "--pidfile", str(self.folder / "node.pid"), *options]
        started = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=20,
                                 stdin=subprocess.DEVNULL)
        assert started.returncode == 0, f"{self.server} did not start: {started.stdout}{started.stderr}"
        try:
            wait_until(lambda: self.call("PING") == "PONG", seconds, f"an answer of {self.address}")
        finally:
            self.pid = self._find_process()
        assert self.pid == int(self.info("server")["process_id"]), "another process answers on this port"
        return self

    def _find_process(self):
        """The process that works in this node's directory."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and pathlib.Path(os.readlink(entry / "cwd")) == self.workdir.resolve():
                    return int(entry.name)
            except OSError:
                continue  # not ours to look at, or gone meanwhile
        return None

    def signal(self, number):
        """Sends a signal and waits for the end of the process."""
        pid = self.pid
        assert pid, f"{self.address} does not run"
        os.kill(pid, number)
        wait_until(lambda: not process_exists(pid), 30, f"the end of process {pid}")
        self.pid = None

    def kill(self):
        self.signal(signal.SIGKILL)

    def end(self):
        """Ends the process if there is one, however the test left it."""
        self.pid = self.pid or self._find_process()
        if self.pid and process_exists(self.pid):
            self.kill()

    def call(self, *words):
        """One command on a fresh connection; the reply as text, untouched."""
        client = redis.Redis(HOST, self.port, socket_timeout=5, socket_connect_timeout=5, decode_responses=True)
        client.response_callbacks.clear()
        try:
            return client.execute_command(*words)
        finally:
            client.close()

    def fields(self, *words):
        """A reply of `name:value` lines as a dictionary."""
        lines = self.call(*words).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def info(self, section="default"):
        return self.fields("INFO", section)

    def cluster_nodes(self):
        """CLUSTER NODES as a list of dictionaries: id, address, flags (a set), master, link, slots (a set), moving."""
        members = []
        for line in self.call("CLUSTER", "NODES").splitlines():
            words = line.split()
            slots = set()
            for word in words[8:]:
                if not word.startswith("["):
                    first, _, last = word.partition("-")
                    slots.update(range(int(first), int(last or first) + 1))
            members.append({"id": words[0], "address": words[1].split("@")[0], "flags": set(words[2].split(",")),
                            "master": None if words[3] == "-" else words[3], "link": words[7], "slots": slots,
                            "moving": [word for word in words[8:] if word.startswith("[")]})
        return members

    def id(self):
        return self.call("CLUSTER", "MYID")

    def __repr__(self):
        return f"<node {self.address} pid {self.pid}>"


class Cluster:
    """The nodes of one test and what they agree on."""

    def __init__(self, name):
        self.folder = WORK / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.nodes = []

    def add(self, port, config, server="ashlar-server"):
        """A node with its folder and configuration, not started yet."""
        node = Node(self.folder / str(port), port, server)
        node.write_config(config)
        self.nodes.append(node)
        return node

    def add_shards(self, configs):
        """Three primaries, of which the first has a replica: four nodes with these configurations by port, started and in step."""
        nodes = [self.add(port, config).start() for port, config in configs.items()]
        third = SLOTS // 3
        for number, node in enumerate(nodes[:3]):
            assert node.call("CLUSTER", "ADDSLOTSRANGE", number * third, (number + 1) * third - 1 + number // 2) == "OK"
            assert node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1) == "OK"
        for node in nodes[1:]:
            assert node.call("CLUSTER", "MEET", HOST, nodes[0].port) == "OK"
        self.wait_agreed(30, 4)
        assert nodes[3].call("CLUSTER", "REPLICATE", nodes[0].id()) == "OK"
        self.wait_agreed(30, 4)
        self.wait_replicas_caught_up()
        return nodes

    def running(self):
        return [node for node in self.nodes if node.pid]

    def wait_agreed(self, seconds, size):
        """Waits until every running node sees `size` members, none failing, and the same owner of every slot."""

        def agreed():
            views = []
            for node in self.running():
                state = node.fields("CLUSTER", "INFO")["cluster_state"]
                members = node.cluster_nodes()
                if state != "ok" or len(members) != size:
                    raise NotYet(f"{node.address} says {state} and sees {len(members)} members")
                for member in members:
                    if member["flags"] & {"fail", "fail?", "handshake", "noaddr"} or member["moving"]:
                        raise NotYet(f"{node.address} sees {member['address']} as {member['flags']} {member['moving']}")
                views.append({m["id"]: (m["master"], frozenset(m["slots"])) for m in members})
                if views[-1] != views[0]:
                    odd = [m["address"] for m in members if views[0].get(m["id"]) != views[-1][m["id"]]]
                    raise NotYet(f"{node.address} and {self.running()[0].address} differ about {odd}")
            owned = sum(len(slots) for _, slots in views[0].values())
            if owned != SLOTS:
                raise NotYet(f"{owned} slots have an owner")
            return True

        wait_until(agreed, seconds, f"{size} nodes that agree on a healthy cluster")

    def master_of(self, node):
        """The node that `node` replicates, as it says itself; None for a master."""
        role = node.info("replication")
        return next(n for n in self.nodes if n.port == int(role["master_port"])) if role["role"] == "slave" else None

    def masters(self):
        return [node for node in self.running() if node.info("replication")["role"] == "master"]

    def masters_by_slot(self):
        """The masters that own slots, the owner of the lowest slots first."""
        lowest = {m["address"]: min(m["slots"]) for m in self.running()[0].cluster_nodes() if m["slots"]}
        return sorted((n for n in self.running() if n.address in lowest), key=lambda n: lowest[n.address])

    def replica_of(self, master):
        """The first running replica of a master."""
        return next(node for node in self.running() if self.master_of(node) is master)

    def wait_replicas_caught_up(self, seconds=20):
        """Waits until each replica's link is up and it has all that its master had when asked."""
        for node in self.running():
            master = self.master_of(node)
            if master is None or not master.pid:
                continue
            target = int(master.info("replication")["master_repl_offset"])

            def caught_up():
                role = node.info("replication")
                return role["master_link_status"] == "up" and int(role["slave_repl_offset"]) >= target

            wait_until(caught_up, seconds, f"{node.address} to reach offset {target} of {master.address}")

    def end(self):
        for node in self.nodes:
            node.end()


class ClusterTool:
    """`redis-cli` or `ashlar-cli` as an operator uses it."""

    def __init__(self, name):
        self.name = name

    def __call__(self, *words, seconds=900, stdin=None):
        """Runs one command line; its output. Fails when the tool ends with an error."""
        result = subprocess.run([program(self.name), *map(str, words)], capture_output=True, text=True, timeout=seconds,
                                input=stdin or "")
        assert result.returncode == 0, f"{self.name} {' '.join(map(str, words))}\n{result.stdout}{result.stderr}"
        return result.stdout
