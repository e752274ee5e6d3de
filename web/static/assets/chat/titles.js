// What rooms without a name are called: a direct room like the other one, a group like those who are in it.

/** Names that are asked for at the same time; a long list of rooms must not be a storm of requests. */
const ASKED_MAX = 4;
/** A name that could not be had is asked for again after this. */
const RETRY_MS = 30_000;
/** Members that a group is called by. */
const MEMBERS_MAX = 3;
const MEMBERSHIP = new Set(["member_joined", "member_left", "member_kicked", "member_banned"]);

export class Titles {
  #parts;
  #names = new Map();
  #due_at = new Map();
  #queue = [];
  #asked = 0;

  /**
   * @param {object} parts
   * @param {import("../net/api.js").Api} parts.api
   * @param {{user_id: string}} parts.user
   * @param {() => number} parts.now
   * @param {() => void} parts.changed
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** What a room is called; asks for it if that is not known. @param {import("../state/rooms.js").Room} room */
  of(room) {
    if (room.name !== null) return room.name;
    const other = this.other(room);
    const key = other ?? room.room_id;
    this.#want(key, () => (other === null ? this.#members(room.room_id) : this.#person(other)));
    return this.#names.get(key) ?? (room.kind === "direct" ? "Direct chat" : "Group");
  }

  /** With whom a direct room is; null for other rooms. @returns {?string} */
  other({ kind, users }) {
    if (kind !== "direct" || users === undefined) return null;
    return users.find((user_id) => user_id !== this.#parts.user.user_id) ?? null;
  }

  /** Somebody has another name, or a group other members. @param {object} frame any server frame */
  onFrame(frame) {
    if (frame.type === "user_updated" && this.#names.has(frame.user_id)) {
      this.#names.set(frame.user_id, nameOf(frame));
      this.#parts.changed();
    }
    if (MEMBERSHIP.has(frame.type) && this.#names.has(frame.room)) this.#due_at.delete(frame.room);
  }

  #want(key, ask) {
    if (this.#parts.now() < (this.#due_at.get(key) ?? 0)) return;
    this.#due_at.set(key, Infinity);
    this.#queue.push({ key, ask });
    this.#next();
  }

  async #next() {
    if (this.#asked >= ASKED_MAX || this.#queue.length === 0) return;
    const { key, ask } = this.#queue.shift();
    this.#asked += 1;
    try {
      this.#names.set(key, await ask());
      this.#parts.changed();
    } catch (error) {
      // Who is not there will not be there later.
      if (error.temporary) this.#due_at.set(key, this.#parts.now() + RETRY_MS);
    }
    this.#asked -= 1;
    this.#next();
  }

  async #person(user_id) {
    return nameOf(await this.#parts.api.user(user_id));
  }

  async #members(room_id) {
    const { members, count } = await this.#parts.api.members(room_id);
    const names = members.filter(({ user_id }) => user_id !== this.#parts.user.user_id).map(({ username }) => username);
    const named = names.slice(0, MEMBERS_MAX);
    const more = Math.max(count - 1, names.length) - named.length;
    if (named.length === 0) return "Group";
    return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
  }
}

function nameOf({ display_name, username }) {
  return display_name ?? username;
}
