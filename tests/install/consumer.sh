#!/usr/bin/env bash
# What a user of the library does: installs this build, finds it from a project of their own, builds that and runs it.
# In the environment: MACFIT_SOURCE_DIR, MACFIT_BUILD_DIR, CMAKE, CXX, CMAKE_GENERATOR, and in CXXFLAGS what has to be
# the same on both sides (sanitizers, counters).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
failed=0

fail() {
  printf 'FAIL: %s\n' "$*"
  failed=1
}

quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
  }
}

quietly "$CMAKE" --install "$MACFIT_BUILD_DIR" --prefix "$prefix"

# Everything in its place, and nothing that names the tree it came from.
for file in bin/macfit include/macfit/plan/plan.hpp share/doc/macfit/{copyright,README.md,CHANGELOG.md} \
  share/man/man1/macfit.1 share/bash-completion/completions/macfit share/zsh/site-functions/_macfit \
  share/fish/vendor_completions.d/macfit.fish share/macfit/schema/plan.schema.json; do
  [ -s "$prefix/$file" ] || fail "$file is not installed"
done
[ -n "$(find "$prefix" -name macfit-config.cmake)" ] || fail "no CMake package"
! grep -rlF -e "$MACFIT_SOURCE_DIR" -e "$MACFIT_BUILD_DIR" --include='*.cmake' --include='*.hpp' "$prefix" ||
  fail "installed files name the tree they came from"
! grep -rlF nlohmann "$prefix/include" || fail "a public header needs nlohmann/json"

# The consumer's project lies outside this tree too. What it says is what the program says.
example=$work/example
cp -R "$MACFIT_SOURCE_DIR/docs/examples/plan" "$example"
quietly "$CMAKE" -S "$example" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug
quietly "$CMAKE" --build "$work/build"
"$work/build/plan_example" llama-3.3-70b 2x128 >"$work/said"
"$prefix/bin/macfit" plan --model llama-3.3-70b --nodes 2x128 >"$work/plan"
[ "$(head -n 1 "$work/said")" = "$(head -n 1 "$work/plan")" ] ||
  fail "the example says $(head -n 1 "$work/said"), the program $(head -n 1 "$work/plan")"
code=0
"$work/build/plan_example" llama-3.3-7b0 2x128 >"$work/said" 2>&1 || code=$?
[ "$code" = 2 ] || fail "an error of the library is not caught outside it: $code"
grep -q 'did you mean llama-3.3-70b' "$work/said" || fail "$(cat "$work/said")"

# Another minor version is not this one.
mkdir "$work/other"
sed 's/macfit 0\.1/macfit 0.2/' "$example/CMakeLists.txt" >"$work/other/CMakeLists.txt"
cp "$example/main.cpp" "$work/other"
! "$CMAKE" -S "$work/other" -B "$work/other/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
  fail "version 0.2 is found where 0.1 is installed"
grep -q 'macfit-config.cmake, version: 0\.1' "$work/log" || fail "$(cat "$work/log")"

exit "$failed"
