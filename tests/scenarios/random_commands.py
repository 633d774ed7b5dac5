#!/usr/bin/python3
"""Random commands of every kind for one server, made from its own COMMAND DOCS, with extremes among the arguments.

  tests/scenarios/random_commands.py --server HOST:PORT --seed 1 --rounds 20

Each round calls every command and subcommand that the server lists, so a new one is in here without a line of code. The
server must stay alive, answer every command, and answer in RESP. Empties the server and changes its configuration.
"""
import argparse
import random
import sys

from modes import Connection, ErrorReply, Status, harness

# What is not called, and why. The gate of test_scenarios.py knows this list.
NOT_CALLED = {
    "shutdown": "ends the server",
    "failover": "waits for replicas that are not there",
    "replicaof": "the server would follow a primary that does not exist",
    "slaveof": "as replicaof",
    "sync": "turns the connection into a stream that is not RESP",
    "psync": "turns the connection into a stream that is not RESP",
    "monitor": "turns the connection into an endless stream",
    "client|pause": "the server would seem dead",
    "client|reply": "no replies, by request",
    "debug": "may end the server, by request; its subcommands are not listed",
    "migrate": "waits for servers that are not there; tests/scenarios/keys.txt",
    "cluster|meet": "sends packets to random addresses",
    "config|set": "would change paths, ports and limits; tests/config covers every directive",
    "config|rewrite": "writes the file of the test",
    "acl|setuser": "could lock the test itself out; src/server/acl has a fuzz target",
    "acl|deluser": "as acl|setuser",
    "auth": "could lock the test itself out",
    "hello": "changes the protocol under the reader; connections.txt",
    "subscribe": "replies are many; pubsub.txt",
    "psubscribe": "as subscribe",
    "ssubscribe": "as subscribe",
    "unsubscribe": "as subscribe",
    "punsubscribe": "as subscribe",
    "sunsubscribe": "as subscribe",
    "exec": "called after each MULTI",
    "replconf": "some of its forms have no reply",
    "client|kill": "could end the connection of the test itself",
    "quit": "ends the connection",
    "save": "slow when called a thousand times; servers.txt",
    "bgsave": "as save",
    "bgrewriteaof": "as save",
}
# What is called in one round of ten only: it leaves little for the others.
RARE = {"flushall", "flushdb", "swapdb", "sflush"}
DATABASES = 16
KEYS = ["a{t}", "b{t}", "c{t}", "d{t}", ""]
INTEGERS = ["0", "1", "-1", "2", "3", "10", "-100", "1000", "65536", "4294967296", str(2**63 - 1), str(-2**63), str(2**63),
            "1700000000000", "33177117420", "007", "1.5", "", "x"]
DOUBLES = ["0", "1", "-1.5", "2.5e3", "inf", "-inf", "nan", "1e308", "1e-320", "1e400", "0x10", "(1", "(inf", "", "x"]
TEXTS = ["a", "b", "member", "1", "3.5", "-", "+", "[a", "(b", "*", "$", ">", "0-0", "1-1", "u8", "i5", "#1", "km", "13.36",
         "38.11", "~", "=", "w_*->f", "return 1", "#!lua name=x\nredis.register_function('f', function() return 1 end)", "default",
         "", "\x00\xff", "x" * 200]
PATTERNS = ["*", "?", "[a-c]*", "[^a", "\\", "a*b*c*d*e", ""]
# What waits, waits for a moment only.
MOMENTS = {"timeout": "0.01", "milliseconds": "5"}


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, kind, name):
        if self.random.random() < 0.04:
            return "".join(chr(self.random.randrange(256)) for _ in range(self.random.randrange(20)))
        if name in ("numkeys", "numfields"):
            return self.random.choice(INTEGERS[:5])
        choices = {"key": KEYS, "integer": INTEGERS, "unix-time": INTEGERS, "double": DOUBLES, "pattern": PATTERNS}
        return self.random.choice(choices.get(kind, TEXTS))

    def arguments(self, described):
        words = []
        for argument in described:
            flags = argument.get("flags", [])
            if "optional" in flags and self.random.random() < 0.5:
                continue
            for turn in range(self.random.randint(1, 3) if "multiple" in flags else 1):
                if "token" in argument and (turn == 0 or "multiple_token" in flags):
                    words.append(argument["token"])
                words += self.content(argument)
        return words

    def content(self, argument):
        kind, name = argument["type"], argument["name"]
        if kind == "pure-token":
            return []
        if kind == "oneof":
            return self.arguments([self.random.choice(argument["arguments"])])
        if kind == "block":
            return self.arguments(argument["arguments"])
        return [MOMENTS.get(name) or self.value(kind, name)]


def as_dict(reply):
    """A RESP2 map of texts as a dictionary, values untouched."""
    return dict(zip([key.decode() for key in reply[::2]], reply[1::2]))


def described(argument):
    found = as_dict(argument)
    for name in ("name", "type", "token"):
        if name in found:
            found[name] = found[name].decode()
    found["flags"] = [bytes(flag).decode() for flag in found.get("flags", [])]
    found["arguments"] = [described(part) for part in found.get("arguments", [])]
    return found


def commands_of(connection):
    """Every command of COMMAND DOCS that can be called: words and arguments by name."""
    found = {}

    def note(name, docs):
        docs = as_dict(docs)
        subcommands = docs.get("subcommands")
        if subcommands:
            for sub, sub_docs in as_dict(subcommands).items():
                note(sub, sub_docs)
        else:
            found[name] = [described(argument) for argument in docs.get("arguments", [])]

    for name, docs in as_dict(connection.call("COMMAND", "DOCS")).items():
        note(name, docs)
    return found


def run(server, seed, rounds):
    """The number of calls, and of those that were not errors."""
    connection = Connection(server)
    commands = {name: arguments for name, arguments in commands_of(connection).items() if name not in NOT_CALLED}
    generator, calls, succeeded = Generator(seed), 0, 0
    for _ in range(rounds):
        order = list(commands)
        generator.random.shuffle(order)
        for name in order:
            if name in RARE and generator.random.random() < 0.9:
                continue
            words = name.split("|") + generator.arguments(commands[name])
            words = [word.encode("latin-1") for word in words]
            try:
                reply = connection.call(*words)
                if name == "multi":
                    connection.call("EXEC")
            except (OSError, ValueError) as error:
                raise AssertionError(f"seed {seed}, after {calls} calls: {words}: {error!r}") from error
            calls += 1
            succeeded += not isinstance(reply, ErrorReply)
    assert bytes(connection.call("PING")) == b"PONG"
    connection.close()
    return calls, succeeded


def forget_what_expires_soon(connection):
    """Deletes what has less than an hour to live, so that two looks at the data see the same."""
    soon = range(0, 3_600_000)
    for database in range(DATABASES):
        connection.call("SELECT", database)
        for key in connection.call("KEYS", "*"):
            lives_ms = [connection.call("PTTL", key)]
            if connection.call("TYPE", key) == Status(b"hash"):
                fields = connection.call("HKEYS", key)
                lives_ms += connection.call("HPTTL", key, "FIELDS", len(fields), *fields) if fields else []
            if any(life in soon for life in lives_ms):
                connection.call("DEL", key)
        # What has expired already is shown no more, but is there until it is swept.
        harness.wait_until(lambda: connection.call("DBSIZE") == len(connection.call("KEYS", "*")), 20, "what has expired to be gone")
    connection.call("SELECT", 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    calls, succeeded = run(options.server, options.seed, options.rounds)
    print(f"{calls} calls, {succeeded} without an error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
