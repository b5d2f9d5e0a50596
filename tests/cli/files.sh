#!/usr/bin/env bash
# What is written, and where: links, modes, owners, full disks, streams that are closed, and every
# command that prints.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"
chmod 755 .

says() { grep -qF -- "$1" err || fail "no \"$1\" in: $(cat err)"; }
clean() {
  if compgen -G '.macfit.*' >/dev/null; then fail "$1 left $(echo .macfit.*)"; fi
}
mode_of() { stat -c %a "$1" 2>/dev/null || stat -f %Lp "$1"; }

plan=("$macfit" plan --model 70b-q4 --nodes 2x128)
"${plan[@]}" >wanted

# A link keeps pointing where it did, and the file it names is replaced, there or not.
mkdir folder
echo old >real
chmod 640 real
ln -s ../real folder/inner
ln -s folder/inner outer
ln -s missing dangling
ln -s there here
ln -s here there
# An output never takes the place of what it is made from.
echo '{"schema": "macfit.sweep/1", "axes": {"model": "glm-4.5", "nodes": "2x128"}}' >grid.json
expect 2 "$macfit" sweep --spec grid.json --output grid.json
says 'grid.json: it is read by this command'
grep -q '"macfit.sweep/1"' grid.json || fail "the grid is gone"
ln -s grid.json link.json
expect 2 "$macfit" sweep --spec link.json --output grid.json
expect 0 "$macfit" sweep --spec grid.json --output rows.csv
mkdir checkpoint
echo '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1,
  "intermediate_size": 64, "vocab_size": 64}' >checkpoint/config.json
expect 2 "$macfit" plan --model ./checkpoint --nodes 1x64 --output checkpoint/config.json
grep -q model_type checkpoint/config.json || fail "the model's config is gone"

for target in outer dangling; do expect 0 "${plan[@]}" --output "$target"; done
if [ ! -L outer ] || [ ! -L folder/inner ] || [ ! -L dangling ]; then fail "a link became a file"; fi
cmp -s wanted real || fail "the file behind two links was not replaced"
cmp -s wanted missing || fail "the file behind a dangling link was not written"
expect 2 "${plan[@]}" --output here
says 'here: '
[ -L here ] || fail "a link to itself became a file"

# Modes: an old file's stays, a new one's is the umask's.
[ "$(mode_of real)" = 640 ] || fail "the mode of an old file: $(mode_of real)"
(umask 077 && "${plan[@]}" --output private)
(umask 022 && "${plan[@]}" --output public)
[ "$(mode_of private)" = 600 ] || fail "a new file with umask 077: $(mode_of private)"
[ "$(mode_of public)" = 644 ] || fail "a new file with umask 022: $(mode_of public)"
# A reader of the old file keeps the old text: the new one is another file.
exec 3<public
expect 0 "$macfit" models list --output public
cmp -s wanted /dev/fd/3 || fail "a file that was open for reading changed under its reader"
exec 3<&-

# Names as long as names can be; a folder; a missing one.
longest=$(printf 'n%.0s' $(seq 255))
expect 0 "${plan[@]}" --output "$longest"
expect 2 "${plan[@]}" --output "n$longest"
for target in folder folder/ . missing/file; do
  expect 2 "${plan[@]}" --output "$target"
  says "$target: "
done
clean "a refused file"

# As a user without rights.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
elif [ "$(id -u)" != 0 ]; then
  as_nobody=(env)
else
  as_nobody=()
  echo 'skipped: setpriv is not installed, and root may write everywhere'
fi
if [ ${#as_nobody[@]} -gt 0 ] && "${as_nobody[@]}" "$macfit" version >/dev/null 2>&1; then
  mkdir closed open
  echo precious >open/read-only
  chmod 444 open/read-only
  chmod 777 open
  chmod 555 closed
  expect 2 "${as_nobody[@]}" "${plan[@]}" --output open/read-only
  says 'open/read-only: '
  [ "$(cat open/read-only)" = precious ] || fail "a read-only file was replaced"
  expect 2 "${as_nobody[@]}" "${plan[@]}" --output closed/file
  says 'closed/file: '
fi
if [ "$(id -u)" = 0 ] && [ ${#as_nobody[@]} -gt 0 ]; then
  echo old >owned
  chown 65534:65534 owned
  expect 0 "${plan[@]}" --output owned
  [ "$(stat -c %u:%g owned)" = 65534:65534 ] || fail "an old file changed its owner"
fi

# A full disk: nothing half-written, and the old file stays.
mkdir tiny
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=16k tmpfs tiny 2>/dev/null; then
  echo precious >tiny/file
  expect 2 "$macfit" models list --format json --output tiny/file
  says 'tiny/file: '
  [ "$(cat tiny/file)" = precious ] || fail "a full disk took the old file"
  expect 2 "$macfit" sweep --model glm-4.5 --nodes 2x128 --context 1k..128k+1k --output tiny/new.csv
  expect 2 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output tiny/launched
  [ "$(find tiny -mindepth 1 | sort)" = tiny/file ] || fail "a full disk keeps $(find tiny -mindepth 1)"
  umount tiny
else
  echo 'skipped: no disk of its own to fill'
fi

# Streams that come closed are told, and lend their number to no file.
code=0
"${plan[@]}" >&- 2>err || code=$?
[ "$code" = 2 ] || fail "standard output closed: exit code $code"
says 'standard output: '
"${plan[@]}" --output all-closed <&- >&- 2>&- || fail "all streams closed: exit code $?"
cmp -s wanted all-closed || fail "a file written with all streams closed: $(head -c 200 all-closed)"
code=0
"$macfit" plan --model nope --nodes 2x128 --output none 2>&- || code=$?
[ "$code" = 2 ] || fail "standard error closed: exit code $code"
[ ! -e none ] || fail "a failure wrote its file"
code=0
"$macfit" plan --batch - --nodes 2x128 <&- >out 2>err || code=$?
[ "$code" = 2 ] || fail "standard input closed: exit code $code"

# Every command that prints: a full disk is told once with exit code 2, a reader that goes away is not.
cat >desk.json <<'JSON'
{"schema": "macfit.cluster/1", "nodes": [{"machine": "mac-studio-m4-max-128"}]}
JSON
echo '{"id": 1, "model": "70b-q4", "nodes": "2x128"}' >batch.jsonl
"${plan[@]}" --format json >plan.json
cp "$MACFIT_SOURCE_DIR/models/glm-4.5.json" .
echo '{"rows": [{"id": "m1", "chip": "M3 Ultra", "ram_gb_per_node": 512, "runtime": "llama.cpp", "model": "llama-3.1-8b",
  "quant": "Q4_K_M", "phase": "decode", "value": 80, "source": "s"}]}' >rows.json
while read -r -a words; do
  if [ -e /dev/full ]; then
    code=0
    "$macfit" "${words[@]}" >/dev/full 2>err || code=$?
    [ "$code" = 2 ] || fail "a full disk: ${words[*]}: exit code $code"
    [ "$(wc -l <err)" = 1 ] || fail "a full disk: ${words[*]}: $(cat err)"
    says 'macfit: standard output: '
  fi
  code=0
  { "$macfit" "${words[@]}" 2>err || echo "$?" >code; } | true
  [ ! -s code ] || fail "a reader that goes away: ${words[*]}: exit code $(cat code)"
  rm -f code
  [ ! -s err ] || fail "a reader that goes away: ${words[*]}: $(cat err)"
done <<'COMMANDS'
plan --model 70b-q4 --nodes 2x128
plan --model 70b-q4 --nodes desk.json --format json
plan --model 70b-q4 --nodes 2x128 --format html
plan --batch batch.jsonl
plan --batch batch.jsonl --brief
survey --nodes 2x128 --models glm*
survey --nodes 2x128 --models glm* --format csv
size --model glm-4.5 --nodes 2x128
compare --model glm-4.5 nodes=2x128 nodes=1x512
compare plan.json plan.json
sweep --model glm-4.5 --nodes 2x128
sweep --model glm-4.5 --nodes 2x128 --format html
sweep --model glm-4.5 --nodes 2x128 --pareto context
sweep --columns
models list
models show glm-4.5
hardware list
hardware show 2x128
runtimes
runtimes show exo
launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --dry-run
night --model glm-4.5 --nodes 2x128 --prompt-tokens 2k --output-tokens 500 --nights 20
breakeven --nodes 2x128 --model glm-4.5
breakeven --nodes 2x128 --model glm-4.5 --format csv
calibrate --validate rows.json
check -q glm-4.5.json --format json
explain
explain tier
help
help sizes
help --man
completion bash
version
version --json
--help
plan --help
COMMANDS

# A pipe is read where a file is.
mkfifo pipe
cat desk.json >pipe &
expect 0 "$macfit" plan --model 70b-q4 --nodes ./pipe
cat rows.json >pipe &
expect 0 "$macfit" calibrate --validate ./pipe
expect 0 "$macfit" plan --model 70b-q4 --nodes <(cat desk.json)

# Two that write one file: the one or the other, whole.
for context in 8k 32k; do
  "$macfit" sweep --model 'llama*' --nodes 2x64 --context "$context" --output alone-$context --quiet
  "$macfit" sweep --model 'llama*' --nodes 2x64 --context "$context" --output both --quiet &
done
wait
cmp -s both alone-8k || cmp -s both alone-32k || fail "two that write one file mix"
clean "two that write one file"

# Whatever ends it, and whenever, the old file or folder is there or the new one, whole, and nothing else.
cp "$MACFIT_SOURCE_DIR/models/glm-4.5.json" import.json
sweep="sweep --model llama* --nodes 2x64,2x128 --context 1000..200000+100 --output target --quiet"
for words in "$sweep" "models import ./import.json --output target" \
  "launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output target --force --quiet"; do
  read -ra command <<<"$words"
  rm -rf target
  expect 0 "$macfit" "${command[@]}"
  whole=$(find target | sort)
  for signal in HUP INT TERM; do
    for delay in ${MACFIT_MOMENTS:-0.00 0.01 0.02 0.03 0.05 0.08 0.1 0.2}; do
      # A shell's background jobs ignore SIGINT; env gives it back.
      (trap - INT && exec env "$macfit" "${command[@]}" >/dev/null 2>&1) &
      job=$!
      sleep "$delay"
      kill -s "$signal" "$job" 2>/dev/null || true
      kill -s "$signal" "$job" 2>/dev/null || true
      wait "$job" 2>/dev/null || true
      [ "$(find target | sort)" = "$whole" ] || fail "SIG$signal after $delay s: ${words%% *} left $(find target)"
      [ -z "$(find target -type f -empty)" ] || fail "SIG$signal after $delay s: ${words%% *} left an empty file"
      clean "SIG$signal after $delay s"
    done
  done
done

# Nothing was left anywhere.
clean "a command"
exit "$failed"
