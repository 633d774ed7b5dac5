#!/usr/bin/env python3
"""Stories of clients that wait for lists, told to two servers; every reply is compared.

    tests/diff/waiting_lists_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002

Empties both servers. A client that waits is seen to wait in INFO before the story goes on.
"""

import argparse
import sys
import time

from resp import Connection


class Story:
    """Some connections to one server. Keeps what each reply was."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.clients = {}
        self.replies = []
        self.do("x", "FLUSHALL")

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = Connection(self.endpoint)
        return self.clients[name]

    def do(self, name, *words):
        """Sends and keeps the reply."""
        self.client(name).send([w.encode() for w in words])
        self.answer(name)

    def wait(self, name, *words):
        """Sends a command that is expected to wait, and lets it arrive."""
        before = self.blocked()
        self.client(name).send([w.encode() for w in words])
        deadline = time.monotonic() + 10
        while self.blocked() == before and time.monotonic() < deadline:
            time.sleep(0.005)

    def answer(self, name):
        self.replies.append((name, self.client(name).read()))

    def blocked(self):
        probe = self.client("probe")
        probe.send([b"INFO", b"clients"])
        for line in bytes(probe.read()).split(b"\r\n"):
            if line.startswith(b"blocked_clients:"):
                return int(line.split(b":")[1])
        return None


def first_come_first_served(s):
    s.wait("a", "BLPOP", "l", "0")
    s.wait("b", "BRPOP", "l", "0")
    s.do("x", "RPUSH", "l", "1", "2", "3")
    s.answer("a")
    s.answer("b")
    s.do("x", "LRANGE", "l", "0", "-1")


def any_of_several_keys(s):
    s.wait("a", "BLPOP", "k1", "k2", "k3", "0")
    s.do("x", "LPUSH", "k2", "v")
    s.answer("a")
    s.do("x", "EXISTS", "k2")


def other_types_do_not_wake(s):
    s.wait("a", "BLPOP", "k", "0")
    s.do("x", "SET", "k", "text")
    s.do("x", "DEL", "k")
    s.do("x", "RPUSH", "k", "v")
    s.answer("a")


def moves_along_a_chain(s):
    s.wait("a", "BLMOVE", "k1", "k2", "LEFT", "RIGHT", "0")
    s.wait("b", "BRPOPLPUSH", "k2", "k3", "0")
    s.wait("c", "BLMPOP", "0", "2", "none", "k3", "LEFT", "COUNT", "5")
    s.do("x", "RPUSH", "k1", "v")
    for name in "abc":
        s.answer(name)
    s.do("x", "EXISTS", "k1", "k2", "k3")


def a_target_of_the_wrong_type(s):
    s.do("x", "SET", "t", "text")
    s.wait("a", "BLMOVE", "k", "t", "LEFT", "LEFT", "0")
    s.do("x", "RPUSH", "k", "v")
    s.answer("a")
    s.do("x", "LRANGE", "k", "0", "-1")


def several_elements_at_once(s):
    s.wait("a", "BLMPOP", "0", "1", "k", "RIGHT", "COUNT", "2")
    s.do("x", "RPUSH", "k", "1", "2", "3")
    s.answer("a")
    s.do("x", "LRANGE", "k", "0", "-1")


def a_transaction_serves_when_it_ends(s):
    s.wait("a", "BLPOP", "k", "0")
    for words in (["MULTI"], ["RPUSH", "k", "1"], ["DEL", "k"], ["RPUSH", "k", "2"], ["EXEC"]):
        s.do("x", *words)
    s.answer("a")


def nothing_waits_inside_a_transaction(s):
    for words in (["MULTI"], ["BLPOP", "k", "0"], ["BLMOVE", "k", "l", "LEFT", "LEFT", "0"],
                  ["BLMPOP", "0", "1", "k", "LEFT"], ["EXEC"]):
        s.do("x", *words)


def time_runs_out(s):
    s.do("a", "BLPOP", "k", "0.01")
    s.do("a", "BLMOVE", "k", "l", "LEFT", "LEFT", "0.01")
    s.do("a", "BRPOPLPUSH", "k", "l", "0.01")
    s.do("a", "BLMPOP", "0.01", "1", "k", "LEFT")
    s.do("a", "HELLO", "3")
    s.replies.pop()
    s.do("a", "BLPOP", "k", "0.01")
    s.do("a", "BLMOVE", "k", "l", "LEFT", "LEFT", "0.01")


def bad_arguments(s):
    s.do("x", "SET", "t", "text")
    for words in (["BLPOP", "k", "x"], ["BLPOP", "k", "-1"], ["BLPOP", "t", "0"],
                  ["BLMOVE", "t", "k", "LEFT", "LEFT", "0"], ["BLMOVE", "k", "l", "UP", "LEFT", "x"],
                  ["BLMPOP", "x", "1", "k", "LEFT"], ["BLMPOP", "0", "0", "k", "LEFT"],
                  ["BLMPOP", "0", "1", "k", "LEFT", "COUNT", "0"], ["BRPOPLPUSH", "k", "l", "nan"]):
        s.do("x", *words)


def other_ways_to_make_a_list(s):
    s.do("x", "RPUSH", "src", "v")
    s.wait("a", "BLPOP", "k", "0")
    s.do("x", "RENAME", "src", "k")
    s.answer("a")
    s.do("x", "RPUSH", "src", "2", "1")
    s.wait("a", "BLPOP", "k", "0")
    s.do("x", "SORT", "src", "STORE", "k")
    s.answer("a")
    s.do("x", "DEL", "k")
    s.wait("a", "BLMPOP", "0", "1", "k", "LEFT")
    s.do("x", "COPY", "src", "k")
    s.answer("a")
    s.do("x", "LRANGE", "k", "0", "-1")


def unblocked_by_another(s):
    s.do("a", "CLIENT", "ID")
    number = s.replies.pop()[1]
    s.wait("a", "BLPOP", "k", "0")
    s.do("x", "CLIENT", "UNBLOCK", str(number), "ERROR")
    s.answer("a")


STORIES = [first_come_first_served, any_of_several_keys, other_types_do_not_wake, moves_along_a_chain,
           a_target_of_the_wrong_type, several_elements_at_once, a_transaction_serves_when_it_ends,
           nothing_waits_inside_a_transaction, time_runs_out, bad_arguments, other_ways_to_make_a_list,
           unblocked_by_another]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", required=True, help="host:port of the server under test")
    parser.add_argument("--right", required=True, help="host:port of the reference")
    options = parser.parse_args()
    failed = 0
    for story in STORIES:
        told = []
        for endpoint in (options.left, options.right):
            s = Story(endpoint)
            try:
                story(s)
            except (OSError, EOFError) as error:
                s.replies.append(("error", str(error)))
            told.append(s.replies)
        if told[0] != told[1]:
            failed += 1
            print(f"{story.__name__}\n  left  {told[0]}\n  right {told[1]}")
    print(f"{len(STORIES)} stories, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
