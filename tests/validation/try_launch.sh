#!/usr/bin/env bash
# The folders of macfit launch on the real runtimes, with tiny models of random weights, on this machine
# alone: ./dev try-launch. As written but for addresses, ports and the model's path they have to
# start, answer as one process does, be measured, be stopped and leave nothing; what fails has to say
# so within 30 seconds; and 1,000 jobs have to be done whatever is killed. Prints a line a figure.
# usage: try_launch.sh PROGRAM SCRATCH [SEED...]
#   MACFIT_TRY_PYTHON  a python that has mlx-lm; else a virtual environment is made in SCRATCH
#   MACFIT_TRY_LLAMA   a folder with llama-server and ggml-rpc-server; else that part is left out
set -euo pipefail

macfit=$1
scratch=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$scratch/home"
cd "$scratch"
scratch=$PWD
failed=0

fail() {
  printf 'FAIL: %s\n' "$*"
  failed=1
}
figure() { printf '%-34s %s\n' "$1" "$2"; }

python=${MACFIT_TRY_PYTHON-}
if [ -z "$python" ]; then
  python=$scratch/venv/bin/python
  [ -x "$python" ] || python3 -m venv venv
  "$python" -m pip install --quiet 'mlx[cpu]==0.32.4' 'mlx-lm==0.32.2'
fi
server=$(dirname "$python")/mlx_lm.server
launcher=$(dirname "$python")/mlx.launch
[ -f tiny/deepseek_v3/tokenizer.json ] || "$python" "$here/try_models.py" tiny >/dev/null
# The folders' own state goes there; nothing is fetched.
export HOME=$scratch/home HF_HUB_OFFLINE=1

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
port2=$((port + 1))

set_in() {
  awk -v name="$2" -v value="$3" 'index($0, name "=") == 1 { print name "=" value; next } { print }' \
    "$1/settings.sh" >settings.new
  mv settings.new "$1/settings.sh"
}

# ask PORT: the text of one completion, within a minute
ask() {
  local answer="" _
  for _ in $(seq 120); do
    answer=$(curl -s --max-time 60 -H 'Content-Type: application/json' --data '{"model": "default_model",
      "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 24, "temperature": 0}' \
      "http://127.0.0.1:$1/v1/chat/completions") && break
    sleep 0.5
  done
  python3 -c 'import json, sys; print(repr(json.loads(sys.argv[1])["choices"][0]["message"]["content"]))' "$answer" ||
    echo "no completion: $answer"
}

# left: processes of the folders that are still there
left() { cat "$HOME"/.macfit/*/*.pid 2>/dev/null | wc -l | tr -d ' '; }

seconds() { python3 -c 'import sys, time; print(f"{time.time() - float(sys.argv[1]):.1f}")' "$1"; }
now() { python3 -c 'import time; print(time.time())'; }

# folder NAME MODEL FLAGS...: written, and filled in for this machine
folder() {
  local name=$1 model=$2
  shift 2
  rm -rf "$name"
  "$macfit" launch --model "$model" --context 1k --output "$name" --quiet "$@" >/dev/null
  set_in "$name" SSH "($(sed -n 's/^NAMES=(\(.*\))$/\1/p' "$name/settings.sh" | sed 's/[^ ][^ ]*/local/g'))"
  set_in "$name" LAN "($(sed -n 's/^NAMES=(\(.*\))$/\1/p' "$name/settings.sh" | sed 's/[^ ][^ ]*/127.0.0.1/g'))"
  set_in "$name" SERVER "$server"
  set_in "$name" HTTP_PORT "$port"
  if grep -q '^ADDRESS_A=(1' "$name/settings.sh"; then
    set_in "$name" ADDRESS_A '(127.0.0.1)'
    set_in "$name" ADDRESS_B '(127.0.0.1)'
    set_in "$name" PORT_A '(lo0)'
    set_in "$name" PORT_B '(lo0)'
  fi
}

# goes NAME WANTED: starts, answers so, is measured, stops, leaves nothing
goes() {
  local began code=0 said
  began=$(now)
  (cd "$1" && exec ./run.sh) >"$1.said" 2>&1 &
  local runner=$!
  said=$(ask "$port")
  figure "$1: first answer after" "$(seconds "$began") s"
  [ "$said" = "$2" ] || fail "$1 says $said, one process $2: $(cat "$1.said" "$1"/*.log | tail -n 20)"
  (cd "$1" && PROMPTS=48 ./spike.sh plan) >"$1.spike" 2>&1 || fail "$1: spike: $(cat "$1.spike")"
  "$macfit" calibrate --validate "$1/results.jsonl" --format json >/dev/null 2>"$1.spike" || fail "$1: calibrate: $(cat "$1.spike")"
  began=$(now)
  (cd "$1" && ./run.sh stop) >>"$1.said" 2>&1 || fail "$1: stop: $(cat "$1.said")"
  wait "$runner" || code=$?
  figure "$1: stopped in" "$(seconds "$began") s, code $code, $(left) left"
  [ "$code$(left)" = 00 ] || fail "$1 ends with $code, $(left) left: $(cat "$1.said")"
}

# bytes_of NAME HOW MODEL [FLAGS...]: those of each rank against the plan's
bytes_of() {
  local planned found name=$1 how=$2 model=$3
  shift 3
  [ $# -gt 0 ] || set -- --model "$model"
  found=$("$launcher" --backend ring --hostfile "$name/hostfile.filled.json" -- "$python" "$here/try_models.py" \
    --bytes "$how" "$model" 2>/dev/null </dev/null | awk '$1 == "rank" { print $3 }' | sort -n | tr '\n' ' ')
  planned=$("$macfit" plan "$@" --nodes 2x64 --runtime mlx-lm --split "$how" --context 1k --format json |
    python3 -c 'import json, sys
plan = json.load(sys.stdin)
print(*sorted(node["weight_bytes"] for node in plan["placements"][plan["verdict"]["placement"]]["nodes"]), "")')
  figure "$name: bytes of the ranks" "$found"
  [ "$found" = "$planned" ] || fail "$name: ranks hold $found, the plan says $planned"
}

# fails NAME WORDS: within 30 seconds, with a code and these words
fails() {
  local began code=0 took
  began=$(now)
  (cd "$1" && ./run.sh) >"$1.said" 2>&1 </dev/null || code=$?
  took=$(seconds "$began")
  figure "$1: $2" "code $code after $took s"
  if [ "$code" = 0 ] || ! grep -qF -- "$2" "$1.said"; then fail "$1: code $code: $(cat "$1.said")"; fi
  python3 -c 'import sys; sys.exit(float(sys.argv[1]) > 30)' "$took" || fail "$1: $2: $took s"
  (cd "$1" && ./run.sh stop) >/dev/null 2>&1 || true
  [ "$(left)" = 0 ] || fail "$1: $(left) left"
}

for model in llama glm4_moe deepseek_v3; do
  "$server" --model "tiny/$model" --port "$port" >alone.log 2>&1 &
  alone=$!
  eval "alone_$model=\$(ask $port)"
  kill "$alone"
  wait "$alone" 2>/dev/null || true
done

folder pipeline-glm4_moe ./tiny/glm4_moe --nodes 2x64 --runtime mlx-lm --split pipeline
# shellcheck disable=SC2154  # by eval above
goes pipeline-glm4_moe "$alone_glm4_moe"
bytes_of pipeline-glm4_moe pipeline "$PWD/tiny/glm4_moe"
# A split that mlx-lm has to be told.
folder told-glm4_moe ./tiny/glm4_moe --nodes 2x64 --runtime mlx-lm --split pipeline --layers 5,2
[ -f told-glm4_moe/serve_split.py ] || fail 'told-glm4_moe is not told its split'
goes told-glm4_moe "$alone_glm4_moe"
folder pipeline-deepseek_v3 ./tiny/deepseek_v3 --nodes 2x64 --runtime mlx-lm --split pipeline
# shellcheck disable=SC2154
goes pipeline-deepseek_v3 "$alone_deepseek_v3"
bytes_of pipeline-deepseek_v3 pipeline "$PWD/tiny/deepseek_v3"
# A checkpoint's header says too little to cut it on paper: its config does.
folder tensor-llama ./tiny/llama/config.json --quant f32 --nodes 2x64 --runtime mlx-lm --split tensor
# shellcheck disable=SC2154
goes tensor-llama "$alone_llama"
bytes_of tensor-llama tensor "$PWD/tiny/llama" --model ./tiny/llama/config.json --quant f32
folder alone-llama ./tiny/llama --nodes 2x64 --runtime mlx-lm
set_in alone-llama HTTP_PORT "($port $port2)"
goes alone-llama "$alone_llama"

if [ -n "${MACFIT_TRY_LLAMA-}" ]; then
  server=$MACFIT_TRY_LLAMA/llama-server
  folder rpc "${MACFIT_TRY_GGUF:?a GGUF file of a llama}" --nodes 3x64 --runtime llama.cpp --split pipeline
  set_in rpc LAN '(127.0.0.2 127.0.0.3 127.0.0.4)'
  set_in rpc ADDRESS_A '(127.0.0.2 127.0.0.3)'
  set_in rpc ADDRESS_B '(127.0.0.3 127.0.0.4)'
  "$server" -m "$MACFIT_TRY_GGUF" --port "$port" -ngl 0 >alone.log 2>&1 &
  alone=$!
  one=$(ask "$port")
  kill "$alone"
  wait "$alone" 2>/dev/null || true
  goes rpc "$one"
  server=$(dirname "$python")/mlx_lm.server
fi

# What fails, fails at once.
python3 -c 'import socket, sys, time
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("held", flush=True)
time.sleep(600)' "$port" >holding &
holder=$!
while [ ! -s holding ]; do sleep 0.1; done
fails tensor-llama "port $port is busy"
fails alone-llama "port $port is busy"
kill "$holder"
set_in tensor-llama RING_PORT "$port2"
python3 -c 'import socket, sys, time
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("held", flush=True)
time.sleep(600)' "$port2" >holding2 &
holder=$!
while [ ! -s holding2 ]; do sleep 0.1; done
fails tensor-llama "port $port2 is busy"
kill "$holder"
set_in tensor-llama RING_PORT 32323
set_in tensor-llama MODEL "$PWD/nowhere"
fails tensor-llama 'nowhere is not here'
mkdir -p hollow
echo '{"model_type": "llama"}' >hollow/config.json
set_in tensor-llama MODEL "$PWD/hollow"
fails tensor-llama 'its server ended with code'
set_in alone-llama MODEL "$PWD/hollow"
set_in tensor-llama MODEL "$PWD/tiny/llama"
set_in tensor-llama SSH '(local nowhere.invalid)'
fails tensor-llama 'does not answer'

# A job list through real servers: done, restarted where one is killed, and ended.
if "$macfit" help | grep -q '^ *run '; then
  folder night ./tiny/llama --nodes 2x64 --runtime mlx-lm
  set_in night HTTP_PORT "($port $port2)"
  python3 -c 'import json
for i in range(200): print(json.dumps({"id": str(i), "prompt": f"job {i} of many", "max_tokens": 16}))' >jobs.jsonl
  rm -f jobs.results.jsonl
  (until [ "$(wc -l <jobs.results.jsonl 2>/dev/null || echo 0)" -ge 20 ]; do sleep 0.1; done
    kill -9 "$(cut -d' ' -f1 "$HOME"/.macfit/*/worker-1.pid | tail -n 1)") 2>/dev/null &
  code=0
  began=$(now)
  "$macfit" run night --jobs jobs.jsonl >night.said 2>night.err || code=$?
  figure 'night: 200 jobs, a server killed' "code $code, $(wc -l <jobs.results.jsonl | tr -d ' ') results, $(grep -o '[0-9]* restarts*' night.said || echo 'no restart') in $(seconds "$began") s, $(left) left"
  [ "$code $(wc -l <jobs.results.jsonl | tr -d " ") $(left)" = "0 200 0" ] || fail "night: $(cat night.said night.err)"
  for seed in "$@"; do
    MACFIT_BINARY=$macfit python3 "$here/../cli/run_chaos.py" "$seed" || fail "seed $seed"
  done
fi

exit "$failed"
