// The page: what is asked stands in the address, every change asks the engine, and the newest answer is shown.

import {answerView, short, spoken} from './answer.js';
import {byId, copied, make} from './dom.js';
import {Lane} from './engine.js';
import {Macs} from './macs.js';
import {ModelBox} from './model-box.js';
import {nightDefaults, nightForm, nightView} from './night.js';
import {readTokens, Slider} from './slider.js';
import {sizesView} from './sizes.js';
import {addressOf, commandOf, flagsOf, readAddress} from './state.js';
import {surveyView} from './survey.js';

const plans = new Lane().start(); // what answers within milliseconds
const studies = new Lane(); // what takes longer, in a worker of its own
const view = byId('view');
const field = (key) => byId(`ask-${key}`);
let state = readAddress(location.hash);
let lists = null;
let survey = null; // {key, answer}

// --- the question ---------------------------------------------------------------------------------------------------

const simple = ['runtime', 'split', 'quant', 'goal', 'kv', 'link', 'macos', 'wired-limit', 'reserve', 'cluster-reserve',
  'replicas', 'prefill-step'];
const contexts = ['1k', '2k', '4k', '6k', '8k', '12k', '16k', '24k', '32k', '48k', '64k', '96k', '128k', '192k', '256k',
  '384k', '512k', '768k', '1M'];
const sequences = ['1', '2', '3', '4', '6', '8', '12', '16', '24', '32', '48', '64'];

// A step of the history for every change; `slight` ones (a slider on its way, letters of a search) take none.
function change(changes, slight = false) {
  for (const [key, value] of Object.entries(changes)) {
    if (value) state[key] = value;
    else delete state[key];
  }
  const address = addressOf(state);
  if (slight) history.replaceState(history.state, '', address);
  else if (address !== location.hash) history.pushState(null, '', address);
  if (state.model && state.nodes) answer();
}

const slid = (key) => [(value) => {
  state[key] = value;
  answer();
}, (value) => change({[key]: value})];
const contextSlider = new Slider('context', contexts, '8k', readTokens, ...slid('context'));
const sequencesSlider = new Slider('sequences', sequences, '1', Number, ...slid('sequences'));
// Another model has other formats.
const modelBox = new ModelBox((model) => change({model, quant: ''}));
const macs = new Macs(byId('macs'), (nodes) => change({nodes, layers: ''}));
const others = new Macs(byId('others'), (against) => change({against}));

for (const key of simple) {
  field(key).onchange = () => change({[key]: field(key).value.trim()});
}
byId('question').onsubmit = (event) => event.preventDefault();
byId('compare').onclick = () => {
  change({against: state.against ? '' : 'mac-studio-m3-ultra-512', view: ''});
  if (state.against) byId('others').querySelector('select')?.focus();
};
byId('share').onclick = () => copied(byId('share'), location.href, 'Copy link');
byId('reset').onclick = () => {
  state = readAddress('');
  change({});
};

function ensureOption(select, value) {
  if (value && ![...select.options].some((option) => option.value === value)) select.append(make('option', {value}, value));
}

function showFormats() {
  const select = field('quant');
  const model = lists?.models.find(({id}) => id === state.model);
  const names = [...new Set([...(model?.formats ?? []), 'q4', 'q5', 'q6', 'q8', 'bf16'])];
  select.replaceChildren(make('option', {value: ''}, 'its usual one'), ...names.map((name) => make('option', {value: name}, name)));
}

// The form as the state has it.
function showQuestion() {
  modelBox.value = state.model;
  macs.value = state.nodes;
  others.value = state.against ?? '128';
  byId('others').hidden = !state.against;
  byId('compare').textContent = state.against ? 'Stop comparing' : 'Compare with other Macs';
  contextSlider.value = state.context;
  sequencesSlider.value = state.sequences;
  showFormats();
  for (const key of simple) {
    ensureOption(field(key), field(key).options && state[key]);
    if (document.activeElement !== field(key) || field(key).options) field(key).value = state[key] ?? '';
  }
  if (simple.slice(4).some((key) => state[key])) byId('more').open = true;
  const shown = state.view ?? 'plan';
  for (const link of document.querySelectorAll('.views a')) {
    const mine = link.dataset.view === shown;
    link.href = addressOf({...state, view: link.dataset.view === 'plan' ? '' : link.dataset.view});
    if (mine) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

// --- answers --------------------------------------------------------------------------------------------------------

function problem(error) {
  const holder = byId('problem');
  holder.hidden = !error;
  if (!error) return;
  const place = [error.file, error.pointer, error.offset !== undefined ? `byte ${error.offset}` : ''].filter(Boolean).join(', ');
  holder.replaceChildren(make('strong', {}, `${place ? `${place}: ` : ''}${error.message}`), error.hint ? ` (${error.hint})` : '');
}

function show(content, words, began) {
  const focused = view.contains(document.activeElement) ? document.activeElement.id : '';
  view.replaceChildren(content);
  if (focused) {
    const again = byId(focused);
    again?.focus();
    if (again?.type === 'search') again.setSelectionRange(again.value.length, again.value.length);
  }
  view.setAttribute('aria-busy', 'false');
  view.classList.remove('old');
  Object.assign(view.dataset, {milliseconds: (performance.now() - began).toFixed(1), shown: Number(view.dataset.shown ?? 0) + 1});
  performance.mark('answer');
  clearTimeout(show.timer);
  show.timer = setTimeout(() => (byId('status').textContent = words), 400);
}

// An answer that takes its time leaves the last one in sight, grayed.
function waiting() {
  view.setAttribute('aria-busy', 'true');
  return setTimeout(() => view.classList.add('old'), 150);
}

// What a plan tells the question's own fields.
function known({plan, other}) {
  macs.resolved(plan.cluster.nodes);
  if (other) others.resolved(other.cluster.nodes);
  short(byId('short'), plan);
}

const planQuestion = () => ({ask: 'plan', ...flagsOf(state), ...(state.against ? {against: state.against} : {})});

const shows = {
  async plan(began) {
    const given = await plans.ask(planQuestion());
    if (!given) return;
    if (given.error) return given.error;
    const {plan} = given.answer;
    known(given.answer);
    document.title = `${plan.model.id} on ${plan.cluster.spec}: ${plan.verdict.kind} · macfit`;
    byId('as-command').textContent = commandOf('plan', state, state.against ? [`--against ${state.against}`] : []);
    show(answerView(given.answer), spoken(given.answer), began);
  },
  async models(began) {
    const left = ['model', 'quant', 'layers'];
    const question = {ask: 'survey', ...flagsOf(state, left)};
    const key = JSON.stringify(question);
    if (survey?.key !== key) {
      const given = await studies.ask(question);
      if (!given) return;
      if (given.error) return given.error;
      survey = {key, answer: given.answer};
    }
    document.title = `What runs on ${survey.answer.cluster} · macfit`;
    byId('as-command').textContent = commandOf('survey', state, [], left);
    const link = ({id, smallest}) => addressOf({...state, model: id, quant: smallest.format, view: '', layers: ''});
    show(surveyView(survey.answer, state, {change, link}), `${survey.answer.models.length} models on ${survey.answer.cluster}`, began);
  },
  async macs(began) {
    const sizes = [flagsOf(state), flagsOf(state, ['nodes', 'layers', 'link'])];
    const [contexts, clusters] = await Promise.all(sizes.map((flags, at) => studies.ask({ask: 'size', ...flags}, {kind: `size ${at}`})));
    if (!contexts || !clusters) return;
    if (contexts.error || clusters.error) return contexts.error ?? clusters.error;
    document.title = `Which Macs for ${clusters.answer.model} · macfit`;
    byId('as-command').textContent = commandOf('size', state, [], ['nodes', 'layers', 'link']);
    const link = (changes) => addressOf({...state, ...changes, view: ''});
    show(sizesView(contexts.answer, clusters.answer, link), `Clusters for ${clusters.answer.model}`, began);
  },
  async night(began) {
    const jobs = Object.fromEntries(['prompt-tokens', 'output-tokens', 'prompts', 'hours']
      .map((key) => [key, state[key] ?? nightDefaults[key]]).filter(([, value]) => value));
    const given = await studies.ask({ask: 'night', ...flagsOf(state), ...jobs});
    if (!given) return;
    const form = nightForm(state, change);
    if (given.error) {
      show(form, '', began);
      return {...given.error, shown: true};
    }
    document.title = `${state.model} on ${state.nodes}, a night · macfit`;
    byId('as-command').textContent = commandOf('night', state, Object.entries(jobs).map(([key, value]) => `--${key} ${value}`));
    const content = nightView(given.answer);
    content.querySelector('.verdict').after(form);
    show(content, content.querySelector('.lead').textContent, began);
  },
};

async function answer() {
  const began = performance.now();
  showQuestion();
  const timer = waiting();
  if (shows[state.view] && state.view !== 'plan') plans.ask(planQuestion()).then((given) => given?.answer && known(given.answer));
  const error = await (shows[state.view] ?? shows.plan)(began);
  clearTimeout(timer);
  if (error !== undefined || view.getAttribute('aria-busy') === 'false') problem(error);
  if (error) {
    // A question that is wrong has no answer; the last one's would pass for its own.
    if (!error.shown) view.replaceChildren(make('h1', {}, 'No answer to that'));
    view.setAttribute('aria-busy', 'false');
  }
}

// --- files ----------------------------------------------------------------------------------------------------------

async function read(list) {
  const files = [...list];
  if (files.length === 0) return;
  const question = {ask: 'read', files: files.map(({name, size}) => ({name, size}))};
  const [given] = await Promise.all([plans, studies].map((lane) => lane.ask(question, {files})));
  if (!given) return;
  if (given.error) return problem(given.error);
  change({model: given.answer.name, quant: '', view: state.view === 'models' ? '' : state.view});
}

byId('file').onchange = (event) => read(event.target.files);
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  read(event.dataTransfer.files);
});

// --- begin ----------------------------------------------------------------------------------------------------------

addEventListener('popstate', () => {
  if (location.hash === '#answer') return;
  state = readAddress(location.hash);
  answer();
});
for (const link of document.querySelectorAll('[data-skip]')) {
  link.onclick = (event) => {
    event.preventDefault();
    byId('answer').scrollIntoView();
    byId('answer').focus();
  };
}

async function begin() {
  await answer();
  const given = await plans.ask({ask: 'lists'});
  if (!given?.answer) return;
  lists = given.answer;
  macs.machines = lists.hardware.machines;
  others.machines = lists.hardware.machines;
  modelBox.models = lists.models;
  byId('version').textContent = `macfit ${lists.version}, catalog ${lists.catalog.replace('embedded ', '')}`;
  for (const runtime of lists.runtimes) field('runtime').append(make('option', {value: runtime}, runtime));
  for (const {id, name} of lists.hardware.links) field('link').append(make('option', {value: id}, name));
  showQuestion();
}
begin();
