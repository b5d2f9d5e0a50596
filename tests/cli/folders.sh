#!/usr/bin/env bash
# The folders that launch writes, run on Macs that are none: tests/launch/mac has their commands. They
# start, answer, say what fails and where, and leave nothing behind; no script needs more than the
# bash 3.2 and the BSD tools of macOS.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

for tool in python3 curl; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done
export MAC_BIN=$MACFIT_SOURCE_DIR/tests/launch/mac MAC_HOMES=$work/homes HOME=$work/homes/here
export PATH=$MAC_BIN:$PATH
mkdir -p "$HOME"
trap 'for file in "$work"/homes/*/.macfit/*/*.pid; do [ ! -f "$file" ] || kill -9 "$(cut -d" " -f1 "$file")" 2>/dev/null || true; done; rm -rf "$work"' EXIT
cd "$work"

# ports N: so many that nobody listens on
ports() {
  python3 -c 'import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))' "$1"
}

# set_in FOLDER NAME VALUE: a line of its settings.sh
set_in() {
  awk -v name="$2" -v value="$3" 'index($0, name "=") == 1 { print name "=" value; next } { print }' \
    "$1/settings.sh" >settings.new
  mv settings.new "$1/settings.sh"
}

# answers PORT: within ten seconds
answers() {
  local _
  for _ in $(seq 50); do
    curl -s -H 'Content-Type: application/json' --data '{"messages": [{"role": "user", "content": "abc"}]}' \
      "http://127.0.0.1:$1/v1/chat/completions" 2>/dev/null | grep -q '"cba"' && return
    sleep 0.2
  done
  fail "nothing answers at $1"
}

# gone: no part that a folder started is there any more
gone() {
  local file
  for file in "$work"/homes/*/.macfit/*/*.pid; do
    [ ! -f "$file" ] || fail "$1: left behind: $file"
  done
}

# begins FOLDER: run.sh in the background, what it says in said, its number in $runner
begins() {
  (cd "$1" && exec ./run.sh) >said 2>&1 &
  runner=$!
}

# ends CODE WORDS: it ended so, and its last line has these words
ends() {
  local code=0
  wait "$runner" || code=$?
  [ "$code" = "$1" ] || fail "run.sh ended with $code, wanted $1: $(cat said)"
  [ -z "${2-}" ] || tail -n 1 said | grep -qF -- "$2" || fail "no '$2' in the last line of: $(cat said)"
}

# fails_fast FOLDER WORDS: it does not even start, and says why
fails_fast() {
  local code=0
  (cd "$1" && ./run.sh) >said 2>&1 &
  runner=$!
  for _ in $(seq 300); do
    kill -0 "$runner" 2>/dev/null || break
    sleep 0.1
  done
  kill "$runner" 2>/dev/null || true
  wait "$runner" || code=$?
  [ "$code" = 2 ] || fail "run.sh ended with $code, wanted 2: $(cat said)"
  grep -qF -- "$2" said || fail "no '$2' in: $(cat said)"
  gone "$2"
}

# plain SCRIPT...: nothing that macOS does not have
plain() {
  local script
  for script in "$@"; do
    ! grep -nE 'wait -n|mapfile|readarray|declare -A|local -n|\$\{[A-Za-z_]+(,,|\^\^|@[A-Z])|&>>|\|&|coproc|;;&|sed -i|readlink -f|grep -P|date -d|stat -c|head -n -|(^|[^-])timeout |sort -V|xargs -r' \
      "$script" || fail "$script uses what macOS does not have"
  done
}

# An mlx_lm that can be told a split, for whatever asks python.
mkdir -p python/mlx_lm/models python/mlx_lm-0.32.2.dist-info python/mlx-0.32.4.dist-info
for name in mlx_lm mlx_lm/models; do touch "python/$name/__init__.py"; done
echo '__version__ = "0.32.2"' >python/mlx_lm/__init__.py
printf 'class PipelineMixin:\n    def pipeline(self, group, split=None):\n        pass\n' >python/mlx_lm/models/pipeline.py
printf 'import os, sys\ndef main():\n    os.execvp("mlx_lm.server", ["mlx_lm.server"] + sys.argv[1:])\n' >python/mlx_lm/server.py
printf 'Metadata-Version: 2.1\nName: mlx-lm\nVersion: 0.32.2\n' >python/mlx_lm-0.32.2.dist-info/METADATA
printf 'Metadata-Version: 2.1\nName: mlx\nVersion: 0.32.4\n' >python/mlx-0.32.4.dist-info/METADATA
export PYTHONPATH=$work/python

read -r one two three <<<"$(ports 3)"
mkdir model
touch model.gguf

# Two workers: one here, one over ssh.
expect 0 "$macfit" launch --model llama-3.1-70b --nodes 2x128 --runtime mlx-lm --output above/workers
plain above/workers/*.sh
mv above/workers workers
set_in workers SSH '(local alpha)'
set_in workers MODEL "$work/model"
set_in workers HTTP_PORT "($one $two)"
begins workers
answers "$one"
answers "$two"
[ "$(wc -l <homes/caffeinated | tr -d ' ')" = 2 ] || fail 'a worker may sleep'
(cd workers && ./spike.sh plan) >said.spike 2>&1 || fail "spike: $(cat said.spike)"
grep -q '"nodes":1,.*"link":null' workers/results.jsonl || fail "a worker's row names a link"
code=0
(cd workers && ./run.sh) >again 2>&1 || code=$?
if [ "$code" != 2 ] || ! grep -q "port $one is busy" again; then fail "started twice: $code $(cat again)"; fi
(cd workers && ./run.sh stop) || fail 'stop'
ends 0
gone 'two workers'

# One of them dies: said by name, and the other goes on.
begins workers
answers "$two"
answers "$one"
kill -9 "$(cut -d' ' -f1 homes/alpha/.macfit/*/worker-1.pid)"
ends 1 'node-2: its server ended with code'
grep -q 'the other workers still serve' said || fail "$(cat said)"
answers "$one"
(cd workers && ./run.sh stop) || fail 'stop'
gone 'a dead worker'

# mlx_lm.server whose generation has died still listens.
begins workers
answers "$two"
touch homes/ill
ends 1 'its server ended with code'
rm homes/ill
(cd workers && ./run.sh stop) || fail 'stop'
gone 'a generation that died'

# Ctrl-C ends all.
begins workers
answers "$two"
kill -TERM "$runner"
ends 0
gone 'Ctrl-C'
# A number in a file that belongs to somebody else by now is left alone.
sleep 100 &
other=$!
mkdir -p homes/alpha/.macfit/1
for folder in homes/alpha/.macfit/*; do echo "$other Thu Jan  1 00:00:00 1970" >"$folder/worker-1.pid"; done
(cd workers && ./run.sh stop) || fail 'stop'
kill -0 "$other" || fail 'stop ended a process that is none of its own'
kill "$other"
rm -rf homes/alpha/.macfit/1

# What is missing is said before anything starts.
MAC_AWAY=alpha fails_fast workers 'node-2: ssh alpha does not answer'
set_in workers MODEL "$work/nowhere"
fails_fast workers "node-1: the model $work/nowhere is not here"
set_in workers MODEL "$work/model"
set_in workers SERVER /nowhere/mlx_lm.server
fails_fast workers '/nowhere/mlx_lm.server is not here'
set_in workers SERVER '""'
mv homes/alpha/.macfit homes/alpha/kept
touch homes/alpha/.macfit
fails_fast workers 'is its disk full?'
rm homes/alpha/.macfit
set_in workers HTTP_PORT "($one $two)"
rm -f workers/results.jsonl
code=0
(cd workers && ./spike.sh soak 1) >said 2>&1 || code=$?
if [ "$code" != 2 ] || ! grep -q 'no answer from node-1' said; then fail "soak without a server: $code $(cat said)"; fi

# A preflight where all is well, and one for each thing that is not.
set_in workers LAN '(192.168.1.11 192.168.1.12)'
expect 0 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output ring
plain ring/*.sh
set_in ring SSH '(local alpha)'
set_in ring LAN '(192.168.1.11 192.168.1.12)'
set_in ring PORT_A '(en3)'
set_in ring PORT_B '(en3)'
set_in ring MODEL "$work/model"
set_in ring HTTP_PORT "$one"
preflight() { (cd ring && ./preflight.sh) >said 2>&1 || return $?; }
preflight || fail "preflight: $(grep -v '^pass' said)"
! grep -q '^fail\|^warn' said || fail "preflight: $(cat said)"
grep -q 'release: mlx-lm 0.32.2 mlx 0.32.4' said || fail "preflight does not see the release: $(cat said)"
while IFS='|' read -r assignment words; do
  code=0
  (export "${assignment?}" && preflight) || code=$?
  case $words in
    warn*) wanted=0 ;;
    *) wanted=1 ;;
  esac
  [ "$code" = "$wanted" ] || fail "$assignment: preflight ended with $code: $(cat said)"
  grep -q "^${words%% *}.*${words#* }" said || fail "$assignment: no '$words' in $(cat said)"
done <<'FAULTS'
MAC_OS=14.7.1|fail macOS 14.7.1: 15.0 or later is needed
MAC_MEMORY=68719476736|fail free memory
MAC_LIMIT=131072|fail macOS is left too little
MAC_BRIDGE=up|fail bridge0 is up
MAC_ADDRESSES=10.0.0.1|fail is not set (addresses.sh)
MAC_SPEED=Up to 40 Gb/s|fail which is no Thunderbolt 5
MAC_LOW_POWER=1|fail low power mode: on
MAC_AUTORESTART=0|warn after a power failure this Mac stays off
MAC_SLEEP=1|fail sleep: after 1 minutes
MAC_POWER=Battery Power|fail power: on battery
FAULTS
(export MAC_POWERMODE=lowpowermode MAC_LOW_POWER=1 && preflight) && fail 'lowpowermode is not seen'
(export MAC_AWAY=alpha && preflight) && fail 'a node away is not seen'

# A ring: started over ssh and here, ended by stop; a rank that fails is named, and nothing is left.
set_in ring ADDRESS_A '(127.0.0.2)'
set_in ring ADDRESS_B '(127.0.0.3)'
begins ring
answers "$one"
(cd ring && ./run.sh stop) || fail 'stop'
ends 0
gone 'a ring'
grep -q '"ssh": "127.0.0.1"' ring/hostfile.filled.json || fail 'local is no host for mlx.launch'
grep -q '"127.0.0.2"' ring/hostfile.filled.json || fail "the cables' addresses of settings.sh are not taken"
export MAC_FAILING_RANK=0
begins ring
ends 1 'node-2: its server ended with code 9'
unset MAC_FAILING_RANK
grep -q 'maximum allowed buffer size' said || fail "the rank's last words are not said: $(cat said)"
gone 'a failed rank'
python3 -c 'import socket, sys, time
held = socket.create_server(("127.0.0.2", 32323))
print("held", flush=True)
time.sleep(60)' >holding &
holder=$!
while [ ! -s holding ]; do sleep 0.1; done
fails_fast ring 'port 32323 is busy at 127.0.0.2'
kill "$holder"

# Three devices under llama.cpp: only the client reads the file; what fails is named.
expect 0 "$macfit" launch --model qwen3-235b-a22b --nodes 1x128+2x64 --runtime llama.cpp --output rpc
plain rpc/*.sh
grep -q '^READS_MODEL=(0 0 1)\|^READS_MODEL=(1 0 0)\|^READS_MODEL=(0 1 0)' rpc/settings.sh || fail "who reads: $(grep READS rpc/settings.sh)"
[ "$(grep '^DOWNLOAD_BYTES' rpc/settings.sh | tr -s ' ()' '\n' | grep -c '^0$')" = 2 ] ||
  fail "servers download nothing: $(grep ^DOWNLOAD rpc/settings.sh)"
set_in rpc SSH '(local alpha beta)'
set_in rpc LAN '(127.0.0.4 127.0.0.5 127.0.0.6)'
set_in rpc ADDRESS_A '(127.0.0.4 127.0.0.5)'
set_in rpc ADDRESS_B '(127.0.0.5 127.0.0.6)'
set_in rpc MODEL "$work/model.gguf"
set_in rpc HTTP_PORT "$three"
set_in rpc SERVER "$MAC_BIN/llama-server"
begins rpc
answers "$three"
(cd rpc && ./run.sh stop) || fail 'stop'
ends 0
gone 'RPC'
begins rpc
answers "$three"
kill -9 "$(cat homes/alpha/.macfit/*/*.pid | head -n 1 | cut -d' ' -f1)"
ends 1 'its server ended with code'
gone 'a dead RPC server'

# EXO: "Command received" is no success.
if command -v jq >/dev/null; then
  expect 0 "$macfit" launch --model minimax-m2.5 --nodes 2x128 --runtime exo --output exo
  plain exo/*.sh
  set_in exo SSH '(local alpha)'
  while IFS='|' read -r how code words; do
    MAC_EXO=$how python3 "$MAC_BIN/exo_api" >api.port &
    api=$!
    while [ ! -s api.port ]; do sleep 0.1; done
    set_in exo HTTP_PORT "$(cat api.port)"
    ended=0
    (cd exo && POLL_SECONDS=0.01 ./run.sh) >said 2>&1 || ended=$?
    if [ "$ended" != "$code" ] || ! grep -qF -- "$words" said; then fail "EXO $how: $ended: $(cat said)"; fi
    if [ "$code" = 0 ]; then
      (cd exo && ./run.sh stop) || fail 'stop'
      [ "$(curl -s "http://127.0.0.1:$(cat api.port)/state" | jq -c .instances)" = '{}' ] || fail 'EXO keeps its instance'
    fi
    kill "$api"
    rm -f api.port
  done <<'WAYS'
well|0|node-1: layers 0 to 30
refuses|2|EXO would not place it as planned on 2 node(s): No cycles found with sufficient memory
nothing|2|EXO placed nothing in a minute
fewer|2|EXO took 1 node(s), the plan 2
fails|2|a runner of EXO failed: out of memory
WAYS
fi

# --force keeps what was filled in and measured, and touches no other file.
echo '{"kept": 1}' >ring/results.jsonl
expect 0 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output ring --force
grep -q "^MODEL=$work/model\$" ring/settings.sh || fail 'MODEL was lost'
grep -q '^SSH=(local alpha)$' ring/settings.sh || fail 'SSH was lost'
grep -q '^ADDRESS_A=(127.0.0.2)$' ring/settings.sh || fail 'ADDRESS_A was lost'
grep -q kept ring/results.jsonl || fail 'results were lost'
[ ! -e ring/stopped ] || fail 'what run.sh remembers stayed'
touch ring/mine
expect 2 "$macfit" launch --model glm-4.5 --nodes 2x128 --runtime mlx-lm --output ring --force
grep -q 'mine in it is not of macfit launch' err || fail "$(cat err)"
rm ring/mine
expect 2 "$macfit" launch --model llama-3.1-70b --nodes 3x128 --runtime mlx-lm --output workers --force
grep -q "filled in for other nodes" err || fail "$(cat err)"
expect 2 "$macfit" launch --model glm-4.5 --nodes studio.json --runtime mlx-lm --output ring --force

# A given model is what the servers load, by a path that holds wherever the scripts are.
mkdir tiny
cat >tiny/config.json <<'JSON'
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
 "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 4, "vocab_size": 128, "rms_norm_eps": 1e-5,
 "max_position_embeddings": 4096, "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
JSON
expect 0 "$macfit" launch --model ./tiny/config.json --nodes 2x64 --context 1k --runtime mlx-lm --output given
grep -q "^MODEL=$work/tiny\$" given/settings.sh || fail "$(grep ^MODEL given/settings.sh)"

exit "$failed"
