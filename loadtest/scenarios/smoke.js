// Does it work at all? A few people talk in two rooms, some of them lose their connection once.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = 2;
const CLIENTS = 10;
const SECONDS = number('DURATION', 15);

export const options = once(VUS, SECONDS, measures.thresholds({
  rooms_resumed: ['count>0'],
  connects_refused: ['count==0'],
}));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(500);
  crowd.talk(CLIENTS, 1000);
  setTimeout(() => crowd.clients.slice(0, 3).forEach((client) => client.cut()), SECONDS * 500);
  crowd.endAfter(SECONDS * 1000);
}
