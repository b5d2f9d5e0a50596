// Finds a model: a text field with the catalog's names under it, by the pattern of a combobox with a list.

import {byId, make} from './dom.js';

const most = 12;

export function count(parameters) {
  const [scale, unit] = parameters >= 1e12 ? [1e12, 'T'] : parameters >= 1e9 ? [1e9, 'B'] : [1e6, 'M'];
  const value = parameters / scale;
  return (value < 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0)) + unit;
}

export function tokens(number) {
  if (number >= 1 << 20 && number % (1 << 20) === 0) return `${number / (1 << 20)}M`;
  return number >= 1024 && number % 1024 === 0 ? `${number / 1024}k` : String(number);
}

// "120B q4" is written 120b-q4.
export function written(text) {
  const trimmed = text.trim();
  return /^\d[\d.]*\s*(b|t|m|gb|gib|tb)\b/i.test(trimmed) ? trimmed.toLowerCase().replace(/(\d)\s+(?=[btmg])/, '$1').replace(/\s+/g, '-') : trimmed;
}

export class ModelBox {
  #input = byId('ask-model');
  #list = byId('models');
  #models = [];
  #shown = [];
  #active = -1;
  #onchange;
  #value = '';

  constructor(onchange) {
    this.#onchange = onchange;
    this.#input.oninput = () => this.#open();
    this.#input.onfocus = () => this.#input.select();
    this.#input.onclick = () => this.#open(true);
    this.#input.onkeydown = (event) => this.#key(event);
    this.#input.onchange = () => this.#commit(this.#input.value);
    this.#input.onblur = () => this.#close();
    // A press on the list must not take the focus away, which would close it.
    this.#list.onmousedown = (event) => event.preventDefault();
    this.#list.onclick = (event) => {
      const option = event.target.closest('[role=option]');
      if (option) this.#commit(option.dataset.id);
    };
  }

  set models(list) {
    this.#models = list.map((model) => ({...model,
      words: [model.id, ...model.aliases].join(' ').toLowerCase()}));
  }

  set value(name) {
    this.#value = name;
    if (document.activeElement !== this.#input || this.#list.hidden) this.#input.value = name;
  }

  #commit(text) {
    const name = written(text);
    this.#close();
    this.#input.value = name || this.#value;
    if (name && name !== this.#value) {
      this.#value = name;
      this.#onchange(name);
    }
  }

  #open(all = false) {
    const asked = all ? [] : this.#input.value.toLowerCase().split(/[\s]+/).filter(Boolean);
    const fits = this.#models.filter(({words}) => asked.every((word) => words.includes(word)));
    fits.sort((a, b) => !a.id.startsWith(asked[0] ?? '') - !b.id.startsWith(asked[0] ?? '') || (all ? 0 : a.id.length - b.id.length));
    this.#shown = fits.slice(0, all ? fits.length : most);
    this.#list.replaceChildren(...this.#shown.map((model, index) => {
      const size = `${count(model.parameters)}${model.active && model.active < model.parameters ? `, ${count(model.active)} active` : ''}`;
      return make('li', {id: `model-${index}`, role: 'option', ariaSelected: 'false', 'data-id': model.id},
        make('span', {}, model.id),
        make('span', {className: 'soft'}, model.context ? `${size}, ${tokens(model.context)}` : size));
    }));
    this.#show(this.#shown.length > 0);
    this.#mark(-1);
  }

  #show(open) {
    this.#list.hidden = !open;
    this.#input.setAttribute('aria-expanded', String(open));
  }

  #close() {
    this.#show(false);
    this.#mark(-1);
  }

  #mark(index) {
    this.#active = index;
    [...this.#list.children].forEach((item, at) => item.setAttribute('aria-selected', String(at === index)));
    if (index < 0) this.#input.removeAttribute('aria-activedescendant');
    else {
      this.#input.setAttribute('aria-activedescendant', `model-${index}`);
      this.#list.children[index].scrollIntoView({block: 'nearest'});
    }
  }

  #key(event) {
    const open = !this.#list.hidden;
    const last = this.#shown.length - 1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) return this.#open(this.#input.value === this.#value);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.#mark(this.#active < 0 ? (step > 0 ? 0 : last) : (this.#active + step + last + 1) % (last + 1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#commit(open && this.#active >= 0 ? this.#shown[this.#active].id : this.#input.value);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      this.#close();
      this.#input.value = this.#value;
    }
  }
}
