#!/usr/bin/env python3
"""Sends the same random string and generic commands to two servers and compares every reply, then the final state.

    tests/diff/commands_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--count N] [--seed S] [--resp 2|3]

Both servers are emptied (FLUSHALL). Exit code 1 when replies differ. What may differ by nature is compared by its
meaning: remaining times within seconds, listings as sets, payloads of DUMP by restoring them.
"""

import argparse
import random
import sys

from resp import Connection, ErrorReply

KEYS = [b"k%d" % i for i in range(8)] + [b"{t}a", b"{t}b", b"", b"with space", b"\x00\xff\r\n", b"K0"]
INTS = [b"0", b"1", b"-1", b"5", b"10", b"100", b"-100", b"2147483647", b"2147483648", b"-2147483649", b"536870911",
        b"9223372036854775807", b"9223372036854775806", b"-9223372036854775808", b"-9223372036854775807",
        b"9223372036854775808", b"99999999999999999999"]
NOT_INTS = [b"", b"x", b" 1", b"1 ", b"01", b"+1", b"-0", b"1.5", b"0x10", b"1e3", b"-", b"\x00"]
FLOATS = [b"0.1", b"-0.1", b"1e3", b"3.0e2", b"1.5", b"-1.5", b"0x10", b"1e-17", b"1e-18", b"123456789.987654321", b"1e20",
          b"1e300", b"inf", b"-inf", b"+inf", b"nan", b"1e5000", b"1e-5000", b".5", b"5.", b"1e", b"--1", b"-0.0"]
TEXTS = [b"", b"a", b"abc", b"hello world", b"hello there world", b"x" * 44, b"x" * 45, b"y" * 300, b"z" * 1024, b"z" * 1025,
         b"\x00\x01\xff\r\n", b"3.0", b"10.50", b"12345678901234567890"]
PATTERNS = [b"*", b"k*", b"k?", b"?", b"k[0-3]", b"k[^0-3]", b"[", b"[a", b"\\*", b"\\k0", b"{t}*", b"*{t}*", b"*a", b"none", b"",
            b"k[3-0]", b"K*", b"k**", b"with*", b"*\xff*"]
FAR_MS = 4_000_000_000_000
# Times beyond what the clock type holds are one and the same "never".
NEVER_MS = 9_000_000_000_000_000
TIME_SLACK_MS = 20_000


class Generator:
    """Draws commands. Times are far or long past, so that no key expires by itself while the test runs."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.makers = [m for name, m in sorted(vars(Generator).items()) if name.startswith("c_")]

    def pick(self, items):
        return self.rng.choice(items)

    def chance(self, p):
        return self.rng.random() < p

    def key(self):
        return self.pick(KEYS)

    def keys(self):
        return [self.key() for _ in range(self.rng.randint(1, 5))]

    def integer(self):
        roll = self.rng.random()
        if roll < 0.55:
            return str(self.rng.randint(-30, 30)).encode()
        return self.pick(INTS) if roll < 0.92 else self.pick(NOT_INTS)

    def value(self):
        roll = self.rng.random()
        if roll < 0.35:
            return self.pick(TEXTS)
        if roll < 0.55:
            return self.pick(FLOATS)
        if roll < 0.85:
            return self.integer()
        return bytes(self.rng.randrange(256) for _ in range(self.rng.randint(0, 60)))

    def amount(self, unit, base):
        """A time argument. unit: "s" or "ms"; base: "now" or "epoch"."""
        roll = self.rng.random()
        if roll < 0.2:
            return self.pick(INTS[:1] + INTS[2:3] + INTS[6:7] + INTS[11:])
        if roll < 0.27:
            return self.pick(NOT_INTS)
        factor = 1 if unit == "s" else 1000
        if base == "epoch":
            return str(self.rng.randint(FAR_MS // 1000, FAR_MS // 500) * factor + self.rng.randrange(factor)).encode()
        return str(self.rng.randint(10_000, 10_000_000) * factor).encode()

    def expiry_options(self):
        name, unit, base = self.pick([(b"EX", "s", "now"), (b"px", "ms", "now"), (b"EXAT", "s", "epoch"),
                                      (b"PxAt", "ms", "epoch")])
        return [name, self.amount(unit, base)]

    def shuffled(self, groups, keep=0.35):
        chosen = [g for g in groups if self.chance(keep)]
        self.rng.shuffle(chosen)
        return [word for group in chosen for word in group]

    def c_get(self):
        return [self.pick([b"GET", b"GETDEL", b"STRLEN", b"TYPE", b"get"]), self.key()]

    def c_set(self):
        options = self.shuffled([self.expiry_options(), [b"NX"], [b"XX"], [b"GET"], [b"KEEPTTL"], [b"PERSIST"]],
                                self.pick([0, 0.2, 0.35]))
        return [b"SET", self.key(), self.value()] + options

    def c_setlike(self):
        name = self.pick([b"SETNX", b"GETSET", b"APPEND"])
        return [name, self.key(), self.value()]

    def c_setex(self):
        name, unit = self.pick([(b"SETEX", "s"), (b"PSETEX", "ms")])
        return [name, self.key(), self.amount(unit, "now"), self.value()]

    def c_getex(self):
        return [b"GETEX", self.key()] + self.shuffled([self.expiry_options(), [b"PERSIST"], [b"KEEPTTL"]], 0.4)

    def c_range(self):
        return [self.pick([b"GETRANGE", b"SUBSTR"]), self.key(), self.integer(), self.integer()]

    def c_setrange(self):
        offset = str(self.rng.randint(0, 2000)).encode() if self.chance(0.7) else self.pick(
            [o for o in INTS + NOT_INTS if o not in (b"2147483647", b"536870911", b"2147483648")])
        return [b"SETRANGE", self.key(), offset, self.value()]

    def c_count(self):
        return [self.pick([b"INCR", b"DECR"]), self.key()]

    def c_count_by(self):
        return [self.pick([b"INCRBY", b"DECRBY"]), self.key(), self.integer()]

    def c_incrbyfloat(self):
        return [b"INCRBYFLOAT", self.key(), self.pick([self.integer(), self.pick(FLOATS)])]

    def c_many(self):
        return [self.pick([b"MGET", b"DEL", b"UNLINK", b"EXISTS", b"TOUCH"])] + self.keys()

    def c_mset(self):
        words = [self.pick([b"MSET", b"MSETNX"])]
        for key in self.keys():
            words += [key, self.value()]
        return words + ([self.key()] if self.chance(0.1) else [])

    def c_lcs(self):
        options = self.shuffled([[b"IDX"], [b"LEN"], [b"WITHMATCHLEN"], [b"MINMATCHLEN", self.integer()]])
        return [b"LCS", self.key(), self.key()] + options

    def c_expire(self):
        name, unit, base = self.pick([(b"EXPIRE", "s", "now"), (b"PEXPIRE", "ms", "now"), (b"EXPIREAT", "s", "epoch"),
                                      (b"PEXPIREAT", "ms", "epoch")])
        options = self.shuffled([[b"NX"], [b"XX"], [b"GT"], [b"LT"], [b"bogus"]], self.pick([0, 0.15, 0.3]))
        return [name, self.key(), self.amount(unit, base)] + options

    def c_ttl(self):
        return [self.pick([b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"PERSIST"]), self.key()]

    def c_rename(self):
        return [self.pick([b"RENAME", b"RENAMENX"]), self.key(), self.key()]

    def c_copy(self):
        db = [b"DB", self.pick([b"0", b"1", b"2", b"15", b"16", b"-1", b"x", b"4294967296"])]
        return [b"COPY", self.key(), self.key()] + self.shuffled([[b"REPLACE"], db, [b"bogus"]], 0.3)

    def c_move(self):
        return [b"MOVE", self.key(), self.pick([b"0", b"1", b"2", b"16", b"-1", b"x", b"4294967296"])]

    def c_object(self):
        return [b"OBJECT", self.pick([b"ENCODING", b"FREQ", b"IDLETIME", b"encoding", b"BOGUS"]), self.key()]

    def c_keys(self):
        return [b"KEYS", self.pick(PATTERNS)]

    def c_scan(self):
        return [b"SCAN", b"0"] + self.shuffled([[b"MATCH", self.pick(PATTERNS)], [b"COUNT", self.integer()],
                                                [b"TYPE", self.pick([b"string", b"hash", b"nothing"])], [b"bogus"]], 0.25)

    def c_cursor(self):
        return [b"SCAN", self.pick([b"x", b"99999999999999999999", b"1x", b" 1"])]

    def c_sort(self):
        options = self.shuffled([[b"ASC"], [b"DESC"], [b"ALPHA"], [b"LIMIT", self.integer(), self.integer()],
                                 [b"GET", b"#"], [b"BY", b"w_*"], [b"STORE", self.key()], [b"bogus"]], 0.2)
        return [self.pick([b"SORT", b"SORT_RO"]), self.key()] + options

    def c_restore(self):
        options = self.shuffled([[b"REPLACE"], [b"ABSTTL"], [b"IDLETIME", self.integer()], [b"FREQ", self.integer()]])
        ttl = self.amount("ms", "now")
        if len(ttl) > 16 and b"ABSTTL" not in options:
            ttl = b"0"  # Redis lets this sum overflow, and the new key is gone at once
        return [b"DUMP-RESTORE", self.key(), self.key(), ttl, self.pick([b"", b"", b"flip"])] + options

    def c_rare(self):
        if not self.chance(0.1):
            return [self.pick([b"RANDOMKEY", b"DBSIZE"])]
        return self.pick([[b"FLUSHDB"], [b"FLUSHALL", b"SYNC"], [b"FLUSHDB", b"bogus"], [b"SWAPDB", b"0", b"1"],
                          [b"SWAPDB", b"x", b"0"], [b"SWAPDB", b"0", b"99"], [b"SELECT", b"1"], [b"SELECT", b"0"]])

    def command(self):
        words = self.pick(self.makers)(self)
        if words[0] not in (b"DUMP-RESTORE", b"CROSS-RESTORE") and self.chance(0.02):  # a wrong number of arguments, mostly
            words = words[:-1] if len(words) > 1 and self.chance(0.5) else words + [self.value()]
        return words


def close_in_time(left, right):
    if not (isinstance(left, int) and isinstance(right, int)):
        return left == right
    if left >= NEVER_MS / 1000 and right >= NEVER_MS / 1000:
        return True
    return (left < 0) == (right < 0) and abs(left - right) <= TIME_SLACK_MS


def as_set(reply):
    return sorted(reply) if isinstance(reply, list) else reply


class Pair:
    """The two servers and how their replies compare."""

    def __init__(self, left, right, resp):
        self.servers = [Connection(left), Connection(right)]
        if resp == 3:
            for server in self.servers:
                server.call(b"HELLO", b"3")

    def both(self, *words):
        for server in self.servers:
            server.send(list(words))
        return [server.read() for server in self.servers]

    def run(self, words):
        """The two replies and whether they agree."""
        name = words[0].upper()
        if name == b"DUMP-RESTORE":
            return self.dump_restore(words)
        if name == b"SCAN" and words[1:2] == [b"0"]:
            return self.scan(words)
        replies = self.both(*words)
        return replies, self.agree(name, replies, words)

    def agree(self, name, replies, words):
        left, right = replies
        if name in (b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"):
            return close_in_time(left, right)
        if name == b"KEYS":
            return as_set(left) == as_set(right)
        if name == b"RANDOMKEY":
            return (left is None) == (right is None)
        if name == b"OBJECT" and words[1:2] == [b"IDLETIME"] and isinstance(left, int) and isinstance(right, int):
            return True  # Redis shares the objects of small integers, and with them their idle time
        if name == b"OBJECT" and {left, right} == {b"int", b"embstr"}:
            return True  # after INCRBYFLOAT: an integer is an integer here, however it was made
        return left == right

    def scan(self, words):
        found = []
        for server in self.servers:
            keys, cursor, rounds = set(), b"0", 0
            while True:
                server.send([words[0], cursor] + words[2:])
                reply = server.read()
                if isinstance(reply, ErrorReply):
                    keys = reply
                    break
                cursor, rounds = reply[0], rounds + 1
                keys.update(reply[1])
                if cursor == b"0" or rounds > 50_000:
                    break
            found.append(keys if isinstance(keys, ErrorReply) else sorted(keys))
        return found, found[0] == found[1]

    def dump_restore(self, words):
        source, target, ttl, flip = words[1:5]
        payloads = self.both(b"DUMP", source)
        if None in payloads:
            return payloads, payloads[0] == payloads[1]
        replies = []
        for server, payload in zip(self.servers, payloads):
            if flip:
                payload = payload[:-1] + bytes([payload[-1] ^ 1])
            server.send([b"RESTORE", target, ttl, payload] + words[5:])
            replies.append(server.read())
        return replies, replies[0] == replies[1]

    def settle(self):
        """Meets every key once, so that what has expired is gone on both sides before it is counted."""
        self.both(b"EXISTS", *KEYS)

    def final_differences(self):
        for db in range(16):
            self.both(b"SELECT", b"%d" % db)
            listings = [as_set(r) for r in self.both(b"KEYS", b"*")]
            if listings[0] != listings[1]:
                yield f"db {db}: keys {listings[0]} / {listings[1]}"
                continue
            for key in listings[0]:
                for words in ([b"GET", key], [b"TYPE", key], [b"STRLEN", key], [b"PEXPIRETIME", key],
                              [b"OBJECT", b"ENCODING", key]):
                    replies = self.both(*words)
                    if not self.agree(words[0], replies, words):
                        yield f"db {db}: {words} {replies[0]!r} / {replies[1]!r}"


def options_of(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", required=True, help="host:port of the server under test")
    parser.add_argument("--right", required=True, help="host:port of the reference")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    parser.add_argument("--keep-going", type=int, default=10, help="differences to show before giving up")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.count} commands, RESP{options.resp}")
    return options


def compare(pair, generator, count, keep_going):
    """Runs `count` commands on two emptied servers; prints and counts the differences."""
    pair.both(b"FLUSHALL")
    differences = 0
    for step in range(count):
        words = generator.command()
        if words[0] in (b"DBSIZE", b"RANDOMKEY", b"KEYS"):
            pair.settle()
        replies, agree = pair.run(words)
        if agree:
            continue
        differences += 1
        print(f"#{step} {b' '.join(words)!r}\n  left  {replies[0]!r}\n  right {replies[1]!r}")
        if differences >= keep_going:
            break
    pair.settle()
    for line in pair.final_differences():
        differences += 1
        print("final state: " + line)
    print(f"{differences} differences")
    return differences


def main():
    options = options_of(__doc__)
    pair = Pair(options.left, options.right, options.resp)
    return 1 if compare(pair, Generator(options.seed), options.count, options.keep_going) else 0


if __name__ == "__main__":
    sys.exit(main())
