// Says and does things: puts them into the outbox, sends what is due while there is a connection, and takes the answers.

import { edit, message, react, remove } from "../protocol/frames.js";

const ACTS = { edit, delete: remove, react };

export class Sender {
  #outbox;
  #connection;
  #now;

  /**
   * @param {object} parts
   * @param {import("../state/outbox.js").Outbox} parts.outbox
   * @param {import("../net/socket.js").Connection} parts.connection
   * @param {() => number} parts.now
   */
  constructor({ outbox, connection, now }) {
    this.#outbox = outbox;
    this.#connection = connection;
    this.#now = now;
  }

  /** @param {string} room id of the room @param {string} content @returns {boolean} false if too much is waiting */
  say(room, content) {
    return this.#keep({ room, content });
  }

  /** @param {string} room @param {import("../state/outbox.js").Act} act @returns {boolean} false if too much is waiting */
  act(room, act) {
    return this.#keep({ room, act });
  }

  #keep(fields) {
    if (this.#outbox.full) return false;
    this.#outbox.add({ client_id: newClientId(), ...fields, now: this.#now() });
    this.flush();
    return true;
  }

  /** Sends what is due. Without a connection it stays due. */
  flush() {
    for (const { client_id, room, content, act } of this.#outbox.toSend(this.#now())) {
      const frame = act === undefined ? message({ room, client_id, content }) : ACTS[act.type]({ room, client_id, ...act });
      if (!this.#connection.send(frame)) return;
      this.#outbox.sent(client_id, this.#now());
    }
  }

  /** Sends everything without an answer again: all of it on a new connection, that of one room after its reset. */
  resend(room) {
    this.#outbox.allDue(room);
    this.flush();
  }

  retry(client_id) {
    this.#outbox.retry(client_id);
    this.flush();
  }

  onEcho({ client_id }) {
    if (this.#outbox.get(client_id)?.state === "sending") this.#outbox.delivered(client_id);
  }

  onAck({ client_id }) {
    this.#outbox.stored(client_id);
  }

  onError(frame) {
    this.#outbox.refused(frame, this.#now());
  }
}

/** A random name. `crypto.randomUUID` is missing on pages that came over plain http from another machine. */
export function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
