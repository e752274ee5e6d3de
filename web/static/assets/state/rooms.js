// The rooms of the user, which of them is open, and what is unread in them. No history: that is in timeline.js.

import { Unread } from "./unread.js";

/**
 * @typedef {object} Room as the REST interface shows it
 * @property {string} room_id
 * @property {?string} slug
 * @property {?string} name only direct rooms and groups have none
 * @property {"room"|"direct"|"group"} [kind]
 * @property {string[]} [users] the two of a direct room
 * @property {string} description
 * @property {"public"|"private"} visibility
 * @property {number} [members] how many there are
 * @property {?string} role none for somebody who is not a member
 * @property {"open"|"password"|"approval"|"invite"} [join] how others become members
 * @property {boolean} [members_may_invite]
 * @property {number} [slow_mode_ms] what a member must wait between two messages
 * @property {boolean} [frozen] whether only owner and moderators may say something
 */

/** What is told of a room while the user is in it. The list of rooms has not all of it. */
const SETTINGS = [
  "name", "description", "visibility", "join", "members_may_invite", "slow_mode_ms", "frozen", "members",
];

export class Rooms {
  /** @type {?string} id of the open room */
  open_id = null;
  /** Whether the list has come from the server. */
  loaded = false;
  /** What is unread. */
  marks = new Unread();
  #mine = new Map();
  #divider = null;
  #titleOf;

  /** @param {(room: Room) => string} titleOf what a room is called that has no name */
  constructor(titleOf) {
    this.#titleOf = titleOf;
  }

  /** Takes the list of the server. @param {(Room & import("./unread.js").ReadState)[]} rooms */
  replace(rooms) {
    const known = this.#mine;
    const kept = (room) => {
      const { members, join, members_may_invite } = known.get(room.room_id) ?? {};
      return { members, join, members_may_invite, ...room };
    };
    this.#mine = new Map(rooms.map((room) => [room.room_id, kept(room)]));
    this.marks.keep(this.#mine);
    rooms.filter(({ read }) => read !== undefined).forEach((room) => this.marks.told(room.room_id, room));
    this.loaded = true;
  }

  /** @param {Room} room one that the user is a member of now */
  add(room) {
    this.#mine.set(room.room_id, room);
  }

  /** @param {string} room_id */
  remove(room_id) {
    this.#mine.delete(room_id);
    this.marks.keep(this.#mine);
  }

  /** @returns {Room|undefined} */
  get(room_id) {
    return this.#called(this.#mine.get(room_id));
  }

  /** Finds a room by what stands in an address. @param {string} reference id or slug @returns {Room|undefined} */
  find(reference) {
    return this.#called(this.#mine.get(reference) ?? [...this.#mine.values()].find((room) => room.slug === reference));
  }

  /** @returns {Room[]} by name */
  list() {
    const called = [...this.#mine.values()].map((room) => this.#called(room));
    return called.sort((a, b) => a.name.localeCompare(b.name) || (a.room_id < b.room_id ? -1 : 1));
  }

  /** Somebody became a member, or is none any more. @param {string} room_id @param {1|-1} change */
  moved(room_id, change) {
    const room = this.#mine.get(room_id);
    if (typeof room?.members === "number") this.#mine.set(room_id, { ...room, members: room.members + change });
  }

  /**
   * Takes over changed settings of a room.
   * @param {string} room_id
   * @param {Partial<Room> & {changed?: Partial<Room>}} told the room as it is, or the event that changed it
   */
  update(room_id, { changed, ...told }) {
    const room = this.#mine.get(room_id);
    if (room === undefined) return;
    const settings = Object.entries({ ...told, ...changed }).filter(([name]) => SETTINGS.includes(name));
    this.#mine.set(room_id, { ...room, ...Object.fromEntries(settings) });
  }

  /** Direct rooms and groups need not have a name. */
  #called(room) {
    return room === undefined || room.name !== null ? room : { ...room, name: this.#titleOf(room) };
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

/** Whether the user may ask others into a room. @param {Room} room */
export function mayInvite(room) {
  return room.kind !== "direct" && (keepsOrder(room) || room.members_may_invite === true);
}

/** Whether the user may say something in a room now. @param {Room} room */
export function mayTalk(room) {
  return room.frozen !== true || keepsOrder(room);
}

/** What stands in addresses for a room. @param {Room} room */
export function reference(room) {
  return room.slug ?? room.room_id;
}
