#!/usr/bin/python3
"""Puts the sources of a target into batches that may be compiled as one file each: for the build option ASHLAR_UNITY.

  tools/unity_batches.py FILE...     prints a batch number for each file, in order, separated by semicolons

Two files that give the same name to something of their own, in an unnamed namespace, never share a batch.
"""
import pathlib
import re
import sys

FILES_MAX = 10
UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}  // namespace$", re.M | re.S)
TYPE = re.compile(r"(?:template\s*<.*>\s*)?(?:class|struct|enum class|enum|union|using|concept)\s+(?:\[\[\w+\]\]\s*)?(\w+)")


def own_names(text):
    """Names declared in unnamed namespaces. Relies on the formatter: a declaration begins at the start of a line."""
    names = set()
    for block in UNNAMED.findall(text):
        for line in block.splitlines():
            if not re.match(r"[A-Za-z_\[]", line):
                continue
            kind = TYPE.match(line)
            if kind:
                names.add(kind.group(1))
                continue
            words = re.findall(r"\w+", re.split(r"[({;=]|\[(?!\[)", re.sub(r"\[\[\w+\]\]|<[^()]*>", " ", line))[0])
            if words and not words[-1].startswith("TEST"):
                names.add(words[-1])
    return names - {"namespace", "public", "private", "protected", "template"}


def batches(names):
    """For each set of names the number of the first batch that has room and none of them."""
    filled, numbers = [], []  # of each batch: how many files, which names
    for own in names:
        number = next((i for i, (count, taken) in enumerate(filled) if count < FILES_MAX and not own & taken), len(filled))
        if number == len(filled):
            filled.append((0, set()))
        count, taken = filled[number]
        filled[number] = (count + 1, taken | own)
        numbers.append(number)
    return numbers


def main():
    print(";".join(map(str, batches([own_names(pathlib.Path(path).read_text()) for path in sys.argv[1:]]))))


if __name__ == "__main__":
    main()
