// Do those who read slowly cost the others anything? Some clients read a frame now and then, while the rooms talk; they
// have to be caught up or told of a gap, and the others have to hear everything in time.

import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import ws from 'k6/ws';
import { Crowd, once } from '../lib/crowd.js';
import * as measures from '../lib/measures.js';
import { SOCKETS, number, user } from '../lib/settings.js';

export { summary as handleSummary } from '../lib/summary.js';

const VUS = number('VUS', 10);
const CLIENTS = number('CLIENTS', 10);
const SLOW = number('SLOW', 10);
const SECONDS = number('DURATION', 60);
const EVERY_MS = number('EVERY_MS', 500);
const P99_MS = number('P99_MS', 2000);

const slowFrames = new Counter('slow_frames');
const slowHoles = new Counter('slow_holes');

const base = once(VUS, SECONDS, measures.thresholds({
  delivery_ms: [`p(99)<${P99_MS}`],
  slow_frames: ['count>0'],
  slow_holes: ['count==0'],
}));

export const options = {
  ...base,
  scenarios: {
    ...base.scenarios,
    slow: {
      executor: 'per-vu-iterations',
      exec: 'slow',
      vus: SLOW,
      iterations: 1,
      maxDuration: `${SECONDS + 120}s`,
      gracefulStop: '10s',
    },
  },
};

export function setup() {
  measures.begin();
  slowFrames.add(0);
  slowHoles.add(0);
}

export default function () {
  const crowd = new Crowd(exec.scenario.iterationInTest + 1, CLIENTS);
  crowd.connect(1000);
  crowd.talk(CLIENTS, EVERY_MS);
  crowd.endAfter(SECONDS * 1000);
}

function isEvent(frame) {
  return frame.epoch !== undefined && !['subscribed', 'reset', 'read', 'ack'].includes(frame.type);
}

// This module of k6 reads the next frame only when the last one was handled, so sleeping there is reading slowly.
export function slow() {
  const account = user(exec.scenario.iterationInTest);
  const until = Date.now() + SECONDS * 1000;
  let place = null;
  ws.connect(`${SOCKETS}/ws`, { headers: { Authorization: `Bearer ${account.token}` } }, (socket) => {
    socket.on('message', (text) => {
      const frame = JSON.parse(text);
      slowFrames.add(1);
      if (frame.type === 'hello') socket.send(JSON.stringify({ type: 'subscribe', rooms: [{ room: account.room }] }));
      if (frame.type === 'subscribed') place = frame.head;
      if (frame.type === 'gap') place = frame.to;
      if (frame.type === 'reset') place = frame.head;
      if (isEvent(frame)) {
        if (frame.seq !== place + 1) slowHoles.add(1);
        place = frame.seq;
        sleep(0.2);
      }
      if (Date.now() > until) socket.close();
    });
    socket.setTimeout(() => socket.close(), SECONDS * 1000);
  });
}
