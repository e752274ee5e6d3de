// Keeps the timelines of the user's rooms whole: subscribes, resumes, repairs holes, reads history.

import { subscribe, unsubscribe } from "../protocol/frames.js";
import { mentions } from "../protocol/mentions.js";
import { Timeline } from "../state/timeline.js";

/** Rooms in one subscribe frame. */
const ROOMS_PER_FRAME_MAX = 100;
/** Pages read to close a gap; what is longer is shown from its end, with the rest a click away. */
const FILL_PAGES_MAX = 10;
/** Times the newest page is read if it was made before the room went live. */
const NEWEST_READS_MAX = 3;
/** Holes of one room that are repaired by resuming, within a minute; after that history decides. */
const REPAIRS_MAX = 3;
const REPAIRS_WINDOW_MS = 60_000;
/** Codes that say that the room is not the user's any more. */
const GONE = new Set(["unknown_room", "not_a_member", "forbidden", "banned"]);
/** Events after which a user may have other rights. */
const OFFICES = new Set(["member_role_changed", "owner_changed"]);
/** How an event changes the number of members. A ban of somebody who was none is rare enough. */
const CHANGES = { member_joined: 1, member_left: -1, member_kicked: -1, member_banned: -1 };

export class Sync {
  /** @type {Map<string, string>} why the history of a room cannot be shown, by room id */
  problems = new Map();
  #parts;
  #timelines = new Map();
  #live = new Set();
  #busy = new Map();
  #repairs = new Map();
  #rooms_max = 200;
  #refreshing = null;

  /**
   * @param {object} parts
   * @param {import("../net/api.js").Api} parts.api
   * @param {import("../net/socket.js").Connection} parts.connection
   * @param {import("../state/rooms.js").Rooms} parts.rooms
   * @param {import("./sender.js").Sender} parts.sender
   * @param {import("./marks.js").Marks} parts.marks
   * @param {{user_id: string, username: string}} parts.user
   * @param {() => number} parts.now
   * @param {() => boolean} parts.isLooking whether the user sees the end of the open room
   * @param {() => void} parts.changed
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @returns {Timeline} */
  timeline(room_id) {
    if (!this.#timelines.has(room_id)) this.#timelines.set(room_id, new Timeline());
    return this.#timelines.get(room_id);
  }

  /** Whether a page of the room's history is on its way. */
  isLoading(room_id) {
    return this.#busy.has(room_id);
  }

  /** Reads the list of the user's rooms; whoever asks meanwhile waits for the same answer. */
  refreshRooms() {
    this.#refreshing ??= this.#readRooms().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #readRooms() {
    const { rooms } = await this.#parts.api.myRooms();
    this.#parts.rooms.replace(rooms);
    this.follow();
    this.#parts.changed();
  }

  /** Whether the room's events come live. */
  isLive(room_id) {
    return this.#live.has(room_id);
  }

  /** Makes as many rooms of the user live as may be: the open one, those that are, those with something unread. */
  follow() {
    const { rooms, connection } = this.#parts;
    if (connection.state.kind !== "online") return;
    const wanted = this.#byInterest().slice(0, this.#rooms_max);
    const surplus = [...this.#live].filter((id) => !wanted.includes(id));
    surplus.forEach((id) => this.#live.delete(id));
    const gone = surplus.filter((id) => rooms.get(id));
    for (const part of parts(gone)) connection.send(unsubscribe(part));
    for (const part of parts(wanted.filter((id) => !this.#live.has(id)))) this.#subscribe(part);
  }

  #byInterest() {
    const { rooms } = this.#parts;
    const rank = ({ room_id }) => {
      if (room_id === rooms.open_id) return 0;
      if (this.#live.has(room_id)) return 1;
      if (rooms.marks.mentions(room_id) > 0) return 2;
      return rooms.unread(room_id) > 0 ? 3 : 4;
    };
    const ranked = rooms.list().map((room) => ({ id: room.room_id, rank: rank(room) }));
    return ranked.sort((a, b) => a.rank - b.rank).map(({ id }) => id);
  }

  /** The user opened a room. */
  open(room_id) {
    const { rooms } = this.#parts;
    rooms.opened(room_id);
    this.follow();
    if (rooms.get(room_id)?.members === undefined) this.#lookAtSettings(room_id);
    this.#load(room_id);
  }

  /** The user is no longer a member. */
  leave(room_id) {
    this.#parts.rooms.remove(room_id);
    this.#timelines.delete(room_id);
    if (this.#live.delete(room_id)) this.#parts.connection.send(unsubscribe([room_id]));
  }

  /** Reads the newest page. */
  reload(room_id) {
    return this.#read(room_id, (timeline) => this.#readNewest(room_id, timeline));
  }

  /** Reads the page before the oldest event on show. */
  loadOlder(room_id) {
    return this.#read(room_id, async (timeline) => {
      if (timeline.older_cursor === null) return;
      const page = await this.#page(room_id, timeline, { before: timeline.older_cursor });
      if (page !== null) timeline.addOlder(page);
    });
  }

  /** @param {object} frame any server frame but `pong` and `reconnect` */
  onFrame(frame) {
    if (Object.hasOwn(this.#handlers, frame.type)) this.#handlers[frame.type](frame);
    // The others are to the user and not about the events of a room, though many name one.
    else if (typeof frame.seq === "number") this.#numbered(frame);
    this.#parts.changed();
  }

  #handlers = {
    hello: ({ limits }) => this.#greeted(limits),
    subscribed: (frame) => this.#subscribed(frame),
    read: (frame) => this.#parts.marks.onRead(frame),
    heads: (frame) => this.#parts.marks.onHeads(frame),
    // Without being asked: the room is lost. The list of the server knows whether it is.
    unsubscribed: ({ room }) => this.#live.delete(room) && this.#listAgain(room),
    caught_up: (frame) => {
      if (this.timeline(frame.room).caughtUp(frame) === "hole") this.#repair(frame.room);
    },
    gap: (frame) => {
      this.timeline(frame.room).gap(frame);
      this.#lookAtSettings(frame.room);
      this.#fill(frame.room, frame.to);
    },
    reset: (frame) => {
      const left = this.timeline(frame.room).reset(frame);
      this.#parts.sender.resend(frame.room);
      if (left === "whole") return;
      this.#lookAtSettings(frame.room);
      if (left === "lost") this.#parts.marks.recount(frame.room);
      else if (this.#isOpen(frame.room)) this.reload(frame.room);
    },
    ack: (frame) => this.#parts.sender.onAck(frame),
    error: (frame) => this.#refused(frame),
  };

  #greeted(limits) {
    const { rooms, sender } = this.#parts;
    this.#rooms_max = limits.rooms ?? this.#rooms_max;
    this.#live.clear();
    this.#parts.marks.greeted();
    this.follow();
    sender.resend();
    if (rooms.get(rooms.open_id)) this.#load(rooms.open_id);
  }

  #load(room_id) {
    if (!this.timeline(room_id).loaded && !this.isLoading(room_id)) this.reload(room_id);
  }

  #subscribe(room_ids) {
    room_ids.forEach((room_id) => this.#live.add(room_id));
    const positions = room_ids.map((room) => ({ room, ...this.timeline(room).ask() }));
    this.#parts.connection.send(subscribe(positions));
  }

  #subscribed(frame) {
    if (frame.you.read !== undefined) this.#parts.marks.onRead({ room: frame.room, ...frame.you.read });
    const begins = this.timeline(frame.room).position === null;
    const missing = this.timeline(frame.room).subscribed(frame);
    // What changed between the list of rooms and this is in no frame.
    if (begins && this.#isOpen(frame.room)) this.#lookAtSettings(frame.room);
    if (missing !== null) this.#fill(frame.room, missing.to);
  }

  #numbered(frame) {
    const timeline = this.timeline(frame.room);
    const result = timeline.live(frame);
    if (result === "hole") {
      if (!timeline.waiting) this.#repair(frame.room);
      return;
    }
    if (frame.type === "new_message") this.#said(frame, result);
    else this.#moved(frame, result);
    if (timeline.oversized) this.#trim(frame.room);
  }

  #said({ room, epoch, seq, message }, result) {
    const { rooms, sender, user, isLooking } = this.#parts;
    if (message.user_id === user.user_id) return sender.onEcho(message);
    if (result !== "added") return;
    const said = { epoch, seq, message_id: message.message_id, mentions_me: mentions(message.content, user.username) };
    rooms.said(room, said, this.#isOpen(room) && isLooking());
  }

  #moved({ type, room, user, ...settings }, result) {
    if (type === "message_edited" || type === "message_deleted") this.#changed(room, settings);
    if (type === "messages_purged") this.#parts.marks.recount(room);
    if (OFFICES.has(type) && this.#isMine(user.user_id, settings.previous)) this.#listAgain(room);
    if (result !== "added") return;
    if (type === "room_updated") return this.#parts.rooms.update(room, settings);
    if (!Object.hasOwn(CHANGES, type)) return;
    if (CHANGES[type] < 0 && this.#isMine(user.user_id)) this.#listAgain(room);
    else this.#parts.rooms.moved(room, CHANGES[type]);
  }

  /** A message that may be unread is gone, or names others now. */
  #changed(room, { message_id, content }) {
    const { rooms, marks, user } = this.#parts;
    const change = content === undefined ? null : { mentions_me: mentions(content, user.username) };
    if (!rooms.marks.changed(room, message_id, change)) marks.recount(room);
  }

  /** Reads how the room is talked in, where events that tell may have been left out. */
  #lookAtSettings(room_id) {
    const { api, rooms, changed } = this.#parts;
    api.room(room_id).then((room) => (rooms.update(room_id, room), changed())).catch(() => {});
  }

  #isMine(...user_ids) {
    return user_ids.includes(this.#parts.user.user_id);
  }

  /** The user left on another device, was sent away or has other rights, unless that was long ago and is only read now.
   * The list knows. */
  #listAgain(room_id) {
    if (this.#parts.rooms.get(room_id)) this.refreshRooms().catch(() => {});
  }

  #refused(frame) {
    if (frame.client_id !== undefined) return this.#parts.sender.onError(frame);
    // What is wrong with a field is not the end of a subscription.
    if (frame.field !== undefined) return;
    if (!this.#live.delete(frame.room)) return;
    this.timeline(frame.room).refused();
    const gone = GONE.has(frame.code);
    if (gone) this.leave(frame.room);
    else this.#later(frame);
  }

  /** A room that could not be made live now is asked for again after a moment. */
  #later({ retry_after_ms }) {
    setTimeout(() => this.follow(), Math.max(retry_after_ms ?? 0, 2_000) + Math.random() * 1_000);
  }

  #repair(room_id) {
    const since = this.#parts.now() - REPAIRS_WINDOW_MS;
    const recent = (this.#repairs.get(room_id) ?? []).filter((at) => at > since);
    this.#repairs.set(room_id, [...recent, this.#parts.now()]);
    // Numbers that do not add up again and again are not repaired by asking again: begin anew at the head.
    if (recent.length >= REPAIRS_MAX) this.timeline(room_id).beginAnew();
    this.#subscribe([room_id]);
    if (recent.length >= REPAIRS_MAX && this.#isOpen(room_id)) this.reload(room_id);
  }

  async #fill(room_id, to) {
    if (!this.timeline(room_id).loaded) return;
    await this.#read(room_id, async (timeline) => {
      timeline.loaded = false;
      await this.#fillFrom(room_id, timeline, to);
      timeline.loaded = true;
    });
  }

  async #fillFrom(room_id, timeline, to) {
    for (let page = 0; page < FILL_PAGES_MAX && timeline.newer_cursor !== null; page += 1) {
      const answer = await this.#page(room_id, timeline, { after: timeline.newer_cursor, limit: 100, acts: true });
      if (answer === null) break;
      timeline.addNewer(answer);
      const last = answer.events.at(-1);
      if (last?.epoch === timeline.position?.epoch && last?.seq >= to) return;
    }
    await this.#readNewest(room_id, timeline);
  }

  async #readNewest(room_id, timeline) {
    for (let read = 0; read < NEWEST_READS_MAX; read += 1) {
      const page = await this.#page(room_id, timeline);
      if (page !== null && timeline.replace(page)) return;
    }
  }

  /** A page of history; null if the room was reset meanwhile: the page may show what was never stored. */
  async #page(room_id, timeline, place) {
    const { resets } = timeline;
    const page = await this.#parts.api.messages(room_id, place);
    return timeline.resets === resets ? page : null;
  }

  /** One read of a room's history after the other. One that fails is repeated with the next connection. */
  #read(room_id, read) {
    const before = this.#busy.get(room_id) ?? Promise.resolve();
    const job = before.then(() => read(this.timeline(room_id))).then(
      () => this.problems.delete(room_id),
      (error) => this.#failed(room_id, error),
    );
    const done = job.finally(() => {
      if (this.#busy.get(room_id) === done) this.#busy.delete(room_id);
      this.#parts.changed();
    });
    this.#busy.set(room_id, done);
    this.#parts.changed();
    return done;
  }

  #failed(room_id, error) {
    this.problems.set(room_id, error.message);
    if (GONE.has(error.code)) this.leave(room_id);
  }

  #trim(room_id) {
    if (!this.#isOpen(room_id)) this.timeline(room_id).forget();
    else if (this.#parts.isLooking() && !this.isLoading(room_id)) this.reload(room_id);
  }

  #isOpen(room_id) {
    return this.#parts.rooms.open_id === room_id;
  }
}

/** Room ids in as many parts as frames are needed. */
function parts(room_ids) {
  const count = Math.ceil(room_ids.length / ROOMS_PER_FRAME_MAX);
  return Array.from({ length: count }, (_, n) => room_ids.slice(n * ROOMS_PER_FRAME_MAX, (n + 1) * ROOMS_PER_FRAME_MAX));
}
