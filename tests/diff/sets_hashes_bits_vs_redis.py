#!/usr/bin/env python3
"""Sends the same random commands on sets, hashes and bitmaps to two servers and compares every reply, then the state.

    tests/diff/sets_hashes_bits_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--count N] [--seed S]

Both servers are emptied. What has no order is compared without one; what is drawn at random is compared by size and
membership, and what one server popped is removed from the other. Exit code 1 when replies differ.
"""

import argparse
import random
import sys

from commands_vs_redis import FLOATS, INTS, NOT_INTS, TEXTS, Generator, Pair, as_set
from resp import ErrorReply

SET_KEYS = [b"s%d" % i for i in range(6)] + [b"{t}s"]
HASH_KEYS = [b"h%d" % i for i in range(5)] + [b"{t}h"]
BIT_KEYS = [b"b%d" % i for i in range(5)]
ALL_KEYS = SET_KEYS + HASH_KEYS + BIT_KEYS + [b"text"]
UNORDERED = {b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS"}
RANDOM = {b"SRANDMEMBER", b"HRANDFIELD"}


class Commands(Generator):
    def __init__(self, seed):
        super().__init__(seed)
        self.makers = [m for name, m in sorted(vars(Commands).items()) if name.startswith("c_")]

    def from_pool(self, keys):
        return self.pick(keys) if self.chance(0.97) else self.pick(ALL_KEYS)

    def member(self):
        roll = self.rng.random()
        if roll < 0.5:
            return b"%d" % self.rng.randint(-40, 40)
        if roll < 0.8:
            return b"m%d" % self.rng.randint(0, 60)
        return self.pick(TEXTS + INTS + FLOATS)

    def members(self, most=6):
        return [self.member() for _ in range(self.rng.randint(1, most))]

    def bulk_members(self):
        """Sometimes so many that the encoding changes."""
        if self.chance(0.04):
            start = self.rng.randint(-1000, 1000)
            return [b"%d" % i for i in range(start, start + self.rng.choice([20, 140, 600]))]
        return self.members()

    def s(self):
        return self.from_pool(SET_KEYS)

    def h(self):
        return self.from_pool(HASH_KEYS)

    def b(self):
        return self.from_pool(BIT_KEYS)

    def sets(self, most=4):
        return [self.s() for _ in range(self.rng.randint(1, most))]

    def c_sadd(self):
        return [b"SADD", self.s()] + self.bulk_members()

    def c_srem(self):
        return [b"SREM", self.s()] + self.bulk_members()

    def c_sread(self):
        name = self.pick([b"SMEMBERS", b"SCARD", b"smembers"])
        return [name, self.s()]

    def c_sismember(self):
        return [b"SISMEMBER", self.s(), self.member()] if self.chance(0.5) else [b"SMISMEMBER", self.s()] + self.members()

    def c_smove(self):
        return [b"SMOVE", self.s(), self.s(), self.member()]

    def c_algebra(self):
        return [self.pick([b"SINTER", b"SUNION", b"SDIFF"])] + self.sets()

    def c_algebra_store(self):
        return [self.pick([b"SINTERSTORE", b"SUNIONSTORE", b"SDIFFSTORE"]), self.s()] + self.sets()

    def c_sintercard(self):
        keys = self.sets()
        n = b"%d" % len(keys) if self.chance(0.9) else self.integer()
        return [b"SINTERCARD", n] + keys + self.shuffled([[b"LIMIT", self.integer()], [b"bogus"]], 0.2)

    def c_spop(self):
        return [b"SPOP", self.s()] + ([self.integer()] if self.chance(0.7) else [])

    def c_srandmember(self):
        count = b"%d" % self.rng.randint(-30, 30) if self.chance(0.9) else self.pick(NOT_INTS)
        return [b"SRANDMEMBER", self.s()] + ([count] if self.chance(0.7) else [])

    def c_scan(self):
        name, key = self.pick([(b"SSCAN", self.s()), (b"HSCAN", self.h())])
        options = self.shuffled([[b"MATCH", self.pick([b"*", b"m*", b"1*", b"?"])], [b"COUNT", self.integer()], [b"bogus"]], 0.2)
        return [name, key, b"0"] + options

    def field(self):
        return self.pick([b"f%d" % self.rng.randint(0, 30), b"%d" % self.rng.randint(0, 20), self.pick(TEXTS)])

    def pairs(self):
        if self.chance(0.03):
            return [w for i in range(self.rng.choice([50, 520])) for w in (b"f%d" % i, b"v%d" % i)]
        return [w for _ in range(self.rng.randint(1, 4)) for w in (self.field(), self.value())]

    def c_hset(self):
        return [self.pick([b"HSET", b"HMSET"]), self.h()] + self.pairs()

    def c_hsetnx(self):
        return [b"HSETNX", self.h(), self.field(), self.value()]

    def c_hget(self):
        return [self.pick([b"HGET", b"HEXISTS", b"HSTRLEN"]), self.h(), self.field()]

    def c_hmget(self):
        return [b"HMGET", self.h()] + [self.field() for _ in range(self.rng.randint(1, 4))]

    def c_hread(self):
        return [self.pick([b"HGETALL", b"HKEYS", b"HVALS", b"HLEN"]), self.h()]

    def c_hdel(self):
        return [b"HDEL", self.h()] + [self.field() for _ in range(self.rng.randint(1, 8))]

    def c_hincrby(self):
        return [b"HINCRBY", self.h(), self.field(), self.integer()]

    def c_hincrbyfloat(self):
        return [b"HINCRBYFLOAT", self.h(), self.field(), self.pick([self.integer(), self.pick(FLOATS)])]

    def c_hrandfield(self):
        count = b"%d" % self.rng.randint(-30, 30) if self.chance(0.9) else self.pick(NOT_INTS)
        words = [b"HRANDFIELD", self.h()] + ([count] if self.chance(0.7) else [])
        return words + ([self.pick([b"WITHVALUES", b"bogus"])] if len(words) == 3 and self.chance(0.3) else [])

    def offset(self):
        if self.chance(0.9):
            return b"%d" % self.rng.randint(0, 300)
        return self.pick(NOT_INTS + [b"-1", b"4294967296", b"9223372036854775807", b"9223372036854775808"])

    def c_setbit(self):
        return [b"SETBIT", self.b(), self.offset(), self.pick([b"0", b"1", b"1", b"1", b"2", b"x"])]

    def c_getbit(self):
        return [b"GETBIT", self.b(), self.offset()]

    def c_setstring(self):
        if self.chance(0.2):
            return [b"DEL", self.pick(ALL_KEYS)]
        return [b"SET", self.pick(BIT_KEYS), bytes(self.pick([0, 255, self.rng.randrange(256)]) for _ in range(self.rng.randint(1, 60)))]

    def unit(self):
        return self.pick([[], [], [b"BYTE"], [b"bit"], [b"BITS"]])

    def c_bitcount(self):
        words = [b"BITCOUNT", self.b()]
        if self.chance(0.8):
            words += [self.small(), self.small()] + self.unit()
        return words

    def small(self):
        return b"%d" % self.rng.randint(-70, 70) if self.chance(0.95) else self.pick(INTS + NOT_INTS)

    def c_bitpos(self):
        words = [b"BITPOS", self.b(), self.pick([b"0", b"1", b"0", b"1", b"2", b"x"])]
        if self.chance(0.8):
            words.append(self.small())
            if self.chance(0.8):
                words += [self.small()] + self.unit()
        return words

    def c_bitop(self):
        return [b"BITOP", self.pick([b"AND", b"or", b"XOR", b"NOT", b"NAND"]), self.b()] + \
            [self.b() for _ in range(self.rng.randint(1, 3))]

    def c_bitfield(self):
        words = [self.pick([b"BITFIELD", b"BITFIELD", b"BITFIELD_RO"]), self.b()]
        for _ in range(self.rng.randint(0, 4)):
            kind = b"%s%d" % (self.pick([b"u", b"i"]), self.rng.randint(1, 64)) if self.chance(0.95) else b"x8"
            where = self.pick([b"", b"#"]) + b"%d" % self.rng.randint(0, 90)
            if self.chance(0.05):
                where = self.offset()
            roll = self.rng.random()
            if roll < 0.35:
                words += [b"GET", kind, where]
            elif roll < 0.65:
                words += [b"SET", kind, where, self.integer()]
            elif roll < 0.9:
                words += [b"INCRBY", kind, where, self.integer()]
            else:
                words += [b"OVERFLOW", self.pick([b"WRAP", b"SAT", b"FAIL", b"SAT", b"FAIL", b"NONE"])]
        return words

    def c_generic(self):
        key = self.pick(ALL_KEYS)
        return self.pick([[b"TYPE", key], [b"EXISTS", key], [b"DEL", key], [b"RENAME", key, key],
                          [b"COPY", self.s(), self.s(), b"REPLACE"], [b"COPY", self.h(), self.h(), b"REPLACE"],
                          [b"RENAME", self.s(), self.s()], [b"RENAME", self.h(), self.h()]])

    def c_restore(self):
        keys = self.pick([SET_KEYS, HASH_KEYS])
        return [b"CROSS-RESTORE", self.pick(keys), self.pick(keys)]


def pairs_of(reply):
    if isinstance(reply, dict):
        return sorted(reply["map"])
    if isinstance(reply, list) and reply and isinstance(reply[0], list):
        return sorted(map(tuple, reply))
    return sorted(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else reply


def plain(reply):
    """Sets of RESP3 and arrays alike, without order."""
    if isinstance(reply, dict) and "set" in reply:
        reply = reply["set"]
    return as_set(reply)


class Servers(Pair):
    def run(self, words):
        name = words[0].upper()
        if name == b"SPOP":
            return self.pop(words)
        if name in RANDOM:
            return self.draw(name, words)
        if name in (b"SSCAN", b"HSCAN") and words[2:3] == [b"0"]:
            return self.scan_elements(name, words)
        if name == b"CROSS-RESTORE":
            return self.cross_restore(words)
        replies = self.both(*words)
        left, right = replies
        if name in UNORDERED:
            return replies, plain(left) == plain(right)
        if name == b"HGETALL":
            return replies, pairs_of(left) == pairs_of(right)
        if left != right and self.excused(name, words, replies):
            return replies, True
        return replies, left == right

    def excused(self, name, words, replies):
        """Redis 7.2 looks at the arguments first, 7.0 at the key."""
        return name in (b"BITCOUNT", b"BITPOS") and isinstance(replies[0], ErrorReply)

    def pop(self, words):
        left = self.servers[0]
        left.send(words)
        popped = left.read()
        members = plain(popped)
        members = members if isinstance(members, list) else [popped]
        if isinstance(popped, ErrorReply) or popped is None or not members:
            right = self.servers[1]
            right.send(words)
            reply = right.read()
            return [popped, reply], plain(popped) == plain(reply)
        right = self.servers[1]
        right.send([b"SREM", words[1]] + members)
        removed = right.read()
        return [popped, removed], removed == len(members)

    def draw(self, name, words):
        replies = self.both(*words)
        left, right = replies
        if isinstance(left, ErrorReply) or isinstance(right, ErrorReply) or left is None or right is None:
            return replies, left == right
        if isinstance(left, bytes):
            return replies, isinstance(right, bytes)
        return replies, len(left) == len(right)

    def scan_elements(self, name, words):
        found = []
        for server in self.servers:
            elements, cursor = [], b"0"
            while True:
                server.send([name, words[1], cursor] + words[3:])
                reply = server.read()
                if isinstance(reply, ErrorReply):
                    elements = reply
                    break
                step = reply[1]
                elements += step if name == b"SSCAN" else zip(step[::2], step[1::2])
                cursor = reply[0]
                if cursor == b"0":
                    break
            found.append(elements if isinstance(elements, ErrorReply) else sorted(set(elements)))
        return found, found[0] == found[1]

    def cross_restore(self, words):
        """What one server dumps the other restores."""
        source, target = words[1:3]
        dumps = self.both(b"DUMP", source)
        if None in dumps:
            return dumps, dumps[0] == dumps[1]
        replies = []
        for server, payload in zip(self.servers, reversed(dumps)):
            server.send([b"RESTORE", target, b"0", payload, b"REPLACE"])
            replies.append(server.read())
        return replies, replies[0] == replies[1]

    def final_differences(self):
        self.both(b"SELECT", b"0")
        listings = [as_set(r) for r in self.both(b"KEYS", b"*")]
        if listings[0] != listings[1]:
            yield f"keys {listings[0]} / {listings[1]}"
        for key in set(listings[0]) & set(listings[1]):
            kinds = self.both(b"TYPE", key)
            if kinds[0] != kinds[1]:
                yield f"{key} {kinds}"
            reader = {b"set": b"SMEMBERS", b"hash": b"HGETALL", b"string": b"GET"}.get(bytes(kinds[0]))
            if reader and not self.run([reader, key])[1]:
                yield f"{key}: {self.both(reader, key)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", required=True, help="host:port of the server under test")
    parser.add_argument("--right", required=True, help="host:port of the reference")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    parser.add_argument("--keep-going", type=int, default=10, help="differences to show before giving up")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.count} commands, RESP{options.resp}")
    servers = Servers(options.left, options.right, options.resp)
    servers.both(b"FLUSHALL")
    servers.both(b"SET", b"text", b"hello")
    commands = Commands(options.seed)
    differences = 0
    for step in range(options.count):
        words = commands.command()
        replies, agree = servers.run(words)
        if agree:
            continue
        differences += 1
        print(f"#{step} {b' '.join(words)[:300]!r}\n  left  {replies[0]!r:.600}\n  right {replies[1]!r:.600}")
        if differences >= options.keep_going:
            break
    for line in servers.final_differences():
        differences += 1
        print("final state: " + line[:600])
    print(f"{differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
