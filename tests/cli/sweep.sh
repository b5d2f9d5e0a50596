#!/usr/bin/env bash
# Sweeps as scripts run them: the same rows whatever the threads, parts that are the whole, and every
# way of ending early.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }

grid=(--model 'llama-3.1-70b,glm-4.5' --nodes '2x128,4x64,1x128+2x64' --quant 'default,q8'
  --context '4k..128k+4k' --sequences '1..8' --runtime 'mlx-lm,all')

# The same bytes on any number of threads and in any number of parts.
"$macfit" sweep "${grid[@]}" --threads 1 >one
"$macfit" sweep "${grid[@]}" --threads 7 >seven
same one seven
[ "$(wc -l <one)" = 6145 ] || fail "rows: $(wc -l <one)"
"$macfit" sweep "${grid[@]}" --output file
same one file
for parts in 1 3 8; do
  for part in $(seq "$parts"); do "$macfit" sweep "${grid[@]}" --part "$part/$parts"; done >joined
  same one joined
done
if command -v parallel >/dev/null; then
  # --will-cite only keeps GNU parallel from asking.
  parallel --will-cite -k -j 4 "$macfit" sweep "${grid[@]@Q}" --part '{}/8' ::: 1 2 3 4 5 6 7 8 >joined
  same one joined
else
  echo 'skipped: GNU parallel is not installed'
fi
for format in jsonl markdown text; do
  "$macfit" sweep "${grid[@]}" --format "$format" --threads 1 >whole
  for part in 1 2 3; do "$macfit" sweep "${grid[@]}" --format "$format" --part "$part/3"; done >joined
  same whole joined
done
"$macfit" sweep "${grid[@]}" --pareto context,sequences --threads 1 >front1
"$macfit" sweep "${grid[@]}" --pareto context,sequences --threads 3 >front3
same front1 front3
if command -v python3 >/dev/null; then
  "$macfit" sweep "${grid[@]}" --format jsonl >rows
  python3 - <<'PYTHON' || fail "CSV and JSON Lines do not parse, or differ"
import csv, json
table = list(csv.DictReader(open("one", newline="")))
rows = [json.loads(line) for line in open("rows")]
assert len(table) == len(rows) == 6144
for record, row in zip(table, rows):
    assert list(record) == list(row), (record, row)
    for name, value in row.items():
        text = {None: "", True: "true", False: "false"}.get(value, value) if not isinstance(value, (int, float)) \
            or isinstance(value, bool) else value
        if isinstance(text, float):
            assert float(record[name]) == text
        else:
            assert record[name] == str(text), (name, record[name], text)
raw = open("one", "rb").read()
assert raw.count(b"\r\n") == raw.count(b"\n") == 6145
# Context turns fastest, then sequences.
assert [r["context"] for r in rows[:32]] == [4096 * (i + 1) for i in range(32)]
assert rows[32]["sequences"] == 2
PYTHON
fi

# A row is what a plan says.
"$macfit" sweep --model glm-4.5 --nodes 2x128 --context 32k --select verdict,tier,reason >out
grep -q '^pipeline-shard,borderline,raised-limit' out || fail "a row differs from its plan: $(cat out)"
"$macfit" sweep --model 70b-q4 --nodes 1x64 --context 8k,32k --where 'context>8k' --select context |
  tr -d '\r' >out
[ "$(cat out)" = $'context\n32768' ] || fail "--where: $(cat out)"
"$macfit" sweep --model llama-3.1-8b --nodes '1x64,2x64' --wired-limit 'default,100GiB' >out
[ "$(grep -c invalid-combination out)" = 2 ] || fail "an invalid combination is no row"

# Trouble: each ends as documented, with nothing half-written.
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --context ''
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --context ,
expect 2 "$macfit" sweep --nodes 2x128
expect 2 "$macfit" sweep --model 'nothing-*' --nodes 2x128
grep -q 'empty' err || fail "an empty grid is not named"
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --context 1..1000000 --sequences 1..1000000
grep -q '1,000,000,000,000 points' err || fail "a huge grid's count is not named: $(cat err)"
expect 0 "$macfit" sweep --model glm-4.5 --nodes 2x128 --context 8k,8192
grep -q 'kept once' err || fail "a duplicated value is not told"
"$macfit" sweep --model glm-4.5 --nodes 2x128 --sequences 2,3,2,3,2 >/dev/null 2>err
grep -q 'kept once: 2 and 3$' err || fail "values named thrice: $(cat err)"
[ "$(wc -l <out)" = 2 ] || fail "a duplicated value is planned twice"
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --output missing/file.csv
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --output .
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --select teir
grep -q 'did you mean tier' err || fail "a wrong column's nearest is not named"
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --part 4/3
expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --threads 0
if [ -e /dev/full ]; then
  code=0
  "$macfit" sweep "${grid[@]}" >/dev/full 2>err || code=$?
  [ "$code" = 2 ] || fail "a full disk: exit code $code"
  grep -q 'standard output' err || fail "a full disk is not named: $(cat err)"
  expect 2 "$macfit" sweep "${grid[@]}" --output /dev/full
fi
set +o pipefail
"$macfit" sweep --model glm-4.5 --nodes 2x128 --context '1..1000000' 2>err | head -n 3 >out
[ "$(wc -l <out)" = 3 ] || fail "| head: $(wc -l <out) rows"
[ ! -s err ] || fail "| head: $(cat err)"
set -o pipefail

# Ctrl-C: whole rows, exit code 130; a file is not begun.
endless=(--model glm-4.5 --nodes 2x128 --context '1..1000000' --sequences '1..900')
"$macfit" sweep "${endless[@]}" >streamed 2>err &
job=$!
for _ in $(seq 100); do
  [ -s streamed ] && break
  sleep 0.1
done
kill -INT "$job" 2>/dev/null || fail "the sweep ended by itself"
code=0
wait "$job" || code=$?
[ "$code" = 130 ] || fail "Ctrl-C: exit code $code"
[ -z "$(tail -c 1 streamed)" ] || fail "Ctrl-C left half a row"
awk -F, 'NF != 28 { bad = 1 } END { exit bad }' streamed || fail "Ctrl-C left rows that are not whole"
"$macfit" sweep "${endless[@]}" --output partial.csv 2>err &
job=$!
sleep 1
kill -INT "$job" 2>/dev/null || fail "the sweep ended by itself"
wait "$job" || true
if compgen -G 'partial.csv*' >/dev/null; then fail "Ctrl-C left $(echo partial.csv*)"; fi

# A file of axes, with a flag before it.
cat >grid.json <<'JSON'
{"schema": "macfit.sweep/1",
 "axes": {"model": ["glm-4.5"], "nodes": ["2x128", "4x64"], "context": ["8k..32k*2"]},
 "select": ["nodes", "context", "tier"]}
JSON
"$macfit" sweep --spec grid.json --context 8k | tr -d '\r' >out
[ "$(cat out)" = $'nodes,context,tier\n2x128,8192,borderline\n4x64,8192,borderline' ] ||
  fail "--spec: $(cat out)"
echo '{"schema": "macfit.sweep/1", "axes": {"context": ["8k", "x"]}}' >wrong.json
expect 2 "$macfit" sweep --spec wrong.json
grep -q 'wrong.json.*/axes/context/1' err || fail "--spec: $(cat err)"

exit "$failed"
