#!/usr/bin/env bash
# Fetches the test suite of Redis 7.0 from Debian's source package into build/conformance/redis; does nothing when it is there.
# The suite (BSD licence) stays outside of this repository.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$top/build/conformance
suite=$work/redis
if [[ -f $suite/tests/test_helper.tcl ]]; then exit 0; fi

mkdir -p "$work/apt/lists/partial" "$work/apt/sources"
# The sources that this machine uses for programs, asked for source packages.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [[ -f $list ]]; then sed -nE 's/^deb /deb-src /p' "$list" >"$work/apt/sources/$(basename "$list")"; fi
done
for list in /etc/apt/sources.list.d/*.sources; do
  if [[ -f $list ]]; then sed -E 's/^Types:.*/Types: deb-src/' "$list" >"$work/apt/sources/$(basename "$list")"; fi
done
apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/apt/sources" -o "Dir::State::lists=$work/apt/lists"
  -o APT::Sandbox::User=root)
"${apt[@]}" update >"$work/fetch.log" 2>&1
(cd "$work" && "${apt[@]}" source --download-only redis >>"$work/fetch.log" 2>&1)
tarball=$(ls "$work"/redis_7.0*.orig.tar.gz | head -n 1)
rm -rf "$suite.new"
mkdir -p "$suite.new"
tar -xzf "$tarball" -C "$suite.new" --strip-components=1
mv "$suite.new" "$suite"
