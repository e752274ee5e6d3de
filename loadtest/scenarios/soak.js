// Does anything grow, leak or drift over hours? Few clients, ordinary talk, some coming and going, for a long time.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 5);
const CLIENTS = number('CLIENTS', 20);
const SECONDS = number('DURATION', 4 * 3600);
const EVERY_MS = number('EVERY_MS', 5000);
const CUT_MS = number('CUT_MS', 10000);

export const options = once(VUS, SECONDS, measures.thresholds({ rooms_resumed: ['count>0'], resets_told: ['count==0'] }));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(5000);
  crowd.talk(CLIENTS, EVERY_MS);
  crowd.every(CUT_MS, () => {
    const client = crowd.clients[Math.floor(Math.random() * CLIENTS)];
    if (client.live) client.cut();
  });
  crowd.endAfter(SECONDS * 1000);
}
