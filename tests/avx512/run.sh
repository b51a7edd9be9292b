#!/bin/bash
# run.sh BOCHS KERNEL BUILD WORK: runs the test programs of BUILD on emulated
# processors with AVX-512, one for each of ours, which share the test cases, and
# ends with "N passed, N failed, N skipped". Targets that this machine runs by
# itself are left to the ordinary run. WORK is for what comes up on the way.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bochs=$1 kernel=$2 build=$(realpath "$3")
own=" $("$build/bin/ranvier" info | sed -n 's/^ *this machine runs: *//p') "
targets='' left_out=$(grep -v '^#' "$here/left_out.txt" | xargs | tr ' ' ':')
for target in AVX3 AVX3_DL AVX3_ZEN4 AVX3_SPR; do
  case $own in
    *" $target "*) left_out+=:*/$target ;;
    *) targets+=" $target" ;;
  esac
done
seconds=340  # of processor time: a machine that needs more hangs
machines=$(nproc)
[ "$machines" -le 4 ] || machines=4
mkdir -p "$4"
cd "$4"
rm -rf machine*

gcc -O2 -Wall -Wextra -static -o init "$here/init.c"
filter=--gtest_filter=-$left_out
# Every program once: ctest lists their test cases one by one.
ctest --test-dir "$build" -N -V -LE slow | awk -v filter="$filter" '
  sub(/^[0-9]+: Test command: /, "") {
    googletest = /--gtest_filter=/
    if (sub(/^"/, "")) sub(/".*/, ""); else sub(/ .*/, "")
    if (!seen[$0]++) print $0 (googletest ? "\t" filter : "")
  }' >programs
cut -f 1 programs >files
mapfile -t files <files
[ ${#files[@]} -gt 0 ] || { echo "ctest lists no tests in $build" >&2; exit 1; }

run_machine() { # NUMBER
  mkdir -p "machine$1"
  cd "machine$1"
  {
    printf '%s\tinfo\n' "$build/bin/ranvier"
    awk -F'\t' -v OFS='\t' -v n="$machines" -v me="$1" '
      NF > 1 { print "GTEST_TOTAL_SHARDS=" n, "GTEST_SHARD_INDEX=" me, $0 }
      NF == 1 && NR % n == me' ../programs
  } >run.list
  "$here/make_image.sh" image.iso "$kernel" ../init run.list \
    "$build/bin/ranvier" "${files[@]}"
  # Bochs exits with 1 whatever happened, so what the machine said decides. It
  # is never idle, not even where the machine waits.
  local TIMEFORMAT="@@@ USED %U"
  {
    ulimit -t "$seconds"
    time timeout 1800 "$bochs" -q -f "$here/bochsrc" </dev/null || true
  } 2>&1 |
    while IFS= read -r line; do
      case $line in "@@@ "*) line="$line @ ${EPOCHREALTIME%.*}" ;; esac
      printf '%s\n' "$line"
    done >output.txt
  rm image.iso
}
for ((i = 0; i < machines; ++i)); do (run_machine $i) & done
wait

awk -v wanted="$targets" -v limit="$seconds" '
  function problem(text) { print "*** " text; ++failed }
  function end_machine() {
    if (machine == "") return
    print machine ": " used " s of processor time"
    if (program != "") {
      printf "%s", output
      problem(machine ": nothing more came from " program " within its " limit " s")
    } else if (!done) {
      problem(machine ": stopped before its end; see build/avx512/" machine)
    }
  }
  FNR == 1 {
    end_machine()
    machine = FILENAME
    sub(/\/.*/, "", machine)
    program = ""; used = 0; done = 0
  }
  /^@@@ RUN / {
    program = $3; start = $5
    output = ""; failures = 0; googletest = 0
    next
  }
  /^@@@ END / && program != "" {
    rc = $3; signal = $4; time[program] += $6 - start
    if (signal) problem(program " was ended by signal " signal)
    else if (rc && !failures) problem(program " ended with exit code " rc)
    else if (!googletest) ++passed
    if (signal || rc) printf "%s", output
    program = ""
    next
  }
  /^@@@ USED / { used = $3; next }
  /^@@@ DONE/ { done = 1; next }
  program == "" { next }
  { output = output $0 "\n" }
  /^ +this machine runs:/ { supported = $0 " " }
  /^\[==========\] Running / { googletest = 1 }
  /^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
  /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
  /^\[  FAILED  \] [0-9]+ test/ { failed += $4; failures += $4 }
  /^\[       OK \] / {
    name = $4
    if (sub(/.*\//, "", name)) ++on[name]
  }
  END {
    end_machine()
    count = split(wanted, names, " ")
    for (i = 1; i <= count; ++i) {
      if (!index(supported, " " names[i] " ")) {
        problem("the emulated processor does not run " names[i])
      }
      if (!on[names[i]]) problem("no test case passed on " names[i])
      counts = counts ", " names[i] ": " on[names[i]] + 0
    }
    print "passed on a target" counts
    slowest = "sort -rn | head -n 8"
    for (name in time) print time[name] " s in " name | slowest
    close(slowest)
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0
  }' machine*/output.txt
