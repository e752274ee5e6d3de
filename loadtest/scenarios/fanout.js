// How fast does one message reach a full room? Seed one room (ROOMS=1); a few talk, everybody listens.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 10);
const CLIENTS = number('CLIENTS', 50);
const SECONDS = number('DURATION', 60);
const EVERY_MS = number('EVERY_MS', 1000);
const P99_MS = number('P99_MS', 2000);

export const options = once(VUS, SECONDS, measures.thresholds({
  delivery_ms: [`p(99)<${P99_MS}`],
  connections_lost: ['count==0'],
}));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(3000);
  // One talker in each virtual user.
  setTimeout(() => crowd.talk(1, EVERY_MS), 3000);
  crowd.endAfter(SECONDS * 1000);
}
