// The page's engine in Node: what its worker is in a browser.

import {closeSync, openSync, readFileSync, readSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {basename, join} from 'node:path';
import {pathToFileURL} from 'node:url';

export async function loadEngine(folder) {
  let open = [];
  // What Emscripten's start in Node takes for granted and a module has not.
  Object.assign(globalThis, {require: createRequire(import.meta.url), __dirname: folder});
  const {default: create} = await import(pathToFileURL(join(folder, 'engine.mjs')));
  const {ccall} = await create({
    wasmBinary: readFileSync(join(folder, 'engine.wasm')),
    readFile(index, offset, count) {
      const bytes = new Uint8Array(count);
      return bytes.subarray(0, readSync(open[index], bytes, 0, count, offset));
    },
  });
  // The engine's own text; `paths` are the files that a question reads.
  return (question, paths = []) => {
    open = paths.map((path) => openSync(path, 'r'));
    try {
      return ccall('macfit_answer', 'string', ['string'], [JSON.stringify(question)]);
    } finally {
      open.forEach(closeSync);
    }
  };
}

export const asFiles = (paths) => paths.map((path) => ({name: basename(path), size: statSync(path).size}));
