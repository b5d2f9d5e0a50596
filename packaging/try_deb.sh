#!/usr/bin/env bash
# Installs the Debian packages in a clean root, uses them, removes them and looks for what is left.
#   packaging/try_deb.sh DEB...          in a new root, made by debootstrap (needs root) and removed afterwards
#   packaging/try_deb.sh --here DEB...   in this very system: for a container that is thrown away
set -euo pipefail

say() { printf '%s\n' "$*"; }
die() {
  printf 'try_deb: %s\n' "$*" >&2
  exit 1
}

# Every file, link and folder but what belongs to the kernel, to apt and to dpkg; then every package.
state() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path "$from" -o \
    -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune -o -print | sort
  # What was removed but not purged is told apart.
  # shellcheck disable=SC2016  # dpkg's own variables
  dpkg-query -W -f='package ${Package} ${db:Status-Status}\n' | sort
}

unchanged() {
  state >"$scratch/after"
  diff "$scratch/before" "$scratch/after" >"$scratch/left" || die "left after $1: $(cat "$scratch/left")"
  say "after $1: nothing left"
}

quietly() {
  "$@" >"$scratch/log" 2>&1 || die "$* failed: $(cat "$scratch/log")"
}

try_program() {
  local package=$1 code=0
  quietly apt-get install -y --no-install-recommends "$package"
  say "installed: $(state | diff "$scratch/before" - | grep -c '^> package') package(s), $(dpkg-query -W -f='${Installed-Size}' macfit) kB"
  dpkg -L macfit | while IFS= read -r file; do
    [ -e "$file" ] || die "$file is in the list of files but not there"
    [ "$(stat -c %U:%G "$file")" = root:root ] || die "$file belongs to $(stat -c %U:%G "$file")"
    case $(stat -c %a "$file"):$file in
      755:/usr/bin/macfit | 644:/usr/share/*.* | 644:/usr/share/*/macfit | 644:/usr/share/*/_macfit | 644:*/copyright) ;;
      755:*) [ -d "$file" ] || die "$file can be executed" ;;
      *) die "$file has the mode $(stat -c %a "$file")" ;;
    esac
    if [ -f "$file" ]; then say "  $file"; fi
  done

  cd /
  say "\$ macfit version"
  macfit version
  say "\$ macfit plan --model 230b-q4 --nodes 2x128"
  macfit plan --model 230b-q4 --nodes 2x128 >"$scratch/plan"
  head -n 3 "$scratch/plan"
  grep -q '^230b-q4 on 2x128: pipeline-shard, comfortable$' "$scratch/plan" || die "that is not the plan"
  macfit plan --model lama-3.1-70b --nodes 2x128 >/dev/null 2>"$scratch/error" || code=$?
  [ "$code" = 2 ] || die "a wrong name gives exit code $code"
  grep -q 'did you mean' "$scratch/error" || die "$(cat "$scratch/error")"

  gzip -dc /usr/share/man/man1/macfit.1.gz | grep -q '^\.TH MACFIT 1' || die "no man page"
  bash --norc --noprofile -c '
    . /usr/share/bash-completion/completions/macfit
    complete -p macfit >/dev/null
    COMP_WORDS=(macfit plan --model llama-3.1-7)
    COMP_CWORD=3
    _macfit
    printf "%s\n" "${COMPREPLY[@]}"' >"$scratch/offered"
  grep -qx llama-3.1-70b "$scratch/offered" || die "bash completes: $(cat "$scratch/offered")"
  gzip -t /usr/share/doc/macfit/*.gz
  say "man page, bash completion and changelogs are there"

  quietly dpkg -r macfit
  unchanged "dpkg -r macfit"
}

try_library() {
  quietly apt-get install -y --no-install-recommends "$1"
  [ -f /usr/include/fmt/core.h ] || die "libmacfit-dev does not bring fmt"
  say "installed: libmacfit-dev with $(state | diff "$scratch/before" - | grep '^> package' | cut -d ' ' -f 3 | tr '\n' ' ')"
  quietly apt-get purge -y --autoremove libmacfit-dev
  unchanged "apt-get purge libmacfit-dev"
}

here() {
  local package name
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
  quietly apt-get update
  state >"$scratch/before"
  for package in "$@"; do
    package=$(readlink -f "$package")
    name=$(dpkg-deb -f "$package" Package)
    case $name in
      macfit) try_program "$package" ;;
      libmacfit-dev) try_library "$package" ;;
      *) die "$package is $name: no package of this project" ;;
    esac
  done
}

in_new_root() {
  local root=$scratch/root script
  script=$(readlink -f "${BASH_SOURCE[0]}")
  [ "$(id -u)" = 0 ] || die "a new root wants to be made by root"
  command -v debootstrap >/dev/null || die "debootstrap is not installed"
  say "making a clean root: debootstrap --variant=minbase bookworm"
  quietly debootstrap --variant=minbase bookworm "$root"
  mkdir "$root/try"
  cp "$script" "$@" "$root/try/"
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -c 'cd /try && bash try_deb.sh --here *.deb'
}

from=$PWD
mode=in_new_root
if [ "${1-}" = --here ]; then
  mode=here
  shift
fi
[ $# -gt 0 ] || die "usage: packaging/try_deb.sh [--here] DEB..."
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
"$mode" "$@"
