"""What durability costs: start from files, full synchronisation, the append-only file, replies that wait for
replicas, replicas that keep up, a huge value in a snapshot."""
import os
import re
import statistics
import subprocess
import time

from load import alternate, ratio
from servers import encode
from strings import pairs


def seconds(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


def many(lab):
    return 500_000 if lab.options.quick else 5_000_000


def few_rounds(lab):
    return min(lab.options.rounds, 3)


def compare_times(lab, section, case, servers, measure, target):
    redis, ashlar = alternate(servers, few_rounds(lab), measure)
    lab.row(section, case, f"{statistics.median(redis):.2f} s", f"{statistics.median(ashlar):.2f} s", ratio(redis, ashlar), target)


def restart(server):
    """Seconds from the start of the process until it answers with all of its data."""
    server.halt()
    return seconds(lambda: server.start(at_most=300))


def loading(lab):
    keys = many(lab)
    with lab.both() as servers:
        for server in servers:
            server.fill(pairs(keys))
            server.call("SAVE")
        compare_times(lab, "loading", f"start from an RDB file of {keys:,} keys", servers, restart, 0.7)
    with lab.both("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0") as servers:
        for server in servers:
            server.fill(pairs(keys))
        compare_times(lab, "loading", f"start from an append-only file of {keys:,} SETs", servers, restart, 0.7)


def synchronise(primary, replica):
    replica.call("REPLICAOF", "NO", "ONE")
    replica.call("FLUSHALL")

    def follow():
        replica.call("REPLICAOF", "127.0.0.1", primary.port)
        deadline = time.monotonic() + 600
        while replica.info("master_link_status") != "up":
            if time.monotonic() > deadline:
                raise SystemExit("the replica did not synchronise within ten minutes")
            time.sleep(0.02)  # how exactly the time is taken: transfers last seconds
    return seconds(follow)


def fullsync(lab):
    keys = many(lab)
    options = ("--repl-diskless-sync-delay", "0", "--repl-backlog-size", "100mb", "--repl-backlog-ttl", "0")
    with lab.both(*options) as primaries, lab.both(*options, cores="1") as replicas:
        for primary in primaries:
            primary.fill(pairs(keys))
        followers = dict(zip(primaries, replicas))
        compare_times(lab, "fullsync", f"full synchronisation of {keys:,} keys", primaries, lambda p: synchronise(p, followers[p]), 0.7)


def rate(server, requests, pipeline, keys=1_000_000):
    """SETs in a second with 50 connections."""
    done = subprocess.run(["taskset", "-c", "1", "redis-benchmark", "-p", str(server.port), "-c", "50", "-n", str(requests), "-r", str(keys),
                           "-P", str(pipeline), "-q", "SET", "key:__rand_int__", "x" * 16], capture_output=True, text=True)
    found = re.findall(r"([\d.]+) requests per second", done.stdout)
    if done.returncode != 0 or not found or "rror" in done.stdout + done.stderr:
        raise SystemExit(f"{server.name}: {done.stdout}{done.stderr}")
    return float(found[-1])


def a_second(rates):
    return f"{statistics.median(rates) / 1000:.0f} k/s"


def aof(lab):
    requests = 2_000_000 // lab.options.divide
    with lab.both() as without, lab.both("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0") as with_log:
        rates = alternate([*without, *with_log], lab.options.rounds, lambda s: rate(s, requests, 16))
        redis, ashlar = ratio(rates[2], rates[0]), ratio(rates[3], rates[1])
        lab.row("aof", "SET P16 without a log over that with everysec", f"{redis:.2f}x", f"{ashlar:.2f}x", ashlar, 1 / 0.85)
        lab.row("aof", "SET P16 with everysec", a_second(rates[2]), a_second(rates[3]), ratio(rates[3], rates[2]), None)
    requests = 100_000 // lab.options.divide
    with lab.both("--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0") as servers:
        redis, ashlar = alternate(servers, lab.options.rounds, lambda s: rate(s, requests, 1))
        lab.row("aof", "SET with always, 50 connections: Redis' rate over ours", a_second(redis), a_second(ashlar), ratio(ashlar, redis), 0.5)


def acks(lab):
    requests = 2_000_000 // lab.options.divide
    options = ("--repl-diskless-sync-delay", "0")
    with lab.ashlar(*options) as primary, lab.ashlar(*options, cores="1") as replica:
        synchronise(primary, replica)

        def with_acks(count):
            primary.call("CONFIG", "SET", "min-replicas-ack", count)
            return rate(primary, requests, 16)
        none, one = alternate([0, 1], lab.options.rounds, with_acks)
        lab.row("acks", "SET P16 with min-replicas-ack 0 over that with 1", "", f"{a_second(none)} {a_second(one)}", ratio(one, none), 1 / 0.7)


def applying(lab):
    """CPU time of a replica for what its primary spends on the same writes."""
    requests = 2_000_000 // lab.options.divide
    options = ("--repl-diskless-sync-delay", "0", "--repl-backlog-size", "100mb", "--client-output-buffer-limit", "replica 0 0 0")

    def share(pair):
        primary, replica = pair
        before = primary.cpu_ns(), replica.cpu_ns()
        rate(primary, requests, 16)
        deadline = time.monotonic() + 60
        while replica.info("master_repl_offset") != primary.info("master_repl_offset"):
            if time.monotonic() > deadline:
                raise SystemExit("the replica did not catch up within a minute")
            time.sleep(0.01)
        return (replica.cpu_ns() - before[1]) / (primary.cpu_ns() - before[0])

    with lab.both(*options) as primaries, lab.both(*options, cores="1") as replicas:
        pairs_of_servers = list(zip(primaries, replicas))
        for primary, replica in pairs_of_servers:
            synchronise(primary, replica)
        redis, ashlar = alternate(pairs_of_servers, lab.options.rounds, share)
        share_of = [statistics.median(shares) for shares in (redis, ashlar)]
        lab.row("applying", "SET P16: CPU time of the replica over that of its primary", f"{share_of[0]:.2f}x", f"{share_of[1]:.2f}x",
                share_of[1], 1.0)


def longest_wait(server, command, while_true):
    """Milliseconds of the longest answer to a command on a connection of its own, while the condition holds."""
    longest = 0.0
    with server.connect() as s:
        number = 0
        while number % 100 or while_true():
            number += 1
            bytes_ = encode(*command(number))
            begin = time.perf_counter()
            s.sendall(bytes_)
            s.recv(100)
            longest = max(longest, time.perf_counter() - begin)
    return longest * 1000


def longest_while_saving(server, command):
    """The same during a BGSAVE, and how many seconds that took."""
    os.sched_setaffinity(0, {0, 1})
    server.call("BGSAVE")
    begin = time.monotonic()
    longest = longest_wait(server, command, lambda: server.info("rdb_bgsave_in_progress", "persistence") == "1")
    return longest, time.monotonic() - begin


def first_write_while_saving(server, command):
    """Milliseconds of one write to the value a tenth of a second after a BGSAVE has begun."""
    server.call("BGSAVE")
    time.sleep(0.1)
    begin = time.perf_counter()
    server.call(*command)
    took = time.perf_counter() - begin
    while server.info("rdb_bgsave_in_progress", "persistence") == "1":
        time.sleep(0.05)
    return took * 1000


def bigvalue(lab):
    members = 1_000_000 if lab.options.quick else 10_000_000
    asked = (("SET of another slot", lambda n: ("SET", f"other:{n % 1000}", "x")), ("GET of its slot", lambda n: ("GET", "{big}small")),
             ("SISMEMBER of it", lambda n: ("SISMEMBER", "{big}", f"member:{n}")))
    figures = []
    for make in (lab.redis, lab.ashlar):
        with make(cores="0,1") as server:
            server.fill(encode("SADD", "{big}", *(f"member:{n}" for n in range(first, first + 1000))) for first in range(0, members, 1000))
            server.call("SET", "{big}small", "x")
            waits = [longest_while_saving(server, command) for _, command in asked]
            figures.append([longest for longest, _ in waits] + [first_write_while_saving(server, ("SADD", "{big}", "new")),
                                                                min(took for _, took in waits)])
    redis, ashlar = figures
    case = f"snapshot of a set of {members:,} members"
    for i, what in enumerate([f"longest {name}" for name, _ in asked] + ["the first SADD to it"]):
        lab.row("bigvalue", f"{case}: {what}", f"{redis[i]:.1f} ms", f"{ashlar[i]:.1f} ms", ashlar[i] / redis[i], None)
    lab.row("bigvalue", f"{case}: the save took", f"{redis[-1]:.1f} s", f"{ashlar[-1]:.1f} s", ashlar[-1] / redis[-1], None)
