#!/usr/bin/python3
"""Checks that every header below src/ compiles alone, with few compilations.

  tools/check_headers.py [--root DIR] [--flags FILE] [--jobs N] [--share I/N]     one line per header that does not; exit 1 if there is any

A header is proven when nothing stands before it, or nothing but headers that it includes anyway: those give it nothing that it
has not got. So the headers are put into the fewest chains in which each includes the one before, and every chain is one
compilation: the cost is that of its last header. Only includes above the first declaration count.
The flags are those of a compile_commands.json (default: build/dev). With --share 0/3 a third of the compilations is done: which one a
chain belongs to depends on the name of its last header, so that N runs with different I do all of them.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import zlib

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
DECLARATION = re.compile(r"^(namespace|class|struct|enum|union|template|using|typedef|inline|constexpr|static|extern)\b", re.M)


def closures(source):
    """For every header below `source` the headers that it includes, by itself or through others."""
    direct = {}
    for path in sorted(source.rglob("*.h")):
        text = path.read_text(errors="replace")
        first = DECLARATION.search(text)
        direct[path.relative_to(source).as_posix()] = INCLUDE.findall(text[:first.start() if first else None])
    found = {}
    for header in direct:
        reached, open_ends = set(), list(direct[header])
        while open_ends:
            name = open_ends.pop()
            if name in direct and name not in reached:
                reached.add(name)
                open_ends += direct[name]
        found[header] = reached - {header}
    return found


def chains(includes):
    """The headers in the fewest lists in which each includes the one before (a matching of each with the next in its list)."""
    following = {}

    def give_predecessor(header, tried):
        for earlier in sorted(includes[header]):
            if header in includes[earlier] or earlier in tried:
                continue
            tried.add(earlier)
            if earlier not in following or give_predecessor(following[earlier], tried):
                following[earlier] = header
                return True
        return False

    for header in includes:
        give_predecessor(header, set())
    heads = [header for header in includes if header not in set(following.values())]
    lists = []
    for header in heads:
        chain = [header]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        lists.append(chain)
    return lists


def flags_of(path):
    """A compiler with the flags and include paths of all entries of a compile_commands.json, without optimisation."""
    entries = [shlex.split(entry["command"]) for entry in json.loads(path.read_text())]
    common, places = [], []
    words = iter(entries[0])
    for word in words:
        if word in ("-o", "-c", "-MT", "-MF"):
            next(words)
        elif not re.match(r"-(I|D|O|g|M|isystem)", word):
            common.append(word)
    for entry in entries:
        for at, word in enumerate(entry):
            pair = entry[at:at + 2] if word == "-isystem" else [word] if re.match(r"-(I|D(?!\w+=[\"']))", word) else []
            if pair and pair not in places:
                places.append(pair)
    common = [word for word in common if not word.startswith("/") or "/bin/" in word]
    cached = [] if common[0].endswith("ccache") or not shutil.which("ccache") else ["ccache"]
    return cached + common + [word for pair in places for word in pair] + ["-O0", "-g0"]


def compile_chain(command, folder, number, chain):
    """What the compiler says against this chain; empty when nothing. All once more, for the guards of the headers."""
    unit = folder / f"chain_{number}.cc"
    text = "".join(f'#include "{header}"\n' for header in chain + chain)
    if not unit.exists() or unit.read_text() != text:
        unit.write_text(text)
    result = subprocess.run([*command, "-c", unit, "-o", unit.with_suffix(".o")], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return "" if result.returncode == 0 else result.stderr.strip() or f"{unit}: exit {result.returncode}"


def belongs(chain, share):
    index, count = share
    return zlib.crc32(chain[-1].encode()) % count == index


def share_of(text):
    index, count = (int(word) for word in text.split("/"))
    if not 0 <= index < count:
        raise ValueError(text)
    return index, count


def check(root, command, jobs, share=(0, 1)):
    """(number of headers compiled, number of compilations, complaints)."""
    folder = root / "build" / "headers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    includes = closures(root / "src")
    lists = [chain for chain in chains(includes) if belongs(chain, share)]
    command = [*command, f"-I{root / 'src'}"]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        complaints = list(pool.map(lambda item: compile_chain(command, folder, *item), enumerate(lists)))
    return sum(map(len, lists)), len(lists), [complaint for complaint in complaints if complaint]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--flags", type=pathlib.Path, help="a compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--share", type=share_of, default=(0, 1), help="I/N: that part of them, 0/N to N-1/N")
    options = parser.parse_args()
    command = flags_of(options.flags or options.root / "build/dev/compile_commands.json")
    headers, units, complaints = check(options.root, command, options.jobs, options.share)
    print("\n".join(complaints), end="\n" if complaints else "")
    print(f"{headers} headers in {units} compilations, {len(complaints)} of them failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
