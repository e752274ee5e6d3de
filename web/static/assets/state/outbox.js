// Messages, and what is done to them (acts), that are not stored yet. Each has an entry of its own in localStorage, so that neither a reload nor a second
// tab loses one; it is removed when the server says that the message is stored.

/** Entries of one user; beyond it nothing more can be said until some are stored. */
export const OUTBOX_MAX = 200;
/** First and longest wait before a message without an answer is sent again. */
export const RESEND_BASE_MS = 20_000;
export const RESEND_CAP_MS = 120_000;

/**
 * @typedef {object} Entry
 * @property {string} client_id
 * @property {string} room id of the room
 * @property {string} content of a message; empty for an act
 * @property {Act} [act] what is done to a message, in place of a new one
 * @property {string} created_at RFC 3339
 * @property {"sending"|"delivered"|"failed"} state
 * @property {string} [error] for "failed": why, for people
 * @property {number} attempts times it was sent on this page
 * @property {number} due_at when it is sent again, in milliseconds
 */

/**
 * @typedef {object} Act
 * @property {"edit"|"delete"|"react"} type
 * @property {string} message_id
 * @property {string} [content] of an edit
 * @property {string} [emoji] of a reaction
 * @property {boolean} [remove] of a reaction: whether it is taken back
 */

/** Refusals that have passed a moment later; everything else needs the user. */
export const TEMPORARY_CODES = new Set(["unavailable", "overloaded", "internal", "unauthenticated", "request_timeout"]);

/** Refusals of what came too early: it has its turn when the server said. */
export const EARLY_CODES = new Set(["rate_limited", "slow_mode"]);

export class Outbox {
  #entries = new Map();
  #storage;
  #prefix;

  /** @param {{storage: Storage, user_id: string}} parts */
  constructor({ storage, user_id }) {
    this.#storage = storage;
    this.#prefix = `rookery.outbox.${user_id}.`;
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
    keys.filter((key) => key.startsWith(this.#prefix)).forEach((key) => this.#read(storage.getItem(key)));
    this.#sort();
  }

  get full() {
    return this.#entries.size >= OUTBOX_MAX;
  }

  /**
   * Keeps a message or an act until it is stored.
   * @param {{client_id: string, room: string, content?: string, act?: Act, now: number}} message
   * @returns {Entry}
   */
  add({ client_id, room, content = "", act, now }) {
    if (act !== undefined) this.#replaceFailed(room, act);
    const entry = { client_id, room, content, act, created_at: new Date(now).toISOString(), state: "sending" };
    this.#write(entry);
    return this.#hold(entry);
  }

  /** @returns {Entry|undefined} */
  get(client_id) {
    return this.#entries.get(client_id);
  }

  /** @returns {Entry[]} oldest first */
  ofRoom(room) {
    return [...this.#entries.values()].filter((entry) => entry.room === room);
  }

  /** The message was sent on a connection. */
  sent(client_id, now) {
    const entry = this.#entries.get(client_id);
    entry.attempts += 1;
    entry.due_at = now + Math.min(RESEND_CAP_MS, RESEND_BASE_MS * 2 ** (entry.attempts - 1));
  }

  /** The own echo came back. */
  delivered(client_id) {
    this.#change(client_id, { state: "delivered", error: undefined });
  }

  /** The message is stored. @returns {boolean} whether it was waiting */
  stored(client_id) {
    this.#storage.removeItem(this.#prefix + client_id);
    return this.#entries.delete(client_id);
  }

  /**
   * The server refused the message.
   * @param {{client_id: string, code: string, message: string, retry_after_ms?: number}} error
   * @param {number} now
   */
  refused({ client_id, code, message, retry_after_ms }, now) {
    const entry = this.#entries.get(client_id);
    if (entry === undefined) return;
    if (EARLY_CODES.has(code)) entry.due_at = now + (retry_after_ms ?? 1_000);
    else if (TEMPORARY_CODES.has(code)) entry.due_at = Math.min(entry.due_at, now + Math.max(retry_after_ms ?? 0, 2_000));
    else this.#change(client_id, { state: "failed", error: message });
  }

  /** The user wants a failed message sent again. */
  retry(client_id) {
    this.#change(client_id, { state: "sending", error: undefined });
    this.due(client_id);
  }

  /** The user gives a failed message up. */
  discard(client_id) {
    this.stored(client_id);
  }

  /** Makes a message due now. */
  due(client_id) {
    const entry = this.#entries.get(client_id);
    if (entry !== undefined) Object.assign(entry, { attempts: 0, due_at: 0 });
  }

  /** After a new connection or a reset everything without an answer is sent again, under the same name. */
  allDue(room) {
    const entries = room === undefined ? [...this.#entries.values()] : this.ofRoom(room);
    entries.forEach((entry) => this.due(entry.client_id));
  }

  /** @returns {Entry[]} what has to be sent now, oldest first */
  toSend(now) {
    return [...this.#entries.values()].filter((entry) => entry.state !== "failed" && entry.due_at <= now);
  }

  /** Another tab changed the storage. @returns {boolean} whether this concerns the outbox */
  onStorage(key, value) {
    if (key === null || !key.startsWith(this.#prefix)) return false;
    if (value === null) this.#entries.delete(key.slice(this.#prefix.length));
    else this.#read(value, Number.POSITIVE_INFINITY);
    return true;
  }

  /** What failed before is not wanted any more once the same is tried anew. */
  #replaceFailed(room, { type, message_id }) {
    const same = ({ state, act }) => state === "failed" && act?.type === type && act.message_id === message_id;
    this.ofRoom(room).filter(same).forEach(({ client_id }) => this.discard(client_id));
  }

  #change(client_id, fields) {
    const entry = this.#entries.get(client_id);
    if (entry === undefined) return;
    Object.assign(entry, fields);
    this.#write(entry);
  }

  /** An entry of another tab is that tab's to send while both are open; after the next connection it is everybody's. */
  #read(text, due_at = 0) {
    const entry = parse(text);
    if (entry === null) return;
    const known = this.#entries.get(entry.client_id);
    if (known) Object.assign(known, { state: entry.state, error: entry.error });
    else this.#hold(entry, due_at);
  }

  #hold(entry, due_at = 0) {
    const held = { ...entry, attempts: 0, due_at };
    this.#entries.set(entry.client_id, held);
    return held;
  }

  #sort() {
    const byAge = ([, a], [, b]) => (a.created_at < b.created_at ? -1 : Number(a.created_at > b.created_at));
    this.#entries = new Map([...this.#entries].sort(byAge));
  }

  /** A full or forbidden storage costs only the protection against a reload. */
  #write({ client_id, room, content, act, created_at, state, error }) {
    try {
      const text = JSON.stringify({ client_id, room, content, act, created_at, state, error });
      this.#storage.setItem(this.#prefix + client_id, text);
    } catch {
      // Nothing to do: the entry is still in memory.
    }
  }
}

function parse(text) {
  try {
    const entry = JSON.parse(text);
    const whole = [entry.client_id, entry.room, entry.content, entry.state].every((field) => typeof field === "string");
    return whole && (entry.act === undefined || isAct(entry.act)) ? entry : null;
  } catch {
    return null;
  }
}

const FIELDS = { edit: "content", delete: "message_id", react: "emoji" };

function isAct(act) {
  const known = act !== null && typeof act === "object" && Object.hasOwn(FIELDS, act.type);
  return known && typeof act.message_id === "string" && typeof act[FIELDS[act.type]] === "string";
}
