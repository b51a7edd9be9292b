#!/bin/bash
# Where the time of `ranvier ARGS` goes: samples of its call stacks, taken by
# perf at the processor's clock (which works in virtual machines too), as a call
# tree. Builds with frame pointers in build/profile and leaves there perf.data
# (for perf report) and calltree.txt.
#
#   ./dev profile [ARGS]      CMake options in RANVIER_PROFILE_OPTIONS
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v perf >/dev/null; then
  echo "profile: perf is missing; it is in linux-perf (Debian) or" \
    "linux-tools-generic (Ubuntu)" >&2
  exit 1
fi
read -ra options <<<"${RANVIER_PROFILE_OPTIONS:-}"
build=build/profile
mkdir -p $build
cmake --preset release -B $build "${options[@]}" \
  -DCMAKE_CXX_FLAGS="-g1 -fno-omit-frame-pointer" >$build/configure.log 2>&1 ||
  { cat $build/configure.log >&2 && exit 1; }
cmake --build $build -j "$(nproc)" --target ranvier_command >&2

perf record -q -e cpu-clock -F 499 -g -o $build/perf.data -- \
  $build/bin/ranvier "$@"
# By function, the callers below it; then what a function and all that it calls
# cost together.
{
  echo "== Own time, with callers"
  perf report -i $build/perf.data --stdio --no-children --percent-limit 1 \
    -g caller,0.5,callee,function,percent 2>/dev/null
  echo "== Time with callees"
  perf report -i $build/perf.data --stdio --children --percent-limit 1 \
    -g none 2>/dev/null
} | sed -e '/^#/d' -e '/^$/N;/^\n$/D' >$build/calltree.txt
head -n "${RANVIER_PROFILE_LINES:-100}" $build/calltree.txt
echo "all of it: $build/calltree.txt; perf report -i $build/perf.data"
