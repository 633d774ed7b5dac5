"""A small RESP client: one connection, requests as byte strings, replies as Python values that keep their type."""

import select
import socket


class ErrorReply:
    """An error line; compares by its text."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, ErrorReply) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return f"-{self.text.decode(errors='replace')}"


class Status(bytes):
    """A simple string: never equal to a bulk string of the same bytes."""

    def __eq__(self, other):
        return isinstance(other, Status) and bytes.__eq__(self, other)

    __hash__ = bytes.__hash__

    def __repr__(self):
        return "+" + self.decode(errors="replace")


class Connection:
    def __init__(self, endpoint, timeout=20):
        host, _, port = endpoint.rpartition(":")
        self.endpoint = endpoint
        self._socket = socket.create_connection((host or "127.0.0.1", int(port)), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def send(self, words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self._socket.sendall(b"".join(parts))

    def read(self):
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"{self.endpoint} closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return Status(rest)
        if kind == b"-":
            return ErrorReply(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {"map": [(self.read(), self.read()) for _ in range(int(rest))]}
        if kind == b"~":
            return {"set": [self.read() for _ in range(int(rest))]}
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return ("double", rest)
        if kind == b">":
            return {"push": [self.read() for _ in range(int(rest))]}
        if kind == b"=":
            return ("verbatim", self._bulk(int(rest)))
        if kind == b"(":
            return ("bignum", rest)
        raise ValueError(f"{self.endpoint} sent {line!r}")

    def _bulk(self, size):
        if size < 0:
            return None
        data = self._reader.read(size + 2)
        return data[:-2]

    def call(self, *words):
        self.send([w if isinstance(w, bytes) else str(w).encode() for w in words])
        return self.read()

    def has_reply(self, seconds):
        """Whether bytes arrive within `seconds`. Only when all earlier replies have been read."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def close(self):
        self._reader.close()
        self._socket.close()
