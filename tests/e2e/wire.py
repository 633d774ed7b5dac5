"""A connection at the level of the protocol, for what client libraries hide: pushes, their place among replies, RESP2 beside RESP3."""
import select
import socket

from harness import HOST


class Push(list):
    """Out-of-band data of RESP3."""

    def __eq__(self, other):
        return isinstance(other, Push) and list.__eq__(self, other)

    __hash__ = None


class Error(str):
    """An error line without its minus."""


class Wire:
    """Commands out, values in, in the order in which they arrive. A read that nothing answers fails after `timeout` seconds."""

    def __init__(self, node, protocol=2, timeout=10):
        self._socket = socket.create_connection((HOST, node.port), timeout=timeout)
        self._reader = self._socket.makefile("rb")
        if protocol == 3:
            self.call("HELLO", 3)

    def send(self, *words):
        data = b"*%d\r\n" % len(words)
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            data += b"$%d\r\n%s\r\n" % (len(word), word)
        self.send_raw(data)

    def send_raw(self, data):
        self._socket.sendall(data)

    def read(self):
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed")
        kind, rest = chr(line[0]), line[1:-2].decode()
        if kind == "+":
            return rest
        if kind == "-":
            return Error(rest)
        if kind == ":":
            return int(rest)
        if kind == "_":
            return None
        if kind in "$=":
            if int(rest) < 0:
                return None
            return self._reader.read(int(rest) + 2)[:-2].decode(errors="surrogateescape")
        if kind in "*>~":
            if int(rest) < 0:
                return None
            values = [self.read() for _ in range(int(rest))]
            return Push(values) if kind == ">" else values
        if kind == "%":
            return {self.read(): self.read() for _ in range(int(rest))}
        raise ValueError(line)

    def read_many(self, count):
        return [self.read() for _ in range(count)]

    def call(self, *words):
        """The next value after the command, which must be its reply."""
        self.send(*words)
        return self.read()

    def quiet(self, seconds):
        """True when nothing arrives for so long."""
        return not select.select([self._socket], [], [], seconds)[0]

    def silent(self):
        """True when nothing but the reply to a PING is on its way."""
        return self.call("PING") in ("PONG", ["pong", ""])

    def close(self):
        self._reader.close()
        self._socket.close()
