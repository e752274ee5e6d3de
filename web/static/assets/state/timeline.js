// What is known of one room's log: the events on show, in order and once each, and the position up to which nothing is
// missing. Positions move by live frames only; pages of history fill in what lies before.

import { compareEpochs } from "../protocol/frames.js";
import { RecentActs, applyAct, isAbout, isAct } from "./acts.js";

/**
 * @typedef {object} Item an event on show
 * @property {string} key `epoch:seq`
 * @property {"message"|"joined"|"left"|"kicked"|"banned"|"unbanned"|"muted"|"unmuted"|"updated"} kind
 * @property {{user_id: string, username: string}} [by] of an act of moderation
 * @property {string} [until] when what it decided ends by itself
 * @property {{slow_mode_ms: number, frozen: boolean}} [settings] of "updated"
 * @property {string} epoch
 * @property {number} seq
 * @property {{user_id: string, username: string}} user
 * @property {string} timestamp
 * @property {string} [message_id] of a message, like the two below
 * @property {string} [client_id]
 * @property {string} [content]
 * @property {string} [edited_at]
 * @property {boolean} [deleted]
 * @property {{emoji: string, count: number, user_ids: string[], mine?: boolean}[]} [reactions]
 */

/** Events on show beyond which the oldest are forgotten (they can be paged in again). */
export const ITEMS_MAX = 1_000;

export class Timeline {
  /** @type {Item[]} oldest first */
  items = [];
  /** @type {?{epoch: string, seq: number}} the last event without a hole before it, as far as live frames go */
  position = null;
  /** Whether the newest page of history has been read since the last reset. */
  loaded = false;
  /** @type {?string} cursor of the events before the oldest on show */
  older_cursor = null;
  /** @type {?string} cursor of the events after the newest page that was read */
  newer_cursor = null;
  /** Resets so far. A page that was asked for before the last one may show what was never stored. */
  resets = 0;
  #keys = new Set();
  #message_ids = new Set();
  #acts = new RecentActs();
  #floor = null;
  #resuming = false;
  #waiting = false;

  /** What to subscribe with. @returns {{epoch?: string, seq?: number}} */
  ask() {
    this.#resuming = this.position !== null;
    this.#waiting = true;
    return this.#resuming ? { ...this.position } : {};
  }

  /** Whether the answer to a subscribe is still due. What is live before it is read again from the position. */
  get waiting() {
    return this.#waiting;
  }

  /**
   * The room is live. With a position the server replays; without one the numbers start at its head, and what was read
   * before may end short of it.
   * @returns {?{from: number, to: number}} what must be read from history
   */
  subscribed({ epoch, head }) {
    this.#waiting = false;
    if (this.#resuming) return null;
    this.#beginAt(epoch, head);
    const newest = this.items.at(-1);
    if (!this.loaded || head === 0 || (newest?.epoch === epoch && newest.seq >= head)) return null;
    return { from: newest?.epoch === epoch ? newest.seq + 1 : 1, to: head };
  }

  /**
   * A numbered frame.
   * @returns {"added"|"changed"|"known"|"hole"} "changed": it is about an earlier message; "hole": numbers are missing before it, it was not taken
   */
  live(frame) {
    this.position ??= { epoch: frame.epoch, seq: frame.seq - 1 };
    const epochs = compareEpochs(frame.epoch, this.position.epoch);
    if (epochs < 0 || (epochs === 0 && frame.seq <= this.position.seq)) return "known";
    if (epochs > 0 || frame.seq > this.position.seq + 1) return "hole";
    this.position.seq = frame.seq;
    if (isAct(frame)) return this.#act(frame);
    if (!this.loaded) this.#dropDoubtful(frame);
    return this.#insert(toItem(frame)) ? "added" : "known";
  }

  /** Everything up to `seq` was sent. @returns {"whole"|"hole"} */
  caughtUp({ seq }) {
    return this.position !== null && this.position.seq < seq ? "hole" : "whole";
  }

  /** The server does not replay these numbers. They are read from history; live frames go on after them. */
  gap({ to }) {
    if (this.position !== null) this.#beginAt(this.position.epoch, Math.max(this.position.seq, to));
  }

  /** The server refused to make the room live. */
  refused() {
    this.#waiting = false;
  }

  /** Gives the position up: the next subscribe begins at the head. */
  beginAnew() {
    this.position = null;
    this.loaded = false;
  }

  /** Forgets what is on show; the next look reads history again. */
  forget() {
    this.items = [];
    this.#keys.clear();
    this.#message_ids.clear();
    this.loaded = false;
  }

  /**
   * The numbers go on in another epoch. What survived stays, what lies behind it goes. If the server does not know what
   * survived, or something was done to messages that does not survive, all stays until history has been read again.
   * @returns {"whole"|"lost"|"unknown"} what is left: everything, everything but the events behind `survived`, or nobody knows
   */
  reset({ epoch, head, survived }) {
    const left = survived === undefined || this.position === null ? "unknown" : this.#keep(survived);
    this.resets += 1;
    this.#waiting = false;
    this.#beginAt(epoch, head);
    if (left === "unknown") this.loaded = false;
    if (survived !== undefined) this.#floor = { ...survived };
    return left;
  }

  /** Until history has been read it is not known whether a message of an older epoch is stored. If it comes again, that counts. */
  #dropDoubtful({ epoch, message }) {
    const doubtful = (item) => item.message_id === message?.message_id && compareEpochs(item.epoch, epoch) < 0;
    this.#drop(message === undefined ? [] : this.items.filter(doubtful));
  }

  #drop(items) {
    for (const { key, message_id } of items) {
      this.#keys.delete(key);
      this.#message_ids.delete(message_id);
    }
    if (items.length > 0) this.items = this.items.filter((item) => !items.includes(item));
  }

  #keep(survived) {
    const isLost = (place) => compareItems(place, survived) > 0;
    if (this.#acts.some(isLost)) return "unknown";
    // Also what only a page has told so far.
    const lost = this.items.filter(isLost);
    this.#drop(lost);
    return lost.length > 0 || isLost(this.position) ? "lost" : "whole";
  }

  /**
   * The newest page: replaces everything but the live events that came after it was made.
   * @returns {boolean} false if it was made too early: events between its end and the first live one are missing
   */
  replace({ events, prev_cursor, next_cursor, upto = events.at(-1) }) {
    const last = upto;
    const later = this.items.filter((item) => this.#isLive(item) && (!last || compareItems(item, last) > 0));
    this.forget();
    [...events.map(toItem), ...later].forEach((item) => this.#insert(item, upto));
    this.older_cursor = prev_cursor ?? null;
    this.newer_cursor = next_cursor ?? null;
    this.loaded = true;
    if (this.position === null && !this.#waiting && last) this.#beginAt(last.epoch, last.seq);
    return this.#reachesFloor(last);
  }

  /** A page before the oldest on show. */
  addOlder({ events, prev_cursor }) {
    events.forEach((frame) => this.#insert(toItem(frame)));
    this.older_cursor = prev_cursor ?? null;
  }

  /** A page after `newer_cursor`. */
  addNewer({ events, next_cursor }) {
    // What was done meanwhile to messages that are on show is in these pages, too.
    events.forEach((frame) => (isAct(frame) ? this.#change(frame) : this.#insert(toItem(frame))));
    this.newer_cursor = next_cursor ?? null;
  }

  /** Whether there is more on show than should be; the newest page is then read anew. */
  get oversized() {
    return this.items.length > ITEMS_MAX;
  }

  #act(frame) {
    this.#acts.add(frame);
    this.#change(frame);
    return "changed";
  }

  #change(act) {
    for (const item of this.items) if (item.kind === "message" && isAbout(act, item)) applyAct(item, act);
  }

  /** Live frames come from here on; what lies before is for history to show. */
  #beginAt(epoch, seq) {
    this.#acts.forget();
    this.position = { epoch, seq };
    this.#floor = { epoch, seq };
  }

  #reachesFloor(last) {
    if (this.#floor === null || this.#floor.seq === 0) return true;
    return last !== undefined && compareItems(last, this.#floor) >= 0;
  }

  #isLive(item) {
    return this.position !== null && item.epoch === this.position.epoch && item.seq <= this.position.seq;
  }

  /** Puts an item in its place, searched from the end, where new ones belong. A message has one place for all time,
   * even if it was sent again in a later epoch. */
  #insert(item, upto = null) {
    if (item === null || this.#keys.has(item.key) || this.#message_ids.has(item.message_id)) return false;
    this.#keys.add(item.key);
    if (item.message_id !== undefined) this.#message_ids.add(item.message_id);
    if (item.kind === "message") this.#acts.catchUp(item, upto);
    let index = this.items.length;
    while (index > 0 && compareItems(this.items[index - 1], item) > 0) index -= 1;
    this.items.splice(index, 0, item);
    return true;
  }
}

const KINDS = {
  new_message: "message",
  member_joined: "joined",
  member_left: "left",
  member_kicked: "kicked",
  member_banned: "banned",
  member_unbanned: "unbanned",
  member_muted: "muted",
  member_unmuted: "unmuted",
  room_updated: "updated",
};

/** @param {object} frame a numbered frame, live or of a page @returns {?Item} null for a kind that is not shown */
export function toItem(frame) {
  if (!Object.hasOwn(KINDS, frame.type)) return null;
  const { epoch, seq } = frame;
  const place = { key: `${epoch}:${seq}`, kind: KINDS[frame.type], epoch, seq };
  if (frame.type === "room_updated") {
    const { by, slow_mode_ms, frozen, timestamp } = frame;
    return { ...place, user: by, settings: { slow_mode_ms, frozen }, timestamp };
  }
  if (frame.type !== "new_message") {
    const { user, by, until, timestamp } = frame;
    return { ...place, user, ...(by && { by }), ...(until && { until }), timestamp };
  }
  const { message_id, user_id, username, content, timestamp, client_id } = frame.message;
  const { edited_at, deleted, reactions } = frame.message;
  const state = { edited_at, deleted: deleted === true, reactions: structuredClone(reactions ?? []) };
  return { ...place, user: { user_id, username }, timestamp, message_id, client_id, content, ...state };
}

function compareItems(a, b) {
  return compareEpochs(a.epoch, b.epoch) || a.seq - b.seq;
}
