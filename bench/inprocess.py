"""Measurements inside a process: bench programs built with -DASHLAR_BENCH=ON, each printing `name value` lines."""
import subprocess


def figures(lab, program, *arguments):
    path = lab.options.programs / program
    if not path.exists():
        print(f"{path} is not there: cmake --preset release -DASHLAR_BENCH=ON", flush=True)
        return None
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def threads(lab):
    got = figures(lab, "two_threads_bench", lab.options.keys)
    if got is None:
        return
    for name in ("get", "set"):
        gain = got[f"{name}_two"]
        lab.row("threads", f"{name.upper()} in-process, two threads over one, uniform keys, at least 1.8", "", f"{got[f'{name}_one'] / 1e6:.2f} M/s",
                1.8 / gain, 1.0, f"{gain:.2f}x")
        machine = got[f"{name}_apart"]
        lab.row("threads", f"{name.upper()} of two threads that share nothing: what the machine gives", "", f"{machine:.2f}x", gain / machine, None)


def slot(lab):
    count = 1_000_000 if lab.options.quick else 10_000_000
    got = figures(lab, "slot_growth_bench", count)
    if got is None:
        return
    lab.row("slot", f"one slot grows to {count:,} keys, slowest insert (shortest of three rounds each)", "", f"{got['slowest_ms']:.3f} ms",
            got["slowest_ms"], 2.0, f"{got['slowest_ms']:.2f} ms")
    lab.row("slot", "the same with all that the machine does, p99.99 and slowest", "", f"{got['plain_p9999_ms']:.3f} ms", None, None,
            f"{got['plain_slowest_ms']:.2f} ms")
