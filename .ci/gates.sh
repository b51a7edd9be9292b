# Read by ./dev: the checks that a change has to pass, one function each. A gate
# appends "passed failed skipped" of its test cases to $RANVIER_COUNTS; one that
# appends nothing counts as one.

gates=(test format includes bench install asan tsan neon avx512 cuda)

gate_test() { dev_test; }

gate_format() { dev_format --check; }

gate_includes() { # which way things go
  prepare_tests release
  build release tree_include_direction_test
  build/release/tests/tree/tree_include_direction_test
}

# Every benchmark compiles, starts, and is named Op/element/shape/.../who.
gate_bench() {
  build_benchmarks 'bench_[a-z0-9_]+'
  local program names wrong
  while read -r program; do
    names=$("$program" --benchmark_list_tests)
    wrong=$(grep -vE '^[A-Za-z0-9]+(/[^/]+){2,}/threads:[0-9]+/[a-z0-9_]+(/(real_time|process_time|manual_time|iterations:[0-9]+|repeats:[0-9]+))*$' <<<"$names" || true)
    if [ -n "$wrong" ]; then
      echo "$program: not of the form Op/element/shape/threads:N/who:"
      echo "$wrong"
      return 1
    fi
  done <build/benchmarks.list
}

# The library is built four times; two instruction sets will do for that.
gate_install() {
  need "${packages_run[@]}" "${packages_install[@]}"
  find_highway
  local status=0 left_out
  left_out="HWY_SSSE3|HWY_SSE4|HWY_AVX3|HWY_AVX3_DL|HWY_AVX3_SPR|HWY_AVX3_ZEN4"
  tests/install/check.sh build/install "${highway_options[@]}" \
    "-DRANVIER_DISABLED_TARGETS=$left_out" |
    tee build/install.log || status=$?
  sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2 0/p' build/install.log \
    >>"$RANVIER_COUNTS"
  return $status
}

# Sanitizers run the baseline, AVX2, and the most that this machine has.
sanitized_targets() {
  local flag best='' left_out='HWY_SSSE3|HWY_SSE4'
  for flag in avx512_fp16:AVX3_SPR avx512_bf16:AVX3_ZEN4 avx512_vnni:AVX3_DL \
    avx512f:AVX3; do
    if [ -z "$best" ] && grep -qsw "${flag%:*}" /proc/cpuinfo; then
      best=${flag#*:}
    else
      left_out+="|HWY_${flag#*:}"
    fi
  done
  echo "-DRANVIER_DISABLED_TARGETS=$left_out"
}

gate_asan() {
  prepare_tests asan "$(sanitized_targets)"
  build asan ranvier_command ranvier_tests
  ASAN_OPTIONS=detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 run_ctest asan -LE slow-asan
}

gate_tsan() {
  need "${packages_run[@]}"
  local tbb
  tbb=$(tsan_tbb)
  prepare_tests tsan -DTBB_DIR="$tbb/lib/cmake/TBB" "$(sanitized_targets)"
  build tsan ranvier_tests_parallel
  # ThreadSanitizer's memory map and a kernel that randomises much of an address
  # do not go together: without randomisation where that is allowed.
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    ctest_wrapper=(setarch "$(uname -m)" -R)
  fi
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
    run_ctest tsan -L parallel
}

gate_neon() {
  if command -v dpkg >/dev/null &&
    ! dpkg --print-foreign-architectures | grep -qx arm64; then
    as_root dpkg --add-architecture arm64
    apt_update
  fi
  need "${packages_run[@]}" "${packages_neon[@]}"
  find_highway source
  configure neon
  build neon ranvier_command ranvier_tests
  local cpu status=0
  for cpu in cortex-a57 max; do  # NEON alone; with SVE2
    echo "QEMU_CPU=$cpu"
    QEMU_CPU=$cpu run_ctest neon -LE slow || status=$?
  done
  return $status
}

gate_avx512() {
  if [ "$(uname -m)" != x86_64 ] || { [ "$(os_field ID)" != debian ] &&
    ! compgen -G "$downloads/bochs*3.0*" >/dev/null; }; then
    echo "no emulator with AVX-512 here: nothing was run"
    echo "0 0 1" >>"$RANVIER_COUNTS"
    return
  fi
  dev_test-avx512
}

# The .cu files compile for every generation of GPU, where there is an nvcc.
gate_cuda() {
  if ! command -v nvcc >/dev/null && [ -z "${CUDACXX:-}" ]; then
    echo "no nvcc here: gpu/*.cu was not compiled"
    echo "0 0 1" >>"$RANVIER_COUNTS"
    return
  fi
  need "${packages_run[@]}"
  find_highway
  configure cuda
  local objects
  mapfile -t objects < <(ninja -C build/cuda -t targets all |
    sed -nE 's/^(.*\.cu\.o): .*/\1/p')
  [ ${#objects[@]} -gt 0 ] || die "preset cuda compiles no .cu file"
  ninja -C build/cuda "${objects[@]}"
}

# Runs the gates, shows the end of the log of each that fails, and ends with the
# sum of their test cases.
dev_ci() {
  local gate passed=0 failed=0 skipped=0 logs=$root/build/ci
  [ $# -gt 0 ] || set -- "${gates[@]}"
  for gate; do
    case " ${gates[*]} " in
      *" $gate "*) ;;
      *) die "there is no gate '$gate'; gates: ${gates[*]}" ;;
    esac
  done
  mkdir -p "$logs"
  for gate; do
    local counts=$logs/$gate.counts begin=$SECONDS status=0 p f s verdict=ok
    : >"$counts"
    RANVIER_COUNTS=$counts "$root/dev" gate "$gate" >"$logs/$gate.log" 2>&1 ||
      status=$?
    read -r p f s < <(awk '{ p += $1; f += $2; s += $3 }
      END { print p + 0, f + 0, s + 0 }' "$counts")
    if [ $status -ne 0 ]; then
      [ "$f" -gt 0 ] || f=1  # it broke before or beside its tests
      verdict=FAILED
      {
        grep -nE '\*\*\*|FAILED|error:' "$logs/$gate.log" | head -n 40 || true
        echo ...
        tail -n 40 "$logs/$gate.log"
      } | sed "s/^/$gate: /"
    elif [ ! -s "$counts" ]; then
      p=1
    fi
    if grep -qE 'warning: .*\[-W' "$logs/$gate.log"; then
      f=$((f + 1))
      verdict=FAILED
      grep -E 'warning: .*\[-W' "$logs/$gate.log" | sort -u | head -n 20 |
        sed "s/^/$gate: compiler warning: /"
    fi
    printf '%-9s %-6s  %d passed, %d failed, %d skipped  (%d s)\n' "$gate" \
      $verdict "$p" "$f" "$s" $((SECONDS - begin))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed -eq 0 ]
}
