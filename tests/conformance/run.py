#!/usr/bin/python3
"""Runs the test suite of Redis 7.0 against the programs of this repository, file by file.

  tests/conformance/run.py [options] [file ...]     files as unit/type/list or, of tests/cluster, cluster/03-failover-loop;
                                                    default: all of tests/unit

  --programs DIR   where ashlar-server and ashlar-cli are (default build/bin); a DIR with redis-server is taken as it is
  --count          writes what ran into expected.tsv, nothing skipped: for a run with redis-server 7.0 itself
  --table FILE     writes the table of results as Markdown
  --jobs N         files at a time (default 2)
  --port N         first of the ports that servers get (default 22000)
  --ports N        how many each file gets (default 1000)
  --seconds N      time for a file (default 600)

A test counts as failed when it fails, throws, or is never reached. One named in skips.txt is not run.
Exit 1 when a file has failures.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
WORK = TOP / "build/conformance"
SUITE = WORK / "redis"
EXPECTED = HERE / "expected.tsv"
SKIPS = HERE / "skips.txt"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What the suite of 7.0 asks of Redis itself that 7.2 changed for every user: file, text, text in its place.
ADAPTATIONS = [
    # All lists were quicklists in 7.0; since 7.2 OBJECT ENCODING calls a short one a listpack.
    ("support/test.tcl", "    set val [r object encoding $key]\n",
     "    set val [r object encoding $key]\n    if {$enc eq {quicklist} && $val eq {listpack} && [r type $key] eq {list}} return\n"),
    ("unit/aofrw.tcl", "r lpush key $data\n                }\n                assert_equal [r object encoding key] $e",
     "r lpush key $data\n                }\n                assert_encoding $e key"),
    # Refusals are worded otherwise since 7.2, and ACL LIST says whether payloads are checked.
    ("unit/acl.tcl", "*NOPERM*channels*", "*NOPERM*channel*"),
    ("unit/acl.tcl", "{user hpuser on nopass resetchannels", "{user hpuser on nopass sanitize-payload resetchannels"),
    ("unit/acl.tcl", "This user has no permissions", "User scripter has no permissions"),
    ("unit/acl-v2.tcl", "*NOPERM*keys*", "*NOPERM*key*"),
    ("unit/acl-v2.tcl", "This user has no permissions to access the 'otherchannel'",
     "User test-channels has no permissions to access the 'otherchannel'"),
    ("unit/acl-v2.tcl", "This user has no permissions", "User command-test has no permissions"),
    # It removes the files of its first server before its second one shall load them; redis-server 7.0 fails it, too.
    ("integration/aof-race.tcl", "start_server [list overrides $config] $code",
     "start_server [list overrides $config keep_persistence true] $code"),
    # Administrative commands of EXEC take effect between the commands around them, so INFO is asked behind REPLICAOF.
    ("integration/replication.tcl", "r multi\n            r slaveof [srv -1 host] [srv -1 port]\n            r info replication\n            r exec\n",
     "r slaveof [srv -1 host] [srv -1 port]\n            r info replication\n"),
    # For the same reason a replica that EXEC cuts off may come again between two of its commands: a history of its own makes
    # it need everything as surely as a backlog that lacks something.
    ("integration/replication.tcl", "                    # force the replica to try another full sync\n                    $master multi\n",
     "                    $replica replicaof no one\n                    $replica replicaof $master_host $master_port\n"
     "                    $master multi\n"),
    # Likewise; here the replica is stopped meanwhile, for it must have the same history.
    ("integration/replication.tcl", "            $master multi\n            $master client kill type replica\n            # Fill replication backlog",
     "            exec kill -STOP [srv -1 pid]\n            $master multi\n            $master client kill type replica\n            # Fill replication backlog"),
    ("integration/replication.tcl", "            $master exec\n\n            switch $testType",
     "            $master exec\n            exec kill -CONT [srv -1 pid]\n\n            switch $testType"),
    # There is neither a pipe nor a child; what goes on in their place is said in other words.
    ("integration/replication.tcl", "*Diskless rdb transfer, last replica dropped, killing fork child*",
     "*Diskless rdb transfer, last replica dropped*"),
    *[("integration/replication.tcl", f"*Diskless rdb transfer, done reading from pipe, {left} replicas still up*",
       f"*Diskless rdb transfer, done: {left} replicas still up*") for left in (1, 2)],
    ("integration/replication.tcl", "*Background RDB transfer started by pid*", "*Starting snapshot for SYNC*"),
    # CLIENT LIST shows what waits for a replica as it was at its last acknowledgement; INFO says what they take now.
    ("integration/replication-buffer.tcl", "[client_field $master replica tot-mem] < $keysize", "[s mem_clients_slaves] < $keysize"),
    # Since 7.2 rules on commands stay as they were given.
    ("unit/acl.tcl", "engulfed to +@all.\n        set cmdstr [dict get [r ACL getuser bob] commands]\n        assert_equal {+@all}",
     "engulfed to +@all.\n        set cmdstr [dict get [r ACL getuser bob] commands]\n        assert_equal {+@all +client|id}"),
    # ACL LOAD ended all connections; since 7.2 only those whose user is gone.
    ("unit/acl.tcl", "        catch {r ACL LIST} e\n        assert_match {*I/O error*} $e\n", ""),
    # Doubles are spelt in their shortest form since 7.2: the same number, perhaps fewer digits.
    ("unit/type/zset.tcl", "assert_equal [lindex $aux $i] [r zscore zscoretest $i]",
     "assert_equal [expr {double([lindex $aux $i])}] [expr {double([r zscore zscoretest $i])}]"),
    ("unit/type/zset.tcl", "assert_equal [lindex $aux $i] [r zmscore zscoretest $i]",
     "assert_equal [expr {double([lindex $aux $i])}] [expr {double([r zmscore zscoretest $i])}]"),
    # Since 7.2 who waits for a group is told what the command would say now.
    ("unit/type/stream-cgroups.tcl", "r DEL mystream\n        assert_error \"*no longer exists*\"",
     "r DEL mystream\n        assert_error \"NOGROUP*\""),
    ("unit/type/stream-cgroups.tcl", "r FLUSHALL\n        assert_error \"*no longer exists*\"",
     "r FLUSHALL\n        assert_error \"NOGROUP*\""),
    ("unit/type/stream-cgroups.tcl", "*no longer exists*\" {$rd read}\n        $rd close\n    } {0} {external:skip}\n\n    "
     "test {Blocking XREADGROUP: swapped DB, key is not a stream}",
     "NOGROUP*\" {$rd read}\n        $rd close\n    } {0} {external:skip}\n\n    "
     "test {Blocking XREADGROUP: swapped DB, key is not a stream}"),
    ("unit/type/stream-cgroups.tcl", "*no longer exists*", "WRONGTYPE*"),
    # Since 7.2 a consumer is made when it begins to wait.
    ("unit/type/stream-cgroups.tcl", "assert_equal $n_consumers 2\n            set reply [r xinfo consumers mystream mygroup]",
     "assert_equal $n_consumers 3\n            set reply [lreplace [r xinfo consumers mystream mygroup] 1 1]"),
    # Since 7.2 blocking commands run in scripts and do not wait.
    ("unit/scripting.tcl", "    } {*not allowed*}\n", "    } {}\n"),
    ("unit/scripting.tcl", "redis.pcall('blpop','x',0)", "redis.pcall('blpop','empty_list',0)"),
    ("unit/scripting.tcl", "assert_error \"*xread command is not allowed with BLOCK option from scripts\" {", "assert_equal {} [eval {"),
    ("unit/scripting.tcl", "assert_error \"*xreadgroup command is not allowed with BLOCK option from scripts\" {",
     "assert_equal {} [eval {"),
    ("unit/scripting.tcl", "'xread','BLOCK',0,'STREAMS','s','$')} 1 s}", "'xread','BLOCK',0,'STREAMS','s','$')} 1 s}]"),
    ("unit/scripting.tcl", "'BLOCK',0,'STREAMS','s','>')} 1 s}", "'BLOCK',0,'STREAMS','s','>')} 1 s}]"),
    # Since 7.2 the keys are tracked that a script reads, not those that it declares.
    ("unit/tracking.tcl", "redis.call('get', 'key3{t}')\" 2 ", "redis.call('mget', 'key1{t}', 'key2{t}')\" 2 "),
    ("unit/tracking.tcl", "r EVAL_RO \"redis.call('get', 'key1{t}')\"", "r EVAL_RO \"redis.call('mget', 'key1{t}', 'key2{t}')\""),
    # Since 7.2 these names are spelt with hyphens.
    *[("unit/introspection.tcl", f"            {name}_cpulist\n", f"            {name}_cpulist {name.replace('_', '-')}-cpulist\n")
      for name in ("server", "bio", "aof_rewrite", "bgsave")],
    # Directives that 7.0 does not have and that are immutable like those that the test leaves out.
    ("unit/introspection.tcl", "            socket-mark-id\n", "            socket-mark-id\n            threads cluster-databases "
     "unixsocketgroup rdma-rx-size rdma-completion-vector\n"),
    # The debugger of scripts is no test of its own here, and a session of it would take the connection.
    ("unit/scripting.tcl", "    r script debug sync\n    r eval {return 'hello'} 0\n    r eval {return 'hello'} 0\n", ""),
]
# Tests that let a damaged value in (sanitize-dump-payload no) to see a command stop at an assertion. RESTORE refuses it here, so that
# no assertion is left to fail: what they ask for is that and that the server lives.
DAMAGED = [f"corrupt payload: {name}" for name in (
    "listpack too long entry len", "listpack very long entry len",
    *(f"fuzzer findings - {name}" for name in (
        "NPD in streamIteratorGetID", "listpack NPD on invalid stream", "stream bad lp_count - unsanitized", "infinite loop",
        "negative reply length", "stream with no records", "stream listpack valgrind issue", "stream listpack lpPrev valgrind issue",
        "gcc asan reports false leak on assert", "lpFind invalid access")))]
# The same for tests/cluster, which has a way of its own to start servers and to tell what became of a test.
CLUSTER_ADAPTATIONS = [
    # A replica that EXEC cuts off may come again between two of its commands: it is stopped until the backlog lacks something.
    *[(f"cluster/tests/{name}.tcl", f"    R ${primary} {old}", f"    exec kill -{signal} [get_instance_attrib redis $replica_id pid]\n    R ${primary} {old}"
       if signal == "STOP" else f"    R ${primary} {old}    exec kill -{signal} [get_instance_attrib redis $replica_id pid]\n")
      for name, primary in (("22-replica-in-sync", "master_id"), ("28-cluster-shards", "primary_id"))
      for old, signal in (("multi\n", "STOP"), ("exec\n", "CONT"))],
    ("instances.tcl", "proc test {descr code} {\n",
     "proc test {descr code} {\n    if {$descr in $::skipped} {\n        puts \"skipped: $descr\"\n        return\n    }\n"),
    # A node that has just been met may be shown with its slots one message before its host name.
    ("cluster/tests/27-endpoints.tcl", "        fail \"Node did not learn about the 2 shards it can talk to\"\n    }\n    set slot_result",
     "        fail \"Node did not learn about the 2 shards it can talk to\"\n    }\n    after 3000\n    set slot_result"),
]
OUTCOME = re.compile(r"^\[(ok|err|exception|timeout|skip)\]: (.*)$")


def read_skips():
    """{file: {test: reason}}; a line is 'file<TAB>test<TAB>reason', a test '*' means the whole file, '@x' its servers tagged x."""
    skips = {}
    for line in SKIPS.read_text().splitlines() if SKIPS.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, test, reason = line.split("\t")
            skips.setdefault(name, {})[test] = reason
    return skips


def read_expected():
    rows = [line.split("\t") for line in EXPECTED.read_text().splitlines()] if EXPECTED.exists() else []
    return {name: int(count) for name, count in rows}


def refuse_damaged(text):
    """The text of integration/corrupt-dump with the tests of DAMAGED changed."""
    for name in DAMAGED:
        head, mark, rest = text.partition(f"test {{{name}}} {{\n")
        assert mark, f"{name}: nothing to adapt"
        body, end, tail = rest.partition("\n}\n")
        body = re.sub(r"^ +(r (?:restore|RESTORE) .*)$", r"        catch {\1} refusal\n        assert_match {*Bad data format*} $refusal", body,
                      count=1, flags=re.M)
        body = re.sub(r"(assert_equal \[count_log_message 0 \"(?:ASSERTION FAILED|Guru Meditation)\"\]) 1", r"\1 0\n        r ping", body)
        text = head + mark + body + end + tail
    return text


def prepare(programs, slot):
    """A copy of the suite's folder with our programs where it looks for its own: files that run at once must not share one."""
    home = WORK / f"run{slot}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copytree(SUITE / "tests", home / "tests")
    shutil.copytree(SUITE / "utils", home / "utils")
    for name in ("redis.conf", "sentinel.conf"):
        shutil.copy(SUITE / name, home / name)
    if (programs / "ashlar-server").exists():
        # The suite is that of Redis 7.0, which kept small sets in hash tables; 7.2 and we use listpacks by default.
        with (home / "tests/assets/default.conf").open("a") as conf:
            conf.write("\nset-max-listpack-entries 0\n")
        for name, text, instead in ADAPTATIONS:
            file = home / "tests" / name
            old = file.read_text()
            assert text in old, f"{name}: nothing to adapt"
            file.write_text(old.replace(text, instead))
        damaged = home / "tests/integration/corrupt-dump.tcl"
        damaged.write_text(refuse_damaged(damaged.read_text()))
    (home / "src").mkdir()
    for theirs in ("redis-server", "redis-cli", "redis-check-aof", "redis-check-rdb", "redis-benchmark"):
        ours = programs / theirs.replace("redis-", "ashlar-")
        for program in (ours, programs / theirs, pathlib.Path("/usr/bin") / theirs):
            if program.exists():
                os.symlink(program.resolve(), home / "src" / theirs)
                break
    return home


def adapt_cluster_suite(home, base, count, skips):
    """Ports and skips are no options there."""
    lines = [f"set ::skipped [list {' '.join('{' + test + '}' for test in skips)}]"]
    for name, text, instead in CLUSTER_ADAPTATIONS + [
            ("instances.tcl", "set ::redis_base_port 30000\n", f"set ::redis_base_port {base}\n" + "\n".join(lines) + "\n"),
            ("instances.tcl", "set ::redis_port_count 1024\n", f"set ::redis_port_count {count}\n")]:
        file = home / "tests" / name
        old = file.read_text()
        assert text in old, f"{name}: nothing to adapt"
        file.write_text(old.replace(text, instead))


def read_cluster_log(text):
    """What became of the tests: what one prints stands between its name and OK; one that says neither OK nor FAILED has thrown."""
    passed, failed = [], []
    for test in re.split(r"^\d\d:\d\d:\d\d> ", text, flags=re.M)[1:]:
        name = re.split(r": (?=OK$|FAILED: |$)", test.splitlines()[0])[0]
        before, wrong, reason = test.partition("FAILED: ")
        ok = re.search(r"OK$", before, re.M)
        if ok:
            passed.append(name)
        if wrong or not ok:
            failed.append(f"{name}: {reason.splitlines()[0] if wrong else 'threw'}")
    return passed, failed, re.findall(r"^skipped: (.*)$", text, re.M)


def run_file(options, name, skips, slot):
    home = prepare(options.programs, slot)
    skip_file = home / "skip"
    skip_file.write_text("".join(f"{test}\n" for test in skips if test[0] not in "*@"))
    base = options.port + slot * options.ports
    cluster = name.startswith("cluster/")
    command = ["tclsh", "tests/test_helper.tcl", "--single", name, "--durable", "--clients", "1", "--skipfile", skip_file,
               "--baseport", base, "--portcount", options.ports, "--timeout", options.seconds]
    if cluster:
        adapt_cluster_suite(home, base, options.ports, skips)
        command = ["tclsh", "tests/cluster/run.tcl", "--single", "/" + name.removeprefix("cluster/") + ".tcl", "--dont-clean"]
    tags = ["-" + test[1:] for test in skips if test.startswith("@")]
    if tags:
        command += ["--tags", " ".join(tags)]
    began = time.monotonic()
    log = WORK / "logs" / (name.replace("/", "-") + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen([str(word) for word in command], cwd=home, stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(options.seconds + 30)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()
    text = COLOUR.sub("", log.read_text(errors="replace"))
    if cluster:
        passed, failed, skipped = read_cluster_log(text)
        if not ended or not re.search("GOOD! No errors|test\\(s\\) failed", text):
            failed.append("the file did not run to its end")
        return name, passed, failed, len(skipped), time.monotonic() - began
    passed, failed, skipped = [], [], []
    for line in text.splitlines():
        found = OUTCOME.match(line.strip())
        if found and found[1] == "ok" and not found[2].startswith("Check for memory leaks"):
            passed.append(re.sub(r" \(\d+ ms\)$", "", found[2]))
        elif found and found[1] == "skip":  # one name may stand for several tests
            skipped.append(found[2])
        elif found and found[1] != "ok":
            failed.append(found[2])
    if not ended or "The End" not in text:
        failed.append("the file did not run to its end")
    if tags:  # tests of servers that are left out are not told one by one
        skipped += [test for test in skips if test[0] not in "*@" and test not in skipped]
    return name, passed, failed, len(skipped), time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--programs", type=pathlib.Path, default=TOP / "build/bin")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--port", type=int, default=22000, help="the first of the ports that servers get")
    parser.add_argument("--ports", type=int, default=1000, help="how many of them each file gets")
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    subprocess.run([HERE / "fetch.sh"], check=True)
    units = re.findall(r"^    ((?:unit|integration)/\S+)$", (SUITE / "tests/test_helper.tcl").read_text(), re.M)
    files = options.files or [name for name in units if name.startswith("unit/")]
    skips, expected = {} if options.count else read_skips(), read_expected()
    slots = list(range(options.jobs))
    rows = []

    def one(name):
        slot = slots.pop()
        try:
            return run_file(options, name, skips.get(name, {}), slot)
        finally:
            slots.append(slot)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, passed, failed, skipped, seconds in pool.map(one, [name for name in files if "*" not in skips.get(name, {})]):
            unreached = 0 if options.count else max(0, expected.get(name, 0) - len(passed) - len(failed) - skipped)
            rows.append((name, len(passed), len(failed), skipped, unreached))
            print(f"{name}: {len(passed)} passed, {len(failed)} failed, {skipped} skipped, {unreached} not reached ({seconds:.0f} s)",
                  flush=True)
            for line in failed:
                print(f"    {line[:200]}", flush=True)
    for name in files:
        if "*" in skips.get(name, {}):
            rows.append((name, 0, 0, expected.get(name, 0), 0))
    if options.count:
        expected |= {name: passed + failed for name, passed, failed, _, _ in rows}
        EXPECTED.write_text("".join(f"{name}\t{count}\n" for name, count in sorted(expected.items())))
    passed, failed = sum(row[1] for row in rows), sum(row[2] + row[4] for row in rows)
    if options.table:
        lines = ["| file | passed | failed | skipped with reason | not reached |", "|---|---|---|---|---|"]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in sorted(rows)]
        options.table.write_text("\n".join(lines) + "\n")
    print(f"{passed} passed, {failed} failed, {sum(row[3] for row in rows)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
