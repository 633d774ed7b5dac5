"""Runs scenarios in one mode."""
import time

import notation
from modes import PATIENCE
from resp import Connection, ErrorReply

OTHER = "other"  # the client of this name speaks to the second server
CLOSED = object()


class Mismatch(Exception):
    """A reply that was not expected; its text says which."""


class Client:
    """A connection of a scenario."""

    def __init__(self, endpoint, protocol):
        self.connection = Connection(endpoint, PATIENCE)
        self.id = self.connection.call("CLIENT", "ID")
        if protocol == 3:
            self.connection.call("HELLO", "3")
        self.queues = self.waits = False


class Run:
    """One scenario in one mode."""

    def __init__(self, mode, scenario):
        self.mode, self.scenario = mode, scenario
        self.clients, self.other = {}, None
        self.variables = {"host": b"127.0.0.1", "port": b"%d" % mode.node.port}
        self.matcher = notation.Matcher(mode.protocol, self.variables)
        self.unread = True  # something may have been written that no reading command has looked at
        self.unanswered = False  # a command without a reply was sent, which may not have run yet
        names = {step.words[0].upper() for step in scenario.steps if step.words}
        self.plain_replication = names.isdisjoint({b"WATCH", b"MONITOR", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"})
        if any(step.client == OTHER for step in scenario.steps) or b"MIGRATE" in names:
            self.other = mode.servers.other()
            self.variables["other_port"] = b"%d" % self.other.port

    def run(self, record=None):
        """Runs it to the end; raises Mismatch at the first reply that was not expected. `record(step, reply)` hears of all."""
        self.mode.reset(self.scenario)
        try:
            for step in self.scenario.steps:
                self._step(step, record)
        finally:
            self._end()

    def _step(self, step, record):
        expected = step.expected(self.mode.labels)
        if expected is None and record is None:
            raise Mismatch(f"{self.scenario.file}:{step.line}: the text does not say what is to come")
        if step.words is None:
            return self._arrival(step, expected, record)
        words = [self._filled_in(word) for word in step.words]
        deadline = time.monotonic() + PATIENCE
        while True:
            client = self._client_for(step, words)
            client.connection.send(words)
            if expected and expected[0] == "no reply":
                self.unanswered = True
                return None
            if expected and expected[0] == "waits":
                return self._wait_until_blocked(step, client)
            reply = self._read(step, client)
            self.unanswered = False
            fits = expected is None or self._fits(expected, reply)
            if fits or not step.patient or time.monotonic() > deadline:
                break
        self._note_state(client, words, reply)
        return self._judge(step, expected, reply, fits, record)

    def _arrival(self, step, expected, record):
        client = self._client(step.client)
        if expected and expected[0] == "nothing":
            reply = client.connection.call("PING")
            fits = reply in (b"PONG", [b"pong", b""]) or reply == notation.Status(b"PONG")
        else:
            reply = self._read(step, client)
            self.unanswered = False
            fits = expected is None or self._fits(expected, reply)
        client.waits = False
        return self._judge(step, expected, reply, fits, record)

    def _judge(self, step, expected, reply, fits, record):
        if reply is CLOSED:
            del self.clients[step.client]
        if record:
            record(step, reply)
        elif not fits:
            shown = "a closed connection" if reply is CLOSED else notation.render(reply)
            texts = "\n    ".join(step.texts)
            raise Mismatch(f"{self.scenario.file}:{step.line}: {self.scenario.title}\n  expected\n    {texts}\n  got\n    {shown}")

    def _fits(self, expected, reply):
        if reply is CLOSED or expected[0] == "closed":
            return reply is CLOSED and expected[0] == "closed"
        return self.matcher.matches(expected, reply)

    def _read(self, step, client):
        try:
            return client.connection.read()
        except (ConnectionResetError, BrokenPipeError):
            return CLOSED
        except TimeoutError:
            where = f"{self.scenario.file}:{step.line}: {self.scenario.title}"
            raise Mismatch(f"{where}\n  no reply within {PATIENCE} s") from None
        except ConnectionError:
            return CLOSED

    def _filled_in(self, word):
        """A word `$name` is what that name stands for, if anything."""
        return self.variables.get(word[1:].decode(errors="replace"), word) if word.startswith(b"$") else word

    def _client(self, name):
        if name not in self.clients:
            node = self.other if name == OTHER else self.mode.node
            self.clients[name] = Client(node.address, self.mode.protocol)
        return self.clients[name]

    def _client_for(self, step, words):
        """The connection to use: in the mode `replica`, reads of the unnamed client go to the replica."""
        client = self._client(step.client)
        flags = self.mode.flags_of(words)
        if step.client or "readonly" not in flags or client.queues or self.unanswered:
            self.unread = True
            return client
        waiting = any(c.waits for c in self.clients.values())
        if self.unread and self.plain_replication and not waiting:
            self.mode.before_reading()
            self.unread = False
        if not self.mode.replica or not self.plain_replication or (step.replies and step.replies[0][1][0] == "waits"):
            return client
        if "replica" not in self.clients:
            self.clients["replica"] = Client(self.mode.replica.address, self.mode.protocol)
        return self.clients["replica"]

    def _note_state(self, client, words, reply):
        name = words[0].upper()
        if name == b"MULTI":
            client.queues = not isinstance(reply, ErrorReply)
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            client.queues = False
        elif name == b"SELECT" and self.mode.replica and client is self.clients.get(""):
            self.clients.setdefault("replica", Client(self.mode.replica.address, self.mode.protocol)).connection.call(*words)

    def _wait_until_blocked(self, step, client):
        client.waits = True
        control = self.mode.control if step.client != OTHER else Connection(self.other.address, PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while True:
            line = control.call("CLIENT", "LIST", "ID", client.id)
            if b"b" in line.partition(b" flags=")[2].partition(b" ")[0]:
                return
            if time.monotonic() > deadline or client.connection.has_reply(0):
                got = notation.render(client.connection.read()) if client.connection.has_reply(0) else line.decode()
                raise Mismatch(f"{self.scenario.file}:{step.line}: {self.scenario.title}\n  does not wait: {got}")

    def _end(self):
        """Ends the connections, those that still wait for certain before the next scenario begins."""
        for name, client in self.clients.items():
            if client.waits and name != OTHER:
                self.mode.control.call("CLIENT", "KILL", "ID", client.id)
                deadline = time.monotonic() + PATIENCE
                while self.mode.control.call("CLIENT", "LIST", "ID", client.id) and time.monotonic() < deadline:
                    pass
            client.connection.close()


def run_all(mode, scenarios):
    """Runs them; (how many ran, [(scenario, reason)] of the skipped, texts of the failures)."""
    ran, skipped, failures = 0, [], []
    for scenario in scenarios:
        reason = scenario.reason_to_skip(mode.labels)
        if reason:
            skipped.append((scenario, reason))
            continue
        ran += 1
        try:
            Run(mode, scenario).run()
        except Mismatch as mismatch:
            failures.append(str(mismatch))
        except (AssertionError, ConnectionError, OSError) as error:
            failures.append(f"{scenario}: {error!r}")
            mode.reconnect()
    return ran, skipped, failures
