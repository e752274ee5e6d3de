// Stand-ins for what a browser gives: storage, clock, socket.

/** localStorage, in memory. */
export class FakeStorage {
  #items = new Map();

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, String(value));
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}

/** A clock that stands still until it is told to go on. */
export class FakeClock {
  #now = 1_000_000;
  #timers = new Map();
  #next = 1;

  now = () => this.#now;

  setTimeout = (run, ms) => {
    this.#timers.set(this.#next, { run, at: this.#now + ms });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** Goes on, runs every timer in its turn and lets promises settle. */
  async pass(ms) {
    const end = this.#now + ms;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      this.#timers.delete(due.timer);
      this.#now = due.at;
      due.run();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #due(end) {
    const due = [...this.#timers].map(([timer, { run, at }]) => ({ timer, run, at })).filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets every promise that can settle do so. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  readyState = 0;
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  /** The server accepts. */
  opens() {
    this.readyState = 1;
    this.onopen({});
  }

  /** The server says something. */
  says(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** The server closes. */
  closes(code) {
    this.readyState = 3;
    this.onclose({ code });
  }
}
