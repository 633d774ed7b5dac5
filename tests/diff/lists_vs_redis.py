#!/usr/bin/env python3
"""The same random list commands to two servers, every reply and the final state compared.

    tests/diff/lists_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--count N] [--seed S] [--resp 2|3]

Takes small and large `list-max-listpack-size` in turn. Lists also travel from each server to the other by DUMP and
RESTORE. OBJECT ENCODING is not compared: Redis before 7.2 calls every list a quicklist.
"""

import sys

import commands_vs_redis
from commands_vs_redis import INTS, NOT_INTS, Generator, Pair
from resp import ErrorReply

KEYS = [b"l%d" % i for i in range(5)] + [b"{t}a", b"text"]
WORDS = [b"", b"a", b"b", b"c", b"hello", b"0", b"1", b"-1", b"127", b"128", b"4095", b"-4097", b"32768", b"8388608",
         b"-2147483649", b"9223372036854775807", b"9223372036854775808", b"01", b"-0", b"x" * 63, b"x" * 64, b"y" * 300,
         b"z" * 5000, b"\x01\xff\r\n"]
LIMITS = [b"-2", b"4", b"-1", b"100"]


class ListGenerator(Generator):
    def __init__(self, seed):
        super().__init__(seed)
        self.makers = [m for name, m in sorted(vars(ListGenerator).items()) if name.startswith("c_")]

    def key(self):
        return self.pick(KEYS)

    def element(self):
        return self.pick(WORDS) if self.chance(0.8) else str(self.rng.randint(-5, 20)).encode()

    def elements(self):
        return [self.element() for _ in range(self.pick([1, 1, 2, 5, 40]))]

    def index(self):
        roll = self.rng.random()
        if roll < 0.9:
            return str(self.rng.randint(-60, 60)).encode()
        return self.pick(INTS) if roll < 0.97 else self.pick(NOT_INTS)

    def few(self):
        return str(self.rng.randint(-3, 6)).encode() if self.chance(0.95) else self.index()

    def end(self):
        return self.pick([b"LEFT", b"RIGHT", b"left", b"right"] * 5 + [b"up"])

    def c_push(self):
        name = self.pick([b"LPUSH", b"RPUSH", b"rpush", b"LPUSHX", b"RPUSHX"])
        return [name, self.key()] + self.elements()

    c_push_too = c_push

    def c_pop(self):
        return [self.pick([b"LPOP", b"RPOP"]), self.key()] + ([self.few()] if self.chance(0.5) else [])

    def c_read(self):
        return self.pick([[b"LLEN", self.key()], [b"LINDEX", self.key(), self.index()]])

    def c_range(self):
        return [b"LRANGE", self.key(), self.index(), self.index()]

    def c_trim(self):
        ends = [self.index(), self.index()] if self.chance(0.2) else [self.few(), b"%d" % -self.rng.randint(1, 5)]
        return [b"LTRIM", self.key()] + ends

    def c_set(self):
        return [b"LSET", self.key(), self.index(), self.element()]

    def c_insert(self):
        where = self.pick([b"BEFORE", b"AFTER", b"before"] * 5 + [b"beside"])
        return [b"LINSERT", self.key(), where, self.element(), self.element()]

    c_insert_too = c_insert

    def c_rem(self):
        return [b"LREM", self.key(), self.few(), self.element()]

    def c_pos(self):
        options = self.shuffled([[b"RANK", self.few()], [b"COUNT", self.few()], [b"MAXLEN", self.few()], [b"bogus"]],
                                self.pick([0, 0.3, 0.5]))
        return [b"LPOS", self.key(), self.element()] + options

    def c_move(self):
        if self.chance(0.5):
            return [b"RPOPLPUSH", self.key(), self.key()]
        return [b"LMOVE", self.key(), self.key(), self.end(), self.end()]

    def c_multi_pop(self):
        keys = [self.key() for _ in range(self.rng.randint(1, 3))]
        number = b"%d" % len(keys) if self.chance(0.9) else self.few()
        options = self.shuffled([[b"COUNT", self.few()], [b"COUNT", b"1"], [b"bogus"]], self.pick([0, 0.3]))
        return [b"LMPOP", number] + keys + [self.end()] + options

    def c_whole(self):
        return self.pick([[b"DEL", self.key()], [b"COPY", self.key(), self.key(), b"REPLACE"], [b"TYPE", self.key()],
                          [b"RENAME", self.key(), self.key()], [b"SET", b"text", b"t"], [b"GET", self.key()],
                          [b"EXISTS", self.key()], [b"APPEND", self.key(), b"x"], [b"STRLEN", self.key()]])

    def c_travel(self):
        return [b"CROSS-RESTORE", self.key(), self.key()]

    def c_sort(self):
        options = self.shuffled([[b"ASC"], [b"DESC"], [b"ALPHA"], [b"ALPHA"], [b"LIMIT", self.few(), self.few()],
                                 [b"GET", b"#"], [b"GET", b"w_*"], [b"GET", b"h_*->f"], [b"BY", b"w_*"],
                                 [b"BY", b"h_*->f"], [b"BY", b"nosort"], [b"STORE", self.key()]], 0.25)
        if b"BY" in options:  # the order of elements with equal texts is left open by Redis
            options = [word for word in options if word != b"ALPHA"]
        return [self.pick([b"SORT", b"SORT_RO"]), self.key()] + options

    def c_weight(self):
        return [b"SET", b"w_" + self.element(), self.element()]


class ListPair(Pair):
    def run(self, words):
        if words[0] == b"CROSS-RESTORE":
            return self.cross_restore(words[1], words[2])
        return super().run(words)

    def cross_restore(self, source, target):
        payloads = self.both(b"DUMP", source)
        if None in payloads or any(isinstance(p, ErrorReply) for p in payloads):
            return payloads, payloads[0] == payloads[1]
        replies = []
        for server, payload in zip(self.servers, reversed(payloads)):
            server.send([b"RESTORE", target, b"0", payload, b"REPLACE"])
            replies.append(server.read())
        return replies, replies[0] == replies[1]

    def agree(self, name, replies, words):
        if name == b"LREM" and words[2:3] == [b"-9223372036854775808"]:
            return True  # refused from 7.2 on
        return super().agree(name, replies, words)

    def final_differences(self):
        for key in KEYS:
            for words in ([b"TYPE", key], [b"LRANGE", key, b"0", b"-1"]):
                replies = self.both(*words)
                if replies[0] != replies[1]:
                    yield f"{words} {replies[0]!r} / {replies[1]!r}"


def main():
    options = commands_vs_redis.options_of(__doc__)
    generator = ListGenerator(options.seed)
    pair = ListPair(options.left, options.right, options.resp)
    for limit in LIMITS:
        pair.both(b"CONFIG", b"SET", b"list-max-listpack-size", limit)
        pair.both(b"CONFIG", b"SET", b"list-compress-depth", generator.pick([b"0", b"1"]))
        if commands_vs_redis.compare(pair, generator, options.count // len(LIMITS), options.keep_going):
            print(f"with list-max-listpack-size {limit.decode()}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
