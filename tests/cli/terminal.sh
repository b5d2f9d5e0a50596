#!/usr/bin/env bash
# What a person sees: every command's text fits 60 columns, is plain ASCII where the locale is not
# UTF-8, and colored only for terminals; progress is shown on a terminal only, late, and is gone at
# the end.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"
cd "$work"
export LC_ALL=C.UTF-8 TERM=xterm-256color
unset NO_COLOR COLUMNS

cat >desk.json <<'JSON'
{"schema": "macfit.cluster/1", "name": "the desk by the window",
 "nodes": [{"name": "the-studio-on-the-left-of-the-desk", "machine": "mac-studio-m4-max-128"},
           {"name": "書斎のマック", "machine": "mac-mini-m4-pro-64"}]}
JSON

# Lines wider than that, but commands to copy, and words without blanks: paths, addresses, sources.
too_wide() {
  local width=$1 line
  while IFS= read -r line; do
    if [ "${#line}" -gt "$width" ]; then
      case ${line#"${line%%[! ]*}"} in
        'macfit '* | 'sudo '*) ;;
        *' '*) printf '%s\n' "$line" ;;
      esac
    fi
  done
}

while read -r -a words; do
  for width in 60 80; do
    COLUMNS=$width "$macfit" "${words[@]}" >out 2>err || fail "${words[*]}: $(cat err)"
    [ -s out ] || fail "${words[*]}: prints nothing"
    wide=$(too_wide "$width" <out)
    [ -z "$wide" ] || fail "${words[*]}: wider than $width columns: $wide"
  done
  if grep -q $'\e' out; then fail "${words[*]}: color without a terminal"; fi
  for locale in C POSIX en_US.ISO-8859-1; do
    LC_ALL=$locale COLUMNS=60 "$macfit" "${words[@]}" >ascii 2>err || true
    if LC_ALL=C grep -q '[^ -~]' ascii; then
      fail "${words[*]}: not ASCII with LC_ALL=$locale: $(LC_ALL=C grep -m 1 '[^ -~]' ascii)"
    fi
    wide=$(too_wide 60 <ascii)
    [ -z "$wide" ] || fail "${words[*]}: wider than 60 columns in ASCII: $wide"
  done
  COLUMNS=60 "$macfit" "${words[@]}" --color always 2>err | sed $'s/\e\\[[0-9;]*m//g' >colored || true
  cmp -s colored <(COLUMNS=60 "$macfit" "${words[@]}" 2>err) || fail "${words[*]}: color changes the text"
done <<'COMMANDS'
plan --model 70b-q4 --nodes 2x128
plan --model 230b-q4 --nodes 2x128 --explain
plan --model 250gb --nodes 2x128 --sequences 4
plan --model glm-4.5 --nodes desk.json
plan --model minimax-m2.5 --nodes 1x128+2x64 --link tb5-rdma
plan --model 230b-q4 --nodes 2x128 --against mac-studio-m3-ultra-512
plan --model kimi-k2 --nodes 1x64
survey --nodes 2x128
survey --nodes desk.json --models glm*
size --model glm-4.5 --nodes 2x128
size --nodes 2x128 --quant q4 --context 32k
size --model glm-4.5 --quant q4 --context 64k --tier comfortable
compare --model glm-4.5 nodes=2x128 nodes=1x512
night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2000 --output-tokens 500 --nights 100
night --model glm-4.5 --nodes desk.json --prompt-tokens 1k..4k --output-tokens ~500 --prompts 200
breakeven --nodes 2x128 --quant q4 --context 8k
breakeven --nodes 2x128 --model qwen3-235b-a22b --quant q3,q4,q6
models list
models show glm-4.5
hardware list
hardware show 2x128
hardware show desk.json
hardware show m4-max
hardware show tb5-rdma
runtimes
runtimes show mlx-lm
calibrate --fit
COMMANDS

# So does help, of every command; topics too.
commands=$("$macfit" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(wc -l <<<"$commands")" -gt 12 ] || fail "commands in the help: $commands"
for words in '' $commands 'models show' 'hardware show' 'help sizes' 'help environment'; do
  case $words in
    'help '*) ;;
    *) words="$words --help" ;;
  esac
  for locale in C.UTF-8 C; do
    # shellcheck disable=SC2086  # a command is words
    LC_ALL=$locale COLUMNS=60 "$macfit" $words >out 2>err || fail "$words: $(cat err)"
    wide=$(too_wide 60 <out | grep -vE '^ *(-|echo |parallel )' || true)
    [ -z "$wide" ] || fail "$words: wider than 60 columns with $locale: $wide"
  done
  if LC_ALL=C grep -q '[^ -~]' out; then fail "$words: not ASCII"; fi
done
# A command's examples are its own.
"$macfit" models show --help >out
if grep -q 'macfit plan' out; then fail "models show --help: $(cat out)"; fi
grep -qx 'Usage: macfit models show \[OPTION\]... NAME|PATH|SIZE' out || fail "usage: $(cat out)"

# Tables fold their cells before they turn into lists.
COLUMNS=60 "$macfit" survey --nodes 2x128 --models 'glm*' >out
grep -q '^  model  .*  size  ' out || fail "a survey at 60 columns is no table: $(cat out)"

# Lines of a check are for programs to read, and are not cut.
printf '{"schema": "macfit.manifest/1", "idd": "x"}\n' >wrong.json
COLUMNS=60 "$macfit" check wrong.json >out 2>err || true
[ "$(wc -l <out)" = "$(grep -c '^wrong.json:1:' out)" ] || fail "check cuts its lines: $(cat out)"

# Through a pseudo-terminal, as util-linux's script gives one.
if ! script --version 2>/dev/null | grep -q util-linux; then
  echo 'skipped: util-linux script is not installed'
  exit "$failed"
fi
# on_terminal COMMAND: what a terminal of 80 columns got of it.
on_terminal() { script -qec "stty cols 80; $1" /dev/null </dev/null; }
if ! on_terminal true >/dev/null 2>&1; then
  echo 'skipped: no pseudo-terminal can be had here'
  exit "$failed"
fi

on_terminal "'$macfit' plan --model 70b-q4 --nodes 2x128" >out
grep -q $'\e\\[1m' out || fail "no color on a terminal"
tr -d '\r' <out | sed $'s/\e\\[[0-9;]*m//g' >plain
COLUMNS=80 "$macfit" plan --model 70b-q4 --nodes 2x128 >wanted
cmp -s plain wanted || fail "a terminal's width is not taken"
for setting in NO_COLOR=1 TERM=dumb; do
  on_terminal "$setting '$macfit' plan --model 70b-q4 --nodes 2x128" >out
  if grep -q $'\e' out; then fail "color with $setting"; fi
done

# Progress: of what takes long, on standard error, erased in the end.
line='{"model": "70b-q4", "nodes": "2x128"}'
on_terminal "(echo '$line'; sleep 1; echo '$line') | '$macfit' plan --batch - --brief --output rows" >out
grep -q $'\r\e\\[Kbatch: ' out || fail "a long batch shows no progress: $(cat -v out)"
tail -c 4 out | grep -q $'\r\e\\[K$' || fail "progress is left behind: $(tail -c 40 out | cat -v)"
[ "$(wc -l <rows)" = 2 ] || fail "the rows of a batch with progress: $(cat rows)"
for quiet in "2>err --output rows" "--quiet --output rows" ""; do
  on_terminal "(echo '$line'; sleep 1; echo '$line') | '$macfit' plan --batch - --brief $quiet" >out
  if grep -q 'batch: ' out; then fail "progress with \"$quiet\": $(cat -v out)"; fi
done
grep -q '^{"id":' out || fail "a batch to a terminal: $(cat -v out)"
on_terminal "(echo '$line'; sleep 1; echo '$line') | TERM=dumb '$macfit' plan --batch - --brief --output rows" >out
[ ! -s out ] || fail "progress on a dumb terminal: $(cat -v out)"
on_terminal "echo '$line' | '$macfit' plan --batch - --brief --output rows" >out
[ ! -s out ] || fail "progress of a short batch: $(cat -v out)"

# A sweep without end: its progress is on standard error alone.
sweep="'$macfit' sweep --model glm-4.5 --nodes 2x128 --context 1..1000000 --sequences 1..900"
on_terminal "timeout -s INT 2 $sweep >rows" >out || true
grep -q $'\r\e\\[Ksweep: ' out || fail "a long sweep shows no progress: $(cat -v out)"
if grep -q 'sweep:' rows; then fail "progress among a sweep's rows"; fi
on_terminal "'$macfit' sweep --model glm-4.5 --nodes 2x128 >rows" >out
[ ! -s out ] || fail "progress of a short sweep: $(cat -v out)"

exit "$failed"
