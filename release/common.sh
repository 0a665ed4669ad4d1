# What the scripts of this folder share; sourced, not run. Needs bash; the working folder becomes the repository.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a release is made for; the workflow builds each of them.
targets=(
  x86_64-unknown-linux-gnu
  aarch64-unknown-linux-gnu
  x86_64-unknown-linux-musl
  x86_64-apple-darwin
  aarch64-apple-darwin
  x86_64-pc-windows-msvc
)
programs=(c2c c2c-broker c2c-shim c2c-link)
# What is to be read, and what the pages of it lead to.
pages=(
  README.md CHANGELOG.md SECURITY.md ARCHITECTURE.md CONTRIBUTING.md LICENSE-MIT LICENSE-APACHE docs examples plugin
)

die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}

version() {
  sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

host() {
  rustc -vV | sed -n 's/^host: //p'
}

# can_run TARGET: whether programs of that target run here as they are.
can_run() {
  local here
  here=$(host)
  [ "${1%%-*}" = "${here%%-*}" ] || return 1
  case "$1 $here" in
    *-linux-*\ *-linux-* | *-apple-*\ *-apple-* | *-windows-*\ *-windows-*) return 0 ;;
  esac
  return 1
}

exe() {
  case $1 in *-windows-*) echo .exe ;; esac
}

archive_of() {
  case $1 in
    *-windows-*) echo "c2c-$(version)-$1.zip" ;;
    *) echo "c2c-$(version)-$1.tar.gz" ;;
  esac
}

# sums FILE...: lines as sha256sum prints them. The names must have no folder in them.
sums() {
  if command -v sha256sum > /dev/null; then sha256sum -- "$@"; else shasum -a 256 -- "$@"; fi
}

# check_sums DIR: each file that SHA256SUMS names is as it says.
check_sums() (
  cd "$1"
  [ -s SHA256SUMS ] || die "$1/SHA256SUMS is missing or empty"
  if command -v sha256sum > /dev/null; then
    sha256sum --check --strict --quiet SHA256SUMS
  else
    shasum -a 256 --check --strict --quiet SHA256SUMS
  fi
)
