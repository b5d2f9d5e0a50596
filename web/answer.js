// One model on some Macs: the answer first, then the report's sections in the page's order.

import {command, fold, make, parse, withCopy} from './dom.js';
import {rate} from './survey.js';

const parts = (fragment) => Object.fromEntries([...fragment.querySelectorAll('section[id]')].map((part) => [part.id, part]));

// Tables beside a drawing repeat its numbers: they open where asked for.
function folded(section, summary, pattern = '.scroll') {
  const hidden = [...section.querySelectorAll(`:scope > ${pattern}`)];
  if (hidden.length > 0) {
    const rest = fold(`${section.id}-more`, summary);
    hidden[0].replaceWith(rest);
    rest.append(...hidden);
  }
  return section;
}

const verdictKind = (plan) => (plan.verdict.tier === 'comfortable' ? 'good' : plan.verdict.tier === 'borderline' ? 'warn' : 'bad');

function typed(plan) {
  const next = plan.verdict.next_command;
  if (!next) return [];
  const action = plan.verdict.placement === null && plan.actions.find((one) => one.command === next);
  const words = action ? `What would help: ${action.effect}` : plan.verdict.placement === null ? 'What would help' : 'Type this to run it';
  return [make('p', {className: 'soft label'}, words), command(next)];
}

function otherVerdict(other) {
  const {verdict} = other;
  return make('section', {className: `verdict other ${verdictKind(other)}`, ariaLabel: 'The other Macs'},
    make('h2', {}, other.cluster.spec),
    make('p', {}, make('span', {className: `badge ${verdictKind(other)}`}, verdict.kind, verdict.tier ? `, ${verdict.tier}` : '')),
    make('p', {className: 'lead'}, verdict.headline), ...typed(other));
}

export function answerView({plan, other, fragment}) {
  const page = parse(fragment);
  const section = parts(page);
  const [patterns, heading, badge, lead, facts] = ['svg.patterns', 'h1', 'h1 + p', '.lead', '.facts'].map((s) => page.querySelector(s));
  const verdict = make('section', {className: `verdict ${verdictKind(plan)}`, ariaLabel: 'Verdict'}, heading, badge, lead, ...typed(plan));
  if (section.memory) folded(section.memory, 'Node by node in numbers', '.scroll, :scope > ul:not(.legend)');
  if (section.context) folded(section.context, 'The curve in numbers');
  section.command?.remove();
  const rest = (id, summary) => {
    if (!section[id]) return null;
    section[id].querySelector('h2').remove();
    section[id].removeAttribute('aria-labelledby');
    return fold(`${id}-fold`, summary, section[id]);
  };
  const view = make('div', {className: 'plan'}, patterns,
    make('div', {className: other ? 'verdicts two' : 'verdicts'}, verdict, other ? otherVerdict(other) : null), facts,
    section.against ?? null,
    make('div', {className: 'wide'}, section.memory ?? null, section.context ?? null),
    section.layers ?? null, section.speed ?? null,
    make('div', {className: 'wide'}, section.why ?? null, section.next ?? null), section.notes ?? null,
    rest('assumptions', 'Assumptions and where they come from'));
  for (const pre of view.querySelectorAll('pre')) {
    if (!pre.parentElement.classList.contains('type')) withCopy(pre);
  }
  return view;
}

// The answer in a line, for a screen on which the whole is out of sight.
export function short(link, {verdict, placements}) {
  const speed = placements[verdict.placement]?.speed.decode_tokens_per_second;
  const rest = speed ? `, ${rate(speed.value)} tokens/s` : '';
  link.className = `badge ${verdictKind({verdict})}`;
  link.textContent = `${verdict.headline.split(/[:.]/)[0]}${rest} ↓`;
}

// What a screen reader is told when the answer changes.
export function spoken({plan, other}) {
  const one = (side) => `${side.model.id} on ${side.cluster.spec}: ${side.verdict.headline}`;
  return other ? `${one(plan)} ${one(other)}` : one(plan);
}
