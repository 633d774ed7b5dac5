"""Commands of the data types and scripts by CPU time, and the memory of collections."""
import random

from load import compare
from servers import encode
from strings import memory_rows

R = "__rand_int__"
SCRIPT = "redis.call('INCR',KEYS[1]) redis.call('EXPIRE',KEYS[1],1000) return redis.call('GET',KEYS[1])"
LOOP = "local x = 0 for i = 1, 1000 do x = x + i % 7 end return x"
SMALL, WIDE = 100_000, 10_000  # keys with ten elements, keys with a hundred
BIG = 1_000_000


def chunks(command, total, width, element):
    """`total` elements, `width` in a command."""
    for first in range(0, total, width):
        yield encode(*command, *(word for i in range(first, min(first + width, total)) for word in element(i)))


def small_hashes():
    for i in range(SMALL):
        yield encode("HSET", f"h10:{i:012d}", *(word for f in range(10) for word in (f"field:{f}", f"value:{f}")))


def prepare():
    yield from small_hashes()
    for i in range(WIDE):
        yield encode("RPUSH", f"l100:{i:012d}", *(f"element:{e:08d}" for e in range(100)))
        yield encode("ZADD", f"z100:{i:012d}", *(word for e in range(100) for word in (e * 3, f"member:{e:09d}")))
        for e in range(20):
            yield encode("XADD", f"x20:{i:012d}", f"{e + 1}-0", "field", f"value:{e:08d}")


def big_zset():
    rng = random.Random(1)
    yield from chunks(("ZADD", "big"), BIG, 100, lambda i: (rng.randrange(BIG), f"m:{i:012d}"))


def types(lab):
    with lab.both() as servers:
        for server in servers:
            server.fill(prepare())
        for case, words, keys, requests in (
                ("LPUSH", ("lpush", f"list:{R}", "v" * 16), SMALL, 600_000),
                ("RPOP", ("rpop", f"list:{R}"), SMALL, 600_000),
                ("HSET", ("hset", f"hash:{R}", f"f:{R}", "v" * 16), SMALL, 500_000),
                ("HGETALL of 10", ("hgetall", f"h10:{R}"), SMALL, 300_000),
                ("SADD", ("sadd", f"set:{R}", f"m:{R}"), SMALL, 500_000),
                ("ZRANGE of 100", ("zrange", f"z100:{R}", 0, 99), WIDE, 50_000),
                ("LRANGE of 100", ("lrange", f"l100:{R}", 0, 99), WIDE, 50_000),
                ("INCR", ("incr", f"n:{R}"), SMALL, 800_000),
                ("XADD", ("xadd", f"stream:{R}", "*", "field", "v" * 16), SMALL, 500_000),
                ("XRANGE of 10", ("xrange", f"x20:{R}", "-", "+", "COUNT", 10), WIDE, 150_000),
                ("EVAL of three calls", ("eval", SCRIPT, 1, f"e:{R}"), SMALL, 200_000),
                ("MSET of 10", ("mset", *(w for _ in range(10) for w in (f"key:{R}", "v" * 16))), BIG, 100_000)):
            compare(lab, "types", f"{case}, pipeline 16, CPU per request", servers, words, target=0.65, requests=requests, keys=keys)
        loop = ("eval", LOOP, 0)
        compare(lab, "types", "EVAL with a loop of 1000, pipeline 16, CPU per request", servers, loop, target=0.3, requests=20_000, keys=1)


def zset(lab):
    with lab.both() as servers:
        for server in servers:
            server.fill(big_zset())
        for case, words in (("ZADD", ("zadd", "big", R, f"m:{R}")), ("ZRANK", ("zrank", "big", f"m:{R}")),
                            ("ZRANGEBYSCORE LIMIT 0 10", ("zrangebyscore", "big", R, "+inf", "LIMIT", 0, 10))):
            compare(lab, "zset", f"{case} in 1M members, pipeline 16, CPU per request", servers, words, target=0.45, requests=250_000, keys=BIG)


def typememory(lab):
    member = lambda i: (f"member:{i:09d}",)
    for case, count, target, commands in (
            ("zset of 1M members, bytes per member", BIG, 0.45, lambda: chunks(("ZADD", "k"), BIG, 100, lambda i: (i * 7919 % BIG, *member(i)))),
            ("hash of 1M fields, bytes per field", BIG, 0.5, lambda: chunks(("HSET", "k"), BIG, 100, lambda i: (*member(i), "v" * 16))),
            ("set of 1M members, bytes per member", BIG, 0.5, lambda: chunks(("SADD", "k"), BIG, 100, member)),
            ("list of 1M elements, bytes per element", BIG, 1.0, lambda: chunks(("RPUSH", "k"), BIG, 100, member)),
            ("100,000 hashes of 10 fields, bytes per hash", SMALL, 0.8, small_hashes)):
        memory_rows(lab, "typemem", case, count, target, commands)
