// node same.mjs FOLDER PROGRAM: the same 200 questions to the page's engine and to the program; their JSON must be equal.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {isDeepStrictEqual} from 'node:util';
import {asFiles, loadEngine} from './engine.mjs';

const [folder, program] = process.argv.slice(2);
const ask = await loadEngine(folder);
const scratch = mkdtempSync(join(tmpdir(), 'macfit-web-'));
const environment = {...process.env, LC_ALL: 'C.UTF-8', MACFIT_OFFLINE: '1', XDG_CONFIG_HOME: '/nowhere', MACFIT_NODES: ''};

function run(words) {
  const {status, stdout, stderr} = spawnSync(program, [...words, '--format', 'json'],
    {encoding: 'utf8', env: environment, cwd: scratch, maxBuffer: 1 << 28});
  return status === 2 ? {error: stderr} : JSON.parse(stdout);
}

const words = (flags) => Object.entries(flags).flatMap(([key, value]) => [`--${key}`, String(value)]);

// Plans: every value of every flag at least once, with what is wrong among them.
const models = ['qwen3-235b-a22b', 'glm-4.5-air', 'llama-3.3-70b', 'gpt-oss-120b', '230b-q4', '400b-a17b-q8', '215gb',
  'minimax-m2.5', 'deepseek-v3.1', 'gemma-3-27b', 'mlx-community/Qwen3-8B-4bit-DWQ', 'llama3.3:70b', 'no-such-model',
  'Kimi K2', '70b-4.5bpw', 'qwen3-30b-a3b'];
const clusters = ['2x128', '1x64', 'm4-max-128+m4-pro-64', '4x64', '2xmac-studio-m3-ultra-512', '1x128+2x64', '3x16',
  '1x128+1x96+1x64', '128', '2xm4-max-129'];
const variations = [{}, {context: '64k'}, {sequences: '4', context: '16k'}, {quant: 'q8'}, {runtime: 'mlx-lm'}, {split: 'tensor'},
  {kv: 'q8', context: '128k'}, {goal: 'answer'}, {link: 'tb5-rdma', macos: '26.2'}, {'wired-limit': '60GiB'}, {reserve: '8GiB'},
  {'cluster-reserve': '5%', runtime: 'exo'}, {runtime: 'llama.cpp', split: 'pipeline'}, {quant: 'Q4_K_M'}, {context: '3M'},
  {replicas: '2'}, {macos: '14'}, {'prefill-step': '512', sequences: '32'}, {link: 'wifi'}, {beside: 'qwen3-8b,context=16k'},
  {quant: 'q5'}, {runtime: 'ollama'}, {context: 'long'}];
const plans = [];
for (let i = 0; i < 160; ++i) {
  plans.push({model: models[i % models.length], nodes: clusters[(i * 7 + Math.floor(i / 16)) % clusters.length],
    ...variations[(i * 5) % variations.length]});
}

const wrong = [];
let count = 0;

function compare(question, mine, theirs) {
  ++count;
  if (!isDeepStrictEqual(mine, theirs)) wrong.push({question, mine, theirs});
}

const batch = spawnSync(program, ['plan', '--batch', '-'], {input: plans.map((plan) => JSON.stringify(plan)).join('\n'),
  encoding: 'utf8', env: environment, maxBuffer: 1 << 28});
const lines = batch.stdout.trim().split('\n').map((line) => JSON.parse(line));
plans.forEach((flags, i) => {
  const mine = JSON.parse(ask({ask: 'plan', ...flags}));
  compare(flags, mine.error ? {error: mine.error} : mine.answer.plan, lines[i].error ? {error: lines[i].error} : lines[i].plan);
});

// One command each: [what is asked, the command, its flags, which part of the answer].
const two = {model: 'glm-4.5-air', nodes: '2x128'};
const others = [
  ...['2x128', '1x64', 'm4-max-128+m4-pro-64', '4x64', '1x16', '2xmac-studio-m3-ultra-512'].map((nodes) => ['survey', 'survey', {nodes}]),
  ['survey', 'survey', {nodes: '2x128', context: '64k', runtime: 'mlx-lm', sequences: '4'}],
  ['survey', 'survey', {nodes: '1x48', quant: 'q4'}],
  ...[two, {model: 'llama-3.3-70b', nodes: '1x64+1x128'}, {model: '230b-q4', nodes: '2x128'}, {model: 'gpt-oss-120b', nodes: '3x64'}]
    .flatMap((flags) => [{'prompt-tokens': '2000', 'output-tokens': '500'}, {'prompt-tokens': '1k..4k', 'output-tokens': '~400', prompts: '500', hours: '8'}]
      .map((jobs) => ['night', 'night', {...flags, ...jobs}, (answer) => answer.night])),
  ...[two, {model: 'qwen3-235b-a22b', nodes: '1x128+1x64', sequences: '2'}, {nodes: '2x128'}, {nodes: '4x64', quant: 'q8', context: '32k'},
    {model: 'glm-4.5-air', context: '64k'}, {model: 'llama-3.3-70b', quant: 'q8', tier: 'borderline', 'max-nodes': '2'}]
    .map((flags) => ['size', 'size', flags]),
  ...['1x512', '4x64', 'mac-studio-m3-ultra-256', '1x32'].map((against) => ['plan', 'plan', {...two, against}, ({plan, other}) => ({plan, other}),
    ({against: {plan}, ...rest}) => ({plan: rest, other: plan})]),
];
for (const [question, command, flags, part = (answer) => answer, theirPart = (json) => json] of others) {
  const {answer, error} = JSON.parse(ask({ask: question, ...flags}));
  const theirs = run([command, ...words(flags)]);
  compare({command, ...flags}, error ? {error} : part(answer), theirs.error ? theirs : theirPart(theirs));
}
const sides = [[{nodes: '2x128'}, {nodes: '1x512'}], [{nodes: '2x128', context: '8k'}, {nodes: '2x128', context: '64k'}],
  [{nodes: '1x128', quant: 'q4'}, {nodes: '1x128', quant: 'q8'}], [{nodes: '2x64'}, {nodes: '4x64'}]];
for (const [a, b] of sides) {
  const names = [a, b].map((side) => Object.entries(side).map(([key, value]) => `${key}=${value}`).join(' '));
  const model = 'glm-4.5-air';
  const {answer} = JSON.parse(ask({ask: 'compare', a: {model, ...a}, b: {model, ...b}, 'a-name': names[0], 'b-name': names[1]}));
  compare({compare: names}, answer, run(['compare', '--model', model, ...names]));
}

// Files: a config, headers with it, and GGUF headers that the fuzz targets begin with.
const config = {model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_size: 64, num_hidden_layers: 2, intermediate_size: 128,
  num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 256, max_position_embeddings: 8192, tie_word_embeddings: false};
const shapes = {'model.embed_tokens': [256, 64], 'model.norm': [64], lm_head: [256, 64]};
for (const layer of ['model.layers.0', 'model.layers.1']) {
  for (const norm of ['input_layernorm', 'post_attention_layernorm']) shapes[`${layer}.${norm}`] = [64];
  for (const [name, rows] of [['q', 64], ['k', 32], ['v', 32], ['o', 64]]) shapes[`${layer}.self_attn.${name}_proj`] = [rows, 64];
  for (const [name, shape] of [['gate', [128, 64]], ['up', [128, 64]], ['down', [64, 128]]]) shapes[`${layer}.mlp.${name}_proj`] = shape;
}
let end = 0;
const header = JSON.stringify(Object.fromEntries(Object.entries(shapes).map(([name, shape]) => {
  const begin = end;
  end += 2 * shape.reduce((product, side) => product * side);
  return [`${name}.weight`, {dtype: 'BF16', shape, data_offsets: [begin, end]}];
})));
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(header.length));
const place = (name, bytes) => {
  writeFileSync(join(scratch, name), bytes);
  return join(scratch, name);
};
const tensors = place('tiny.safetensors', Buffer.concat([length, Buffer.from(header)]));
const read = [[tensors], [tensors, place('config.json', JSON.stringify(config))], [place('other.json', JSON.stringify(config))],
  [place('broken.safetensors', Buffer.from('\x10\0\0\0\0\0\0\0{"a":'))]];
const seeds = join(dirname(fileURLToPath(import.meta.url)), '../../tests/fuzz/corpus/gguf');
for (const name of readdirSync(seeds).sort()) read.push([place(`${name}.gguf`, readFileSync(join(seeds, name)))]);
for (const paths of read) {
  const {answer, error} = JSON.parse(ask({ask: 'read', files: asFiles(paths)}, paths));
  if (paths.length === 1 && paths[0] === tensors) rmSync(join(scratch, 'config.json'));
  const theirs = run(['plan', '--model', `./${basename(paths[0])}`, '--nodes', '2x128']);
  if (paths.length === 1 && paths[0] === tensors) place('config.json', JSON.stringify(config));
  const mine = error ? {error} : JSON.parse(ask({ask: 'plan', model: answer.name, nodes: '2x128'}));
  // Errors are told in a line there and in their parts here.
  if (mine.error && theirs.error?.includes(mine.error.message)) compare({files: paths}, 'refused', 'refused');
  else compare({files: paths}, mine.answer?.plan ?? mine, theirs);
}
rmSync(scratch, {recursive: true});

console.log(`${count} questions, ${count - wrong.length} with the same JSON from the page's engine and from the program`);
for (const {question, ...sides} of wrong.slice(0, 10)) {
  console.log(JSON.stringify(question));
  for (const [side, json] of Object.entries(sides)) console.log(`  ${side}: ${JSON.stringify(json)?.slice(0, 1000)}`);
}
process.exit(wrong.length > 0 || count < 200 ? 1 : 0);
