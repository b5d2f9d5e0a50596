// The other way round: the longest context on these Macs, and the cheapest Macs for the model.

import {make} from './dom.js';
import {tokens} from './model-box.js';
import {percent} from './survey.js';

const whole = (number) => (number === null ? '–' : number.toLocaleString('en'));

function table(caption, columns, rows) {
  const cell = (tag, index, properties, ...inside) => make(tag, {className: columns[index][1] ? 'number' : '', ...properties}, ...inside);
  return make('div', {className: 'scroll', role: 'region', tabIndex: 0, ariaLabel: caption},
    make('table', {}, make('caption', {}, caption),
      make('thead', {}, make('tr', {}, columns.map(([words], at) => cell('th', at, {scope: 'col'}, words)))),
      make('tbody', {}, rows.map((row) => make('tr', {}, row.map((value, at) => cell(at ? 'td' : 'th', at, at ? {} : {scope: 'row'}, value)))))));
}

// `link` gives the address of a plan with these changes.
export function sizesView(contexts, clusters, link) {
  const {workload: {context_tokens: context, sequences}} = clusters;
  const asked = `${tokens(context)} tokens, ${sequences} sequence${sequences === 1 ? '' : 's'}`;
  const found = clusters.clusters;
  const lead = found.length > 0
    ? `The cheapest Macs on which ${clusters.model} is comfortable at ${asked}: ${found[0].nodes.replace(/\+/g, ' and ')}${found[0].price_usd ? `, $${whole(found[0].price_usd)}` : ''}.`
    : `No four Macs of the catalog make ${clusters.model} comfortable at ${asked}.`;
  return make('div', {className: 'sizes'}, make('h1', {}, `Which Macs for ${clusters.model}`), make('p', {className: 'lead'}, lead),
    found.length === 0 ? null : table('Up to four Macs of one or two kinds, cheapest first; US list prices of the machines alone',
      [['Macs'], ['Price', true], ['RAM', true], ['Fullest', true], ['Split'], ['Runtime and format']],
      found.map((one) => [make('a', {href: link({nodes: one.nodes, layers: ''})}, one.nodes.split('+').flatMap((part, at) => (at ? ['+', make('wbr'), part] : [part]))), one.price_usd ? `$${whole(one.price_usd)}` : '–',
        `${Math.round(one.ram_bytes / 2 ** 30)} GiB`, percent(one.utilization), one.verdict.replace(/-/g, ' '), `${one.runtime}, ${one.format}`])),
    make('h2', {}, `Longest context on ${contexts.cluster}`),
    contexts.contexts.length === 0 ? make('p', {}, 'Not one placement that may win holds any context there.')
      : table('By cache format; what needs the raised GPU limit comes last in each',
        [['Cache'], ['Longest context', true], ['Comfortable up to', true], ['Runtime, split'], ['Format'], ['GPU limit']],
        contexts.contexts.map((one) => [one.kv_format, whole(one.max_context_tokens), one.comfortable_context_tokens ? whole(one.comfortable_context_tokens) : '–',
          `${one.runtime}, ${one.split}${one.split === 'pipeline' ? ` (${one.layout})` : ''}`, one.format, one.gpu_limit])));
}
