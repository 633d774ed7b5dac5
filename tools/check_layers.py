#!/usr/bin/python3
"""Checks that includes below src/ point only to lower ranks (tools/layers.txt) and never both ways.

  tools/check_layers.py [--root DIR]     prints one line per violation; exit 1 if there is any
"""
import argparse
import pathlib
import re
import sys
from dataclasses import dataclass, field

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
# What base/ offers to logic that must not touch the world: no log, no files, no threads.
IMPURE_BASE = {"base/log.h", "base/fd.h", "base/file.h", "base/sync.h"}
IMPURE_SYSTEM = re.compile(r"^(sys/|netinet/|arpa/|unistd\.h|pthread\.h|poll\.h|fcntl\.h|thread|mutex|shared_mutex|"
                           r"condition_variable|future|fstream|iostream|random)")


@dataclass
class Layers:
    rank: dict = field(default_factory=dict)
    only: dict = field(default_factory=dict)
    pure: set = field(default_factory=set)


def read_layers(path):
    """The rules of layers.txt. Raises ValueError on a line that says none."""
    layers = Layers()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].replace(":", " ").split()
        if not words:
            continue
        if words[0] == "rank" and len(words) > 2:
            layers.rank.update({folder: int(words[1]) for folder in words[2:]})
        elif words[0] == "only" and len(words) > 1:
            layers.only[words[1]] = set(words[2:])
        elif words[0] == "pure" and len(words) == 2:
            layers.pure.add(words[1])
        else:
            raise ValueError(f"{path}:{number}: not a rule: {line}")
    return layers


def includes(path):
    """(line number, '<' or '"', target) of every include of a file."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_include(layers, folder, quote, target):
    """Why `folder` may not include `target`; None if it may."""
    top, target_top = folder.split("/")[0], target.split("/")[0]
    pure = next((p for p in layers.pure if folder == p or folder.startswith(p + "/")), None)
    if pure:
        if quote == "<":
            return f"{pure} is pure: no <{target}>" if IMPURE_SYSTEM.match(target) else None
        if target.startswith(pure + "/") or (target_top == "base" and target not in IMPURE_BASE):
            return None
        return f"{pure} is pure: it includes only itself and the pure part of base"
    if quote == "<":
        if target_top in layers.rank and "/" in target:
            return "our own headers are included with quotes"
        return None
    if target_top not in layers.rank:
        return f"'{target_top}' has no rank in layers.txt"
    if target_top == top:
        return None
    if top in layers.only and target_top not in layers.only[top]:
        return f"{top} includes only {', '.join(sorted(layers.only[top]))}"
    if layers.rank[target_top] >= layers.rank[top]:
        return f"rank {layers.rank[top]} may not include rank {layers.rank[target_top]}"
    return None


def check(root):
    """All violations below root/src as printable lines."""
    layers = read_layers(root / "tools" / "layers.txt")
    source = root / "src"
    problems, arrows = [], {}
    for path in sorted(p for p in source.rglob("*") if p.suffix in (".h", ".cc")):
        relative = path.relative_to(source)
        folder = relative.parent.as_posix()
        if relative.parts[0] not in layers.rank:
            problems.append(f"src/{relative}: folder '{relative.parts[0]}' has no rank in tools/layers.txt")
            continue
        for number, quote, target in includes(path):
            why = check_include(layers, folder, quote, target)
            if why:
                problems.append(f"src/{relative}:{number}: includes {target}: {why}")
            target_folder = str(pathlib.PurePosixPath(target).parent)
            if quote == '"' and target_folder != folder:
                arrows.setdefault((folder, target_folder), f"src/{relative}:{number}")
    for (one, other), place in sorted(arrows.items()):
        if one < other and (other, one) in arrows:
            problems.append(f"{place}: {one} includes {other}, and {arrows[(other, one)]} the other way round")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    problems = check(parser.parse_args().root)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
