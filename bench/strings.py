"""SET and GET, alone and as a cluster node; memory of small keys."""
import itertools
import statistics

from load import alternate, compare, load, ratio
from servers import encode

KEY, VALUE = "key:__rand_int__", "v" * 16  # redis-benchmark makes 16-byte keys of it: "key:" and 12 digits


def pairs(count):
    """Every key once."""
    for i in range(count):
        yield b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$16\r\nvvvvvvvvvvvvvvvv\r\n" % i


def words_of(name):
    return ("get", KEY) if name == "GET" else ("set", KEY, VALUE)


def strings(lab):
    keys = lab.options.keys
    with lab.both() as servers:
        for server in servers:
            server.fill(pairs(keys))
        for pipeline, target, requests in ((16, 0.5, 800_000), (1, 0.85, 150_000)):
            for name in ("SET", "GET"):
                compare(lab, "strings", f"{name}, pipeline {pipeline}, CPU per request", servers, words_of(name), target=target,
                        requests=requests, keys=keys, pipeline=pipeline)


def cluster(lab):
    """The same as a node of a cluster that owns all slots; its cost over that of the same server without cluster mode."""
    keys = lab.options.keys
    with lab.both() as plain, lab.both("--cluster-enabled", "yes") as clustered:
        for server in clustered:
            server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        for server in (*plain, *clustered):
            while server in clustered and "cluster_state:ok" not in server.call("CLUSTER", "INFO"):
                pass
            server.fill(pairs(keys))
        for pipeline, requests in ((16, 800_000), (1, 150_000)):
            for name in ("SET", "GET"):
                figures = alternate((*plain, *clustered), lab.options.rounds,
                                    lambda s: load(s, requests // lab.options.divide, pipeline, keys, words_of(name)))
                redis, ashlar = ratio(figures[0], figures[2]), ratio(figures[1], figures[3])
                lab.row("cluster", f"{name}, pipeline {pipeline}, cluster mode over plain", f"{redis:.2f}x", f"{ashlar:.2f}x", ashlar, 1.05)
                median = [statistics.median(f) for f in figures]
                lab.row("cluster", f"{name}, pipeline {pipeline}, CPU per request in cluster mode", f"{median[2]:.2f} us", f"{median[3]:.2f} us",
                        ratio(figures[2], figures[3]), 0.5 * 1.05 if pipeline == 16 else 0.85 * 1.05)


def growth(server, commands):
    """Bytes that the commands add: (used_memory, resident set)."""
    used, resident = server.used(), server.resident()
    server.fill(commands)
    return server.used() - used, server.resident() - resident


def memory_rows(lab, section, case, count, target, commands):
    """used_memory and resident set per element on fresh servers."""
    grown = []
    for make in (lab.redis, lab.ashlar):
        with make() as server:
            # Buffers of a connection and the code of a command are not the data's.
            server.fill([encode("PING")] * 1000 + [*itertools.islice(commands(), 3), encode("FLUSHALL")])
            grown.append(growth(server, commands()))
    for title, (redis, ashlar) in zip(("used_memory", "RSS"), zip(*grown)):
        lab.row(section, f"{case}, {title}", f"{redis / count:.1f} B", f"{ashlar / count:.1f} B", ashlar / redis, target)


def memory(lab):
    for count in (1_000_000, 10_000_000):
        if count > 1_000_000 and lab.options.quick:
            continue
        memory_rows(lab, "memory", f"bytes per key at {count:,} keys", count, 0.5, lambda: pairs(count))
