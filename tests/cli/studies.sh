#!/usr/bin/env bash
# survey, size and compare as scripts see them: formats, exit codes, errors.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"

expect 0 "$macfit" survey --nodes 4x64 --color never
for group in 'Comfortable (' 'Borderline (' 'Not practical ('; do
  grep -qF "$group" out || fail "survey has no group $group"
done
expect 0 "$macfit" survey --nodes 4x64 --models 'qwen3-*,glm-4.5' --tier comfortable --format csv
grep -q '^glm-4.5,' out && fail "survey --tier shows what is below it"
grep -q '^qwen3-32b,' out || fail "survey --models leaves one out"
expect 0 "$macfit" survey --nodes 2x128 --format markdown
grep -q '^## Comfortable$' out || fail "survey --format markdown"
expect 0 "$macfit" survey --nodes 1x64 --where 'max_context>=64k' --sort context --format json
if command -v python3 >/dev/null; then
  python3 - <<'PYTHON' || fail "survey --format json"
import json
survey = json.load(open("out"))
assert survey["schema"] == "macfit.survey/1"
assert survey["models"]
for model in survey["models"]:
    assert model["smallest"]["max_context_tokens"] >= 65536, model
    assert model["tier"] == model["smallest"]["tier"]
PYTHON
fi
expect 2 "$macfit" survey --nodes 4x64 --models 'qwne3-32b'
grep -q 'qwen3-32b' err || fail "survey --models names nothing near"
expect 2 "$macfit" survey --nodes 4x64 --sort sice
expect 2 "$macfit" survey

expect 0 "$macfit" size --model llama-3.1-70b --nodes 1x64
grep -q 'bf16 ' out || fail "size: no cache formats: $(cat out)"
expect 0 "$macfit" size --nodes 2x128 --quant q4 --context 32k
grep -q 'comfortable  *dense' out || fail "size: no largest model: $(cat out)"
expect 0 "$macfit" size --model glm-4.5-air --quant q4 --context 64k --tier comfortable --format json
grep -q '"question": "clusters"' out || fail "size: no clusters"
expect 0 "$macfit" size --model qwen3-235b-a22b --context 64k --top 1
grep -q 'context-above-longest' out || fail "size says nothing of a context above the longest"
expect 0 "$macfit" size --model qwen3-235b-a22b --context 32k --top 1
grep -q 'context-above-longest' out && fail "size finds 32k too long for a model of 40k"
expect 2 "$macfit" size
expect 2 "$macfit" size --model glm-4.5 --tier not-practical

"$macfit" plan --model glm-4.5 --nodes 2x128 --format json >a.json
"$macfit" plan --model glm-4.5 --nodes 2x128 --context 32k --format json >b.json
expect 0 "$macfit" compare a.json a.json
grep -q '^No difference' out || fail "compare: a plan differs from itself"
expect 0 "$macfit" compare a.json b.json --color never
grep -q '^context  *8k  *32k' out || fail "compare: $(cat out)"
grep -q '^model ' out && fail "compare shows what is the same"
cp out files
expect 0 "$macfit" compare --model glm-4.5 --nodes 2x128 context=8k context=32k --color never
tail -n +2 out >words
tail -n +2 files | cmp -s - words || fail "compare: requests differ from saved plans"
expect 0 "$macfit" compare a.json b.json --format json
grep -q '"schema": "macfit.compare/1"' out || fail "compare --format json"
expect 2 "$macfit" compare a.json
expect 2 "$macfit" compare a.json missing.json
expect 2 "$macfit" compare --model glm-4.5 --nodes 2x128 context=8k contxt=9k
grep -q 'did you mean context' err || fail "compare: $(cat err)"
echo '{"schema": "macfit.night/1"}' >c.json
expect 2 "$macfit" compare a.json c.json
grep -q 'c.json' err || fail "compare does not name the file"

# What a survey's page says to type asks as the survey did.
"$macfit" survey --nodes 1x64 --models glm-4.5-air --context 64k --kv q8 --catalog "$MACFIT_SOURCE_DIR" --format html >page
grep -q "macfit plan --model glm-4.5-air --nodes 1x64 --context 64k --kv q8 --catalog " page ||
  fail "a survey's page: $(grep -o 'macfit plan[^<]*' page)"

exit "$failed"
