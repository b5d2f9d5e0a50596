// A field for an exact number, and a slider beside it that knows the usual ones.

import {byId} from './dom.js';

export class Slider {
  #slider;
  #field;
  #steps;
  #usual;

  // `steps` are texts as the command line takes them, `usual` the one that an empty value stands for; `read` gives a
  // text's number. `onslide` is called while it moves, `onchange` when it rests.
  constructor(name, steps, usual, read, onslide, onchange) {
    this.#slider = byId(`ask-${name}-slider`);
    this.#field = byId(`ask-${name}`);
    this.#steps = steps;
    this.#usual = usual;
    this.read = read;
    Object.assign(this.#slider, {min: 0, max: steps.length - 1, step: 1});
    this.#slider.oninput = () => {
      this.#show(this.#steps[this.#slider.value]);
      onslide(this.value);
    };
    this.#slider.onchange = () => onchange(this.value);
    this.#field.onchange = () => onchange(this.value);
  }

  get value() {
    const text = this.#field.value.trim();
    return text === this.#usual ? '' : text;
  }

  set value(text) {
    const given = text || this.#usual;
    const number = this.read(given);
    let nearest = 0;
    this.#steps.forEach((step, at) => {
      if (this.read(step) <= number) nearest = at;
    });
    this.#slider.value = nearest;
    this.#show(given);
  }

  #show(text) {
    this.#field.value = text;
    this.#slider.setAttribute('aria-valuetext', text);
  }
}

// "32k" in tokens.
export function readTokens(text) {
  const found = /^([\d.,_]+)\s*([km]?)$/i.exec(text.trim());
  if (!found) return 0;
  return Number(found[1].replace(/[,_]/g, '')) * {'': 1, k: 1024, m: 1 << 20}[found[2].toLowerCase()];
}
