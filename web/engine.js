// Questions to the engine and its answers. A lane is a worker of its own; of questions that wait for one, only the
// newest of each kind is asked, and an answer that a newer question of its kind has overtaken is dropped.

export class Lane {
  #worker = null;
  #waiting = new Map(); // kind -> question
  #asked = null; // {kind, resolve, overtaken}
  #count = 0;

  // The answer, or {error}; undefined where a newer question of this kind was asked meanwhile.
  ask(question, {kind = question.ask, files} = {}) {
    if (this.#asked?.kind === kind) this.#asked.overtaken = true;
    this.#waiting.get(kind)?.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.delete(kind);
      this.#waiting.set(kind, {kind, question, files, resolve, overtaken: false});
      this.#next();
    });
  }

  // Loads the engine before the first question.
  start() {
    this.#worker = new Worker('worker.js', {type: 'module'});
    this.#worker.onmessage = ({data}) => this.#answered(JSON.parse(data.text), data.milliseconds);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#answered({error: {message: 'the engine does not run in this browser', hint: 'a current one is needed'}});
    };
    return this;
  }

  #next() {
    if (this.#asked || this.#waiting.size === 0) return;
    const [kind, asked] = this.#waiting.entries().next().value;
    this.#waiting.delete(kind);
    this.#asked = asked;
    if (!this.#worker) this.start();
    this.#worker.postMessage({id: ++this.#count, question: asked.question, files: asked.files});
  }

  #answered({answer, error}, milliseconds) {
    const asked = this.#asked;
    this.#asked = null;
    asked?.resolve(asked.overtaken ? undefined : error ? {error} : {answer, milliseconds});
    this.#next();
  }
}
