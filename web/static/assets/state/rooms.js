// The rooms of the user, which of them is open, and what is unread in them. No history: that is in timeline.js.

import { Unread } from "./unread.js";

/**
 * @typedef {object} Room as the REST interface shows it
 * @property {string} room_id
 * @property {?string} slug
 * @property {?string} name only direct rooms and groups have none
 * @property {"room"|"direct"|"group"} [kind]
 * @property {string} description
 * @property {"public"|"private"} visibility
 * @property {number} [members] how many there are
 * @property {?string} role none for somebody who is not a member
 * @property {number} [slow_mode_ms] what a member must wait between two messages
 * @property {boolean} [frozen] whether only owner and moderators may say something
 */

/** Direct rooms and groups need not have a name. @param {Room} room @returns {Room} */
function named(room) {
  return { ...room, name: room.name ?? (room.kind === "direct" ? "Direct chat" : "Group") };
}

export class Rooms {
  /** @type {?string} id of the open room */
  open_id = null;
  /** Whether the list has come from the server. */
  loaded = false;
  /** What is unread. */
  marks = new Unread();
  #mine = new Map();
  #divider = null;

  /** Takes the list of the server. @param {(Room & import("./unread.js").ReadState)[]} rooms */
  replace(rooms) {
    const known = this.#mine;
    const kept = (room) => [room.room_id, named({ members: known.get(room.room_id)?.members, ...room })];
    this.#mine = new Map(rooms.map(kept));
    this.marks.keep(this.#mine);
    rooms.filter(({ read }) => read !== undefined).forEach((room) => this.marks.told(room.room_id, room));
    this.loaded = true;
  }

  /** @param {Room} room one that the user is a member of now */
  add(room) {
    this.#mine.set(room.room_id, named(room));
  }

  /** @param {string} room_id */
  remove(room_id) {
    this.#mine.delete(room_id);
    this.marks.keep(this.#mine);
  }

  /** @returns {Room|undefined} */
  get(room_id) {
    return this.#mine.get(room_id);
  }

  /** Finds a room by what stands in an address. @param {string} reference id or slug @returns {Room|undefined} */
  find(reference) {
    return this.#mine.get(reference) ?? [...this.#mine.values()].find((room) => room.slug === reference);
  }

  /** @returns {Room[]} by name */
  list() {
    return [...this.#mine.values()].sort((a, b) => a.name.localeCompare(b.name) || (a.room_id < b.room_id ? -1 : 1));
  }

  /** Somebody became a member, or is none any more. @param {string} room_id @param {1|-1} change */
  moved(room_id, change) {
    const room = this.#mine.get(room_id);
    if (typeof room?.members === "number") this.#mine.set(room_id, { ...room, members: room.members + change });
  }

  /**
   * Takes over changed settings of a room.
   * @param {string} room_id
   * @param {{slow_mode_ms: number, frozen: boolean, members?: number}} settings
   */
  update(room_id, { slow_mode_ms, frozen, members }) {
    const room = this.#mine.get(room_id);
    if (room === undefined) return;
    this.#mine.set(room_id, { ...room, slow_mode_ms, frozen, members: members ?? room.members });
  }

  /** Somebody else said something. @param {boolean} seen whether the user is looking at it */
  said(room_id, message, seen) {
    if (!this.#mine.has(room_id)) return;
    if (!seen && this.open_id === room_id && this.unread(room_id) === 0) this.#divide(room_id);
    this.marks.said(room_id, message);
  }

  /** The user opened the room: what is unread now stays marked as new until another one is opened. */
  opened(room_id) {
    this.#divider = null;
    if (this.unread(room_id) > 0) this.#divide(room_id);
  }

  /** Behind which place the messages of the open room are new. @returns {?import("./unread.js").Place} */
  divider(room_id) {
    return this.#divider?.room_id === room_id ? this.#divider.after : null;
  }

  #divide(room_id) {
    const after = this.marks.read(room_id);
    if (after !== null) this.#divider = { room_id, after };
  }

  /** Messages that the user has not read. */
  unread(room_id) {
    return this.marks.unread(room_id);
  }

  /** Unread messages of all rooms. */
  get unread_total() {
    return [...this.#mine.keys()].reduce((sum, room_id) => sum + this.unread(room_id), 0);
  }
}

/** Whether the user keeps order in a room: what is frozen or slow is so for the others. @param {Room} room */
export function keepsOrder({ role }) {
  return role === "owner" || role === "moderator";
}

/** Whether the user may say something in a room now. @param {Room} room */
export function mayTalk(room) {
  return room.frozen !== true || keepsOrder(room);
}

/** What stands in addresses for a room. @param {Room} room */
export function reference(room) {
  return room.slug ?? room.room_id;
}
