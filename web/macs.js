// Picks the Macs of a cluster: a row for each kind, how many and which. Its value is what --nodes takes.

import {make} from './dom.js';

// "2x128+m4-pro-64" as rows.
function rowsOf(spec) {
  return spec.split('+').map((part) => {
    const [, count, token] = /^\s*(?:(\d{1,2})\s*x)?(.*?)\s*$/i.exec(part);
    return {count: Math.max(1, Number(count ?? 1)), token, machine: ''};
  });
}

function specOf(rows) {
  return rows.map(({count, token}) => (count === 1 && !/^\d+$/.test(token) ? token : `${count}x${token}`)).join('+');
}

export class Macs {
  #root;
  #onchange;
  #machines = []; // [{id, name}]
  #rows = [];
  #spec = '';
  #fresh = '128';

  constructor(root, onchange) {
    this.#root = root;
    this.#onchange = onchange;
  }

  set machines(list) {
    // A year is told only where it tells two machines apart.
    const brief = (name) => name.replace(/ \(\d{4}\)/, '');
    const times = new Map();
    for (const {name} of list) times.set(brief(name), (times.get(brief(name)) ?? 0) + 1);
    this.#machines = list.map(({id, name}) => ({id, name: times.get(brief(name)) > 1 ? name : brief(name)}));
    this.#render();
  }

  set value(spec) {
    if (spec === this.#spec) return;
    this.#spec = spec;
    this.#rows = rowsOf(spec);
    this.#render();
  }

  // Which machine each node of the answer's cluster is: what a short name stands for.
  resolved(nodes) {
    let at = 0;
    let changed = false;
    for (const row of this.#rows) {
      const machine = nodes[at]?.machine ?? '';
      changed ||= machine !== row.machine;
      row.machine = machine;
      at += row.count;
    }
    if (changed) this.#render();
  }

  #changed(render = true) {
    this.#spec = specOf(this.#rows);
    if (render) this.#render();
    this.#onchange(this.#spec);
  }

  #options(row) {
    const known = this.#machines.some(({id}) => id === row.machine);
    const groups = new Map();
    for (const machine of this.#machines) {
      const family = machine.name.split(' (')[0].split(',')[0];
      if (!groups.has(family)) groups.set(family, []);
      groups.get(family).push(make('option', {value: machine.id, selected: machine.id === row.machine}, machine.name));
    }
    const options = [...groups].map(([label, inside]) => make('optgroup', {label}, inside));
    if (!known) options.unshift(make('option', {value: '', selected: true}, row.machine || row.token || 'which?'));
    return options;
  }

  #row(row, index) {
    const count = make('input', {type: 'number', min: 1, max: 64, value: row.count, ariaLabel: 'How many'});
    count.oninput = () => {
      const value = Math.round(Number(count.value));
      if (!(value >= 1 && value <= 64)) return;
      row.count = value;
      this.#changed(false);
    };
    const which = make('select', {ariaLabel: 'Which Mac'}, this.#options(row));
    which.onchange = () => {
      if (!which.value) return;
      row.token = row.machine = which.value;
      this.#changed(false);
    };
    const remove = make('button', {type: 'button', className: 'quiet', ariaLabel: 'Take this Mac away',
      title: 'Take away', disabled: this.#rows.length === 1}, '×');
    remove.onclick = () => {
      this.#rows.splice(index, 1);
      this.#changed();
      this.#root.querySelector('.add').focus();
    };
    return make('div', {className: 'mac', role: 'group', ariaLabel: `Kind ${index + 1}`}, count,
      make('span', {ariaHidden: 'true'}, '×'), which, remove);
  }

  #render() {
    const focused = document.activeElement;
    const place = this.#root.contains(focused) ? [...this.#root.querySelectorAll('input,select,button')].indexOf(focused) : -1;
    const add = make('button', {type: 'button', className: 'add quiet'}, '+ an unlike Mac');
    add.onclick = () => {
      this.#rows.push({count: 1, token: this.#fresh, machine: ''});
      this.#changed();
      [...this.#root.querySelectorAll('select')].at(-1).focus();
    };
    for (const old of this.#root.querySelectorAll('.mac, .add')) old.remove();
    this.#root.append(...this.#rows.map((row, index) => this.#row(row, index)), add);
    if (place >= 0) this.#root.querySelectorAll('input,select,button')[place]?.focus();
  }
}
