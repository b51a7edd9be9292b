# Read by ./dev: the packages of Debian 12 and Ubuntu 24.04 (and newer) that
# each kind of work needs, and sources that their releases have too old or not
# at all. Nothing of the system's apt is changed but the packages installed.

packages_run=(g++ cmake ninja-build libtbb-dev zlib1g-dev libssl-dev
  nlohmann-json3-dev libcli11-dev libxxhash-dev)
packages_test=(libgtest-dev libeigen3-dev zstd)
packages_bench=(libbenchmark-dev libeigen3-dev libopenblas-dev python3)
# Not on every architecture.
packages_peers=(libblis-openmp-dev libdnnl-dev libsleef-dev)
packages_format=(clang-format-14)
packages_tidy=(clang-tidy-14)
packages_install=(pkg-config binutils libeigen3-dev)
packages_neon=(crossbuild-essential-arm64 qemu-user-static libtbb-dev:arm64
  zlib1g-dev:arm64 libssl-dev:arm64 libgtest-dev:arm64 libeigen3-dev)
packages_avx512=(make xz-utils bochsbios vgabios grub-pc-bin grub-common mtools
  xorriso cpio)

# Downloads outlive the checkout; what is unpacked from them stays in it.
cache=${RANVIER_CACHE:-$root/.cache}
downloads=${XDG_CACHE_HOME:-${HOME:-$root/.cache}/.cache}/ranvier

say() { echo "dev: $*" >&2; }
die() {
  say "$@"
  exit 1
}

os_field() { (. /etc/os-release 2>/dev/null && eval "echo \"\${$1:-}\""); }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root, and there is no sudo. As root, run: $*"
  fi
}

# One line a package that dpkg knows under this name: with arm64 beside the
# machine's own architecture there are two.
installed_versions() { # PACKAGE[:ARCHITECTURE]
  local own
  own=$(dpkg --print-architecture)
  dpkg-query -W -f='${Architecture} ${db:Status-Status} ${Version}\n' "$1" \
    2>/dev/null | awk -v own="$own" -v asked="${1#*:}" '
      $2 == "installed" && ($1 == own || $1 == "all" || $1 == asked) {
        print $3 }'
}

is_installed() { [ -n "$(installed_versions "$1")" ]; }

apt_updated=
apt_update() {
  [ -n "$apt_updated" ] || as_root apt-get -qq -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=600 update >&2
  apt_updated=yes
}

# need PACKAGE...: installs those that are missing.
need() {
  local missing=() package
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "$(os_field PRETTY_NAME) has no apt, so nothing is installed here." \
      "Needed, by their Debian names: $*"
    return
  fi
  for package; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  apt_update
  mkdir -p "$root/build"
  local log=$root/build/packages.log
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${missing[@]}" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    die "apt-get could not install ${missing[*]} on" \
      "$(os_field PRETTY_NAME); this script knows Debian 12 and Ubuntu 24.04" \
      "or newer"
  }
}

# want PACKAGE...: installs those that are missing, where there are such; what
# they are for goes on without them.
want() {
  local package
  for package; do
    is_installed "$package" || (need "$package") || say "going on without $package"
  done
}

# fetch_source PACKAGE DIRECTORY SUITE...: downloads the source package from the
# first of the suites that has it, from this machine's own mirror, through an
# apt configuration of our own. apt checks the signatures.
fetch_source() {
  local package=$1 directory=$2 suite uri signed='' codename
  shift 2
  command -v apt-get >/dev/null || return 1
  codename=$(os_field VERSION_CODENAME)
  uri=$(apt-get indextargets --format '$(RELEASE)|$(COMPONENT)|$(REPO_URI)' \
    'Created-By: Packages' | awk -F'|' -v release="$codename" \
    '$1 == release && $2 == "main" { print $3; exit }')
  if [ -z "$uri" ]; then
    say "no apt source for $codename main: cannot fetch $package's source"
    return 1
  fi
  local keyring
  keyring=/usr/share/keyrings/$(os_field ID)-archive-keyring.gpg
  [ -e "$keyring" ] && signed="[signed-by=$keyring] "
  local components=main
  [ "$(os_field ID)" = ubuntu ] && components="main universe"

  local apt=$directory/apt
  for suite; do
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    echo "deb-src $signed$uri $suite $components" >"$apt/sources.list"
    local options=(-qq -o Dir::Etc::SourceList="$apt/sources.list"
      -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$apt/lists"
      -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root
      -o Acquire::Retries=3)
    say "fetching the source of $package from $suite"
    if apt-get "${options[@]}" update >&2 && (cd "$directory" &&
      apt-get "${options[@]}" source --download-only --tar-only --only-source \
        "$package" >&2); then
      rm -rf "$apt"
      return 0
    fi
  done
  rm -rf "$apt"
  return 1
}

highway_setting() { # of cmake/dependencies.cmake, where the version is pinned
  awk -v name="RANVIER_HIGHWAY_$1" '{ gsub(/[()]/, " ") }
    wanted { print $1; exit }
    $1 == "set" && $2 == name { if ($3) { print $3; exit } wanted = 1 }' \
    "$root/cmake/dependencies.cmake"
}

# Sets highway_options to what CMake needs to find Highway: nothing where the
# system's package is new enough, else the path of the sources.
highway_options=()
find_highway() { # [source]: never the package
  local candidate
  if [ "${1:-}" != source ] && command -v apt-cache >/dev/null; then
    candidate=$(apt-cache policy libhwy-dev | awk '/Candidate:/ { print $2 }')
    if dpkg --compare-versions "${candidate:-0}" ge 1.2; then
      need libhwy-dev
      return
    fi
  fi
  local version hash tarball
  version=$(highway_setting VERSION)
  hash=$(highway_setting SHA256)
  tarball=$downloads/highway_$version.orig.tar.gz
  if [ ! -e "$cache/highway-$version/CMakeLists.txt" ]; then
    if ! has_hash "$hash" "$tarball" && ! fetch_highway "$hash" "$tarball"; then
      say "Highway $version did not come from this machine's mirror;" \
        "CMake will fetch the release from its home instead"
      return
    fi
    unpack "$tarball" "$cache/highway-$version"
  fi
  highway_options=(-DRANVIER_HIGHWAY_SOURCE="$cache/highway-$version")
}

has_hash() { sha256sum --status -c <<<"$1  $2" 2>/dev/null; }

fetch_highway() { # HASH TARBALL
  local work suites=() done=1
  case $(os_field ID) in
    debian) suites=(trixie) ;;
    ubuntu) suites=(questing resolute plucky) ;;
  esac
  mkdir -p "$downloads"
  work=$(mktemp -d "$downloads/fetch.XXXXXX")
  if fetch_source highway "$work" "${suites[@]}" &&
    has_hash "$1" "$work/${2##*/}"; then
    mv "$work/${2##*/}" "$2"
    done=0
  fi
  rm -rf "$work"
  return $done
}

# unpack TARBALL DIRECTORY: whole or not at all.
unpack() {
  local work
  mkdir -p "$(dirname "$2")"
  work=$(mktemp -d "$2.XXXXXX")
  chmod 755 "$work"
  tar -xf "$1" -C "$work" --strip-components=1
  rm -rf "$2"
  mv "$work" "$2"
}

# Prints the folder of a oneTBB compiled with -fsanitize=thread: with the
# packaged one ThreadSanitizer sees none of its synchronisation, and either
# reports races that are none or, told to be quiet, hides real ones.
tsan_tbb() {
  local version prefix work tarball
  version=$(installed_versions libtbb-dev)
  prefix=$downloads/tbb-tsan-$version-$("${CXX:-g++}" -dumpfullversion)
  if [ ! -e "$prefix/lib/cmake/TBB/TBBConfig.cmake" ]; then
    need xz-utils
    mkdir -p "$downloads"
    local pattern="$downloads/onetbb_${version%-*}.orig.tar.*"
    if ! compgen -G "$pattern" >/dev/null; then
      work=$(mktemp -d "$downloads/fetch.XXXXXX")
      fetch_source onetbb "$work" "$(os_field VERSION_CODENAME)" ||
        die "could not fetch the source of oneTBB for ThreadSanitizer"
      mv "$work"/onetbb_*.orig.tar.* "$downloads/"
      rm -rf "$work"
    fi
    tarball=$(compgen -G "$pattern") ||
      die "the mirror has no source of oneTBB ${version%-*}"
    work=$(mktemp -d "$downloads/build.XXXXXX")
    unpack "$tarball" "$work/source"
    local log=$root/build/tbb-tsan.log
    mkdir -p "$root/build"
    say "building oneTBB $version with -fsanitize=thread"
    cmake -S "$work/source" -B "$work/build" -G Ninja \
      -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INSTALL_PREFIX="$prefix" \
      -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_CXX_FLAGS=-fsanitize=thread \
      -DTBB_TEST=OFF -DTBB_STRICT=OFF -DTBBMALLOC_BUILD=OFF \
      -DTBB_DISABLE_HWLOC_AUTOMATIC_SEARCH=ON >"$log" 2>&1 &&
      cmake --build "$work/build" >>"$log" 2>&1 &&
      cmake --install "$work/build" >>"$log" 2>&1 || {
      tail -n 30 "$log" >&2
      die "oneTBB did not build with -fsanitize=thread"
    }
    rm -rf "$work"
  fi
  echo "$prefix"
}

bochs_sha256=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b

# Prints the path of a Bochs 3.0, which knows AVX-512 up to FP16; QEMU has none.
# Ours says that an Intel Sapphire Rapids is of AMD: Highway takes AVX3_ZEN4 for
# supported on AMD alone, and like this one machine has all targets.
find_bochs() {
  local prefix=$downloads/bochs-3.0-amd work
  local tarball=$downloads/bochs_3.0+dfsg.orig.tar.xz
  if [ ! -x "$prefix/bochs" ]; then
    mkdir -p "$downloads"
    if ! has_hash "$bochs_sha256" "$tarball"; then
      [ "$(os_field ID)" = debian ] ||
        die "$(os_field PRETTY_NAME) has no Bochs 3.0; Debian's source of it" \
          "(${tarball##*/}, SHA-256 $bochs_sha256) is looked for in $downloads"
      work=$(mktemp -d "$downloads/fetch.XXXXXX")
      fetch_source bochs "$work" trixie sid &&
        has_hash "$bochs_sha256" "$work/${tarball##*/}" ||
        die "the source of Bochs 3.0 did not come from this machine's mirror"
      mv "$work/${tarball##*/}" "$tarball"
      rm -rf "$work"
    fi
    work=$(mktemp -d "$downloads/build.XXXXXX")
    unpack "$tarball" "$work/source"
    local log=$root/build/bochs.log model=cpu/cpudb/intel/sapphire_rapids.cc
    mkdir -p "$root/build"
    say "building Bochs 3.0"
    (
      cd "$work/source"
      sed -i 's/"GenuineIntel"/"AuthenticAMD"/' "$model"
      grep -q '"AuthenticAMD"' "$model" || exit
      ./configure --enable-cpu-level=6 --enable-x86-64 --enable-avx \
        --enable-evex --enable-amx --enable-long-phy-address \
        --enable-repeat-speedups --enable-fast-function-calls \
        --enable-handlers-chaining --disable-stats --enable-uintr \
        --enable-cet --enable-protection-keys --with-nogui \
        --disable-docbook --disable-plugins --disable-gameport \
        --disable-busmouse CFLAGS=-O2 \
        CXXFLAGS='-O2 -fno-strict-aliasing' && make -j "$(nproc)" bochs
    ) >"$log" 2>&1 || {
      tail -n 30 "$log" >&2
      die "Bochs 3.0 did not build"
    }
    mkdir -p "$prefix"
    mv "$work/source/bochs" "$prefix/bochs"
    rm -rf "$work"
  fi
  echo "$prefix/bochs"
}

# Prints the path of the distribution's kernel for virtual machines, which has
# all that it needs to start built in.
find_kernel() {
  local kernel=$downloads/vmlinuz-$(os_field VERSION_CODENAME) package work
  if [ ! -e "$kernel" ]; then
    case $(os_field ID) in
      debian) package=linux-image-cloud-amd64 ;;
      ubuntu) package=linux-image-virtual ;;
      *) die "the emulator needs the kernel of Debian or Ubuntu" ;;
    esac
    apt_update
    package=$(apt-cache depends "$package" |
      awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$package" ] || die "apt knows no kernel for virtual machines"
    mkdir -p "$downloads"
    work=$(mktemp -d "$downloads/fetch.XXXXXX")
    say "fetching $package"
    (cd "$work" && apt-get -qq -o Acquire::Retries=3 \
      -o APT::Sandbox::User=root download "$package" >&2 &&
      dpkg -x ./*.deb . && mv boot/vmlinuz-* "$kernel") ||
      die "could not fetch the kernel $package"
    rm -rf "$work"
  fi
  echo "$kernel"
}
