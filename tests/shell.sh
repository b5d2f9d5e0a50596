#!/usr/bin/env bash
# What every test in shell begins with: the program, a scratch folder that goes in the end, and how
# to say what is wrong. Its last line is: exit "$failed"
# shellcheck disable=SC2034  # used by who reads this
set -euo pipefail

macfit=$MACFIT_BINARY
work=$(mktemp -d)
# A job that a signal ends before it is one of its own would run this too.
trap '[ "$$" != "$(sh -c "echo \$PPID")" ] || rm -rf "$work"' EXIT
failed=0
# Nothing of the person who runs the tests, and no server (tests/hub has its own).
unset MACFIT_NODES
export MACFIT_OFFLINE=1 XDG_CONFIG_HOME=$work/settings

fail() {
  printf 'FAIL: %s\n' "$*"
  failed=1
}

# expect CODE COMMAND...: what it says goes to out and err in the scratch folder.
expect() {
  local wanted=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, wanted $wanted: $*: $(cat "$work/out" "$work/err")"
}
