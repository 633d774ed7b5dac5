"""The ways to run the scenarios: servers, and what happens between writing and reading."""
import pathlib
import re
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "diff")]
import harness  # noqa: E402  the folders are known only now
from resp import Connection, ErrorReply, Status  # noqa: E402,F401

CONFIG = """port {port}
daemonize yes
dir ./
save ""
appendonly no
enable-debug-command local
repl-diskless-sync-delay 0
"""
PATIENCE = 15  # seconds until what must come is missing

# name: (protocol, lines of configuration)
MODES = {
    "resp2": (2, ""),
    "resp3": (3, ""),
    "reload": (2, ""),
    "aof": (2, "appendonly yes\nappendfsync no\n"),
    "replica": (2, ""),
    "cluster": (2, "cluster-enabled yes\n"),
    "threads": (3, "threads 4\n"),
}
# One server serves several modes when nothing sets them apart.
SHARED = {"resp3": "resp2", "reload": "resp2"}


class Servers:
    """The servers of a session, each started when it is first needed. `whose` is "ashlar" or "redis"."""

    def __init__(self, whose, ports):
        self.whose, self._ports = whose, ports
        self._cluster = harness.Cluster(f"scenarios-{whose}")
        self._nodes = {}

    def node(self, name, config=""):
        """The running server of that name."""
        if name not in self._nodes:
            port, = self._ports.take()
            self._nodes[name] = self._cluster.add(port, CONFIG.format(port=port) + config, f"{self.whose}-server")
        node = self._nodes[name]
        if node.pid is None or not harness.process_exists(node.pid):
            node.start()
        return node

    def other(self):
        """A second server, for scenarios that need two; without data and without a primary."""
        node = self.node("other")
        control = Connection(node.address, PATIENCE)
        for words in (("REPLICAOF", "NO", "ONE"), ("FLUSHALL",)):
            control.call(*words)
        control.close()
        return node

    def end(self):
        self._cluster.end()
        shutil.rmtree(self._cluster.folder, ignore_errors=True)


class Mode:
    """One way to run them. `labels` is what texts may be restricted to."""

    def __init__(self, servers, name):
        self.servers, self.name = servers, name
        self.protocol, config = MODES[name]
        self.labels = {name, f"resp{self.protocol}", servers.whose}
        self.node = servers.node(SHARED.get(name, name), config)
        self.control = Connection(self.node.address, PATIENCE)
        if name == "cluster":
            self._own_all_slots()
        self.flags = self._flags_of_commands()
        self.replica = self._replica() if name == "replica" else None
        self.replica_control = Connection(self.replica.address, PATIENCE) if self.replica else None
        self._config = self._directives()

    def call(self, *words):
        reply = self.control.call(*words)
        assert not isinstance(reply, ErrorReply), f"{words}: {reply!r}"
        return reply

    def _own_all_slots(self):
        if b"cluster_slots_ok:%d" % harness.SLOTS not in self.call("CLUSTER", "INFO"):
            self.call("CLUSTER", "FLUSHSLOTS")
            self.call("CLUSTER", "ADDSLOTSRANGE", 0, harness.SLOTS - 1)
            harness.wait_until(lambda: b"cluster_state:ok" in self.call("CLUSTER", "INFO"), PATIENCE, "a whole cluster")

    def _replica(self):
        replica = self.servers.node("replica-of-replica", f"replicaof {harness.HOST} {self.node.port}\n")
        harness.wait_until(lambda: replica.info("replication")["master_link_status"] == "up", PATIENCE, "the replica's link")
        return replica

    def _flags_of_commands(self):
        """Flags of each command, and of each subcommand as `command|subcommand`."""
        flags = {}

        def note(entry):
            flags[entry[0].decode()] = {flag.decode() for flag in entry[2]}
            for sub in entry[9]:
                note(sub)

        for entry in self.call("COMMAND"):
            note(entry)
        return flags

    def flags_of(self, words):
        names = [word.decode(errors="replace").lower() for word in words[:2]]
        return self.flags.get("|".join(names)) or self.flags.get(names[0], set())

    def _directives(self):
        words = self.call("CONFIG", "GET", "*")
        return dict(zip(words[::2], words[1::2]))

    def reset(self, scenario):
        """An empty server, as it was at the start. Directives and users are put back after scenarios that touch them."""
        # What a scenario that failed may have left behind.
        for _ in range(1000):
            if not isinstance(self.control.call("PING"), ErrorReply):
                break
            self.control.call("SCRIPT", "KILL")
            self.control.call("FUNCTION", "KILL")
        self.control.call("CLIENT", "UNPAUSE")
        for words in (("FLUSHALL",), ("SCRIPT", "FLUSH"), ("FUNCTION", "FLUSH"), ("CONFIG", "RESETSTAT"), ("ACL", "LOG", "RESET"),
                      ("SLOWLOG", "RESET"), ("LATENCY", "RESET")):
            self.call(*words)
        if self.name == "cluster":
            self._own_all_slots()
        called = {step.words[0].upper() for step in scenario.steps if step.words}
        if b"CONFIG" in called:
            for name, value in self._directives().items():
                if value != self._config[name]:
                    self.control.call("CONFIG", "SET", name, self._config[name])
        if b"ACL" in called:
            for user in self.call("ACL", "USERS"):
                if user != b"default":
                    self.call("ACL", "DELUSER", user)

    def before_reading(self):
        """What sets the mode apart: between commands that may have written and one that reads."""
        if self.name == "reload":
            self.call("DEBUG", "RELOAD")
        elif self.name == "aof":
            self.call("DEBUG", "LOADAOF")
        elif self.name == "replica":
            self._wait_for_replica()

    def _offset(self, control, field):
        text = control.call("INFO", "replication").decode()
        return int(re.search(rf"^{field}:(\d+)", text, re.M).group(1))

    def _wait_for_replica(self):
        target = self._offset(self.control, "master_repl_offset")
        deadline = time.monotonic() + PATIENCE
        while self._offset(self.replica_control, "slave_repl_offset") < target:
            assert time.monotonic() < deadline, f"the replica did not reach offset {target}"

    def reconnect(self):
        """After a reply that did not come."""
        self.close()
        self.control = Connection(self.node.address, PATIENCE)
        self.replica_control = Connection(self.replica.address, PATIENCE) if self.replica else None

    def close(self):
        self.control.close()
        if self.replica_control:
            self.replica_control.close()
