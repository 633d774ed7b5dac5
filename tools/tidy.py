#!/usr/bin/python3
"""Checks habits of this code base that no compiler checks; each ban names its replacement.

  tools/tidy.py [--root DIR]     one line per violation, exit 1 if there is any; guide sizes are printed as notes

A line that must break a rule says so: `// tidy: allow(rule): reason`, at its end or on the line above.
"""
import argparse
import pathlib
import re
import sys

import cpp_text

ALLOW = re.compile(r"//\s*tidy:\s*allow\(([\w-]+)\):\s*\S")

IN_BASE = lambda path: path.startswith("src/base/")
IN_TESTS = lambda path: path.endswith("_test.cc") or path.startswith(("sim/", "fuzz/"))
IN_BENCH = lambda path: path.startswith("bench/")
IS_HEADER = lambda path: path.endswith(".h")
# Where the name of a command may stand: its own specification, its handlers, and whatever speaks to a server as a client.
KNOWS_COMMANDS = lambda path: path.startswith(("src/command/", "src/commands/", "src/cli/", "src/apps/", "src/script/",
                                               "src/server/config/")) or IN_TESTS(path) or IN_BENCH(path)

# rule, pattern on the code without comments and strings, exempt paths, what to do instead
BANS = [
    ("threads", r"\bstd::(recursive_|timed_|shared_)?mutex\b|\bstd::j?thread\b|\bstd::condition_variable|\bstd::async\b|"
                r"\bstd::(lock_guard|unique_lock|scoped_lock|shared_lock|this_thread|call_once|counting_semaphore|latch|"
                r"barrier)\b|\bpthread_(create|mutex|cond|rwlock)",
     lambda path: path == "src/base/sync.h", "use Mutex, MutexLock, CondVar, Mailbox, Published, Thread of base/sync.h"),
    ("clock", r"\b(steady_clock|system_clock|high_resolution_clock)::now\b|\bclock_gettime\b|\bgettimeofday\b|"
              r"(?<![\w.>:])(::|std::)?time\((nullptr|NULL|0)\)|\b__rdtsc\b",
     lambda path: IN_BASE(path) or IN_BENCH(path), "take `now` as an argument, or a Clock& at the composition root"),
    ("random", r"(?<![\w.>:])s?rand\(|\bd?rand48\(|\brandom_device\b|\bmt19937|\bstd::uniform_|\bgetrandom\b|\barc4random",
     IN_BASE, "take an Rng&; secrets come from base/rng.h secure_random()"),
    ("sleep", r"\bsleep_for\b|\bsleep_until\b|\busleep\(|\bnanosleep\(|(?<![\w.>:])(::)?sleep\(",
     lambda path: not IN_TESTS(path), "wait for the event: CondVar, ManualClock, a loop turn"),
    ("header-weight", r"^\s*#\s*include\s*<(regex|iostream)>", lambda path: not IS_HEADER(path),
     "include it in the .cc file"),
    ("throw", r"\bthrow\b(?! std::bad_alloc\(\);)", lambda path: False, "return Result<T> with an Error"),
    ("unfinished", r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", lambda path: False, "finish it, or name the issue: FIXME(#12)"),
]
RULES_ON_COMMENTS = {"unfinished"}

# Words that are options of commands as often as commands: comparing with them says nothing.
OPTION_WORDS = {"get", "set", "auth", "copy", "type", "time", "save", "info", "role", "keys", "sort", "move", "wait", "sync",
                "config", "acl", "client", "reset", "select", "help", "list", "host", "module", "memory", "object", "ping"}
COMPARES_NAME = re.compile(r'[=!]=\s*"([A-Za-z]+)"|\b(?:iequals|strcasecmp)\([^"\n]*"([A-Za-z]+)"')

GUIDE_LINES = {"test": 800, ".cc": 600, ".h": 250}
GUIDE_FUNCTION_LINES = 70
README_LINES = 15


def sources(root):
    for top in ("src", "sim", "fuzz", "bench"):
        yield from sorted(p for p in (root / top).rglob("*") if p.suffix in (".cc", ".h"))


class File:
    """One source file: raw lines, and the same lines with comments and the insides of strings blanked."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(errors="replace")
        self.lines = self.text.splitlines()
        self.code = cpp_text.without_comments_and_strings(self.text)
        self.code_lines = self.code.splitlines()

    def allowed(self, rule, number):
        nearby = self.lines[max(0, number - 2):number]
        return any(match.group(1) == rule for line in nearby for match in [ALLOW.search(line)] if match)

    def problem(self, rule, number, text):
        return [] if self.allowed(rule, number) else [f"{self.path}:{number}: [{rule}] {text}"]


def check_bans(file):
    problems = []
    for rule, pattern, exempt, advice in BANS:
        if exempt(file.path):
            continue
        lines = file.lines if rule in RULES_ON_COMMENTS else file.code_lines
        for number, line in enumerate(lines, 1):
            match = re.search(pattern, line)
            if match:
                problems += file.problem(rule, number, f"{match.group(0).strip()}: {advice}")
    return problems


def check_command_names(file, command_names):
    if KNOWS_COMMANDS(file.path) or IN_BASE(file.path):
        return []
    problems = []
    for number, line in enumerate(file.lines, 1):
        for match in COMPARES_NAME.finditer(line.split("//")[0]):
            name = (match.group(1) or match.group(2)).lower()
            if name in command_names and name not in OPTION_WORDS:
                problems += file.problem("command-name", number,
                                         f'compares with "{name}": ask the command\'s spec (flags, keys, category)')
    return problems


def is_constant(declaration):
    """Whether a declaration says that the variable itself (not only what it points to) does not change."""
    head = re.split(r"[={(;]", declaration, maxsplit=1)[0]
    return bool(re.search(r"\bconst(expr)?\b", head.rsplit("*", 1)[-1]))


def check_statics(file):
    """Variables that outlive a call: function statics and mutable variables of a namespace."""
    problems = []
    for scope, number, statement in cpp_text.statements(file.code):
        if scope == "function" and re.match(r"(static|thread_local)\b", statement) and not is_constant(statement):
            problems += file.problem("function-static", number, "mutable function static: make it a member, pass it in")
        elif scope == "namespace" and cpp_text.defines_variable(statement) and not is_constant(statement):
            problems += file.problem("global", number, "mutable variable of a namespace: give it an owner and pass it in")
    return problems


def check_core_time(file):
    """core/ gets time as an argument; even the clock interface has no place there."""
    if "/core/" not in file.path or IN_TESTS(file.path):
        return []
    problems = []
    for number, line in enumerate(file.code_lines, 1):
        if re.search(r"\b(SystemClock\b|Clock\s*&|secure_random\b|random_seed\b)", line):
            problems += file.problem("pure-core", number, "core/ takes `now` and `rng` as arguments of step()")
    return problems


def check_build_lists(root):
    """Every file below src/ stands in the CMakeLists.txt of its folder; every such folder has a short README.md."""
    problems = []
    for listing in sorted((root / "src").rglob("CMakeLists.txt")):
        folder = listing.parent
        if folder == root / "src":
            continue
        readme = folder / "README.md"
        name = folder.relative_to(root).as_posix()
        if not readme.exists():
            problems.append(f"{name}: [readme] no README.md: what it owns, what it may include, where to start")
        elif len(readme.read_text().splitlines()) > README_LINES:
            problems.append(f"{name}/README.md: [readme] longer than {README_LINES} lines")
    for path in sorted(p for p in (root / "src").rglob("*") if p.suffix in (".cc", ".h")):
        folder = path.parent
        while folder != root / "src" and not (folder / "CMakeLists.txt").exists():
            folder = folder.parent
        listed = (folder / "CMakeLists.txt").read_text() if folder != root / "src" else ""
        if not re.search(rf"(?<![\w-]){re.escape(path.relative_to(folder).as_posix())}(?![\w.])", listed):
            problems.append(f"{path.relative_to(root).as_posix()}: [dead-file] in no CMakeLists.txt: nothing builds it")
    return problems


def notes(file):
    """Guide sizes: a question for the review, not an error."""
    kind = "test" if file.path.endswith("_test.cc") else pathlib.PurePosixPath(file.path).suffix
    found = []
    if len(file.lines) > GUIDE_LINES[kind]:
        found.append(f"{file.path}: note: {len(file.lines)} lines (guide {GUIDE_LINES[kind]}): does it hold two ideas?")
    for name, number, length in cpp_text.functions(file.code):
        if length > GUIDE_FUNCTION_LINES:
            found.append(f"{file.path}:{number}: note: {name} has {length} lines (guide {GUIDE_FUNCTION_LINES})")
    return found


def check(root):
    """(violations, notes) of the tree, as printable lines."""
    names = set((root / "tools" / "command-names.txt").read_text().split())
    problems, remarks = check_build_lists(root), []
    for path in sources(root):
        file = File(root, path)
        problems += check_bans(file) + check_command_names(file, names) + check_statics(file) + check_core_time(file)
        remarks += notes(file)
    return problems, remarks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    problems, remarks = check(parser.parse_args().root)
    for line in remarks + problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
