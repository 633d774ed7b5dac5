"""BGSAVE under a write load: memory at its peak, and what a GET waits."""
import multiprocessing
import os
import random
import time

from servers import encode
from strings import pairs

WRITES = 16  # SETs that go with each timed GET


def probe(port, keys, stop, out):
    """Writes all the time and times a GET beside each batch of writes; sends the latencies in seconds when told to stop."""
    import socket  # the process is a fork: what it needs is there

    os.sched_setaffinity(0, {1})
    rng = random.Random(7)
    writer, reader = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
    for s in (writer, reader):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    batches = [b"".join(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$16\r\nwwwwwwwwwwwwwwww\r\n" % rng.randrange(keys) for _ in range(WRITES))
               for _ in range(20_000)]
    while not stop.is_set():
        writer.sendall(rng.choice(batches))
        get = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:%012d\r\n" % rng.randrange(keys)
        start = time.perf_counter()
        reader.sendall(get)
        reader.recv(1000)
        took.append(time.perf_counter() - start)
        waiting = 5 * WRITES
        while waiting > 0:
            waiting -= len(writer.recv(1000))
    out.put(took)


def watched(server, keys, until):
    """Runs the probe until `until()` is true; (latencies, highest memory seen)."""
    stop, out = multiprocessing.Event(), multiprocessing.Queue()
    process = multiprocessing.Process(target=probe, args=(server.port, keys, stop, out))
    process.start()
    time.sleep(0.5)
    peak = server.resident()
    finished = until()
    while not next(finished):
        peak = max(peak, server.resident_with_children())
        time.sleep(0.05)
    stop.set()
    took = out.get()
    process.join()
    return took, peak


def p999(took):
    return sorted(took)[int(len(took) * 0.999)] * 1000


def idle_for(seconds):
    def steps():
        end = time.monotonic() + seconds
        while True:
            yield time.monotonic() > end
    return steps


def saved(server):
    def steps():
        server.call("BGSAVE")
        while True:
            yield server.info("rdb_bgsave_in_progress", "persistence") == "0"  # asking is work for the server, too
    return steps


def saving(lab):
    keys = 500_000 if lab.options.quick else 5_000_000
    figures = []
    for make in (lab.redis, lab.ashlar):
        with make(cores=lab.options.saving_cores) as server:
            server.fill(pairs(keys))
            watched(server, keys, idle_for(1))
            quiet, before = watched(server, keys, idle_for(4 if lab.options.quick else 8))
            start = time.monotonic()
            during, peak = watched(server, keys, saved(server))
            figures.append((peak / before, p999(quiet), p999(during), max(during) * 1000, time.monotonic() - start))
            if server.info("rdb_last_bgsave_status") != "ok":
                raise SystemExit(f"{server.name}: the save failed")
    redis, ashlar = figures
    title = f"BGSAVE of {keys:,} keys under writes"
    lab.row("saving", f"{title}, peak RSS over that before", f"{redis[0]:.2f}x", f"{ashlar[0]:.2f}x", ashlar[0], 1.2)
    lab.row("saving", f"{title}, p99.9 of a GET over that before", f"{redis[2] / redis[1]:.1f}x", f"{ashlar[2] / ashlar[1]:.1f}x",
            ashlar[2] / ashlar[1], 3.0)
    lab.row("saving", "p99.9 of a GET before", f"{redis[1]:.2f} ms", f"{ashlar[1]:.2f} ms", ashlar[1] / redis[1], None)
    lab.row("saving", "p99.9 of a GET during", f"{redis[2]:.2f} ms", f"{ashlar[2]:.2f} ms", ashlar[2] / redis[2], None)
    lab.row("saving", "longest GET during", f"{redis[3]:.1f} ms", f"{ashlar[3]:.1f} ms", ashlar[3] / redis[3], None)
    lab.row("saving", "the save took", f"{redis[4]:.1f} s", f"{ashlar[4]:.1f} s", ashlar[4] / redis[4], None)
