#!/usr/bin/python3
"""Builds and runs the test tiers, cheapest first, and sums them up in one closing line: 'N passed, N failed, N skipped'.

  tools/run_tests.py [options] [tier ...]      tiers: checks sim e2e suite headers unit fuzz tsan; default: all

  checks  layers, tidy, format, and the tests of those checks
  sim     the simulated cluster: one run per seed and its repetition, a hundred nodes, planted bugs that must be found
  e2e     real processes and real clients on the release build: tests/e2e, tests/cli, tests/diff, tests/config,
          tests/scenarios
  suite   files of Redis' own test suite that are soon done (tests/conformance/fast.txt), on the release build
  headers every header alone; of the headers a third, by the commit, when all tiers run
  unit    unit tests under AddressSanitizer and UBSan
  fuzz    every fuzz target, with a fixed seed, on the same build: those that read what anybody can send for a minute
  tsan    the unit tests of concurrent code (tools/tsan-tests.txt) under ThreadSanitizer

Three builds, then: release (sim, e2e, suite), asan (unit, fuzz), tsan. What the later tiers compile is begun with the end-to-end tests,
on processor time that nobody else asks for. The output of every step, and how long it took, is in build/test-logs/. Exit 0 only
when nothing failed.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
LOGS = BUILD / "test-logs"
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
TAIL_LINES = 60
# What a client, a file or a peer hands us without being asked who it is; these run for --fuzz-seconds, the others for a tenth.
FUZZ_LONG = {"acl", "bus_frame", "commands", "config", "packed", "resp_request", "restore", "script", "stream"}
# Files of tests/e2e that take longest: begun first, so that none of them is alone at the end.
LONG_E2E = {"test_clients", "test_make_run", "test_migration", "test_mixed_cluster", "test_sentinel", "test_slots", "test_transactions",
            "test_tutorial"}
E2E_PORTS = 420  # for each of two that run at a time
# Folders of tests whose programs or ports are their own.
BESIDE = {"cli": {"ASHLAR_TEST_PORT": "21900"}, "diff": {"ASHLAR_E2E_PORTS": "21860-21899"}, "config": {},
          "scenarios": {"ASHLAR_E2E_PORTS": "22000-22049"}}
HEADER_SHARES = 3  # all headers take seven minutes of processor time: a run compiles a third of them alone
PLANTED_BUGS = ["vote-twice", "vote-before-persist", "keep-epoch"]
PLANTED_FROM, PLANTED_SEEDS = 65, 24  # a second vote is rare: one seed in forty shows it


class Tally:
    """What a tier found."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def add(self, name, ok):
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.failed)} failed{skipped}"


# A session of its own is a group of its own to the scheduler (autogroup), with a weight of its own: it must be light, too.
IDLE = ["sh", "-c", "echo 19 >/proc/self/autogroup; exec chrt --idle 0 \"$@\"", "sh"]


def run(name, command, seconds=1200, env=None, aside=None):
    """Runs one step with its output in build/test-logs/<name>.log. Returns (succeeded, output); prints the end of a failure.
    `aside` makes it wait for idle processors; it is the set in which its process is for as long as it runs."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    start, before = time.monotonic(), os.times()
    words = [str(word) for word in ([] if aside is None else IDLE) + list(command)]
    with log.open("w") as out:
        try:
            process = subprocess.Popen(words, cwd=TOP, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       env={**os.environ, **(env or {})}, start_new_session=aside is not None)
            if aside is not None:
                aside.add(process)
            try:
                code = process.wait(timeout=seconds)
            except BaseException:  # time is up, or somebody wants the tests to end
                end(process, aside is not None)
                raise
            finally:
                if aside is not None:
                    aside.discard(process)
        except (subprocess.TimeoutExpired, OSError) as error:
            out.write(f"\n{error}\n")
            code = 1
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    with (LOGS / "times.log").open("a") as times:  # of steps side by side the CPU time is counted for all
        times.write(f"{name}: {time.monotonic() - start:.0f} s, {cpu:.0f} s of CPU\n")
    text = log.read_text(errors="replace")
    if code != 0:
        tail = "\n".join(text.splitlines()[-TAIL_LINES:])
        print(f"--- {name}: {' '.join(map(str, command))}\n{tail}\n--- whole output: {log}", flush=True)
    return code == 0, text


def end(process, leads_session):
    """Kills a process, and with it the session that it leads."""
    try:
        os.killpg(process.pid, signal.SIGKILL) if leads_session else process.kill()
    except ProcessLookupError:
        pass
    process.wait()


def build(options, preset, targets=(), aside=None):
    """Configures and builds a preset; the names of the steps that failed."""
    if not run(f"configure-{preset}", ["cmake", "--preset", preset], aside=aside)[0]:
        return [f"configure {preset}"]
    command = ["cmake", "--build", BUILD / preset, "-j", options.jobs]
    for target in targets:
        command += ["--target", target]
    return [] if run(f"build-{preset}", command, seconds=2400, aside=aside)[0] else [f"build {preset}"]


def compile_headers(options, aside):
    ok = run("configure-dev", ["cmake", "--preset", "dev"], aside=aside)[0]
    share = f"{commit_number() % HEADER_SHARES}/{HEADER_SHARES}" if options.tiers == DEFAULT else "0/1"
    ok = ok and run("headers", [TOP / "tools/check_headers.py", "--jobs", options.jobs, "--share", share], seconds=2400, aside=aside)[0]
    return [] if ok else ["headers alone"]


def commit_number():
    """The id of the present commit as a number, different after each, also where the history is not there; 0 outside of a repository."""
    found = subprocess.run(["git", "-C", TOP, "rev-parse", "HEAD"], capture_output=True, text=True)
    return int(found.stdout, 16) if found.returncode == 0 else 0


def compile_asan(options, aside):
    return build(options, "asan", [] if "unit" in options.tiers else ["fuzz_all"], aside)


def compile_tsan(options, aside):
    if not run("configure-tsan", ["cmake", "--preset", "tsan"], aside=aside)[0]:
        return ["configure tsan"]
    return build(options, "tsan", sorted(tsan_programs().keys() & targets_of("tsan")), aside)


class Compilations:
    """What tiers compile: each is done once, by the tier that needs it or before, on idle processors."""

    def __init__(self, options, wanted):
        self._options, self._wanted = options, wanted
        self._begun, self._running = {}, set()
        self._pool = concurrent.futures.ThreadPoolExecutor(1)

    def begin(self):
        """Those that will be wanted, one after the other, beside whatever else runs."""
        for work in self._wanted:
            if work not in self._begun:
                self._begun[work] = self._pool.submit(work, self._options, self._running)

    @contextlib.contextmanager
    def paused(self):
        """For tests that rely on one client being faster than another."""
        def signal_all(number):
            for process in list(self._running):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    pass

        signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(signal.SIGCONT)

    def failures(self, work):
        """Names of the steps of `work` that failed."""
        if work not in self._begun:
            self._begun[work] = concurrent.futures.Future()
            self._begun[work].set_result(work(self._options, None))
        return self._begun[work].result()

    def end(self):
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self._running):
            end(process, True)
        self._pool.shutdown()


def targets_of(preset):
    """Names of the targets that the configured build knows."""
    listing = subprocess.run(["cmake", "--build", BUILD / preset, "--target", "help"], capture_output=True, text=True)
    return set(re.findall(r"^([\w.-]+): phony", listing.stdout, re.M))


def read_junit(path, tally, label):
    """Adds the cases of a JUnit report (ctest, GoogleTest, pytest); a missing or empty report is a failure."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        tally.add(f"{label}: no report ({error})", False)
        return
    if not cases:
        tally.add(f"{label}: no test ran", False)
    for case in cases:
        name = f"{label}: {case.get('classname', '')} {case.get('name')}"
        wrong = next((found for found in (case.find("failure"), case.find("error")) if found is not None), None)
        if wrong is not None or case.get("status") == "fail":
            why = (wrong.get("message") or "").split("\n")[0] if wrong is not None else ""
            tally.add(f"{name}: {why[:200]}", False)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            tally.skipped.append(name)
        else:
            tally.add(name, True)


def pytest(options, tally, label, folder, env=None):
    report = LOGS / f"{label}.xml"
    report.unlink(missing_ok=True)
    ok, _ = run(label, [*PYTEST, "-rs", f"--junitxml={report}", folder], seconds=2700, env=env)
    before = len(tally.failed)
    read_junit(report, tally, label)
    if not ok and len(tally.failed) == before:
        tally.add(f"{label}: pytest failed without naming a test", False)


def tier_checks(options):
    tally = Tally()
    tally.add("layers", run("layers", [TOP / "tools/check_layers.py"])[0])
    ok, text = run("tidy", [TOP / "tools/tidy.py"])
    tally.add("tidy", ok)
    for line in text.splitlines() if ok else []:
        print(f"    {line}")
    tally.add("format", run("format", [TOP / "tools/check_format.sh"])[0])
    pytest(options, tally, "checks-of-checks", TOP / "tools")
    return tally


def tier_headers(options):
    tally, failures = Tally(), options.compilations.failures(compile_headers)
    tally.add("headers alone", not failures)
    return tally


# Address space randomisation wider than a sanitizer expects makes it refuse to start: switched off where we may.
FIXED = ["setarch", "-R"]
SANITIZERS = {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1",
              "TSAN_OPTIONS": "halt_on_error=1 second_deadlock_stack=1"}


def run_programs(options, tally, preset, programs):
    """Runs test programs of a build, several at a time; each as a whole, for a process a test is slow under sanitizers.
    `programs` gives each a filter of GoogleTest, or nothing."""
    prefix = FIXED if subprocess.run([*FIXED, "true"], capture_output=True).returncode == 0 else []

    def one(item):
        name, chosen = item
        found, label = Tally(), f"{preset}-{name}"
        report = LOGS / f"{label}.xml"
        report.unlink(missing_ok=True)
        ok, _ = run(label, [*prefix, BUILD / preset / "bin" / name, f"--gtest_output=xml:{report}",
                              f"--gtest_filter={chosen or '*'}"], env=SANITIZERS)
        read_junit(report, found, label)
        if not ok and not found.failed:
            found.add(f"{label}: ended with an error", False)
        return found

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(one, programs.items()):
            tally += found
    return tally


SLOW = {"aof_tests", "sim_tests", "snapshot_tests"}  # begun first, so that none of them is alone at the end


def tier_unit(options):
    tally = Tally()
    tally.failed += options.compilations.failures(compile_asan)
    if tally.failed:
        return tally
    programs = sorted((name for name in targets_of("asan") if name.endswith("_tests")), key=lambda name: (name not in SLOW, name))
    return run_programs(options, tally, "asan", dict.fromkeys(programs))


def tsan_programs():
    """Names and filters."""
    lines = [line.split() for line in (TOP / "tools/tsan-tests.txt").read_text().splitlines()]
    return {words[0]: " ".join(words[1:]) for words in lines if words and words[0] != "#"}


def tier_tsan(options):
    tally, listed = Tally(), tsan_programs()
    tally.failed += options.compilations.failures(compile_tsan)
    if tally.failed:
        return tally
    known = targets_of("tsan")
    programs = {name: chosen for name, chosen in listed.items() if name in known}
    for name in sorted(listed.keys() - known):
        tally.skipped.append(f"tsan: {name}: the build has no such target")
    return run_programs(options, tally, "tsan", programs)


def tier_sim(options):
    tally = Tally()
    tally.failed += build(options, "release", ["ashlar-sim"])
    if tally.failed:
        return tally
    first, _, last = options.seeds.partition("-")
    program = BUILD / "release/sim/ashlar-sim"

    def one(seed):
        return seed, run(f"sim-{seed}", [program, "--seed", seed], seconds=300)[0]

    def planted(bug):
        # A bug shows in some seeds only; that it never shows would mean that the checks are blind.
        words = [str(word) for word in [program, "--plant", bug, "--seed", PLANTED_FROM, "--seeds", PLANTED_SEEDS, "--seconds", 60]]
        return bug, subprocess.run(words, capture_output=True, timeout=600).returncode == 1

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for seed, ok in pool.map(one, range(int(first), int(last or first) + 1)):
            tally.add(f"sim seed {seed}", ok)
        for bug, found in pool.map(planted, PLANTED_BUGS):
            tally.add(f"sim finds the planted bug {bug}", found)
    tally.add("sim of 100 nodes", run("sim-100-nodes", [program, "--seed", 7, "--nodes", 100, "--seconds", 10], seconds=600)[0])
    return tally


def fuzz_one(options, program):
    """Runs one target; (name, whether it behaved). The canary behaves when it fails."""
    name = program.name.removesuffix("_fuzz")
    grown = BUILD / "fuzz/corpus" / name
    failures = BUILD / "fuzz/failures"
    for folder in (grown, failures):
        folder.mkdir(parents=True, exist_ok=True)
    seconds = options.fuzz_seconds if name in FUZZ_LONG or options.fuzz_all_long else max(1, options.fuzz_seconds // 10)
    command = [program, "-seed=1", f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
               f"-artifact_prefix={failures}/{name}-", grown]
    kept = TOP / "fuzz/corpus" / name
    command += [kept] if kept.is_dir() else []
    words = TOP / "fuzz" / f"{name}.dict"
    command += [f"-dict={words}"] if words.exists() else []
    if name != "canary":
        return name, run(f"fuzz-{name}", command, seconds=seconds + 120)[0]
    result = subprocess.run([str(word) for word in command], capture_output=True, cwd=TOP)
    return name, result.returncode != 0 and b"deadly signal" in result.stderr


def tier_fuzz(options):
    tally = Tally()
    tally.failed += options.compilations.failures(compile_asan)
    if tally.failed:
        return tally
    programs = [BUILD / "asan/bin" / name for name in sorted(targets_of("asan")) if name.endswith("_fuzz")]
    with concurrent.futures.ThreadPoolExecutor(options.jobs + 1) as pool:  # by the clock, so that all are soon done
        for name, ok in pool.map(lambda program: fuzz_one(options, program), programs):
            tally.add(f"fuzz {name}" + (": the planted bug was not found" if name == "canary" else ""), ok)
    return tally


def tier_e2e(options):
    tally = Tally()
    if not run("build-release", ["make", "build", f"JOBS={options.jobs}"], seconds=2400)[0]:
        tally.add("build release", False)
        return tally
    tally.failed += build(options, "release", ["config_tool"])
    programs = {"ASHLAR_CONFIG_TOOL": str(BUILD / "release/tools/config_tool"), "ASHLAR_BIN_DIR": str(BUILD / "bin")}
    files = sorted((TOP / "tests/e2e").glob("test_*.py"), key=lambda path: (path.stem not in LONG_E2E, path.stem))
    waiting = queue.SimpleQueue()
    for path in files[:len(LONG_E2E)] + [TOP / "tests" / folder for folder in BESIDE] + files[len(LONG_E2E):]:
        waiting.put(path)

    def work(first_port):
        """Takes one file or folder after the other, as long as there are any."""
        found = Tally()
        while True:
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return found
            ports = {"ASHLAR_E2E_PORTS": f"{first_port}-{first_port + E2E_PORTS - 1}", **BESIDE.get(path.name, {})}
            pytest(options, found, f"e2e-{path.stem.removeprefix('test_')}", path, {**programs, **ports})

    # Most of these tests wait most of the time: two at once. What is compiled beside them must not make any of them wait.
    options.compilations.begin()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(work, [21000, 21000 + E2E_PORTS]):
            tally += found
    return tally


def tier_suite(options):
    tally = Tally()
    if not run("build-release", ["make", "build", f"JOBS={options.jobs}"], seconds=2400)[0]:
        tally.add("build release", False)
        return tally
    files = [line for line in (TOP / "tests/conformance/fast.txt").read_text().split() if line]
    with options.compilations.paused():
        _, text = run("suite", [TOP / "tests/conformance/run.py", "--jobs", options.jobs, "--seconds", 200, *files], seconds=1200)
    found = re.findall(r"^(\S+): (\d+) passed, (\d+) failed, (\d+) skipped, (\d+) not reached", text, re.M)
    for name, passed, failed, skipped, missed in found:
        tally.passed += int(passed)
        wrong = re.search(rf"^{re.escape(name)}: .*\n((?:    .*\n)*)", text, re.M)[1].split("\n")
        wrong = [line.strip() for line in wrong if line.strip()][:int(failed)]
        tally.failed += [f"suite: {name}: {line}" for line in wrong]
        tally.failed += [f"suite: {name}: {missed} tests not reached"] if int(missed) else []
        tally.skipped += [f"suite: {name}: a test of tests/conformance/skips.txt"] * int(skipped)
    tally.failed += [f"suite: {name} did not run" for name in sorted(set(files) - {row[0] for row in found})]
    return tally


# In this order: what is cheap and what waits first.
TIERS = {"checks": tier_checks, "sim": tier_sim, "e2e": tier_e2e, "suite": tier_suite, "headers": tier_headers, "unit": tier_unit,
         "fuzz": tier_fuzz, "tsan": tier_tsan}
COMPILED = {"unit": compile_asan, "fuzz": compile_asan, "headers": compile_headers, "tsan": compile_tsan}
DEFAULT = list(TIERS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tiers", nargs="*", metavar="tier", help=", ".join(TIERS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seeds", default="1-60", help="seeds of the simulator, FIRST-LAST")
    parser.add_argument("--fuzz-seconds", type=int, default=60, help="for each fuzz target that reads what anybody can send")
    parser.add_argument("--fuzz-all-long", action="store_true", help="for every fuzz target")
    options = parser.parse_args()
    unknown = set(options.tiers) - set(TIERS)
    if unknown:
        parser.error(f"no such tier: {', '.join(sorted(unknown))}")

    tiers = options.tiers = options.tiers or DEFAULT
    total = Tally()
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / "times.log").unlink(missing_ok=True)
    options.compilations = Compilations(options, list(dict.fromkeys(work for name, work in COMPILED.items() if name in tiers)))
    try:
        for name in tiers:
            start = time.monotonic()
            print(f"{name} ...", flush=True)
            tally = TIERS[name](options)
            print(f"{name}: {tally} ({time.monotonic() - start:.0f} s)", flush=True)
            total += tally
    finally:
        options.compilations.end()
    for line in total.skipped:
        print(f"skipped  {line}")
    for line in total.failed:
        print(f"FAILED   {line}")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
