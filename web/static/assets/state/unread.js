// What is unread in the user's rooms: what the server has counted, and what was heard live behind that. No DOM, no wire.

import { compareEpochs } from "../protocol/frames.js";

/**
 * @typedef {{epoch: string, seq: number}} Place
 * @typedef {object} ReadState as the server tells it
 * @property {Place} read where the user has read to
 * @property {number} unread
 * @property {number} mentions
 * @property {boolean} capped whether there may be more
 * @property {Place} counted up to where the server has counted
 */

/** Live messages of one room that are kept one by one; with more it is only known that there are more. */
const LIVE_MAX = 1_000;

export class Unread {
  #states = new Map();
  #live = new Map();

  /** The server has counted. What is older than what is known changes nothing. @param {ReadState} state */
  told(room_id, state) {
    const known = this.#states.get(room_id);
    if (known !== undefined) {
      const moved = comparePlaces(state.read, known.read);
      if (moved < 0 || (moved === 0 && comparePlaces(state.counted, known.counted) < 0)) return;
    }
    const { read, unread, mentions, capped, counted } = state;
    this.#states.set(room_id, { read, unread, mentions, capped, counted });
    this.#drop(room_id, read);
    this.#drop(room_id, counted);
  }

  /** Somebody else said something. @param {Place & {message_id: string, mentions_me: boolean}} message */
  said(room_id, message) {
    const known = this.#states.get(room_id);
    if (known && (isBehind(message, known.read) || isBehind(message, known.counted))) return;
    const live = this.#live.get(room_id) ?? [];
    if (live.length >= LIVE_MAX || live.some(({ message_id }) => message_id === message.message_id)) return;
    this.#live.set(room_id, [...live, message]);
  }

  /**
   * A message is gone or says something else.
   * @returns {boolean} whether that is all; if not, the server has to count anew
   */
  changed(room_id, message_id, change) {
    const live = this.#live.get(room_id) ?? [];
    const index = live.findIndex((message) => message.message_id === message_id);
    if (index < 0) return this.unread(room_id) === 0;
    if (change === null) live.splice(index, 1);
    else Object.assign(live[index], change);
    return true;
  }

  /** The user has read to this place. @returns {boolean} whether that is further than before */
  readTo(room_id, place) {
    const known = this.#states.get(room_id);
    if (known !== undefined && isBehind(place, known.read)) return false;
    const counted = known !== undefined && isBehind(place, known.counted) ? known.counted : place;
    this.#states.set(room_id, { read: place, unread: 0, mentions: 0, capped: false, counted });
    this.#drop(room_id, place);
    return true;
  }

  /** Where the user has read to. @returns {?Place} null if the server has not said */
  read(room_id) {
    return this.#states.get(room_id)?.read ?? null;
  }

  /** Up to where is known what is unread. @returns {?Place} */
  counted(room_id) {
    return this.#states.get(room_id)?.counted ?? null;
  }

  unread(room_id) {
    return (this.#states.get(room_id)?.unread ?? 0) + (this.#live.get(room_id)?.length ?? 0);
  }

  mentions(room_id) {
    const live = (this.#live.get(room_id) ?? []).filter(({ mentions_me }) => mentions_me);
    return (this.#states.get(room_id)?.mentions ?? 0) + live.length;
  }

  capped(room_id) {
    return this.#states.get(room_id)?.capped === true || (this.#live.get(room_id)?.length ?? 0) >= LIVE_MAX;
  }

  /** Forgets the rooms that are not among these. @param {Map<string, unknown>} rooms */
  keep(rooms) {
    for (const map of [this.#states, this.#live]) {
      for (const room_id of [...map.keys()]) if (!rooms.has(room_id)) map.delete(room_id);
    }
  }

  #drop(room_id, upto) {
    const left = (this.#live.get(room_id) ?? []).filter((message) => !isBehind(message, upto));
    if (left.length > 0) this.#live.set(room_id, left);
    else this.#live.delete(room_id);
  }
}

/** Below zero, zero, above zero. @param {Place} a @param {Place} b */
export function comparePlaces(a, b) {
  return compareEpochs(a.epoch, b.epoch) || a.seq - b.seq;
}

/** Whether a place is at another one or before it. */
function isBehind(place, other) {
  return comparePlaces(place, other) <= 0;
}
