// Tells the server what the user has read, and keeps the counts of rooms that are not live: by their heads.

import { heads, read } from "../protocol/frames.js";

/** Between two read marks of one room; the last one is always sent. */
const READ_PAUSE_MS = 2_000;
/** Between two questions where the rooms stand that are not live. */
const HEADS_PAUSE_MS = 30_000;
/** Before a room is counted anew, so that what was heard is stored by then. */
const RECOUNT_PAUSE_MS = 1_000;
/** After a new connection the list is read at some time within this: others come back, too. */
const REFRESH_SPREAD_MS = 3_000;
/** Rooms in one frame. */
const ROOMS_PER_FRAME_MAX = 100;
/** Rooms that are counted one by one; with more news the whole list is read. */
const ONE_BY_ONE_MAX = 10;

export class Marks {
  #parts;
  #wanted = new Map();
  #sent_at = new Map();
  #recounts = new Map();
  #heads_at = 0;
  #refresh_at = null;
  #was_greeted = false;

  /**
   * @param {object} parts
   * @param {import("../net/api.js").Api} parts.api
   * @param {import("../net/socket.js").Connection} parts.connection
   * @param {import("../state/rooms.js").Rooms} parts.rooms
   * @param {(room_id: string) => import("../state/timeline.js").Timeline} parts.timeline
   * @param {(room_id: string) => boolean} parts.isLive
   * @param {() => Promise<void>} parts.refresh reads the list of rooms with all counts
   * @param {() => number} parts.now
   * @param {() => void} parts.changed
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** The user sees the end of the room. */
  look(room_id) {
    const { loaded, position } = this.#parts.timeline(room_id);
    if (!loaded || position === null) return;
    const { epoch, seq } = position;
    if (!this.#parts.rooms.marks.readTo(room_id, { epoch, seq })) return;
    this.#wanted.set(room_id, { room: room_id, epoch, seq });
    this.#send();
  }

  /** Does what is due. To be called about once a second. */
  tick() {
    const { connection, now } = this.#parts;
    if (connection.state.kind !== "online") return;
    this.#send();
    this.#recount();
    if (this.#refresh_at !== null && now() >= this.#refresh_at) {
      this.#refresh_at = null;
      this.#parts.refresh().catch(() => {});
    }
    if (now() >= this.#heads_at + HEADS_PAUSE_MS) this.#askHeads();
  }

  /** A new connection after another: what was read on other devices in between was told to nobody here. */
  greeted() {
    const { now } = this.#parts;
    if (this.#was_greeted) this.#refresh_at = now() + Math.random() * REFRESH_SPREAD_MS;
    this.#was_greeted = true;
    this.#heads_at = now();
  }

  /** Another device, or this one, has read on. */
  onRead({ room, epoch, seq, ...counts }) {
    this.#parts.rooms.marks.told(room, { ...counts, read: { epoch, seq } });
  }

  /** Rooms that are not live have news. */
  onHeads({ rooms: told }) {
    if (told.length > ONE_BY_ONE_MAX) this.#refresh_at = this.#parts.now();
    else told.forEach(({ room }) => this.#recounts.set(room, this.#parts.now()));
  }

  /** What is unread in a room has changed in a way that only the server can count. */
  recount(room_id) {
    if (!this.#recounts.has(room_id)) this.#recounts.set(room_id, this.#parts.now() + RECOUNT_PAUSE_MS);
  }

  #send() {
    const { connection, now } = this.#parts;
    for (const [room_id, place] of this.#wanted) {
      const due = now() >= (this.#sent_at.get(room_id) ?? -Infinity) + READ_PAUSE_MS;
      if (!due || !connection.send(read(place))) continue;
      this.#wanted.delete(room_id);
      this.#sent_at.set(room_id, now());
    }
  }

  #recount() {
    const { api, rooms, now, changed } = this.#parts;
    for (const [room_id, due_at] of this.#recounts) {
      if (now() < due_at) continue;
      this.#recounts.delete(room_id);
      const take = (state) => (rooms.get(room_id) && rooms.marks.told(room_id, state), changed());
      api.readState(room_id).then(take, () => {});
    }
  }

  #askHeads() {
    const { connection, rooms, isLive, now } = this.#parts;
    this.#heads_at = now();
    const others = rooms.list().filter(({ room_id }) => !isLive(room_id));
    for (let start = 0; start < others.length; start += ROOMS_PER_FRAME_MAX) {
      const asked = others.slice(start, start + ROOMS_PER_FRAME_MAX);
      connection.send(heads(asked.map(({ room_id }) => ({ room: room_id, ...rooms.marks.counted(room_id) }))));
    }
  }
}
