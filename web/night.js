// What is done by morning: its own few questions, then the report's sections.

import {fold, make, parse, withCopy} from './dom.js';

export const nightDefaults = {'prompt-tokens': '2000', 'output-tokens': '500', hours: '22:00-07:00'};

export function nightForm(state, change) {
  const field = (key, words, placeholder = '') => {
    const input = make('input', {id: `night-${key}`, type: 'text', value: state[key] ?? nightDefaults[key] ?? '', placeholder, spellcheck: false});
    input.onchange = () => change({[key]: input.value.trim() === nightDefaults[key] ? '' : input.value.trim()});
    return make('div', {className: 'field'}, make('label', {htmlFor: input.id}, words), input);
  };
  return make('div', {className: 'pair night-form', role: 'group', ariaLabel: 'The night’s work'},
    field('prompt-tokens', 'Tokens of a prompt'), field('output-tokens', 'Tokens of an answer'),
    field('prompts', 'Jobs', 'as many as it takes'), field('hours', 'Hours'));
}

export function nightView({fragment}) {
  const page = parse(fragment);
  const [patterns, heading, lead, facts] = ['svg.patterns', 'h1', '.lead', '.facts'].map((s) => page.querySelector(s));
  const sections = [...page.querySelectorAll('section[id]')].map((section) => {
    if (section.id !== 'assumptions') return section;
    section.querySelector('h2').remove();
    section.removeAttribute('aria-labelledby');
    return fold('night-assumptions', 'Assumptions and where they come from', section);
  });
  const view = make('div', {className: 'night'}, patterns, make('section', {className: 'verdict plain-verdict', ariaLabel: 'By morning'}, heading, lead), facts, sections);
  view.querySelectorAll('pre').forEach(withCopy);
  return view;
}
