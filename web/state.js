// The question as the address holds it: flags of the command line without their dashes, and which answer is shown.

export const defaults = {model: 'qwen3-235b-a22b', nodes: '2x128'};

// Flags that every question knows.
export const flags = ['model', 'quant', 'nodes', 'context', 'sequences', 'kv', 'runtime', 'split', 'goal', 'replicas',
  'link', 'macos', 'wired-limit', 'reserve', 'cluster-reserve', 'prefill-step', 'layers'];
const others = ['against', 'view', 'prompt-tokens', 'output-tokens', 'prompts', 'hours', 'tier', 'sort', 'find'];

export function readAddress(hash) {
  // Typed by hand, "1x128+2x64" has a plus, not a blank.
  const given = new URLSearchParams(hash.replace(/^#/, '').replace(/\+/g, '%2B'));
  const state = {};
  for (const key of [...flags, ...others]) {
    const value = given.get(key)?.trim();
    if (value) state[key] = value.slice(0, 500);
  }
  return {...defaults, ...state};
}

export function addressOf(state) {
  const given = new URLSearchParams();
  for (const key of [...flags, ...others]) {
    if (state[key]) given.set(key, state[key]);
  }
  // Commas, colons, pluses and slashes mean nothing in a fragment, and links are read by people.
  return '#' + given.toString().replace(/\+/g, '%20').replace(/%2B/g, '+').replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%2F/g, '/');
}

// What of the state is part of a question, besides what it asks.
export function flagsOf(state, left = []) {
  return Object.fromEntries(flags.filter((key) => state[key] && !left.includes(key)).map((key) => [key, state[key]]));
}

function word(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

export function commandOf(command, state, more = [], left = []) {
  const given = Object.entries(flagsOf(state, left)).map(([key, value]) => `--${key} ${word(value)}`);
  return ['macfit', command, ...given, ...more].join(' ');
}
