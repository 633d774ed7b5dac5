#!/usr/bin/env bash
# Fails when a C++ file is not formatted as .clang-format says; --fix formats instead.
#   tools/check_format.sh [--fix] [file ...]      without files: all of src, sim, fuzz and bench
set -euo pipefail

mode=check
if [[ ${1:-} == --fix ]]; then
  mode=fix
  shift
fi
formatter=clang-format-19 # the one version whose output we agree on
command -v "$formatter" >/dev/null || {
  echo "$formatter is missing; 'make format' installs it" >&2
  exit 1
}

if (($# > 0)); then
  files=("$@")
else
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  mapfile -d '' files < <(find src sim fuzz bench -type f \( -name '*.cc' -o -name '*.h' \) -print0 2>/dev/null)
fi
((${#files[@]} > 0)) || exit 0

if [[ $mode == fix ]]; then
  "$formatter" -i "${files[@]}"
  exit 0
fi
# All in one process first: one process a file takes minutes.
"$formatter" --dry-run -Werror "${files[@]}" 2>/dev/null && exit 0
unformatted=()
for file in "${files[@]}"; do
  "$formatter" --dry-run -Werror "$file" 2>/dev/null || unformatted+=("$file")
done
if ((${#unformatted[@]} > 0)); then
  printf 'not formatted: %s\n' "${unformatted[@]}"
  echo "'make format' mends this"
  exit 1
fi
