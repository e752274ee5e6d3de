// Does it keep up? A steady rate of messages in rooms of ordinary size, for as long as wanted. With a rolling restart
// (RESTART=1 of scripts/loadtest) every gateway and the api go away and come back meanwhile.

import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { number } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 10);
const CLIENTS = number('CLIENTS', 20);
const SECONDS = number('DURATION', 60);
// Between two messages of one client.
const EVERY_MS = number('EVERY_MS', 2000);
const P99_MS = number('P99_MS', 2000);

// During a restart connections are lost and messages wait; then only the ledger counts.
const restarts = __ENV.RESTART === '1';
const more = restarts
  ? { rooms_resumed: ['count>0'] }
  : { delivery_ms: [`p(99)<${P99_MS}`], ack_ms: [`p(99)<${P99_MS}`], connections_lost: ['count==0'] };

export const options = once(VUS, SECONDS, measures.thresholds(more));

export const setup = measures.begin;

export default function () {
  const crowd = new Crowd(__VU, CLIENTS);
  crowd.connect(2000);
  crowd.talk(CLIENTS, EVERY_MS);
  crowd.endAfter(SECONDS * 1000);
}
