// Does coming and going cost anybody a message? Clients leave without a word all the time and resume, while others talk.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 10);
const CLIENTS = number('CLIENTS', 20);
const SECONDS = number('DURATION', 60);
const EVERY_MS = number('EVERY_MS', 2000);
// Between two cuts in one virtual user.
const CUT_MS = number('CUT_MS', 500);

export const options = once(VUS, SECONDS, measures.thresholds({
  rooms_resumed: ['count>0'],
  resets_told: ['count==0'],
}));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(1000);
  crowd.talk(CLIENTS, EVERY_MS);
  crowd.every(CUT_MS, () => {
    const client = crowd.clients[Math.floor(Math.random() * CLIENTS)];
    if (client.live) client.cut();
  });
  crowd.endAfter(SECONDS * 1000);
}
