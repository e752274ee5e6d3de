// The rooms of the user, which of them is open, and what is unread in them. No history: that is in timeline.js.

/**
 * @typedef {object} Room as the REST interface shows it
 * @property {string} room_id
 * @property {?string} slug
 * @property {string} name
 * @property {string} description
 * @property {"public"|"private"} visibility
 * @property {number} [members] how many there are
 * @property {?string} role none for somebody who is not a member
 * @property {number} [slow_mode_ms] what a member must wait between two messages
 * @property {boolean} [frozen] whether only owner and moderators may say something
 */

export class Rooms {
  /** @type {?string} id of the open room */
  open_id = null;
  /** Whether the list has come from the server. */
  loaded = false;
  #mine = new Map();
  #unread = new Map();

  /** Takes the list of the server. @param {Room[]} rooms */
  replace(rooms) {
    this.#mine = new Map(rooms.map((room) => [room.room_id, room]));
    this.#unread = new Map([...this.#unread].filter(([room_id]) => this.#mine.has(room_id)));
    this.loaded = true;
  }

  /** @param {Room} room one that the user is a member of now */
  add(room) {
    this.#mine.set(room.room_id, room);
  }

  /** @param {string} room_id */
  remove(room_id) {
    this.#mine.delete(room_id);
    this.#unread.delete(room_id);
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

  /** The room is talked in otherwise now. @param {string} room_id @param {{slow_mode_ms: number, frozen: boolean}} settings */
  settle(room_id, { slow_mode_ms, frozen }) {
    const room = this.#mine.get(room_id);
    if (room !== undefined) this.#mine.set(room_id, { ...room, slow_mode_ms, frozen });
  }

  /** Somebody else said something. @param {string} room_id @param {boolean} seen whether the user is looking at it */
  said(room_id, seen) {
    if (!seen && this.#mine.has(room_id)) this.#unread.set(room_id, this.unread(room_id) + 1);
  }

  /** The user looks at the room. */
  read(room_id) {
    this.#unread.delete(room_id);
  }

  /** Messages since the user last looked, as far as this page has seen them. */
  unread(room_id) {
    return this.#unread.get(room_id) ?? 0;
  }

  /** Unread messages of all rooms. */
  get unread_total() {
    return [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
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
