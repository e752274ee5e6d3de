// One chat client: logs in, subscribes, resumes, keeps what is not acked, and checks the order of what it hears.
// Nothing here sleeps: everything is an event of the socket or a timer.

import { WebSocket } from 'k6/experimental/websockets';
import { Ledger } from './ledger.js';
import * as measures from './measures.js';
import { SOCKETS } from './settings.js';

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 5000;

let next = 0;

export class Client {
  // `account` has a token and a room; `ledger` remembers what this iteration was acked.
  constructor(account, ledger) {
    this.account = account;
    this.ledger = ledger || new Ledger();
    this.name = `k6-${__VU}-${next++}`;
    this.pending = new Map();
    this.place = null;
    this.live = false;
    this.leaving = false;
    this.attempts = 0;
    this.count = 0;
    this.cutAt = 0;
  }

  connect() {
    if (this.leaving) return;
    const began = Date.now();
    const headers = { Authorization: `Bearer ${this.account.token}` };
    const socket = new WebSocket(`${SOCKETS}/ws`, null, { headers });
    this.socket = socket;
    let greeted = false;
    // Closing one that is not open yet may leave k6 waiting for ever, so one that is no longer wanted is closed here.
    socket.onopen = () => {
      if (this.leaving || this.socket !== socket) socket.close();
    };
    socket.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      if (frame.type === 'hello') {
        greeted = true;
        this.attempts = 0;
        measures.connected.add(1);
        measures.connectMs.add(Date.now() - began);
      }
      this.on(frame);
    };
    // What is wrong is told by the close that follows.
    socket.onerror = () => {};
    socket.onclose = () => {
      this.live = false;
      if (this.socket !== socket || this.leaving) return;
      (greeted ? measures.lost : measures.refused).add(1);
      this.again();
    };
  }

  // A random part of a pause that doubles, so that a crowd does not come back as one.
  again(afterMs) {
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.attempts++);
    this.cutAt = this.cutAt || Date.now();
    setTimeout(() => this.connect(), afterMs === undefined ? Math.random() * most : afterMs);
  }

  // Drops the connection and comes back by itself.
  cut(afterMs) {
    const socket = this.isOpen() ? this.socket : null;
    this.socket = null;
    this.live = false;
    measures.lost.add(1);
    if (socket) socket.close();
    this.again(afterMs);
  }

  on(frame) {
    switch (frame.type) {
      case 'hello':
        return this.write({ type: 'subscribe', rooms: [{ room: this.account.room, ...this.place }] });
      case 'subscribed':
        if (this.place) measures.resumed.add(1);
        else this.place = { epoch: frame.epoch, seq: frame.head };
        return undefined;
      case 'caught_up':
        return this.onCaughtUp(frame);
      case 'gap':
        // Told, so not lost: history has them.
        measures.gaps.add(1);
        this.place.seq = frame.to;
        return undefined;
      case 'reset':
        measures.resets.add(1);
        this.place = { epoch: frame.epoch, seq: frame.head };
        return undefined;
      case 'ack':
        return this.onAck(frame);
      case 'error':
        return this.onError(frame);
      case 'reconnect':
        this.cutAt = Date.now();
        return undefined;
      default:
        // What has a place in the room; a read mark has one, too, and is none of the room's events.
        return frame.epoch === undefined || frame.type === 'read' ? undefined : this.onEvent(frame);
    }
  }

  onCaughtUp(frame) {
    if (frame.seq !== this.place.seq) measures.holes.add(1);
    this.live = true;
    if (this.cutAt) {
      measures.catchUpMs.add(Date.now() - this.cutAt);
      this.cutAt = 0;
    }
    // What has no ack is said again under its old name.
    this.pending.forEach((message) => this.write(message.frame));
    if (this.onLive) this.onLive();
  }

  onEvent(frame) {
    if (frame.epoch !== this.place.epoch || frame.seq <= this.place.seq) measures.disorder.add(1);
    else if (frame.seq !== this.place.seq + 1) measures.holes.add(1);
    this.place = { epoch: frame.epoch, seq: frame.seq };
    if (frame.type !== 'new_message') return;
    measures.delivered.add(1);
    const at = Number(frame.message.content.split(' ')[1]);
    // One that waited for us while we were away says nothing about the servers.
    if (at && this.live) measures.deliveryMs.add(Date.now() - at);
    if (this.onMessage) this.onMessage(frame);
  }

  onAck(frame) {
    const message = this.pending.get(frame.client_id);
    if (!message) return;
    this.pending.delete(frame.client_id);
    measures.acked.add(1);
    measures.ackMs.add(Date.now() - message.at);
    this.ledger.acked(this.account, frame);
  }

  onError(frame) {
    if (!frame.client_id) {
      // The room is not live: the servers say when to ask again.
      if (frame.room && !this.live) setTimeout(() => this.on({ type: 'hello' }), frame.retry_after_ms || 1000);
      return;
    }
    const message = this.pending.get(frame.client_id);
    if (!message) return;
    if (frame.retry_after_ms === undefined) {
      this.pending.delete(frame.client_id);
      measures.errors.add(1);
      return;
    }
    setTimeout(() => this.pending.has(frame.client_id) && this.write(message.frame), frame.retry_after_ms);
  }

  // Says something, now or as soon as there is a connection.
  say() {
    const clientId = `${this.name}-${this.count++}`;
    const at = Date.now();
    const frame = { type: 'message', room: this.account.room, client_id: clientId, content: `k6 ${at} ${clientId}` };
    this.pending.set(clientId, { at, frame });
    measures.sent.add(1);
    if (this.live) this.write(frame);
  }

  // What is not written now is written after the next catch-up.
  write(frame) {
    if (this.isOpen()) this.socket.send(JSON.stringify(frame));
  }

  isOpen() {
    return this.socket && this.socket.readyState === 1;
  }

  // Waits for what has no ack yet, then says goodbye.
  leave(patienceMs, done) {
    const until = Date.now() + patienceMs;
    const look = () => {
      if (this.pending.size > 0 && Date.now() < until) return setTimeout(look, 100);
      measures.unanswered.add(this.pending.size);
      this.leaving = true;
      if (this.isOpen()) this.socket.close();
      return done && done();
    };
    look();
  }
}
