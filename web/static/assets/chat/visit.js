// What the address names while the user is not in it, a room or an invite to one: looks it up, asks to be let in, and
// hears what was decided.

import { isSame } from "../state/address.js";

/**
 * @typedef {object} Stranger what of it is shown
 * @property {"looking"|"none"|"out"|"waiting"|"denied"} state "out": the user may ask to be let in
 * @property {?object} room none while it is looked up, or if there is none; of an invite only what its preview tells
 * @property {{username: string}} [by] who made the invite
 * @property {boolean} [approval] whether moderators decide
 * @property {Error} [error] why there is none, or why the user is not let in
 * @property {string} [reason] what a moderator said to it
 */

export class Visit {
  /** @type {?Stranger} */
  shown = null;
  #parts;
  #place = null;

  /**
   * @param {object} parts
   * @param {import("../net/api.js").Api} parts.api
   * @param {(room: object) => void} parts.onIn the user is in the room now
   * @param {() => void} parts.changed
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {?import("../state/address.js").Place} place none if the user is in what the address names */
  to(place) {
    if (isSame(place, this.#place)) return;
    this.#place = place;
    this.shown = place === null ? null : { state: "looking", room: null };
    if (place !== null) this.#look();
  }

  /** Asks to be let in. @param {{password?: string}} answer what the room asks for */
  async join(answer) {
    const place = this.#place;
    const { api, changed, onIn } = this.#parts;
    const { room } = this.shown;
    const joined = await (place.invite === undefined ? api.join(room.room_id, answer) : api.acceptInvite(place.invite));
    if (place !== this.#place) return;
    if (joined.status !== "pending_approval") return onIn(joined);
    this.shown = { ...this.shown, state: "waiting" };
    changed();
  }

  /** @param {object} frame any server frame */
  onFrame({ type, ...frame }) {
    // What was decided while there was no connection was told to nobody here.
    if (type === "hello" && this.shown?.error?.temporary) this.#look();
    if (this.shown?.state !== "waiting") return;
    if (type === "hello" || type === "room_added") this.#again();
    if (type === "notification" && frame.kind === "join_decided") this.#decided(frame);
  }

  #decided({ room, detail, text }) {
    if (this.#place.invite !== undefined || detail !== "denied") return this.#again(text);
    if (this.shown.room.room_id !== room) return;
    this.shown = { ...this.shown, state: "denied", reason: text };
    this.#parts.changed();
  }

  /** An invite does not say which room it leads to. To accept it once more changes nothing, and tells how things are. */
  async #again(reason) {
    const place = this.#place;
    if (place.invite === undefined) return this.#look();
    try {
      await this.join();
    } catch (error) {
      if (place !== this.#place || error.temporary) return;
      this.shown = { ...this.shown, state: "denied", error, reason };
      this.#parts.changed();
    }
  }

  async #look() {
    const place = this.#place;
    const look = place.invite === undefined ? this.#room(place.room) : this.#invite(place.invite);
    const found = await look.catch((error) => ({ state: "none", room: null, error }));
    if (place !== this.#place) return;
    if (found.room?.role !== undefined) return this.#parts.onIn(found.room);
    this.shown = found;
    this.#parts.changed();
  }

  async #room(named) {
    const { api } = this.#parts;
    const nothing = { join_requests: [] };
    const [room, mine] = await Promise.all([api.room(named), api.myJoinRequests().catch(() => nothing)]);
    const waits = mine.join_requests.some(({ room_id }) => room_id === room.room_id);
    return { state: waits ? "waiting" : "out", room, approval: room.join === "approval" };
  }

  async #invite(code) {
    const { room, by, approval } = await this.#parts.api.invite(code);
    return { state: "out", room, by, approval };
  }
}
