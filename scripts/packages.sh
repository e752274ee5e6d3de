# shellcheck shell=bash
# Sourced by the other scripts: finds out which programs are missing and installs their Debian packages.

# Where Debian keeps servers; not on everybody's path.
PATH=$PATH:/usr/sbin:/sbin

missing=()

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# need PROGRAM PACKAGE...: the packages are wanted if the program is not there.
need() {
  local program=$1
  shift
  command -v "$program" >/dev/null || missing+=("$@")
}

# What building takes: Rust by hand, a C compiler with its headers by package.
need_compilers() {
  command -v cargo >/dev/null || fail "Rust is missing: install it with rustup, then try again."
  printf '#include <stdio.h>\n' | cc -E - >/dev/null 2>&1 || missing+=(gcc libc6-dev)
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local apt=(apt-get -o DPkg::Lock::Timeout=300)
  command -v apt-get >/dev/null || fail "Missing, by the names of Debian packages: ${missing[*]}. Install them, then try again."
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Missing. As root: apt-get install ${missing[*]}"
    apt=(sudo DEBIAN_FRONTEND=noninteractive "${apt[@]}")
    # Nobody could type a password without a terminal.
    [ -t 0 ] || apt=(sudo -n "${apt[@]:1}")
  fi
  echo "Installing ${missing[*]} …"
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" update -qq
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
  missing=()
}
