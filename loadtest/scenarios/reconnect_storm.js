// What happens when everybody comes back at once? All connections are cut at the same moment, several times, and come
// back within a second; who talks goes on talking.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 20);
const CLIENTS = number('CLIENTS', 50);
const STORMS = number('STORMS', 3);
// Between two storms.
const PAUSE_SECONDS = number('PAUSE_SECONDS', 15);
const CATCH_UP_MS = number('CATCH_UP_MS', 10000);
const SECONDS = PAUSE_SECONDS * (STORMS + 1);

export const options = once(VUS, SECONDS, measures.thresholds({
  connected: [`count>=${VUS * CLIENTS * (STORMS + 1)}`],
  rooms_resumed: [`count>=${VUS * CLIENTS * STORMS}`],
  catch_up_ms: [`p(99)<${CATCH_UP_MS}`],
}));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(5000);
  setTimeout(() => crowd.talk(2, 1000), 5000);
  for (let storm = 1; storm <= STORMS; storm++) {
    setTimeout(() => crowd.clients.forEach((client) => client.live && client.cut(Math.random() * 1000)), storm * PAUSE_SECONDS * 1000);
  }
  crowd.endAfter(SECONDS * 1000);
}
