"""One end of a replication connection, played by the test: says exactly what it is told to, in the pieces it is told to."""
import socket
import time

HISTORY = "0123456789abcdef0123456789abcdef01234567"
EMPTY_RDB = b"REDIS0010\xff" + bytes(8)  # a checksum of zero is none


def command(*words):
    """A command as it stands in the stream."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def length(number):
    """A length as RDB writes it."""
    return bytes([number]) if number < 64 else b"\x80" + number.to_bytes(4, "big")


def rdb_string(key, value):
    return b"\x00" + length(len(key)) + key + length(len(value)) + value


class Link:
    """A connection with a buffer for what has arrived and was not looked at yet."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(20)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the other side hung up")
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def command(self):
        """The next command that the other side sends; signs of life in front of it are skipped."""
        header = self.line().lstrip(b"\n")
        assert header.startswith(b"*"), header
        words = []
        for _ in range(int(header[1:])):
            size = int(self.line()[1:])
            while len(self.buffer) < size + 2:
                self._more()
            words.append(self.buffer[:size].decode())
            self.buffer = self.buffer[size + 2:]
        return words

    def acknowledgement(self, at_least):
        """Waits for REPLCONF ACK of that offset, or more; its offset."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            words = self.command()
            if words[:2] == ["REPLCONF", "ACK"] and int(words[2]) >= at_least:
                return int(words[2])
        raise AssertionError(f"no acknowledgement of {at_least}")

    def sign_of_life(self, seconds):
        """Whether a line end arrives within that time. Anything else must not."""
        self.socket.settimeout(seconds)
        try:
            if not self.buffer:
                self._more()
            assert self.buffer.startswith(b"\n"), self.buffer
            self.buffer = self.buffer[1:]
            return True
        except socket.timeout:
            return False
        finally:
            self.socket.settimeout(20)

    def close(self):
        self.socket.close()


class FakeReplica(Link):
    """Asks for everything, and reads and answers only when it is told to."""

    def __init__(self, port, *options):
        """`options` are further arguments of REPLCONF."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.connect(("127.0.0.1", port))
        super().__init__(connection)
        self.send(command("REPLCONF", "capa", "eof", "capa", "psync2", *options))
        assert self.line() == b"+OK"
        self.send(command("PSYNC", "?", "-1"))

    def take_snapshot(self):
        """Reads the snapshot, a file of an announced size or what ends with a mark; the offset of the stream behind it."""
        words = self.line().lstrip(b"\n").split()
        assert words[0] == b"+FULLRESYNC", words
        header = self.line().lstrip(b"\n")
        if header.startswith(b"$EOF:"):
            while not self.buffer.endswith(header[5:]):
                self._more()
            self.buffer = b""
        else:
            left = int(header[1:])
            while left > len(self.buffer):
                left -= len(self.buffer)
                self.buffer = b""
                self._more()
            self.buffer = self.buffer[left:]
        return int(words[2])

    def acknowledge(self, offset, *more):
        self.send(command("REPLCONF", "ACK", offset, *more))


class FakePrimary:
    """Listens for a replica and shakes hands with it up to PSYNC."""

    def __init__(self, port):
        self.port = port
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(20)

    def accept(self):
        """The next replica: its link and the arguments of its PSYNC, which is not answered yet."""
        link = Link(self._listener.accept()[0])
        while True:
            words = link.command()
            if words[0] == "PSYNC":
                return link, words[1:]
            link.send(b"+PONG\r\n" if words[0] == "PING" else b"+OK\r\n")

    def full_sync(self, offset=0):
        """Accepts a replica and gives it an empty data set at that offset."""
        link, _ = self.accept()
        link.send(b"+FULLRESYNC %s %d\r\n$%d\r\n%s" % (HISTORY.encode(), offset, len(EMPTY_RDB), EMPTY_RDB))
        link.acknowledgement(offset)
        return link

    def close(self):
        self._listener.close()
