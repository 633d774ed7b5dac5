#!/usr/bin/env bash
# Installs the Debian packages that are missing; does nothing when all are there.
#
#   tools/install-packages.sh build   what building and running needs
#   tools/install-packages.sh         the same and what the tests, checks and benchmarks need
#
# Works as root or through sudo.
set -euo pipefail

build_packages=(g++ cmake ninja-build ccache mold libfmt-dev libjemalloc-dev liblzf-dev libxxhash-dev
  libssl-dev libluajit-5.1-dev lua-cjson-dev)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev clang-19 clang-format-19 libclang-rt-19-dev
  redis-server redis-tools python3 python3-redis python3-celery python3-pytest nodejs npm tcl)

case "${1:-all}" in
  build) wanted=("${build_packages[@]}") ;;
  all) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
  *)
    echo "usage: $0 [build|all]" >&2
    exit 2
    ;;
esac

installed() {
  # Node.js often comes from its own packages, which bring npm along under another package name.
  if [[ $1 == npm ]] && command -v npm >/dev/null; then return 0; fi
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is not a Debian system. Install by hand what these packages hold: ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "Missing Debian packages, and neither root nor sudo to install them. As root, run:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Debian starts a redis-server on port 6379 as soon as the package is installed. We want its program, not its service: a
# policy file says no for the time of the installation, and the service is taken out of the boot sequence.
policy=/usr/sbin/policy-rc.d
brings_redis=no
our_policy=no
if [[ " ${missing[*]} " == *" redis-server "* ]]; then
  brings_redis=yes
  if [[ ! -e $policy ]]; then
    our_policy=yes
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
fi

log=$(mktemp)
quietly() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    echo "This failed: $*" >&2
    tail -n 30 "$log" >&2
    rm -f "$log"
    exit 1
  fi
}
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
quietly apt-get update -q
quietly apt-get install -q -y --no-install-recommends "${missing[@]}"
rm -f "$log"

if [[ $brings_redis == yes ]]; then
  if [[ $our_policy == no && -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl stop redis-server >/dev/null 2>&1 || true # not running is what we want
  fi
  if [[ -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable redis-server >/dev/null 2>&1 || true # not enabled is what we want
  elif command -v update-rc.d >/dev/null; then
    "${as_root[@]}" update-rc.d redis-server disable >/dev/null 2>&1 || true
  fi
fi
