// The whole catalog on these Macs: one table, sorted by its headers, filtered by tier and by name.

import {fold, make} from './dom.js';
import {count, tokens} from './model-box.js';

const tiers = [['', 'all'], ['comfortable', 'comfortable'], ['borderline', 'borderline'],
  ['not-practical', 'not practical'], ['unsupported', 'unsupported'], ['unknown', 'unknown']];

const groupOf = ({tier, smallest}) => (['unsupported', 'unknown'].includes(smallest.verdict) ? smallest.verdict : tier ?? 'unknown');
const rank = (model) => tiers.findIndex(([name]) => name === groupOf(model));
const kind = {comfortable: 'good', borderline: 'warn'};
const sign = {comfortable: '✓', borderline: '!'};

export const rate = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
export const percent = (share) => `${(share * 100).toFixed(share > 0.98 && share < 1.02 ? 1 : 0)} %`;

function badge(model) {
  const group = groupOf(model);
  return make('span', {className: `badge ${kind[group] ?? 'bad'}`}, make('span', {ariaHidden: 'true'}, sign[group] ?? '✗'),
    ` ${tiers.find(([name]) => name === group)[1]}`);
}

function meter(share) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const draw = (tag, attributes) => {
    const part = document.createElementNS(svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    svg.append(part);
  };
  for (const [name, value] of Object.entries({class: 'meter', width: 64, height: 10, 'aria-hidden': 'true'})) svg.setAttribute(name, value);
  draw('rect', {y: 1, height: 8, width: (64 * Math.min(share, 1.25)) / 1.25, class: share > 1 ? 'over' : 'weights'});
  draw('line', {x1: 51.2, x2: 51.2, y1: 0, y2: 10, class: 'limit'});
  return svg;
}

const speedOf = ({smallest}) => smallest.decode_tokens_per_second;
const used = ({smallest}) => (smallest.nodes_used > 0 ? smallest.utilization : null);

// key, heading, what it is sorted by (null is last), what a cell shows; `down`: largest first.
const columns = [
  ['name', 'Model', (m) => m.id, null],
  ['tier', 'Tier', (m) => rank(m), (m) => badge(m)],
  ['size', 'Parameters', (m) => m.parameters || null, (m) => count(m.parameters) + (m.active_parameters && m.active_parameters < m.parameters ? ` (${count(m.active_parameters)})` : ''), 'down'],
  ['used', 'Fullest Mac', used, (m) => [meter(used(m)), percent(used(m))], 'down'],
  ['context', 'Longest context', (m) => (used(m) === null ? null : m.smallest.max_context_tokens), (m) => m.smallest.max_context_tokens.toLocaleString('en'), 'down'],
  ['speed', 'Tokens/s', (m) => speedOf(m)?.value ?? null, (m) => {
    const {value, low, high} = speedOf(m);
    return [make('strong', {className: 'whole'}, rate(value)), make('small', {className: 'whole'}, `${rate(low)}–${rate(high)}`)];
  }, 'down'],
  ['runs', 'How', (m) => m.smallest.verdict, (m) => [m.note || m.smallest.verdict.replace(/-/g, ' '), make('small', {}, [m.smallest.runtime, m.smallest.format].filter(Boolean).join(', '))]],
  ['best', 'Best comfortable format', (m) => m.best?.bits ?? null, (m) => m.best.format, 'down'],
];

const numbers = new Set(['size', 'used', 'context', 'speed']);

function sorted(models, order) {
  const [key, turned] = [order.replace(/^-/, ''), order.startsWith('-')];
  const [, , value, , down] = columns.find(([name]) => name === key) ?? columns[1];
  const factor = (down ? -1 : 1) * (turned ? -1 : 1);
  return [...models].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return factor * (x < y ? -1 : x > y ? 1 : 0) || rank(a) - rank(b) || b.parameters - a.parameters || (a.id < b.id ? -1 : 1);
  });
}

// `change` takes what of the state is to be another; `link` gives the address of a model's plan.
export function surveyView(survey, state, {change, link}) {
  const counts = new Map(tiers.map(([name]) => [name, 0]));
  for (const model of survey.models) {
    counts.set('', counts.get('') + 1);
    counts.set(groupOf(model), counts.get(groupOf(model)) + 1);
  }
  const order = state.sort ?? 'tier';
  const shown = sorted(survey.models, order).filter((model) => (!state.tier || groupOf(model) === state.tier) &&
    model.id.includes((state.find ?? '').toLowerCase()));

  const choice = make('fieldset', {className: 'tiers'}, make('legend', {className: 'hidden'}, 'Only this tier'),
    tiers.filter(([name]) => name === '' || counts.get(name) > 0).map(([name, words]) => {
      const box = make('input', {type: 'radio', name: 'tier', value: name, checked: (state.tier ?? '') === name, id: `tier-${name || 'all'}`});
      box.onchange = () => change({tier: name});
      return make('label', {}, box, make('span', {}, `${words} `, make('b', {}, String(counts.get(name)))));
    }));
  const find = make('input', {type: 'search', id: 'find', placeholder: 'Find a model', ariaLabel: 'Find a model', value: state.find ?? ''});
  find.oninput = () => change({find: find.value.trim()}, true);

  const head = columns.map(([key, words]) => {
    const mine = order.replace(/^-/, '') === key;
    const direction = !mine ? 'none' : order.startsWith('-') !== Boolean(columns.find(([name]) => name === key)[4]) ? 'descending' : 'ascending';
    const button = make('button', {type: 'button', id: `sort-${key}`}, words);
    button.onclick = () => change({sort: mine && !order.startsWith('-') ? `-${key}` : key});
    return make('th', {scope: 'col', ariaSort: direction, className: numbers.has(key) ? `number ${key}` : key}, button);
  });
  const body = shown.map((model) => make('tr', {}, columns.map(([key, , value, cell]) => {
    if (key === 'name') {
      return make('th', {scope: 'row', className: 'name'}, make('a', {href: link(model)}, model.id));
    }
    return make('td', {className: numbers.has(key) ? `number ${key}` : key}, value(model) === null ? '–' : cell(model));
  })));
  const {workload} = survey;
  const lead = `At ${tokens(workload.context_tokens)} tokens and ${workload.sequences} sequence${workload.sequences === 1 ? '' : 's'}, ${counts.get('comfortable')} of ${counts.get('')} models are comfortable on ${survey.cluster}, ${counts.get('borderline')} borderline.`;
  return make('div', {className: 'survey'}, make('h1', {}, `What runs on ${survey.cluster}`), make('p', {className: 'lead'}, lead),
    make('div', {className: 'filters'}, choice, find),
    make('div', {className: 'scroll', role: 'region', tabIndex: 0, ariaLabel: 'Models'},
      make('table', {className: 'models'}, make('caption', {}, `${shown.length} models, each at the smallest published format of at least four bits; a name opens its plan`),
        make('thead', {}, make('tr', {}, head)), make('tbody', {}, body))),
    fold('survey-words', 'What the columns say',
      make('p', {}, 'Parameters: in brackets those active per token. Fullest Mac: what it needs against what it may use; the line is 100 %. Tokens/s: one answer at the end of the full context, with the interval that four of five measurements fall in. Best comfortable format: the one of most bits that still leaves room.')));
}
