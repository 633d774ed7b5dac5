"""Ten thousand clients blocked in BLPOP: what they cost while nothing happens, and how fast a push wakes one."""
import selectors
import socket
import statistics
import time

from servers import encode

IDLE_SECONDS = 5


def blocked(lab):
    count, pushes = (1000, 100) if lab.options.quick else (10_000, 500)
    idle, wake = [], []
    for make in (lab.redis, lab.ashlar):
        with make("--maxclients", count + 100) as server:
            clients = []
            for i in range(count):
                s = socket.create_connection(("127.0.0.1", server.port))
                s.sendall(encode("BLPOP", f"wait:{i}", 0))
                clients.append(s)
            while server.info("blocked_clients") != str(count):
                time.sleep(0.1)
            time.sleep(1)
            before = server.cpu_ns()
            time.sleep(IDLE_SECONDS)
            idle.append((server.cpu_ns() - before) / IDLE_SECONDS / 1e7)
            wake.append(statistics.median(waking(server, clients, pushes)))
            for s in clients:
                s.close()
    lab.row("blocked", f"{count:,} clients in BLPOP, CPU while idle, % of a core", f"{idle[0]:.2f} %", f"{idle[1]:.2f} %", idle[1], 1.0,
            f"{idle[1]:.2f} %")
    lab.row("blocked", "push until its client has the element, median", f"{wake[0] * 1000:.3f} ms", f"{wake[1] * 1000:.3f} ms", wake[1] * 1000,
            1.0, f"{wake[1] * 1000:.3f} ms")


def waking(server, clients, pushes):
    with server.connect() as pusher:
        step = len(clients) // pushes
        for i in range(0, pushes * step, step):
            start = time.perf_counter()
            pusher.sendall(encode("LPUSH", f"wait:{i}", "x"))
            with selectors.DefaultSelector() as ready:
                ready.register(clients[i], selectors.EVENT_READ)
                if not ready.select(10):
                    raise SystemExit(f"{server.name}: a push woke nobody")
            yield time.perf_counter() - start
            clients[i].recv(1000)
            pusher.recv(1000)
