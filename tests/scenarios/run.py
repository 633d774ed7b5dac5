#!/usr/bin/python3
"""Runs text scenarios.

  tests/scenarios/run.py                          every file in every mode
  tests/scenarios/run.py lists.txt -m reload      one file in one mode (-m may be given again)
  tests/scenarios/run.py lists.txt -k LINSERT     scenarios whose title has that word
  tests/scenarios/run.py --server redis           against redis-server, to prove the texts
  tests/scenarios/run.py --fill lists.txt         writes down what redis-server answers where the text says nothing yet
"""
import argparse
import pathlib
import sys

import texts
from modes import MODES, Mode, Servers, harness
from runner import run_all
import fill


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="default: all")
    parser.add_argument("-m", "--mode", action="append", choices=MODES)
    parser.add_argument("-k", metavar="WORD", default="")
    parser.add_argument("--server", choices=["ashlar", "redis"], default="ashlar")
    parser.add_argument("--skipped", action="store_true", help="list what does not run, and why")
    parser.add_argument("--fill", action="store_true")
    options = parser.parse_args()
    files = [texts.HERE / pathlib.Path(name).name for name in options.files] or texts.files()
    servers = Servers("redis" if options.fill else options.server, harness.Ports())
    failed = 0
    try:
        if options.fill:
            for file in files:
                fill.fill(file, servers)
            return 0
        plain = [name for name in MODES if options.server == "ashlar" or name != "threads"]
        for name in options.mode or plain:
            mode = Mode(servers, name)
            for file in files:
                scenarios = [s for s in texts.read_file(file) if options.k.lower() in s.title.lower()]
                ran, skipped, failures = run_all(mode, scenarios)
                print(f"{name}: {file.name}: {ran} ran, {len(failures)} failed, {len(skipped)} skipped", flush=True)
                for failure in failures:
                    print(failure)
                for scenario, reason in skipped if options.skipped else []:
                    print(f"  skipped  {scenario}: {reason}")
                failed += len(failures)
            mode.close()
    finally:
        servers.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
