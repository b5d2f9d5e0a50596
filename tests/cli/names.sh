#!/usr/bin/env bash
# A bare name is never a path: what lies in the current directory changes no answer, and a path is
# known by its spelling.
# shellcheck disable=SC2088  # macfit expands the ~
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

says() { grep -qF -- "$1" "$work/err" || fail "no \"$1\" in: $(cat "$work/err")"; }

# A small model of another shape and a cluster file, to see which one is taken.
mkdir -p "$work/empty" "$work/full" "$work/home/models/tiny"
cat >"$work/home/models/tiny/config.json" <<'JSON'
{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 512, "num_hidden_layers": 4,
 "num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 1024, "vocab_size": 1000,
 "rms_norm_eps": 1e-5, "max_position_embeddings": 4096}
JSON
cat >"$work/home/desk.json" <<'JSON'
{"schema": "macfit.cluster/1", "name": "desk", "nodes": [{"name": "only", "machine": "mac-mini-m4-pro-64"}]}
JSON
export HOME=$work/home

cd "$work/full"
for name in llama-3.3-70b 70b-q4 unheard-of mlx-community; do cp -R "$HOME/models/tiny" "$name"; done
for name in 2x128 128 m4-max-128 1x512 unheard-of-nodes tb5-rdma; do cp "$HOME/desk.json" "$name"; done
mkdir -p qwen
cp -R "$HOME/models/tiny" mlx-community/Llama-3.3-70B-Instruct-4bit
cp -R "$HOME/models/tiny" qwen/Unheard-Of
cp "$HOME/models/tiny/config.json" tiny.json
cp "$HOME/desk.json" desk.json

# same WORDS…: the answer is that of an empty folder.
same() {
  (cd "$work/empty" && "$macfit" "$@" >"$work/wanted" 2>&1) || fail "an empty folder: $*: $(cat "$work/wanted")"
  expect 0 "$macfit" "$@"
  cmp -s "$work/wanted" "$work/out" || fail "a file or folder of that name changed: $*"
}
same plan --model llama-3.3-70b --nodes 2x128
same plan --model llama-3.3-70b --nodes m4-max-128 --against 1x512
same plan --model 70b-q4 --nodes 128
same models show llama-3.3-70b
same hardware show 2x128
same hardware show tb5-rdma
same survey --nodes 2x128
same size --model llama-3.3-70b --nodes 2x128
same night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2k --output-tokens 500
same breakeven --model llama-3.3-70b --nodes m4-max-128
same compare --model llama-3.3-70b nodes=2x128 nodes=128
same sweep --model llama-3.3-70b,70b-q4 --nodes 2x128,128
same launch --model llama-3.3-70b --nodes 2x128 --dry-run
batch() { echo '{"model": "llama-3.3-70b", "nodes": "2x128"}' | "$macfit" plan --batch -; }
(cd "$work/empty" && batch) >"$work/wanted"
expect 0 batch
cmp -s "$work/wanted" "$work/out" || fail "a folder of that name changed a batch"

# A path by its spelling, from any command.
for path in ./unheard-of ../full/unheard-of "$PWD/unheard-of" '~/models/tiny' ./llama-3.3-70b tiny.json \
  mlx-community/../tiny.json ./mlx-community/Llama-3.3-70B-Instruct-4bit; do
  expect 0 "$macfit" models show "$path"
  grep -q 'layers *4: 4 full' "$work/out" || fail "$path is not the model of 4 layers: $(cat "$work/out")"
done
for path in ./2x128 desk.json "$PWD/desk.json" '~/desk.json' ./unheard-of-nodes; do
  expect 0 "$macfit" plan --model ./unheard-of --nodes "$path" --format json
  grep -q '"mac-mini-m4-pro-64"' "$work/out" || fail "$path is not the cluster of that file"
done
expect 0 "$macfit" sweep --model ./unheard-of,tiny.json --nodes ./2x128,desk.json
[ "$(wc -l <"$work/out")" = 5 ] || fail "a sweep over paths: $(cat "$work/out")"
expect 0 "$macfit" plan --model 70b-q4 --nodes 128 --against ./2x128
expect 0 "$macfit" plan --model 70b-q4 --nodes 128 --output='~/plan.txt'
[ -s "$HOME/plan.txt" ] || fail "~ of an output is not the home folder"
expect 0 "$macfit" models import '~/models/tiny'

# A name that is unknown but here: what to type.
for flags in 'models show unheard-of' 'plan --model unheard-of --nodes 128' 'sweep --model unheard-of --nodes 128'; do
  # shellcheck disable=SC2086  # words
  expect 2 "$macfit" $flags
  says 'unknown model "unheard-of" (a folder of that name is in the current directory: type ./unheard-of)'
done
expect 2 "$macfit" plan --model 70b-q4 --nodes unheard-of-nodes
says 'a file of that name is in the current directory: type ./unheard-of-nodes'
expect 2 "$macfit" plan --model 70b-q4 --nodes 128 --against unheard-of-nodes
says '--against '
says 'type ./unheard-of-nodes'

# A name with an owner that is a folder too: which is meant?
for name in mlx-community/Llama-3.3-70B-Instruct-4bit qwen/Unheard-Of; do
  for command in 'models show' 'plan --nodes 128 --model' 'sweep --nodes 128 --model'; do
    # shellcheck disable=SC2086  # words
    expect 2 "$macfit" $command "$name"
    says "\"$name\" is a model's name and a folder in the current directory"
    says "type ./$name for the folder, hf.co/$name for the name"
  done
done
expect 0 "$macfit" models show hf.co/mlx-community/Llama-3.3-70B-Instruct-4bit
grep -q 'layers *80: 80 full' "$work/out" || fail "hf.co/ does not name the catalog's model: $(cat "$work/out")"
expect 2 "$macfit" models show hf.co/qwen/Unheard-Of
says 'qwen/Unheard-Of'

# What people type from habit.
same_as() {
  local wanted=$1
  shift
  # shellcheck disable=SC2086  # words
  "$macfit" $wanted >"$work/wanted" 2>&1 || fail "$wanted: $(cat "$work/wanted")"
  expect 0 "$macfit" "$@"
  cmp -s "$work/wanted" "$work/out" || fail "not as $wanted: $*"
}
cd "$work/empty"
plan='plan --model llama-3.3-70b --nodes 2x128'
same_as "$plan" --model llama-3.3-70b --nodes 2x128
same_as "$plan" plan llama-3.3-70b 2x128
same_as "$plan" plan llama-3.3-70b --nodes 2x128
same_as "$plan --context 32k" plan llama-3.3-70b 2x128 --ctx 32k
same_as "$plan --format json" plan llama-3.3-70b 2x128 --json
expect 0 "$macfit" plan llama-3.3-70b 2x128 --runtime mlx
same_as 'hardware show m4-max' hardware m4-max
same_as 'models show glm-4.6' models glm-4.6
expect 2 "$macfit" models lst
says 'unknown command "lst" (did you mean list?'
expect 0 "$macfit" plan llama-3.3-70b 128 --wired-limit 120000 --format json
grep -q '"gpu_limit_bytes": 125829120000' "$work/out" || fail "--wired-limit 120000 is not megabytes"
expect 2 "$macfit" plan llama-3.3-70b 128 --wired-limit 120
says '--wired-limit: expected a size with its unit, such as 120GiB'
expect 0 "$macfit" plan llama-3.3-70b 128 --runtime ollama
grep -q 'Ollama is planned as llama.cpp' "$work/out" || fail "no word on what Ollama is: $(cat "$work/out")"
expect 2 "$macfit" plan llama-3.3-70b 128 --runtime lmstudio
says '--runtime: LM Studio runs MLX models by mlx-lm and GGUF files by llama.cpp (type mlx-lm or llama.cpp)'
expect 0 "$macfit" models search qwen3 235b
[ "$(grep -c '^qwen3' "$work/out")" -ge 2 ] || fail "models search: $(cat "$work/out")"
expect 2 "$macfit" models search unheard-of
says 'no model of the catalog has unheard-of in its names'

# Machines and links as people spell them: first what is meant, then what is typed.
nodes=(
  2xm4-max-128 'M4 Max 128GB x2'
  2xm4-max-128 '2x M4 Max 128GB'
  2xm3-ultra-512 '2x M3 Ultra 512'
  2xmac-studio-m3-ultra-512 '2 x Mac Studio M3 Ultra 512GB'
  mac-studio-m4-max-128 'M4 Max Mac Studio 128GB'
  macbook-pro-m4-max-128 'MacBook Pro M4 Max 128 GB'
  4xmac-mini-m4-pro-64 'Mac mini M4 Pro 64GB x4'
  mac-studio-m2-ultra-192 'ultra-192'
)
for ((i = 0; i < ${#nodes[@]}; i += 2)); do
  for j in $i $((i + 1)); do
    "$macfit" plan --model 70b-q4 --nodes "${nodes[j]}" --format json 2>"$work/err" |
      grep -E '"machine"|"ram_bytes"' >"$work/$((j - i))" || fail "${nodes[j]}: $(cat "$work/err")"
  done
  cmp -s "$work/0" "$work/1" || fail "${nodes[i + 1]} is not ${nodes[i]}"
done
expect 2 "$macfit" plan --model 70b-q4 --nodes 4xmini-64
says '"mini-64" may be several machines: expected mac-mini-m4-pro-64 or mac-mini-m5-pro-64'
for link in tb5 thunderbolt5 'Thunderbolt 5' thunderbolt-5; do
  expect 0 "$macfit" hardware show "$link"
  grep -q 'tb5-tcp' "$work/out" || fail "$link is not tb5-tcp"
  expect 0 "$macfit" plan llama-3.3-70b 2x128 --link "$link"
done
expect 2 "$macfit" plan llama-3.3-70b 2x128 --link ethernet
says 'link "ethernet" is not one kind: expected 10gbe or 1gbe'
expect 0 "$macfit" sweep --model llama3.3:70b,'Qwen3-235B-A22B-8bit' --nodes 2x128 --runtime mlx
[ "$(wc -l <"$work/out")" = 3 ] || fail "a sweep over pasted names: $(cat "$work/out")"

exit "$failed"
