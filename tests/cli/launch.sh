#!/usr/bin/env bash
# The scripts that launch writes parse, pass shellcheck where it is installed, and do what they say
# as far as a machine without a cluster can tell.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

cat >"$work/desk.json" <<'JSON'
{"schema": "macfit.cluster/1", "name": "it's $(touch hit) `touch hit`",
 "nodes": [{"name": "a'b\"; touch hit #", "machine": "mac-studio-m4-max-128"},
           {"name": "-oProxyCommand=touch hit", "machine": "mac-studio-m4-max-128"}]}
JSON

cd "$work"
while read -r name flags; do
  # shellcheck disable=SC2086  # flags are words
  expect 0 "$macfit" launch $flags --output "$name"
  for script in "$name"/*.sh; do
    bash -n "$script" || fail "$script does not parse"
    case $script in
      */settings.sh | */common.sh) [ ! -x "$script" ] || fail "$script is executable" ;;
      *) [ -x "$script" ] || fail "$script is not executable" ;;
    esac
    if command -v shellcheck >/dev/null; then
      shellcheck "$script" || fail "shellcheck $script"
    fi
  done
  if command -v python3 >/dev/null; then
    for file in "$name"/*.json; do
      [ ! -f "$file" ] || python3 -m json.tool "$file" >/dev/null || fail "$file is no JSON"
    done
    for file in "$name"/*.py; do
      [ ! -f "$file" ] || python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file" ||
        fail "$file does not parse"
    done
  fi
done <<'CASES'
ring --model glm-4.5 --nodes 2x128 --runtime mlx-lm
jaccl --model minimax-m2.5 --nodes 4x64 --runtime mlx-lm --link tb5-rdma --split tensor
replicas --model minimax-m2.5 --nodes 4x128 --runtime mlx-lm --link tb5-rdma --split tensor
exo --model minimax-m2.5 --nodes 2x128 --runtime exo
workers --model llama-3.1-70b --nodes 2x128 --runtime mlx-lm
ethernet --model glm-4.5 --nodes 2x128 --runtime mlx-lm --link 10gbe
quantized --model llama-3.1-70b --nodes 1x64 --runtime mlx-lm --kv q8 --sequences 4
hostile --model glm-4.5 --nodes desk.json --runtime mlx-lm
CASES

if "$macfit" runtimes show llama.cpp >/dev/null 2>&1; then
  expect 0 "$macfit" launch --model qwen3-235b-a22b --nodes 1x128+2x64 --runtime llama.cpp --output llama
  expect 0 "$macfit" launch --model llama-3.1-70b --nodes 2x128 --runtime llama.cpp --output llama-workers
  for script in llama/*.sh llama-workers/*.sh; do
    bash -n "$script" || fail "$script does not parse"
    if command -v shellcheck >/dev/null; then shellcheck "$script" || fail "shellcheck $script"; fi
  done
fi

# Refusals: exit code 2, and nothing is left behind.
expect 2 "$macfit" launch --model 230b-q4 --nodes 2x128 --output none
grep -q 'nearest real models' err || fail "a nominal model's nearest are not named"
expect 2 "$macfit" launch --model kimi-k2 --nodes 1x64 --output none
expect 2 "$macfit" launch --model glm-4.5 --nodes 2x128
expect 2 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output ring
[ ! -e none ] || fail "a refused launch left a folder"
mkdir other
touch other/precious
expect 2 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output other --force
[ -e other/precious ] || fail "--force took a folder that launch did not write"
expect 0 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output ring --force
expect 0 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --dry-run
grep -q '^==> run.sh (executable) <==$' out || fail "--dry-run prints no headers"
if compgen -G '*.??????' >/dev/null; then fail "temporary folders are left behind"; fi

# Unfilled settings stop every script that would act; checks run here, on this machine.
code=0
(cd hostile && ./run.sh) >out 2>err || code=$?
[ "$code" = 2 ] || fail "run.sh with unfilled settings: exit code $code"
grep -q 'EDIT-' err || fail "run.sh does not say what to fill in"
(cd ring && ./addresses.sh --print) >out || fail "addresses.sh --print"
grep -q 'sudo ifconfig bridge0 down' out || fail "addresses.sh does not take the bridge down"
sed -e 's/^SSH=.*/SSH=(local local)/' ring/settings.sh >settings.new
mv settings.new ring/settings.sh
code=0
(cd ring && ./preflight.sh) >out 2>err || code=$?
[ "$code" = 1 ] || fail "preflight.sh on no Mac: exit code $code: $(cat err)"
grep -q '^fail  node-1: macOS' out || fail "preflight.sh does not check macOS"

# spike.sh against a server that is not one.
mkdir bin
cat >bin/curl <<'CURL'
#!/usr/bin/env bash
body=$(cat)
wanted=${body##*\"max_tokens\":}
printf '{"usage": {"prompt_tokens": 500, "completion_tokens": %s}}\n%s.5\n' "${wanted%%,*}" "${#wanted}"
CURL
chmod +x bin/curl
sed -e 's/^SSH=.*/SSH=(local local)/' workers/settings.sh >settings.new
mv settings.new workers/settings.sh
(cd workers && PATH=$work/bin:$PATH ./spike.sh plan) 2>err || fail "spike.sh: $(cat err)"
grep -q '^{"schema":"macfit.spike/1","model":"llama-3.1-70b".*"phase":"prefill","tokens":500,' workers/results.jsonl ||
  fail "spike.sh writes no macfit.spike/1 lines"
grep -q '"phase":"decode","tokens":128,' workers/results.jsonl || fail "spike.sh measures no decode"

# What it wrote is what calibrate reads.
expect 0 "$macfit" calibrate --validate workers/results.jsonl --format json
grep -q '"id": "spike-1-plan"' out || fail "calibrate does not read the spike's results: $(cat err)"
expect 0 "$macfit" calibrate --fit workers/results.jsonl --output calibration.json
if [ "$(grep -c . calibration.json)" -lt 3 ]; then fail "calibrate --fit wrote no constants"; fi
head -c 150 workers/results.jsonl >cut.jsonl
expect 2 "$macfit" calibrate --validate cut.jsonl
grep -q 'cut.jsonl: .*line 1' err || fail "a cut line is not named: $(cat err)"

if find . -name hit | grep -q .; then fail "a name was run as a command"; fi
exit "$failed"
