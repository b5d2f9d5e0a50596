#!/usr/bin/env bash
# plan --batch: the answers of single commands, in order, errors as rows.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"

# Answers equal those of single commands, whatever the threads.
requests=(
  '--model glm-4.5 --nodes 2x128 --context 32k'
  '--model minimax-m2.5 --nodes 4x64 --runtime exo'
  '--model llama-3.1-70b --nodes 1x128+1x64 --sequences 4 --kv q8'
  '--model 230b-q4 --nodes 2x128 --split pipeline'
  '--model 250gb --nodes 2x128'
  '--model llama-3.1-8b --quant q8 --nodes m4-max-64 --prefill-step 1024 --wired-limit 50GiB'
)
for request in "${requests[@]}"; do
  # shellcheck disable=SC2086  # flags are words
  set -- $request
  line="{\"id\": \"$request\""
  while [ $# -gt 0 ]; do
    line+=", \"${1#--}\": \"$2\""
    shift 2
  done
  printf '%s}\n' "$line"
done >requests.jsonl
for _ in $(seq 40); do cat requests.jsonl; done >many.jsonl
"$macfit" plan --batch requests.jsonl --threads 1 >plans.jsonl || fail "exit code $?"
"$macfit" plan --batch - --threads 5 <many.jsonl --output many.out || fail "exit code $?"
[ "$(wc -l <many.out)" = 240 ] || fail "answers: $(wc -l <many.out)"
if command -v python3 >/dev/null; then
  for request in "${requests[@]}"; do
    # shellcheck disable=SC2086
    "$macfit" plan $request --format json
  done >singles.json
  python3 - <<'PYTHON' || fail "a batch differs from single commands"
import json
decoder, text, singles = json.JSONDecoder(), open("singles.json").read(), []
while text.strip():
    value, end = decoder.raw_decode(text.lstrip())
    text = text.lstrip()[end:]
    singles.append(value)
batch = [json.loads(line) for line in open("plans.jsonl")]
assert [row["plan"] for row in batch] == singles
assert [row["line"] for row in batch] == list(range(1, len(singles) + 1))
assert batch[0]["id"] == "--model glm-4.5 --nodes 2x128 --context 32k"
many = [json.loads(line) for line in open("many.out")]
assert [row["line"] for row in many] == list(range(1, 241))
assert all(row["plan"] == singles[i % len(singles)] for i, row in enumerate(many))
PYTHON
fi

# Errors are rows in their place, and the exit code is 2.
code=0
{
  echo '{"id": 1, "model": "llama-3.1-8b"}'
  echo 'not json'
  echo
  echo '{"id": "x", "modle": "llama-3.1-8b"}'
  echo '{"model": "llama-3.1-8c"}'
  head -c 1100000 /dev/zero | tr '\0' ' '
  echo
  printf '{"id": "last", "model": "llama-3.1-8b", "context": 16384, "sequences": 2}'
} | "$macfit" plan --batch - --nodes 1x64 --brief >out 2>err || code=$?
[ "$code" = 2 ] || fail "errors: exit code $code"
grep -q 'requests without an answer: 4 of 6 ' err || fail "errors: $(cat err)"
[ "$(wc -l <out)" = 6 ] || fail "errors: $(wc -l <out) lines"
sed -n 1p out | grep -q '^{"id":1,"line":1,"row":{"model":"llama-3.1-8b",' || fail "a row: $(sed -n 1p out)"
sed -n 2p out | grep -q '^{"id":null,"line":2,"error":{"message":"not valid JSON' || fail "bad JSON"
sed -n 3p out | grep -q '"id":"x","line":4,.*did you mean model' || fail "an unknown key: $(sed -n 3p out)"
sed -n 4p out | grep -q '"line":5,.*did you mean llama-3.1-8b' || fail "an unknown model"
sed -n 5p out | grep -q '"line":6,.*longer than' || fail "a line too long"
sed -n 6p out | grep -q '"id":"last","line":7,"row".*"sequences":2,"context":16384' || fail "the last row"

# Required tiers, output that fails, readers that go away, a reader that waits for each answer.
code=0
"$macfit" plan --batch requests.jsonl --brief --require comfortable >/dev/null 2>err || code=$?
[ "$code" = 1 ] || fail "--require: exit code $code"
grep -q 'plans below the required comfortable: [1-9][0-9]* of [1-9]' err || fail "--require: $(cat err)"
code=0
"$macfit" plan --batch missing.jsonl 2>err || code=$?
[ "$code" = 2 ] || fail "a missing file: exit code $code"
if [ -e /dev/full ]; then
  code=0
  "$macfit" plan --batch many.jsonl --brief >/dev/full 2>err || code=$?
  [ "$code" = 2 ] || fail "a full disk: exit code $code"
fi
"$macfit" plan --batch many.jsonl 2>err | head -n 1 >/dev/null || true
[ ! -s err ] || fail "| head: $(cat err)"
coproc engine { "$macfit" plan --batch - --brief --nodes 1x64; }
for id in 1 2 3; do
  echo "{\"id\": $id, \"model\": \"llama-3.1-8b\"}" >&"${engine[1]}"
  answer=
  read -r -t 20 answer <&"${engine[0]}" || true
  [[ $answer == "{\"id\":$id,"* ]] || fail "no answer before the next question: $answer"
done

exit "$failed"
