# What the scripts of this folder share: where things are, which packages each needs, how a build folder is set up.
# Sourced by bash, never run. Everything is said on standard error, so that a script's output stays its own.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build

build_packages=(clang-19 lld-19 meson ninja-build pkgconf
  liburing-dev node-llhttp libsimdjson-dev libxxhash-dev libsqlite3-dev libpq-dev libhiredis-dev libtomlplusplus-dev libcli11-dev
  libfmt-dev)
# Debian's PostgreSQL, PgBouncer and Redis may start services of their own when they are installed; the tests never touch
# those.
test_packages=(chromium chromium-driver g++ libgtest-dev libgmock-dev libbenchmark-dev libclang-rt-19-dev llvm-19 clang-format-19 curl python3
  strace openssl postgresql pgbouncer redis-server)
bench_packages=(wrk nginx nodejs python3)

say() { printf '==> %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Installs those of the named packages that are missing. With all of them there it neither asks for rights nor for a
# network. SLUICE_NO_INSTALL=1 leaves the system as it is, for those who brought their own tools.
install_packages() {
  [[ ${SLUICE_NO_INSTALL:-} != 1 ]] || return 0
  command -v dpkg-query >/dev/null && [[ $(debian_release) == 12 ]] || fail "$(other_system)"

  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "these packages are missing: ${missing[*]}. Run this as root, or install sudo"
    as_root=(sudo)
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600)
  say "installing with apt-get: ${missing[*]}"
  "${apt[@]}" update >&2 || fail "apt-get update failed: is the network up, and are Debian's sources configured?"
  "${apt[@]}" install --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get could not install: ${missing[*]} (its own message is above)"
}

debian_release() {
  local ID='' VERSION_ID=''
  [[ -r /etc/os-release ]] && . /etc/os-release
  [[ $ID == debian ]] && printf '%s' "${VERSION_ID%%.*}"
}

other_system() {
  cat <<'TEXT'
this script installs Debian 12's packages, and this system is another one.
  Bring clang 19 (or GCC 13 and later), lld, meson 1.0.1 or later and ninja, then either
    SLUICE_NO_INSTALL=1 with this script again, or
    meson setup build && meson compile -C build
  Libraries that the system lacks are built from the wraps in subprojects/.
TEXT
}

# configure FOLDER [option …]: sets a build folder up, or brings an existing one to these options.
configure() {
  local folder=$1
  shift
  if [[ -f $folder/build.ninja ]]; then
    meson configure "$folder" "$@" >&2
  else
    say "configuring $folder"
    # Without clang 19 meson takes the compiler that it finds, and refuses one that will not do.
    local tools=()
    ! command -v clang++-19 >/dev/null || tools=(--native-file "$root/scripts/clang-19.ini")
    meson setup "${tools[@]}" "$@" "$folder" "$root" >&2
  fi || fail "meson could not configure $folder (its message is above, the log in $folder/meson-logs)"
}
