#!/usr/bin/env bash
# No memory left, at 200 points spread over six commands: exit code 2 with a word, nothing half-written, never an abort.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"

if [ "$(uname -s)" != Linux ] || ! ldd "$macfit" 2>/dev/null | grep -q libc.so.6 ||
  nm -D "$macfit" 2>/dev/null | grep -qE '__(asan|tsan)_init'; then
  echo "skipped: failing allocations need the GNU C library and a program without sanitizers"
  exit 0
fi
"${CXX:-c++}" -std=c++20 -O1 -shared -fPIC -o no_memory.so "$MACFIT_SOURCE_DIR/tests/no_memory.cpp"

echo '{"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
  "intermediate_size": 1024, "vocab_size": 1000}' >config.json
echo '{"id": "a", "model": "glm-4.5", "nodes": "2x128"}' >lines.jsonl
commands=(
  "plan --model glm-4.5 --nodes 2x128 --format html --output out"
  "sweep --model glm-4.5,qwen3-32b --nodes 2x64 --context 8k..64k*2 --threads 2 --output out"
  "survey --nodes 1x64 --models qwen3* --format csv --output out"
  "models import ./config.json --output out"
  "launch --model qwen3-32b --nodes 2x64 --runtime mlx-lm --output out"
  "plan --batch lines.jsonl --output out"
)
points=0
early=0
for line in "${commands[@]}"; do
  read -ra words <<<"$line"
  rm -rf out
  all=$(LD_PRELOAD=$work/no_memory.so "$macfit" "${words[@]}" 2>&1 >/dev/null | sed -n 's/^allocations: //p' | tail -n 1)
  [ "${all:-0}" -gt 100 ] || fail "allocations of \"$line\" were not counted"
  [ -e out ] || fail "\"$line\" wrote nothing"
  rm -rf out
  for ((i = 0; i < 34; ++i)); do
    at=$((1 + (all - 1) * i * i / 1156)) # closer together at the start
    code=0
    LD_PRELOAD=$work/no_memory.so MACFIT_FAIL_AT=$at "$macfit" "${words[@]}" >said 2>err || code=$?
    points=$((points + 1))
    # Threads and caches of the library vary the count: the last points may come through.
    if [ "$code" = 0 ] && [ "$i" -gt 20 ]; then
      early=$((early + 1))
    elif [ "$code" != 2 ] || [ ! -s err ]; then
      fail "allocation $at of $all, $line: exit code $code: $(head -c 300 err)"
    fi
    [ "$code" = 0 ] || [ ! -e out ] || fail "allocation $at of $all, $line: something was written"
    if compgen -G '.macfit.*' >/dev/null; then
      fail "allocation $at of $all, $line: left $(echo .macfit.*)"
      rm -rf .macfit.*
    fi
    rm -rf out
  done
done
[ "$early" -le 30 ] || fail "$early of $points points failed nothing"
echo "$points points over ${#commands[@]} commands, $early of them came through"

exit "$failed"
