// Many clients in one virtual user: sockets are events, so one of k6's runtimes serves a crowd of them.

import { Client } from './client.js';
import { Ledger } from './ledger.js';
import { user } from './settings.js';

// How long an ack may take at the end before it counts as missing.
const PATIENCE_MS = 20000;

export class Crowd {
  // `size` clients; those of virtual user `vu` (1, 2, …) are the users behind those of the one before.
  constructor(vu, size) {
    this.ledger = new Ledger();
    this.clients = [];
    for (let i = 0; i < size; i++) this.clients.push(new Client(user((vu - 1) * size + i), this.ledger));
    this.timers = [];
  }

  // Connects all of them, spread over a time.
  connect(overMs) {
    this.clients.forEach((client) => setTimeout(() => client.connect(), Math.random() * overMs));
  }

  // Each of the first `talkers` clients says something about every `everyMs`, beginning at a random moment.
  talk(talkers, everyMs) {
    this.clients.slice(0, talkers).forEach((client) => {
      const begin = () => {
        client.say();
        this.timers.push(setInterval(() => client.say(), everyMs));
      };
      setTimeout(begin, Math.random() * everyMs);
    });
  }

  // Something that happens now and then until the end.
  every(ms, act) {
    this.timers.push(setInterval(act, ms));
  }

  // Ends after so long: no more talking, everybody waits for their acks and leaves, and the ledger is checked.
  endAfter(ms) {
    setTimeout(() => {
      this.timers.forEach((timer) => clearInterval(timer));
      let left = this.clients.length;
      const gone = () => {
        left -= 1;
        if (left === 0) this.ledger.verify();
      };
      this.clients.forEach((client) => client.leave(PATIENCE_MS, gone));
    }, ms);
  }
}

// The options of a scenario whose virtual users each run one crowd once.
export function once(vus, seconds, thresholds) {
  return {
    scenarios: {
      crowd: {
        executor: 'per-vu-iterations',
        vus,
        iterations: 1,
        // Beyond the time itself: acks, goodbyes and the look at history.
        maxDuration: `${Math.ceil(seconds) + 120}s`,
        gracefulStop: '10s',
      },
    },
    thresholds,
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
    setupTimeout: '30s',
  };
}
