// Who is online and who is typing, as far as the server has told. Nothing of it is kept: a new connection begins anew.

/** A sign of typing is forgotten after this, unless it is renewed or the message comes. */
export const TYPING_MS = 5_000;
/** The server takes one sign in this time. */
export const TYPING_INTERVAL_MS = 3_000;
/** Users that one connection may watch. */
const USERS_MAX = 500;
const OWN_FRAMES = new Set(["presence", "watching", "room_presence", "typing"]);
const UNKNOWN = Object.freeze({ status: "offline" });

/**
 * @typedef {object} Seen
 * @property {"online"|"away"|"dnd"|"offline"} status
 * @property {string} [text] the user's own words
 * @property {string} [last_seen]
 */

export class Presence {
  #parts;
  #people = new Map();
  #rooms = new Map();
  #typing = new Map();
  #live = new Set();
  #room_id = null;
  #users = [];
  #typed_at = new Map();
  #wanted = null;

  /** @param {{connection: {send: (frame: object) => boolean}, user_id: string, now: () => number, frames: object}} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** The room that is shown. @param {?string} room_id */
  open(room_id) {
    if (room_id === this.#room_id) return;
    this.#room_id = room_id;
    this.#users = [];
    this.#watch();
  }

  /** Users that are shown beside those in the room. @param {string[]} user_ids */
  look(user_ids) {
    const users = [...new Set([...this.#users, ...user_ids])].slice(0, USERS_MAX - 1);
    if (users.length === this.#users.length) return;
    this.#users = users;
    this.#watch();
  }

  /** @param {object} frame any server frame @returns {boolean} whether it is about presence and nothing else */
  onFrame(frame) {
    this.#handlers[frame.type]?.(frame);
    return OWN_FRAMES.has(frame.type);
  }

  #handlers = {
    hello: () => {
      this.#people.clear();
      this.#rooms.clear();
      this.#typing.clear();
      this.#live.clear();
      this.#watch();
      this.#tell();
    },
    caught_up: ({ room }) => {
      const is_new = !this.#live.has(room);
      this.#live.add(room);
      if (is_new && room === this.#room_id) this.#watch();
    },
    unsubscribed: ({ room }) => this.#live.delete(room),
    // All that are watched: of others nothing is told any more.
    watching: ({ users }) => (this.#people = new Map(users.map((seen) => [seen.user_id, seen]))),
    presence: (seen) => this.#people.set(seen.user_id, seen),
    room_presence: (frame) => this.#crowd(frame),
    typing: ({ room, user }) => this.#typists(room).set(user.user_id, { ...user, until: this.#parts.now() + TYPING_MS }),
    new_message: ({ room, message }) => this.#typing.get(room)?.delete(message.user_id),
  };

  /** The user's own status, told with the next connection if there is none now. @param {{status: string, text?: string}} setting */
  set(setting) {
    this.#wanted = setting;
    this.#tell();
  }

  #tell() {
    const { connection, frames } = this.#parts;
    if (this.#wanted !== null && connection.send(frames.presence(this.#wanted))) this.#wanted = null;
  }

  /** How a user stands, by the room that is shown or because the user is looked at. @returns {Seen} */
  of(user_id) {
    const users = this.#rooms.get(this.#room_id)?.users;
    return this.#people.get(user_id) ?? users?.get(user_id) ?? UNKNOWN;
  }

  /** How many are in the room; null if that is not known. */
  online(room_id) {
    return this.#rooms.get(room_id)?.online ?? null;
  }

  /** The names of those who type in the room now. @returns {string[]} */
  typing(room_id) {
    const typists = this.#typists(room_id);
    for (const [user_id, { until }] of typists) {
      if (until <= this.#parts.now()) typists.delete(user_id);
    }
    return [...typists.values()].map(({ username }) => username);
  }

  /** Whether somebody's sign will have to be taken away. */
  get anybody_types() {
    return [...this.#typing.values()].some((typists) => typists.size > 0);
  }

  /** The user types. Said at most as often as the server takes it. */
  type(room_id) {
    const { connection, frames, now } = this.#parts;
    if (now() - (this.#typed_at.get(room_id) ?? -Infinity) < TYPING_INTERVAL_MS) return;
    if (connection.send(frames.typing({ room: room_id }))) this.#typed_at.set(room_id, now());
  }

  /** The user has said it: what is typed next is news again. */
  said(room_id) {
    this.#typed_at.delete(room_id);
  }

  #typists(room_id) {
    if (!this.#typing.has(room_id)) this.#typing.set(room_id, new Map());
    return this.#typing.get(room_id);
  }

  #crowd({ room, online, whole, users, gone }) {
    const before = whole ? undefined : this.#rooms.get(room)?.users;
    const known = users === undefined ? null : new Map(before);
    users?.forEach((seen) => known.set(seen.user_id, seen));
    gone?.forEach((user_id) => known?.delete(user_id));
    this.#rooms.set(room, { online, users: known });
  }

  /** A room that is not live would be refused; it is asked for when it is. */
  #watch() {
    const { connection, user_id, frames } = this.#parts;
    const rooms = this.#live.has(this.#room_id) ? [this.#room_id] : [];
    connection.send(frames.watch({ users: [user_id, ...this.#users], rooms }));
  }
}
