// node page.mjs FOLDER PROGRAM [SCREENSHOTS]: journeys through the page in the system's Chromium. Figures are held against
// the program's JSON, every journey ends with the accessibility rules, and nothing may be asked of another server.

import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {chromium} from 'playwright-core';
import {serve} from './serve.mjs';

const [folder, program, screenshots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const {address, close} = await serve(folder);
const browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox']});
const problems = [];

function ask(command) {
  const {stdout, stderr} = spawnSync(program, [...command.split(' '), '--format', 'json'], {encoding: 'utf8', maxBuffer: 1 << 28,
    env: {...process.env, LC_ALL: 'C.UTF-8', MACFIT_OFFLINE: '1', XDG_CONFIG_HOME: '/nowhere', MACFIT_NODES: ''}});
  assert.ok(stdout, stderr);
  return JSON.parse(stdout);
}

async function open(hash = '', options = {}) {
  const context = await browser.newContext({viewport: {width: 1200, height: 900}, permissions: ['clipboard-read', 'clipboard-write'], ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`page: ${error.stack}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('blob:')) problems.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(address + hash);
  await answered(page);
  return page;
}

// Playwright's own waiting compiles text in the page, which the page's policy forbids.
async function until(page, holds, argument) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await page.evaluate(holds, argument)) return;
    await new Promise((wait) => setTimeout(wait, 10));
  }
  throw new Error(`waited in vain for ${holds}`);
}

const answered = (page) => until(page, () => document.querySelector('#view').getAttribute('aria-busy') === 'false');

// Does something that changes the question, and waits until its answer is there.
async function change(page, act) {
  await page.evaluate(() => (document.querySelector('#view').dataset.seen = document.querySelector('#view').dataset.shown));
  await act();
  await until(page, () => {
    const {dataset} = document.querySelector('#view');
    return dataset.shown !== dataset.seen && document.querySelector('#view').getAttribute('aria-busy') === 'false';
  });
}

const text = (page, selector) => page.locator(selector).first().innerText();
const choose = (page, id, value) => change(page, () => page.selectOption(`#ask-${id}`, value));
async function fill(page, selector, value) {
  await change(page, async () => {
    await page.fill(selector, value);
    await page.press(selector, 'Enter');
    await page.locator(selector).blur();
  });
}

async function accessible(page, name) {
  await page.evaluate(axe);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  for (const {id, help, nodes} of violations) problems.push(`${name}: axe ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`);
}

// What the page shows of a plan is what the program says of it.
async function same(page, command) {
  const {model, cluster, verdict} = ask(command);
  assert.equal(await text(page, '#view .verdict h1'), `${model.id} on ${cluster.spec}`);
  assert.equal(await text(page, '#view .verdict .lead'), verdict.headline);
  if (verdict.next_command) assert.equal(await text(page, '#view .verdict pre'), verdict.next_command);
}

const journeys = {
  async 'the first answer'() {
    const page = await open();
    await same(page, 'plan --model qwen3-235b-a22b --nodes 2x128');
    const shown = ask('plan --model qwen3-235b-a22b --nodes 2x128');
    const placement = shown.placements[shown.verdict.placement ?? shown.verdict.nearest];
    const longest = await page.locator('.facts div', {hasText: 'Longest context'}).locator('dd').innerText();
    assert.ok(longest.startsWith(placement.max_context_tokens.toLocaleString('en')), longest);
    assert.equal(await page.locator('#memory .drawing').count(), placement.nodes.length);
    return page;
  },
  async 'a model found by typing'() {
    const page = await open();
    await until(page, () => document.querySelectorAll('#ask-runtime option').length > 1);
    await page.fill('#ask-model', 'glm air');
    await page.press('#ask-model', 'ArrowDown');
    assert.equal(await page.getAttribute('#ask-model', 'aria-expanded'), 'true');
    await change(page, () => page.press('#ask-model', 'Enter'));
    await same(page, 'plan --model glm-4.5-air --nodes 2x128');
    return page;
  },
  async 'a size and a spelling'() {
    const page = await open();
    await fill(page, '#ask-model', '120b q4');
    await same(page, 'plan --model 120b-q4 --nodes 2x128');
    await fill(page, '#ask-model', 'mlx-community/Qwen3-8B-4bit-DWQ');
    await same(page, 'plan --model mlx-community/Qwen3-8B-4bit-DWQ --nodes 2x128 --offline');
    return page;
  },
  async 'unlike Macs'() {
    const page = await open('#model=gpt-oss-120b&nodes=m4-max-128');
    await until(page, () => document.querySelectorAll('.mac select option').length > 5);
    await change(page, () => page.click('.add'));
    await change(page, () => page.locator('#macs select').nth(1).selectOption('mac-mini-m4-pro-64'));
    await change(page, () => page.locator('#macs input').nth(1).fill('2'));
    await same(page, 'plan --model gpt-oss-120b --nodes m4-max-128+2xmac-mini-m4-pro-64');
    assert.match(await page.evaluate(() => location.hash), /nodes=m4-max-128\+2xmac-mini-m4-pro-64/);
    const typed = await open('#model=gpt-oss-120b&nodes=1x128+2x64'); // by hand, its plus as it is
    await same(typed, 'plan --model gpt-oss-120b --nodes 1x128+2x64');
    await typed.context().close();
    await change(page, () => page.locator('#macs .mac button').nth(0).click());
    await same(page, 'plan --model gpt-oss-120b --nodes 2xmac-mini-m4-pro-64');
    return page;
  },
  async 'sliders, and answers overtaken'() {
    const page = await open('#model=glm-4.5-air&nodes=2x128');
    const slider = page.locator('#ask-context-slider');
    await slider.focus();
    for (let i = 0; i < 8; ++i) await page.keyboard.press('ArrowRight'); // eight questions, some overtaken
    await until(page, () => document.querySelector('#ask-context').value === '128k');
    await until(page, () => /131,072/.test(document.querySelector('#speed')?.innerText ?? ''));
    await change(page, () => fill(page, '#ask-sequences', '4'));
    await same(page, 'plan --model glm-4.5-air --nodes 2x128 --context 128k --sequences 4');
    return page;
  },
  async 'runtime, split, goal, format'() {
    const page = await open('#model=llama-3.3-70b&nodes=2x128');
    await until(page, () => document.querySelectorAll('#ask-runtime option').length > 1);
    await choose(page, 'runtime', 'mlx-lm');
    await choose(page, 'split', 'tensor');
    await choose(page, 'quant', 'q8');
    await same(page, 'plan --model llama-3.3-70b --nodes 2x128 --quant q8 --runtime mlx-lm --split tensor');
    await choose(page, 'split', '');
    await choose(page, 'goal', 'answer');
    await same(page, 'plan --model llama-3.3-70b --nodes 2x128 --quant q8 --runtime mlx-lm --goal answer');
    return page;
  },
  async 'limits, link and macOS'() {
    const page = await open('#model=glm-4.5&nodes=2x128');
    await page.click('#more summary');
    await until(page, () => document.querySelectorAll('#ask-link option').length > 1);
    await choose(page, 'macos', '26.2');
    await choose(page, 'link', 'tb5-rdma');
    await fill(page, '#ask-wired-limit', '120GiB');
    await same(page, 'plan --model glm-4.5 --nodes 2x128 --macos 26.2 --link tb5-rdma --wired-limit 120GiB');
    await page.fill('#ask-wired-limit', '120');
    await page.press('#ask-wired-limit', 'Enter');
    await page.locator('#problem strong').waitFor();
    assert.match(await text(page, '#problem'), /--wired-limit: expected a size with its unit/);
    await fill(page, '#ask-wired-limit', '');
    assert.ok(await page.locator('#problem').isHidden());
    return page;
  },
  async 'back, forward and a link'() {
    const page = await open('#model=glm-4.5-air&nodes=1x64');
    await fill(page, '#ask-context', '32k');
    await choose(page, 'kv', 'q8').catch(async () => {
      await page.click('#more summary');
      await choose(page, 'kv', 'q8');
    });
    await same(page, 'plan --model glm-4.5-air --nodes 1x64 --context 32k --kv q8');
    await change(page, () => page.goBack());
    await change(page, () => page.goBack());
    await same(page, 'plan --model glm-4.5-air --nodes 1x64');
    assert.equal(await page.inputValue('#ask-context'), '8k');
    await change(page, () => page.goForward());
    await same(page, 'plan --model glm-4.5-air --nodes 1x64 --context 32k');
    await page.click('#share');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const again = await open(new URL(link).hash);
    await same(again, 'plan --model glm-4.5-air --nodes 1x64 --context 32k');
    await again.context().close();
    return page;
  },
  async 'two clusters side by side'() {
    const page = await open('#model=glm-4.5&nodes=2x128');
    await until(page, () => document.querySelectorAll('.mac select option').length > 5);
    await change(page, () => page.click('#compare'));
    await same(page, 'plan --model glm-4.5 --nodes 2x128');
    const other = ask('plan --model glm-4.5 --nodes mac-studio-m3-ultra-512');
    assert.equal(await text(page, '.other .lead'), other.verdict.headline);
    assert.ok(await page.locator('#against table').isVisible());
    await change(page, () => page.click('#compare'));
    assert.equal(await page.locator('.other').count(), 0);
    return page;
  },
  async 'what runs on these Macs'() {
    const page = await open('#nodes=2x128&view=models');
    const {models} = ask('survey --nodes 2x128');
    assert.equal(await page.locator('.models tbody tr').count(), models.length);
    const comfortable = models.filter(({tier}) => tier === 'comfortable');
    await page.locator('label', {has: page.locator('#tier-comfortable')}).click();
    await until(page, (count) => document.querySelectorAll('.models tbody tr').length === count, comfortable.length);
    await page.click('#sort-speed');
    const fastest = comfortable.toSorted((a, b) => (b.smallest.decode_tokens_per_second?.value ?? 0) - (a.smallest.decode_tokens_per_second?.value ?? 0))[0];
    assert.equal(await text(page, '.models tbody th a'), fastest.id);
    assert.equal(await page.locator('.models th.speed').first().getAttribute('aria-sort'), 'descending');
    await page.fill('#find', 'glm');
    await until(page, () => [...document.querySelectorAll('.models tbody th a')].every((a) => a.textContent.includes('glm')));
    assert.equal(await page.evaluate(() => document.activeElement.id), 'find');
    const first = await text(page, '.models tbody th a');
    const {smallest} = models.find(({id}) => id === first);
    await change(page, () => page.locator('.models tbody th a').first().click());
    await same(page, `plan --model ${first} --quant ${smallest.format} --nodes 2x128`);
    await change(page, () => page.goBack());
    return page;
  },
  async 'which Macs for a model'() {
    const page = await open('#model=glm-4.5-air&nodes=1x64&context=32k');
    await change(page, () => page.click('[data-view=macs]'));
    const {clusters} = ask('size --model glm-4.5-air --context 32k');
    const {contexts} = ask('size --model glm-4.5-air --nodes 1x64 --context 32k');
    assert.equal(await page.locator('.sizes tbody tr').count(), clusters.length + contexts.length);
    assert.equal(await text(page, '.sizes tbody a'), clusters[0].nodes);
    await change(page, () => page.locator('.sizes tbody a').first().click());
    await same(page, `plan --model glm-4.5-air --nodes ${clusters[0].nodes} --context 32k`);
    return page;
  },
  async 'a night'() {
    const page = await open('#model=llama-3.3-70b&nodes=2x128');
    await change(page, () => page.click('[data-view=night]'));
    await page.locator('#distribution').waitFor();
    const night = async (command) => {
      const {summary, placements, best} = ask(`night --model llama-3.3-70b --nodes 2x128 ${command}`);
      assert.equal(await text(page, '.verdict .lead'), summary);
      const shown = await page.locator('.facts div', {hasText: 'Completions'}).locator('dd').innerText();
      assert.ok(shown.startsWith(placements[best].simulated.median.toLocaleString('en')), shown);
    };
    await night('--prompt-tokens 2000 --output-tokens 500');
    await fill(page, '#night-prompt-tokens', '4000');
    await night('--prompt-tokens 4000 --output-tokens 500');
    return page;
  },
  async 'a file dropped'() {
    const page = await open();
    const config = {model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_size: 4096, num_hidden_layers: 32, intermediate_size: 14336,
      num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 128256, max_position_embeddings: 8192, tie_word_embeddings: false};
    await change(page, () => page.setInputFiles('#file', {name: 'config.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(config))}));
    assert.equal(await page.inputValue('#ask-model'), './config.json');
    assert.match(await text(page, '.verdict .lead'), /^Yes/);
    await page.setInputFiles('#file', {name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello')});
    await page.locator('#problem strong').waitFor();
    assert.match(await text(page, '#problem'), /notes\.txt/);
    return page;
  },
  async 'keys alone, on a phone'() {
    const page = await open('', {viewport: {width: 400, height: 800}, hasTouch: true});
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the screen');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // the skip link
    assert.equal(await page.evaluate(() => document.activeElement.id), 'answer');
    await page.locator('#macs input').first().focus();
    await page.keyboard.press('Control+A');
    await change(page, () => page.keyboard.type('4'));
    await same(page, 'plan --model qwen3-235b-a22b --nodes 4x128');
    await page.focus('#ask-model');
    await page.keyboard.type('no-such-model');
    await page.keyboard.press('Tab');
    await page.locator('#problem strong').waitFor();
    assert.match(await text(page, '#problem'), /no-such-model/);
    return page;
  },
};

let failed = 0;
const wanted = new RegExp(process.env.JOURNEY ?? '', 'i'); // JOURNEY=night: these alone, without times
const taken = Object.entries(journeys).filter(([name]) => wanted.test(name));
for (const [name, journey] of taken) {
  const before = problems.length;
  try {
    const page = await journey();
    await accessible(page, name);
    await page.context().close();
  } catch (error) {
    problems.push(`${name}: ${error.stack.split('\n').slice(0, 6).join('\n')}`);
  }
  const good = problems.length === before;
  failed += good ? 0 : 1;
  console.log([`${good ? 'ok  ' : 'FAIL'} ${name}`, ...problems.slice(before)].join('\n  '));
}

// Times are told, not judged: machines differ.
async function times() {
  const firsts = [];
  for (let i = 0; i < 5; ++i) {
    const page = await open();
    firsts.push(await page.evaluate(() => performance.getEntriesByName('answer')[0].startTime));
    await page.context().close();
  }
  const page = await open('#model=glm-4.5-air&nodes=2x128');
  const later = [];
  for (const nodes of ['1x128', '4x64', '1x128+2x64', '3x128', '2x64', '8x64']) {
    for (const context of ['8k', '32k', '128k']) {
      await change(page, () => page.evaluate((hash) => {
        history.pushState(null, '', hash);
        dispatchEvent(new PopStateEvent('popstate'));
      }, `#model=glm-4.5-air&nodes=${nodes}&context=${context}`));
      later.push(Number(await page.evaluate(() => document.querySelector('#view').dataset.milliseconds)));
    }
  }
  await page.context().close();
  const middle = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)].toFixed(0);
  console.log(`first answer ${middle(firsts)} ms after the address (${firsts.map((ms) => ms.toFixed(0)).join(', ')}); ` +
    `later ones ${middle(later)} ms, at most ${Math.max(...later).toFixed(0)} (${later.length} questions, from change to shown)`);
}
if (!process.env.JOURNEY) await times();

if (screenshots) {
  mkdirSync(screenshots, {recursive: true});
  const views = {plan: '#model=glm-4.5&nodes=2x128', wont: '#model=deepseek-v3.1&nodes=2x64', compare: '#model=glm-4.5&nodes=2x128&against=1x512',
    models: '#nodes=2x128&view=models', macs: '#model=glm-4.5&nodes=2x128&view=macs', night: '#model=llama-3.3-70b&nodes=2x128&view=night'};
  for (const [name, hash] of Object.entries(views)) {
    for (const width of [400, 800, 1200, 1600]) {
      for (const colorScheme of ['light', 'dark']) {
        const page = await open(hash, {viewport: {width, height: width === 400 ? 860 : 1000}, colorScheme});
        await until(page, () => document.querySelectorAll('#ask-runtime option').length > 1);
        await page.screenshot({path: join(screenshots, `${name}-${width}-${colorScheme}.png`), fullPage: true});
        await page.context().close();
      }
    }
  }
}
await browser.close();
close();
console.log(`${taken.length - failed} of ${taken.length} journeys`);
process.exit(failed > 0 ? 1 : 0);
