"""Load from redis-benchmark, and the comparison of servers by CPU time per request in alternating rounds."""
import statistics
import subprocess


def load(server, requests, pipeline, keys, words, clients=50):
    """Runs one load on core 1; CPU microseconds of the server per request."""
    before = server.cpu_ns()
    done = subprocess.run(["taskset", "-c", "1", "redis-benchmark", "-p", str(server.port), "-c", str(clients), "-n", str(requests),
                           "-r", str(keys), "-P", str(pipeline), "-q", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0 or "rror" in done.stdout + done.stderr:
        raise SystemExit(f"{server.name} {words}: {done.stdout}{done.stderr}")
    return (server.cpu_ns() - before) / requests / 1000


def alternate(servers, rounds, measure):
    """`measure(server)` for each server in turn, `rounds` times. One list of figures for each server."""
    figures = [[] for _ in servers]
    for _ in range(rounds):
        for mine, server in zip(figures, servers):
            mine.append(measure(server))
    return figures


def ratio(base, other):
    """Median of the ratios of the rounds: what disturbs the machine for a while disturbs both sides of a round."""
    return statistics.median(b / a for a, b in zip(base, other))


def compare(lab, section, case, servers, words, *, target, requests, keys, pipeline=16, clients=50):
    """One row: CPU of the second server over that of the first."""
    requests = max(requests // lab.options.divide, 10 * clients * pipeline // 8)
    redis, ashlar = alternate(servers, lab.options.rounds, lambda s: load(s, requests, pipeline, keys, words, clients))
    lab.row(section, case, f"{statistics.median(redis):.2f} us", f"{statistics.median(ashlar):.2f} us", ratio(redis, ashlar), target)
