// Holds the engine, so that the page never waits for it. Questions come one at a time: {id, question, files}.

import createEngine from './engine.mjs';

let files = [];
const engine = createEngine({
  // Only what the readers of headers ask for is ever read of a file.
  readFile(index, offset, count) {
    const part = files[index].slice(offset, offset + count);
    return new Uint8Array(new FileReaderSync().readAsArrayBuffer(part));
  },
});

onmessage = async ({data}) => {
  try {
    const {ccall} = await engine;
    files = data.files ?? [];
    const began = performance.now();
    const text = ccall('macfit_answer', 'string', ['string'], [JSON.stringify(data.question)]);
    postMessage({id: data.id, text, milliseconds: performance.now() - began});
  } catch (error) {
    const message = `the engine does not run here: ${error.message ?? error}`;
    postMessage({id: data.id, text: JSON.stringify({error: {message, hint: null}})});
  }
};
