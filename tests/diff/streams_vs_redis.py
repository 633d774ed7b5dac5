#!/usr/bin/env python3
"""The same random stream and HyperLogLog commands to two servers, every reply and the final state compared.

    tests/diff/streams_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--count N] [--seed S] [--resp 2|3]
                                   [--replica 127.0.0.1:7003]

Streams travel from each server to the other by DUMP and RESTORE. With --replica that server becomes a replica of the
left one and must end with the same streams and groups. Not compared: times, fields of XINFO that one side lacks, and the
number of nodes of streams that have travelled (erased entries are left out when loading).
"""

import argparse
import random
import re
import sys
import time

from commands_vs_redis import INTS, NOT_INTS, Generator, Pair
from resp import Connection, ErrorReply, Status

STREAMS = [b"s0", b"s1", b"s2"]
TRAVELLED = [b"t0", b"t1"]
OTHERS = [b"text", b"none"]
HLLS = [b"h0", b"h1", b"h2"]
GROUPS = [b"g0", b"g1", b"", b"STREAMS"]
CONSUMERS = [b"alice", b"bob", b"\x00\xff"]
FIELDS = [b"f", b"g", b"", b"17", b"a longer field"]
BAD_IDS = [b"", b"x", b"1-x", b"-1", b"1-2-3", b"*", b"1-*", b"18446744073709551616", b"$", b">", b"01-1", b" 1-1", b"+1-1",
           b"1-1\x00z", b"1-", b"(", b"1--3"]
EDGE_IDS = [b"-", b"+", b"0", b"0-0", b"0-1", b"18446744073709551615-18446744073709551615", b"18446744073709551615"]
# Redis 7.2.6 counts what a group has read in another way than 7.0.
TIMED = {b"idle", b"inactive", b"seen-time", b"active-time", b"entries-read", b"lag"}


class StreamGenerator(Generator):
    def __init__(self, seed):
        super().__init__(seed)
        self.makers = [m for name, m in sorted(vars(StreamGenerator).items()) if name.startswith("c_")]
        self.top = 1

    def command(self):
        words = super().command()
        return self.c_travel() if words[0] == b"TRAVEL" else words  # never with a wrong number of arguments

    def key(self):
        roll = self.rng.random()
        if roll < 0.75:
            return self.pick(STREAMS)
        return self.pick(TRAVELLED) if roll < 0.95 else self.pick(OTHERS + HLLS)

    def group(self):
        return self.pick(GROUPS[:2] * 8 + GROUPS + [b"no group"])

    def consumer(self):
        return self.pick(CONSUMERS)

    def id(self):
        roll = self.rng.random()
        if roll < 0.85:
            ms = self.rng.randint(0, self.top + 1)
            return b"%d" % ms if self.chance(0.3) else b"%d-%d" % (ms, self.rng.randint(0, 3))
        return self.pick(EDGE_IDS) if roll < 0.95 else self.pick(BAD_IDS)

    def ids(self, most=4):
        return [self.id() for _ in range(self.rng.randint(1, most))]

    def ends(self):
        return [(b"(" if self.chance(0.2) else b"") + self.id() if self.chance(0.6) else end for end in (b"-", b"+")]

    def count(self):
        roll = self.rng.random()
        if roll < 0.9:
            return b"%d" % self.rng.randint(0, 12)
        return self.pick(INTS) if roll < 0.97 else self.pick(NOT_INTS)

    def trim(self, key):
        approx = [b"~"] if key in STREAMS and self.chance(0.5) else self.pick([[], [], [b"="]])
        limit = [b"LIMIT", self.count()] if approx == [b"~"] and self.chance(0.5) or self.chance(0.03) else []
        bound = ([b"MAXLEN"] + approx + [b"%d" % self.rng.randint(0, 300)] if self.chance(0.5) else
                 [b"minid"] + approx + [self.id()])
        if self.chance(0.02):
            bound += [b"MAXLEN", b"5"]
        return bound + limit

    def pairs(self):
        n = self.pick([1, 1, 1, 2, 2, 5])
        fields = FIELDS[:n] if self.chance(0.6) else [self.pick(FIELDS) for _ in range(n)]
        return [word for field in fields for word in (field, self.value())]

    def c_xadd(self):
        key = self.key()
        options = self.shuffled([[b"NOMKSTREAM"], self.trim(key)], self.pick([0, 0, 0, 0.3]))
        roll = self.rng.random()
        if roll < 0.9:
            self.top += self.pick([0, 0, 0, 1, 1, 7])
            new = self.pick([b"%d-*" % self.top, b"%d-*" % self.top, b"%d-%d" % (self.top, self.rng.randint(0, 5))])
        else:
            new = self.pick([i for i in (self.id(), b"0-*", b"%d-*" % max(self.top - 3, 0)) if i[:4] != b"1844"] + [b"1"])
        if new in (b"*", b"18446744073709551616"):
            new = b"1-*"
        pairs = self.pairs()
        return [b"XADD", key] + options + [new] + (pairs[:-1] if self.chance(0.01) else pairs)

    c_xadd_too = c_xadd_again = c_xadd_more = c_xadd_still = c_xadd

    def c_xtrim(self):
        key = self.key()
        return [b"XTRIM", key] + self.trim(key)

    def c_xdel(self):
        return [b"XDEL", self.key()] + self.ids()

    def c_xrange(self):
        count = [b"COUNT", self.count()] if self.chance(0.6) else []
        if self.chance(0.5):
            return [b"XRANGE", self.key()] + self.ends() + count
        return [b"XREVRANGE", self.key()] + self.ends()[::-1] + count

    def c_xlen(self):
        return [self.pick([b"XLEN", b"TYPE"]), self.key()]

    def c_xread(self):
        n = self.rng.randint(1, 3)
        words = [b"XREAD"] + ([b"COUNT", self.count()] if self.chance(0.7) else []) + [b"STREAMS"]
        words += [self.key() for _ in range(n)]
        words += [self.pick([self.id(), self.id(), b"$"]) for _ in range(n - self.chance(0.02))]
        return words

    def c_xreadgroup(self):
        n = self.rng.randint(1, 2)
        words = [b"XREADGROUP", b"GROUP", self.group(), self.consumer()]
        words += self.shuffled([[b"COUNT", self.count()], [b"NOACK"]], 0.4) + [b"STREAMS"]
        words += [self.key() for _ in range(n)]
        return words + [self.id() if self.chance(0.2) else b">" for _ in range(n)]

    c_xreadgroup_too = c_xreadgroup_more = c_xreadgroup

    def c_xgroup(self):
        key, group, consumer = self.key(), self.group(), self.consumer()
        start = self.pick([b"$", b"0", self.id()])
        read = [b"ENTRIESREAD", self.pick([b"0", b"5", b"-1", b"-2", b"x"])] if self.chance(0.2) else []
        return self.pick([[b"XGROUP", b"CREATE", key, group, start] + self.shuffled([[b"MKSTREAM"], read], 0.5),
                          [b"XGROUP", b"CREATE", key, group, start, b"MKSTREAM"],
                          [b"XGROUP", b"SETID", key, group, start] + read,
                          [b"XGROUP", b"CREATECONSUMER", key, group, consumer],
                          [b"XGROUP", b"BOGUS", key, group],
                          [b"XGROUP", b"SETID", key, group, start, b"bogus"]])

    def c_xgroup_remove(self):
        if self.chance(0.6):
            return self.c_xgroup()
        key, group, consumer = self.key(), self.group(), self.consumer()
        return self.pick([[b"XGROUP", b"DESTROY", key, group], [b"XGROUP", b"DELCONSUMER", key, group, consumer]])

    def c_xack(self):
        return [b"XACK", self.key(), self.group()] + self.ids(6)

    def c_xpending(self):
        words = [b"XPENDING", self.key(), self.group()]
        if self.chance(0.4):
            return words
        if self.chance(0.1):
            words += [b"IDLE", self.pick([b"0", b"99999999999", b"x"])]
        return words + self.ends() + [self.count()] + ([self.consumer()] if self.chance(0.4) else [])

    def c_xclaim(self):
        options = self.shuffled([[b"IDLE", self.pick([b"0", b"1000", b"x"])], [b"TIME", b"1000"], [b"FORCE"], [b"JUSTID"],
                                 [b"RETRYCOUNT", self.pick([b"0", b"3", b"-1", b"x"])], [b"LASTID", self.id()],
                                 [b"bogus"]], self.pick([0, 0.3]))
        idle = self.pick([b"0", b"0", b"0", b"9999999999999", b"-1", b"x"])
        return [b"XCLAIM", self.key(), self.group(), self.consumer(), idle] + self.ids() + options

    def c_xautoclaim(self):
        options = self.shuffled([[b"COUNT", self.pick([b"1", b"2", b"3", b"0", b"x", b"100"])], [b"JUSTID"], [b"bogus"]], 0.3)
        return [b"XAUTOCLAIM", self.key(), self.group(), self.consumer(), self.pick([b"0", b"0", b"x"]),
                self.id()] + options

    def c_xsetid(self):
        if not self.chance(0.3):
            return self.c_xinfo()
        options = self.shuffled([[b"ENTRIESADDED", self.pick([b"0", b"1000", b"-1", b"x"])], [b"MAXDELETEDID", self.id()],
                                 [b"bogus"]], 0.3)
        new = self.id()
        # Redis 7.0 lets the last id fall below an id that was deleted.
        return [b"XSETID", self.key(), new if new in BAD_IDS else b"%d-9" % self.top] + options

    def c_xinfo(self):
        key = self.key()
        return self.pick([[b"XINFO", b"STREAM", key], [b"XINFO", b"GROUPS", key], [b"XINFO", b"CONSUMERS", key, self.group()],
                          [b"XINFO", b"STREAM", key, b"FULL"], [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", self.count()],
                          [b"XINFO", b"STREAM", key, b"bogus"]])

    def c_travel(self):
        return [b"TRAVEL", self.pick(STREAMS + TRAVELLED), self.pick(TRAVELLED)]

    def c_rare(self):
        if self.chance(0.7):
            return self.c_xread()
        return self.pick([[b"DEL", self.key()], [b"COPY", self.pick(STREAMS), self.pick(TRAVELLED), b"REPLACE"],
                          [b"RENAME", self.pick(TRAVELLED), self.pick(TRAVELLED)], [b"SET", b"text", b"x"],
                          [b"OBJECT", b"ENCODING", self.key()], [b"DEL", self.pick(HLLS)],
                          [b"CONFIG", b"SET", b"stream-node-max-entries", self.pick([b"100", b"3", b"10", b"0"])],
                          [b"CONFIG", b"SET", b"stream-node-max-bytes", self.pick([b"4096", b"300", b"0"])],
                          [b"CONFIG", b"SET", b"hll-sparse-max-bytes", self.pick([b"3000", b"200"])]])

    def hll(self):
        return self.pick(HLLS * 6 + [b"s0", b"text", b"none"])

    def c_pfadd(self):
        return [b"PFADD", self.hll()] + [b"%d" % self.rng.randrange(5000) for _ in range(self.pick([0, 1, 3, 60]))]

    def c_pfcount(self):
        return [b"PFCOUNT"] + [self.hll() for _ in range(self.pick([1, 1, 2, 3]))]

    def c_pfmerge(self):
        if self.chance(0.5):
            return [b"PFDEBUG", self.pick([b"ENCODING", b"DECODE", b"decode", b"bogus"] * 5 + [b"TODENSE", b"GETREG"]),
                    self.hll()]
        return [b"PFMERGE"] + [self.hll() for _ in range(self.pick([1, 2, 3]))]

    def c_get_hll(self):
        return [b"GET", self.pick(HLLS)]


def pairs_of(reply):
    """A map of either protocol as a list of pairs."""
    if isinstance(reply, dict):
        return reply["map"] if "map" in reply else list(reply.items())
    return list(zip(reply[::2], reply[1::2]))


def is_map(reply):
    if isinstance(reply, dict):
        return True
    return (isinstance(reply, list) and len(reply) % 2 == 0 and len(reply) > 0
            and reply[0] in (b"length", b"name"))


def without_times(reply, dropped):
    """XINFO without what may differ."""
    if is_map(reply):
        kept = {}
        for name, value in pairs_of(reply):
            if name in TIMED or name in dropped:
                continue
            if name in (b"pel", b"pending") and isinstance(value, list):
                name = b"pending"
                value = [[entry[0]] + entry[1:-2] + entry[-1:] for entry in value]
            kept[name] = without_times(value, dropped)
        return kept
    if isinstance(reply, list):
        return [without_times(item, dropped) for item in reply]
    return reply


def wording(error):
    """An error as Redis 7.2 words it."""
    text = re.sub(rb"Unbalanced .*", b"Unbalanced", error.text)
    text = re.sub(rb"(?s)(Unrecognized XCLAIM option) .*", rb"\1", text)  # 7.0 ends it at a zero byte
    return re.sub(rb"(The ID specified in XSETID is smaller than) .*", rb"\1", text)


def shown(left, right, where=""):
    """Where two replies differ first, and how."""
    if is_map(left) and is_map(right):
        left, right = without_times(left, set()), without_times(right, set())
        left, right = dict(pairs_of(left)), dict(pairs_of(right))
        for name in left:
            if name in right and left[name] != right[name] and name not in TIMED:
                return shown(left[name], right[name], f"{where}.{name.decode()}")
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for i, (a, b) in enumerate(zip(left, right)):
            if a != b:
                return shown(a, b, f"{where}[{i}]")
    return f"{where}\n  left  {left!r:.600}\n  right {right!r:.600}"


class StreamPair(Pair):
    settings_differ = False  # of nodes

    def run(self, words):
        if words[0] == b"TRAVEL":
            return self.travel(words)
        self.create_consumers(words)
        return super().run(words)

    def create_consumers(self, words):
        """Redis before 7.2 creates a consumer only with the first entry that it gets."""
        if words[0] == b"XREADGROUP" and len(words) > 6:
            keys, group, consumer = STREAMS + TRAVELLED + [b"none"], words[2], words[3]
        elif words[0] in (b"XCLAIM", b"XAUTOCLAIM") and len(words) > 4:
            keys, group, consumer = words[1:2], words[2], words[3]
        else:
            return
        for key in keys:
            self.both(b"XGROUP", b"CREATECONSUMER", key, group, consumer)

    def agree(self, name, replies, words):
        left, right = replies
        if isinstance(left, ErrorReply) and isinstance(right, ErrorReply):
            return wording(left) == wording(right)
        if name == b"XINFO":
            key = words[2] if len(words) > 2 else b""
            dropped = set()
            if key in TRAVELLED or self.settings_differ:
                dropped = {b"radix-tree-keys", b"radix-tree-nodes"}
            return without_times(left, dropped) == without_times(right, dropped)
        if name == b"XPENDING" and len(words) > 3 and left and right:
            return [e[:2] + e[3:] for e in left] == [e[:2] + e[3:] for e in right]
        return super().agree(name, replies, words)

    def travel(self, words):
        """Each server gets what the other has at a key."""
        payloads = self.both(b"DUMP", words[1])
        if None in payloads:
            return payloads, payloads[0] == payloads[1]
        replies = []
        for server, payload in zip(self.servers, reversed(payloads)):
            server.send([b"RESTORE", words[2], b"0", payload, b"REPLACE"])
            replies.append(server.read())
        return replies, replies == [Status(b"OK")] * 2

    def state(self, key):
        return ([[b"TYPE", key], [b"XRANGE", key, b"-", b"+"], [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]]
                if key not in HLLS else [[b"GET", key]])

    def final_differences(self):
        for key in STREAMS + TRAVELLED + HLLS:
            for words in self.state(key):
                replies = self.both(*words)
                if not self.agree(words[0], replies, words):
                    yield f"{words} {shown(*replies)}"


def replica_differences(left, replica):
    """What a replica of the left server has in another way."""
    host, _, port = left.rpartition(":")
    pair = StreamPair(left, replica, 2)
    pair.settings_differ = True
    primary, follower = pair.servers
    deadline = time.monotonic() + 20
    mark = b"%d" % random.randrange(1 << 60)
    primary.call(b"SET", b"mark", mark)
    while follower.call(b"GET", b"mark") != mark:
        if time.monotonic() > deadline:
            yield f"the replica of {host}:{port} does not follow"
            return
        time.sleep(0.05)
    yield from pair.final_differences()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", required=True, help="host:port of the server under test")
    parser.add_argument("--right", required=True, help="host:port of the reference")
    parser.add_argument("--replica", help="host:port of a server that shall replicate the left one")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    parser.add_argument("--keep-going", type=int, default=10, help="differences to show before giving up")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.count} commands, RESP{options.resp}")
    pair = StreamPair(options.left, options.right, options.resp)
    pair.both(b"FLUSHALL")
    if options.replica:
        host, _, port = options.left.rpartition(":")
        Connection(options.replica).call(b"REPLICAOF", host, port)
    generator = StreamGenerator(options.seed)
    differences = 0
    for step in range(options.count):
        words = generator.command()
        replies, agree = pair.run(words)
        if agree:
            continue
        differences += 1
        print(f"#{step} {words!r} {shown(*replies)}")
        if differences >= options.keep_going:
            break
    for line in pair.final_differences():
        differences += 1
        print("final state: " + line)
    if options.replica:
        for line in replica_differences(options.left, options.replica):
            differences += 1
            print("replica: " + line)
    print(f"{differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
