// What every scenario measures. A threshold on a metric without a value is not looked at by k6, so `begin` gives each of
// them one: a run in which nothing happened fails.

import { Counter, Trend } from 'k6/metrics';

export const connected = new Counter('connected');
export const refused = new Counter('connects_refused');
export const lost = new Counter('connections_lost');
export const sent = new Counter('messages_sent');
export const acked = new Counter('messages_acked');
export const errors = new Counter('messages_refused');
export const delivered = new Counter('messages_delivered');
export const resumed = new Counter('rooms_resumed');
export const gaps = new Counter('gaps_told');
export const resets = new Counter('resets_told');
export const holes = new Counter('sequence_holes');
export const disorder = new Counter('out_of_order');
export const verified = new Counter('acked_verified');
export const missing = new Counter('acked_missing');
export const unanswered = new Counter('messages_unanswered');

export const ackMs = new Trend('ack_ms', true);
export const deliveryMs = new Trend('delivery_ms', true);
export const connectMs = new Trend('connect_ms', true);
export const catchUpMs = new Trend('catch_up_ms', true);

const counters = [
  connected, refused, lost, sent, acked, errors, delivered, resumed, gaps, resets, holes, disorder, verified, missing,
  unanswered,
];

export function begin() {
  counters.forEach((counter) => counter.add(0));
}

// What must hold in every scenario; `more` is added to it.
export function thresholds(more = {}) {
  return {
    connected: ['count>0'],
    messages_acked: ['count>0'],
    messages_delivered: ['count>0'],
    acked_verified: ['count>0'],
    acked_missing: ['count==0'],
    messages_unanswered: ['count==0'],
    sequence_holes: ['count==0'],
    out_of_order: ['count==0'],
    ...more,
  };
}
