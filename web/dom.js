// Elements without markup in strings: text stays text.

export const byId = (id) => document.getElementById(id);

// make('button', {type: 'button', onclick: f}, 'Copy'): properties that an element has, else attributes.
export function make(tag, properties = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside.flat().filter((part) => part !== null && part !== undefined));
  return element;
}

// The report's markup, escaped by the engine, as elements.
export function parse(markup) {
  const template = document.createElement('template');
  template.innerHTML = markup;
  return template.content;
}

// A line to type, and a button that copies it.
export function command(line) {
  const code = make('pre', {tabIndex: 0}, make('code', {}, line));
  return withCopy(code);
}

// Puts the button beside a line of the report.
export function withCopy(pre) {
  const holder = make('div', {className: 'type'});
  pre.replaceWith(holder);
  const button = make('button', {type: 'button', className: 'copy'}, 'Copy');
  button.setAttribute('aria-label', `Copy: ${pre.textContent}`);
  button.onclick = () => copied(button, pre.textContent, 'Copy');
  holder.append(pre, button);
  return holder;
}

export async function copied(button, text, name) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Can’t copy';
  }
  setTimeout(() => (button.textContent = name), 1500);
}

// Behind a line to open; what was opened stays open when the answer changes.
const opened = new Set();
export function fold(id, summary, ...inside) {
  const details = make('details', {id, open: opened.has(id)}, make('summary', {}, summary), ...inside);
  details.ontoggle = () => (details.open ? opened.add(id) : opened.delete(id));
  return details;
}
