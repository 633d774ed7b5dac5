#!/usr/bin/env python3
"""Sends the same random commands on sorted sets and positions to two servers, compares every reply, then the final state.

    tests/diff/zset_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--count N] [--seed S] [--resp 2|3] [--small N]

Both servers are emptied (FLUSHALL). Exit code 1 when replies differ. Numbers are compared by value, because Redis prints
doubles with 17 digits before 7.2; what is drawn at random by its size and by what it is drawn from.
"""

import argparse
import random
import sys

from resp import Connection, ErrorReply

KEYS = [b"z%d" % i for i in range(6)] + [b"str", b"set", b"none"]
MEMBERS = [b"m%d" % i for i in range(40)] + [b"%d" % i for i in range(-3, 25)] + [b"", b"a b", b"\x00\xff\r\n", b"x" * 63, b"007"]
LONG = [b"y" * 64, b"y" * 65, b"z" * 300]
SCORES = [b"0", b"1", b"2", b"3", b"-1", b"0.1", b"-0.5", b"1e10", b"1.5", b"inf", b"-inf", b"+inf", b"3.0", b"1e-5",
          b"9007199254740993", b"123456789.123456789", b"1e300", b"17179869184"]
BAD = [b"", b"x", b"nan", b"1.x", b" 1", b"--1"]
UNITS = [b"m", b"km", b"ft", b"mi", b"KM", b"yd", b""]


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.makers = [m for name, m in sorted(vars(Generator).items()) if name.startswith("c_")]

    def pick(self, items):
        return self.rng.choice(items)

    def chance(self, p):
        return self.rng.random() < p

    def key(self):
        return self.pick(KEYS[:6]) if self.chance(0.93) else self.pick(KEYS)

    def keys(self, most=4):
        return [self.key() for _ in range(self.rng.randint(1, most))]

    def lex_key(self):
        """Sets whose scores are all equal: only there an order by bytes is defined."""
        return self.pick([b"l0", b"l1", b"l2"] if self.chance(0.97) else [b"str"])

    def member(self):
        return self.pick(LONG) if self.chance(0.01) else self.pick(MEMBERS)

    def score(self):
        roll = self.rng.random()
        if roll < 0.6:
            return b"%d" % self.rng.randint(-20, 20)
        if roll < 0.7:
            return repr(self.rng.uniform(-100, 100)).encode()
        return self.pick(SCORES) if roll < 0.98 else self.pick(BAD)

    def integer(self):
        if self.chance(0.9):
            return b"%d" % self.rng.randint(-12, 40)
        return self.pick([b"0", b"-1", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"x", b"1.5"])

    def score_bound(self):
        return (b"(" if self.chance(0.3) else b"") + self.score()

    def lex_bound(self):
        roll = self.rng.random()
        if roll < 0.3:
            return self.pick([b"-", b"+"])
        return (self.pick([b"[", b"("]) + self.member()) if roll < 0.97 else self.pick([b"", b"a", b"-a", b"++"])

    def shuffled(self, groups, keep=0.3):
        chosen = [g for g in groups if self.chance(keep)]
        self.rng.shuffle(chosen)
        return [word for group in chosen for word in group]

    def limit(self):
        return [b"LIMIT", self.integer(), self.integer()]

    def c_zadd(self):
        words = [b"ZADD", self.key()] + self.shuffled([[b"NX"], [b"XX"], [b"GT"], [b"lt"], [b"CH"], [b"INCR"]],
                                                      self.pick([0, 0, 0.15, 0.3]))
        for _ in range(self.pick([1, 1, 1, 2, 3, 10])):
            words += [self.score(), self.member()]
        return words

    c_zadd2 = c_zadd3 = c_zadd4 = c_zadd

    def c_zadd_lex(self):
        words = [b"ZADD", self.pick([b"l0", b"l1"])]
        for _ in range(self.pick([1, 2, 10])):
            words += [b"7", self.member()]
        return words

    def c_zincrby(self):
        return [b"ZINCRBY", self.key(), self.score(), self.member()]

    def c_zrem(self):
        return [b"ZREM", self.key()] + [self.member() for _ in range(self.rng.randint(1, 4))]

    def c_remove_range(self):
        if self.chance(0.5):
            return [b"ZCARD", self.key()]
        kind = self.rng.randrange(3)
        if kind == 0:
            return [b"ZREMRANGEBYSCORE", self.key(), self.score_bound(), self.score_bound()]
        if kind == 1:
            low = self.rng.randint(-40, 40)
            return [b"ZREMRANGEBYRANK", self.key(), b"%d" % low, b"%d" % (low + self.rng.randint(-2, 6))]
        return [b"ZREMRANGEBYLEX", self.lex_key(), self.lex_bound(), self.lex_bound()]

    def c_zrange(self):
        by = self.pick([[], [], [b"BYSCORE"], [b"BYLEX"]])
        bounds = {b"": self.integer, b"BYSCORE": self.score_bound, b"BYLEX": self.lex_bound}[by[0] if by else b""]
        options = self.shuffled([[b"REV"], self.limit(), [b"WITHSCORES"], [b"bogus"]], self.pick([0, 0.3]))
        if by == [b"BYLEX"] or self.chance(0.1):
            options = [o for o in options if o != b"WITHSCORES"]
        source = self.lex_key() if by == [b"BYLEX"] else self.key()
        if self.chance(0.2):
            return [b"ZRANGESTORE", self.key(), source, bounds(), bounds()] + by + options
        return [b"ZRANGE", source, bounds(), bounds()] + by + options

    c_zrange2 = c_zrange

    def c_old_ranges(self):
        name, bound = self.pick([(b"ZREVRANGE", self.integer), (b"ZRANGEBYSCORE", self.score_bound),
                                 (b"ZREVRANGEBYSCORE", self.score_bound), (b"ZRANGEBYLEX", self.lex_bound),
                                 (b"ZREVRANGEBYLEX", self.lex_bound)])
        source = self.lex_key() if name.endswith(b"LEX") else self.key()
        return [name, source, bound(), bound()] + self.shuffled([[b"WITHSCORES"], self.limit(), [b"REV"]], 0.25)

    def c_counts(self):
        return self.pick([[b"ZCOUNT", self.key(), self.score_bound(), self.score_bound()],
                          [b"ZLEXCOUNT", self.lex_key(), self.lex_bound(), self.lex_bound()], [b"ZCARD", self.key()]])

    def c_ranks(self):
        return [self.pick([b"ZRANK", b"ZREVRANK", b"ZSCORE"]), self.key(), self.member()]

    def c_zmscore(self):
        return [b"ZMSCORE", self.key()] + [self.member() for _ in range(self.rng.randint(1, 4))]

    def c_pop(self):
        count = [self.pick([b"0", b"1", b"2", b"3", b"-1", b"x", b"100"])] if self.chance(0.5) else []
        return [self.pick([b"ZPOPMIN", b"ZPOPMAX"]), self.key()] + count

    def c_zmpop(self):
        keys = self.keys()
        n = b"%d" % len(keys) if self.chance(0.9) else self.integer()
        options = [b"COUNT", self.pick([b"1", b"2", b"5", b"0", b"x"])] if self.chance(0.4) else []
        return [b"ZMPOP", n] + keys + [self.pick([b"MIN", b"max", b"MAX", b"mid"])] + options

    def c_random(self):
        words = [b"ZRANDMEMBER", self.key()]
        if self.chance(0.8):
            words.append(self.pick([b"0", b"1", b"3", b"-3", b"50", b"-20", b"x", b"-9223372036854775808"]))
            words += self.shuffled([[b"WITHSCORES"], [b"bogus"]], 0.3)
        return words

    def c_zscan(self):
        return [b"ZSCAN", self.key(), b"0"] + self.shuffled([[b"MATCH", self.pick([b"*", b"m1*", b"?", b"[0-9]*"])],
                                                             [b"COUNT", self.integer()], [b"bogus"]], 0.25)

    def c_algebra(self):
        keys = self.keys()
        n = b"%d" % len(keys) if self.chance(0.95) else self.integer()
        name = self.pick([b"ZUNION", b"ZINTER", b"ZDIFF", b"ZINTERCARD"])
        weights = [b"WEIGHTS"] + [self.score() for _ in keys]
        options = self.shuffled([weights, [b"AGGREGATE", self.pick([b"SUM", b"min", b"MAX", b"avg"])], [b"WITHSCORES"],
                                 [b"LIMIT", self.integer()]], 0.25)
        if name != b"ZINTERCARD" and self.chance(0.4):
            return [name + b"STORE", self.key(), n] + keys + options
        return [name, n] + keys + options

    c_algebra2 = c_algebra

    def c_plain(self):
        if self.chance(0.7):
            return [b"OBJECT", b"ENCODING", self.key()]
        return self.pick([[b"DEL", self.key()], [b"SADD", b"set", self.member()], [b"SET", b"str", b"text"], [b"TYPE", self.key()],
                          [b"COPY", self.key(), self.key(), b"REPLACE"], [b"RENAME", self.key(), self.key()],
                          [b"DUMP-RESTORE", self.key(), self.key()]])

    def point(self):
        if self.chance(0.05):
            return [self.pick([b"200", b"x", b"-180.1"]), self.pick([b"86", b"y", b"-85.05112879"])]
        if self.chance(0.1):
            return [self.pick([b"180", b"-180", b"0"]), self.pick([b"85.05112878", b"-85.05112878", b"0"])]
        return [b"%.6f" % self.rng.uniform(10, 20), b"%.6f" % self.rng.uniform(30, 45)]

    def c_geoadd(self):
        words = [b"GEOADD", self.geo_key()] + self.shuffled([[b"NX"], [b"XX"], [b"CH"]], self.pick([0, 0, 0.2]))
        for _ in range(self.pick([1, 2, 5])):
            words += self.point() + [self.pick(MEMBERS[:30])]
        return words

    def geo_key(self):
        return self.pick([b"g0", b"g1"]) if self.chance(0.95) else self.key()

    def c_georead(self):
        members = [self.pick(MEMBERS[:40]) for _ in range(self.rng.randint(1, 3))]
        if self.chance(0.4):
            return [b"GEODIST", self.geo_key(), self.pick(MEMBERS[:40]), self.pick(MEMBERS[:40])] + self.shuffled(
                [[self.pick(UNITS)]], 0.5)
        return [self.pick([b"GEOPOS", b"GEOHASH"]), self.geo_key()] + members

    def size(self):
        return self.pick([b"%d" % self.rng.randint(0, 800), b"%.2f" % self.rng.uniform(0, 500), b"0"] if self.chance(0.97)
                         else [b"-1", b"x"])

    def geo_options(self, keep=0.25):
        return self.shuffled([[b"WITHCOORD"], [b"WITHDIST"], [b"WITHHASH"], [b"COUNT", self.pick([b"1", b"3", b"10", b"0", b"x"])],
                              [self.pick([b"ASC", b"DESC"])], [b"ANY"]], keep)

    def c_geosearch(self):
        unit = self.pick([b"km", b"km", b"mi"] if self.chance(0.9) else UNITS)
        where = [[b"FROMMEMBER", self.pick(MEMBERS[:30])], [b"FROMLONLAT"] + self.point()]
        shape = [[b"BYRADIUS", self.size(), unit], [b"BYBOX", self.size(), self.size(), unit]]
        if self.chance(0.95):
            where, shape = [self.pick(where)], [self.pick(shape)]
        parts = where + shape
        self.rng.shuffle(parts)
        words = [w for p in parts for w in p] + self.geo_options(self.pick([0, 0.25]))
        if self.chance(0.25):
            return [b"GEOSEARCHSTORE", self.pick([b"g1", b"gs"]), self.geo_key()] + words + self.shuffled([[b"STOREDIST"]], 0.4)
        return [b"GEOSEARCH", self.geo_key()] + words

    c_geosearch2 = c_geosearch

    def c_georadius(self):
        unit = self.pick([b"km", b"km", b"mi"] if self.chance(0.9) else UNITS)
        store = self.shuffled([[b"STORE", b"gs"], [b"STOREDIST", b"gs"]], 0.15)
        read_only = self.pick([b"", b"_RO"])
        if self.chance(0.5):
            return [b"GEORADIUS" + read_only, self.geo_key()] + self.point() + [self.size(), unit] + self.geo_options() + store
        return [b"GEORADIUSBYMEMBER" + read_only, self.geo_key(), self.pick(MEMBERS[:30]), self.size(), unit] \
            + self.geo_options() + store

    def command(self):
        words = self.pick(self.makers)(self)
        if words[0] != b"DUMP-RESTORE" and self.chance(0.01):
            words = words[:-1] if self.chance(0.5) else words + [self.member()]
        return words


def as_number(word):
    if isinstance(word, tuple):
        word = word[1]
    try:
        return float(word)
    except (TypeError, ValueError):
        return None


def same(left, right):
    """Equal, or numbers of the same value however they are spelt."""
    if left == right:
        return True
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right))
    if isinstance(left, ErrorReply) or isinstance(right, ErrorReply) or type(left) is not type(right):
        return False
    a, b = as_number(left), as_number(right)
    return a is not None and b is not None and (a == b or abs(a - b) <= 1e-12 * max(abs(a), abs(b)))


def sorted_pairs(flat):
    return sorted((flat[i], as_number(flat[i + 1])) for i in range(0, len(flat), 2))


class Pair:
    def __init__(self, left, right, resp):
        self.servers = [Connection(left), Connection(right)]
        for server in self.servers:
            if resp == 3:
                server.call(b"HELLO", b"3")

    def both(self, *words):
        for server in self.servers:
            server.send(list(words))
        return [server.read() for server in self.servers]

    def run(self, words):
        name = words[0].upper()
        if name == b"DUMP-RESTORE":
            return self.dump_restore(words)
        if name == b"ZSCAN" and len(words) > 2:
            return self.scan(words)
        replies = self.both(*words)
        return replies, self.agree(name, words, replies)

    def agree(self, name, words, replies):
        left, right = replies
        if name in (b"ZRANK", b"ZREVRANK") and len(words) != 3:
            return True  # a new option of 7.2
        if words[:2] == [b"OBJECT", b"ENCODING"] and (left, right) == (b"listpack", b"hashtable"):
            return True  # sets have listpacks from 7.2 on
        if (b"LEX" in name or b"BYLEX" in words) and words[1:2] not in ([b"l0"], [b"l1"]):
            return type(left) is type(right)  # without a meaning where scores differ
        if name == b"ZRANDMEMBER" and not isinstance(left, ErrorReply):
            return type(left) is type(right) and (not isinstance(left, list) or len(left) == len(right))
        if name.startswith(b"GEO") and isinstance(left, list) and not {b"ASC", b"DESC", b"COUNT"} & set(words):
            return isinstance(right, list) and same(sorted(left, key=repr), sorted(right, key=repr))
        if name.startswith(b"GEO") and (b"ANY" in words or b"0" in words) and isinstance(left, list):  # equal distances: any of them
            return isinstance(right, list) and len(left) == len(right)
        return same(left, right)

    def scan(self, words):
        found = []
        for server in self.servers:
            elements, cursor = [], words[2]
            while True:
                server.send(words[:2] + [cursor] + words[3:])
                reply = server.read()
                if isinstance(reply, ErrorReply):
                    elements = reply
                    break
                cursor = reply[0]
                elements += reply[1]
                if cursor == b"0":
                    break
            found.append(elements if isinstance(elements, ErrorReply) else sorted(set(sorted_pairs(elements))))
        return found, found[0] == found[1]

    def dump_restore(self, words):
        """Each server takes the payload of the other."""
        payloads = self.both(b"DUMP", words[1])
        if None in payloads:
            return payloads, payloads[0] == payloads[1]
        replies = []
        for server, payload in zip(self.servers, reversed(payloads)):
            server.send([b"RESTORE", words[2], b"0", payload, b"REPLACE"])
            replies.append(server.read())
        return replies, replies[0] == replies[1]

    def final_differences(self):
        keys = [sorted(r) for r in self.both(b"KEYS", b"*")]
        if keys[0] != keys[1]:
            yield f"keys {keys[0]} / {keys[1]}"
        for key in keys[0]:
            for words in ([b"TYPE", key], [b"OBJECT", b"ENCODING", key], [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]):
                replies = self.both(*words)
                if not self.agree(words[0], words, replies):
                    yield f"{words} {replies[0]!r} / {replies[1]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", required=True, help="host:port of the server under test")
    parser.add_argument("--right", required=True, help="host:port of the reference")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    parser.add_argument("--small", type=int, default=20, help="zset-max-listpack-entries of both servers")
    parser.add_argument("--keep-going", type=int, default=10, help="differences to show before giving up")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.count} commands, RESP{options.resp}")
    pair = Pair(options.left, options.right, options.resp)
    pair.both(b"FLUSHALL")
    pair.both(b"CONFIG", b"SET", b"zset-max-listpack-entries", b"%d" % options.small)
    pair.both(b"SET", b"str", b"text")
    pair.both(b"SADD", b"set", b"m1", b"7", b"x")
    generator = Generator(options.seed)
    differences = 0
    for step in range(options.count):
        words = generator.command()
        replies, agree = pair.run(words)
        if agree:
            continue
        differences += 1
        print(f"#{step} {b' '.join(words)!r}\n  left  {replies[0]!r}\n  right {replies[1]!r}")
        if differences >= options.keep_going:
            break
    for line in pair.final_differences():
        differences += 1
        print("final state: " + line)
    print(f"{differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
