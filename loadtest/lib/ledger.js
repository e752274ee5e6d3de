// What was acked, and whether history has it: the promise of an ack is that the message is stored.

import http from 'k6/http';
import * as measures from './measures.js';
import { BASE } from './settings.js';

const PAGE = 200;
const PAGES_MAX = 2000;
const TRIES = 5;

export class Ledger {
  constructor() {
    // By room: who may read it, and each acked message with its number.
    this.rooms = new Map();
  }

  acked(account, frame) {
    if (!this.rooms.has(frame.room)) this.rooms.set(frame.room, { account, messages: new Map() });
    this.rooms.get(frame.room).messages.set(frame.message_id, frame.seq);
  }

  // Reads the rooms back from the newest message to the first that was acked.
  verify() {
    this.rooms.forEach(({ account, messages }, room) => {
      const left = new Map(messages);
      let cursor = '';
      for (let page = 0; page < PAGES_MAX && left.size > 0; page++) {
        const answer = read(`${BASE}/api/v1/rooms/${room}/messages?limit=${PAGE}${cursor}`, account.token);
        if (!answer) break;
        answer.events.forEach((event) => event.message && left.delete(event.message.message_id));
        if (!answer.prev_cursor) break;
        cursor = `&before=${encodeURIComponent(answer.prev_cursor)}`;
      }
      measures.verified.add(messages.size - left.size);
      measures.missing.add(left.size);
      left.forEach((seq, id) => console.error(`acked, and not in history: message ${id}, number ${seq} of room ${room}`));
    });
  }
}

function read(url, token) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const answer = http.get(url, { headers: { Authorization: `Bearer ${token}` }, tags: { name: 'history' } });
    if (answer.status === 200) return answer.json();
  }
  console.error(`history does not answer: ${url}`);
  return null;
}
