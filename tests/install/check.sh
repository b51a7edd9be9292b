#!/bin/bash
# Installs ranvier static and shared, and builds and runs a consumer of it in
# every way that is promised. Prints a line per check, and at the end
# "N passed, N failed".
#
#   tests/install/check.sh BUILD_DIR [CMAKE OPTION...]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:?usage: tests/install/check.sh BUILD_DIR [CMAKE OPTION...]}
shift
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release "$@")
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 1
passed=0 failed=0

# check NAME COMMAND...: runs it, and shows its output where it fails.
check() {
  local name=$1 log=$build/check.log
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name"
    tail -n 40 "$log" | sed 's/^/        /'
  fi
}

# install_tree KIND CMAKE_OPTION...: into $build/KIND/prefix.
install_tree() {
  local dir=$build/$1
  shift
  rm -rf "$dir/prefix" "$dir/moved" &&
    cmake -S "$root" -B "$dir/build" "${options[@]}" "$@" \
      -DRANVIER_BUILD_TESTS=OFF -DRANVIER_BUILD_BENCH=OFF \
      -DRANVIER_BUILD_EXAMPLES=OFF &&
    cmake --build "$dir/build" &&
    cmake --install "$dir/build" --prefix "$dir/prefix" &&
    mv "$dir/prefix" "$dir/moved"  # no path may depend on where it was made
}

# consume DIR WAY CMAKE_OPTION...
consume() {
  local dir=$1 way=$2
  shift 2
  rm -rf "$dir"
  cmake -S "$root/tests/install" -B "$dir" "${options[@]}" -DWAY="$way" "$@" &&
    cmake --build "$dir" &&
    "$dir/consumer" &&
    { [ ! -e "$dir/consumer_with_eigen" ] || "$dir/consumer_with_eigen"; }
}

libdir_of() { dirname "$(dirname "$(find "$1" -name ranvier.pc)")"; }

with_pkg_config() {  # PREFIX COMMAND...
  local prefix=$1
  shift
  PKG_CONFIG_PATH="$(libdir_of "$prefix")/pkgconfig" \
    LD_LIBRARY_PATH="$(libdir_of "$prefix")" "$@"
}

# What a Makefile does, without CMake.
plain_pkg_config() {  # [--static]
  # shellcheck disable=SC2046  # the words are meant to be split
  "${CXX:-g++}" -std=c++20 "$root/tests/install/main.cc" -o "$build/plain" \
    $(pkg-config --cflags --libs "$@" ranvier) && "$build/plain"
}

# Every installed header compiles on its own, and needs none but ours and the
# standard library's.
headers() {
  local header other=0
  while read -r header; do
    echo "$header"
    "${CXX:-g++}" -std=c++20 -I"$1/include" -Wall -Wextra -Wpedantic -Werror \
      -fsyntax-only -x c++ -include "$header" /dev/null || return 1
    "${CXX:-g++}" -std=c++20 -I"$1/include" -M -x c++ "$1/include/$header" |
      grep -E '/(hwy|tbb|oneapi|Eigen|eigen3|nlohmann|openssl|fmt)/|/(cuda|zlib)[^/]*\.h' &&
      other=1
  done < <(cd "$1/include" && find ranvier -name '*.h' ! -name eigen.h)
  return "$other"
}

# The shared library shows the namespace ranvier and nothing else.
symbols() {
  local all foreign
  all=$(nm -D --defined-only -C "$1") || return 1
  foreign=$(cut -d' ' -f3- <<<"$all" | grep -vE \
    '^((vtable|typeinfo|typeinfo name|VTT|guard variable) for )?ranvier::' |
    grep -vE '^(non-virtual|virtual) thunk to ranvier::|^[^(<]* ranvier::')
  echo "$foreign"
  [ -z "$foreign" ] && grep -q ' ranvier::Version()' <<<"$all"
}

command_runs() { "$1/bin/ranvier" --version && "$1/bin/ranvier" info; }

for kind in static shared; do
  shared=OFF
  [ $kind = shared ] && shared=ON
  check "install, $kind" install_tree $kind -DBUILD_SHARED_LIBS=$shared
  prefix=$build/$kind/moved
  [ -d "$prefix" ] || continue
  check "command, $kind" command_runs "$prefix"
  check "find_package, $kind" consume "$build/$kind/find_package" \
    find_package -DCMAKE_PREFIX_PATH="$prefix"
  check "pkg-config, $kind" with_pkg_config "$prefix" \
    consume "$build/$kind/pkg_config" pkg_config
  check "pkg-config without CMake, $kind" \
    with_pkg_config "$prefix" plain_pkg_config
done
[ -d "$build/static/moved" ] &&
  check "pkg-config --static" \
    with_pkg_config "$build/static/moved" plain_pkg_config --static
[ -d "$build/static/moved" ] &&
  check "headers stand alone" headers "$build/static/moved"
[ -d "$build/shared/moved" ] &&
  check "symbols of the shared library" \
    symbols "$(find "$build/shared/moved" -name libranvier.so)"
# Built again from its sources each time: not optimised, that takes half as long.
for way in add_subdirectory FetchContent; do
  check "$way" consume "$build/$way" $way -DRANVIER_TREE="$root" \
    -DRANVIER_CUDA=OFF -DCMAKE_BUILD_TYPE=Debug
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
