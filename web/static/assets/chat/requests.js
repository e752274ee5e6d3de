// Who asks to be let into the rooms where the user keeps order.

import { keepsOrder } from "../state/rooms.js";

/** Answers that say that there is nothing to decide any more. */
const DECIDED = new Set(["already_decided", "not_found"]);

/**
 * @typedef {object} JoinRequest
 * @property {string} user_id
 * @property {string} username
 * @property {?string} message what the user says to it
 * @property {string} created_at
 */

export class Requests {
  #parts;
  #lists = new Map();
  #room_id = null;

  /** @param {{api: import("../net/api.js").Api, changed: () => void}} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Who waits, as far as it is known. @returns {JoinRequest[]} who came first in front */
  of(room_id) {
    return this.#lists.get(room_id) ?? [];
  }

  /** The room that is shown: its list is read once each time it is opened. @param {import("../state/rooms.js").Room} room */
  look(room) {
    const room_id = keepsOrder(room) && room.kind !== "direct" ? room.room_id : null;
    if (room_id === this.#room_id) return;
    this.#room_id = room_id;
    if (room_id !== null) this.#read(room_id);
  }

  /** @param {object} frame any server frame */
  onFrame(frame) {
    if (frame.type === "hello") for (const room_id of this.#lists.keys()) this.#read(room_id);
    if (frame.type === "notification" && frame.kind === "join_requested") this.#read(frame.room);
    if (frame.type === "member_joined") this.#remove(frame.room, frame.user.user_id);
  }

  approve(room_id, user_id) {
    return this.#decide(room_id, user_id, this.#parts.api.approve(room_id, user_id));
  }

  deny(room_id, user_id) {
    return this.#decide(room_id, user_id, this.#parts.api.deny(room_id, user_id));
  }

  async #decide(room_id, user_id, answer) {
    try {
      await answer;
    } catch (error) {
      if (DECIDED.has(error.code)) this.#remove(room_id, user_id);
      throw error;
    }
    this.#remove(room_id, user_id);
  }

  #remove(room_id, user_id) {
    const list = this.of(room_id);
    const left = list.filter((request) => request.user_id !== user_id);
    if (left.length === list.length) return;
    this.#lists.set(room_id, left);
    this.#parts.changed();
  }

  #read(room_id) {
    const { api, changed } = this.#parts;
    const take = ({ join_requests }) => (this.#lists.set(room_id, join_requests), changed());
    // Who may not decide any more has no list; anything else is as it was.
    api.joinRequests(room_id).then(take, (error) => error.temporary || this.#lists.delete(room_id));
  }
}
