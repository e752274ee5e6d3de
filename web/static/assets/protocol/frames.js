// Wire protocol v1: reads server frames, makes client frames. The tests run it over shared/fixtures.

/** An act of moderation. */
const SANCTION = { room: "string", epoch: "string", seq: "number", user: "object", by: "object", timestamp: "string" };
/** What every event about an earlier message has. */
const ACT = {
  room: "string",
  epoch: "string",
  seq: "number",
  message_id: "string",
  user: "object",
  timestamp: "string",
};

/** Fields that must be there, by frame type. A frame without them is not acted upon. */
const SHAPES = {
  hello: { session: "string", user: "object", heartbeat_ms: "number", limits: "object" },
  subscribed: { room: "string", epoch: "string", head: "number", stored: "number", you: "object" },
  unsubscribed: { room: "string" },
  caught_up: { room: "string", seq: "number" },
  gap: { room: "string", from: "number", to: "number" },
  reset: { room: "string", epoch: "string", head: "number" },
  ack: { client_id: "string", room: "string", message_id: "string", epoch: "string", seq: "number" },
  new_message: { room: "string", epoch: "string", seq: "number", message: "object" },
  member_joined: { room: "string", epoch: "string", seq: "number", user: "object", timestamp: "string" },
  member_left: { room: "string", epoch: "string", seq: "number", user: "object", timestamp: "string" },
  error: { code: "string", message: "string" },
  pong: {},
  reconnect: { after_ms: "number" },
  heads: { rooms: "object" },
  message_edited: { ...ACT, content: "string" },
  message_deleted: ACT,
  reaction_added: { ...ACT, emoji: "string" },
  reaction_removed: { ...ACT, emoji: "string" },
  member_kicked: SANCTION,
  member_banned: SANCTION,
  member_unbanned: SANCTION,
  member_muted: SANCTION,
  member_unmuted: SANCTION,
  room_updated: {
    room: "string",
    epoch: "string",
    seq: "number",
    by: "object",
    slow_mode_ms: "number",
    frozen: "boolean",
    timestamp: "string",
  },
  room_deleted: { room: "string", epoch: "string", seq: "number", by: "object", reason: "string", timestamp: "string" },
  owner_changed: SANCTION,
  member_role_changed: { ...SANCTION, role: "string" },
  message_pinned: ACT,
  message_unpinned: ACT,
  messages_purged: { ...SANCTION, to: "string" },
  token_expiring: { after_ms: "number" },
  presence: { user_id: "string", status: "string" },
  watching: { users: "object" },
  room_presence: { room: "string", online: "number", whole: "boolean" },
  typing: { room: "string", user: "object" },
  read: { room: "string", epoch: "string", seq: "number", unread: "number", mentions: "number", counted: "object" },
  notification: { id: "string", kind: "string", created_at: "string", read: "boolean" },
  notifications_read: { count: "number" },
  room_added: { room: "string", kind: "string" },
  room_removed: { room: "string" },
  room_preferences: { room: "string", notify: "string" },
  announcement: { id: "string" },
  user_updated: { user_id: "string", username: "string" },
  settings_updated: { read_receipts: "boolean", typing: "boolean" },
  read_by: { room: "string", user_id: "string", read: "object", at: "string" },
};

/** The types of server frames this client knows. */
export const SERVER_FRAME_TYPES = Object.freeze(Object.keys(SHAPES));

/** What every event of a room's log has. A newer server has kinds that this client cannot show but must count. */
const NUMBERED = { room: "string", epoch: "string", seq: "number" };

/**
 * Reads a text frame.
 * @param {unknown} text
 * @returns {?object} the frame; null for anything this client can do nothing with
 */
export function decode(text) {
  const frame = parse(text);
  if (frame === null || typeof frame !== "object" || typeof frame.type !== "string") return null;
  const shape = Object.hasOwn(SHAPES, frame.type) ? SHAPES[frame.type] : NUMBERED;
  return hasShape(frame, shape) ? frame : null;
}

function parse(text) {
  if (typeof text !== "string") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function hasShape(frame, shape) {
  return Object.entries(shape).every(([field, type]) => frame[field] !== null && typeof frame[field] === type);
}

/** @param {string} token an access token */
export function auth(token) {
  return { type: "auth", token };
}

/** @param {{room: string, epoch?: string, seq?: number}[]} rooms with a position where a room is resumed */
export function subscribe(rooms) {
  return { type: "subscribe", rooms };
}

/** @param {{room: string, epoch?: string, seq?: number}[]} rooms with the position from which on news is wanted */
export function heads(rooms) {
  return { type: "heads", rooms };
}

/** @param {string[]} rooms */
export function unsubscribe(rooms) {
  return { type: "unsubscribe", rooms };
}

/**
 * @param {{room?: string, client_id?: string, content: string, reply_to?: string, attachments?: string[]}} fields those
 * that are not set are left out
 */
export function message({ room, client_id, content, reply_to, attachments }) {
  return { type: "message", ...given({ room, client_id }), content, ...given({ reply_to, attachments }) };
}

/** @param {{room?: string, client_id?: string, message_id: string, content: string}} fields */
export function edit({ room, client_id, message_id, content }) {
  return { type: "edit", ...given({ room, client_id }), message_id, content };
}

/** @param {{room?: string, client_id?: string, message_id: string}} fields */
export function remove({ room, client_id, message_id }) {
  return { type: "delete", ...given({ room, client_id }), message_id };
}

/** @param {{room?: string, client_id?: string, message_id: string, emoji: string, remove?: boolean}} fields */
export function react({ room, client_id, message_id, emoji, remove: back }) {
  return { type: "react", ...given({ room, client_id }), message_id, emoji, ...(back ? { remove: true } : {}) };
}

/** @param {{status: string, text?: string}} setting */
export function presence({ status, text }) {
  return { type: "presence", status, ...given({ text }) };
}

/** @param {{users: string[], rooms: string[]}} watched instead of those before */
export function watch({ users, rooms }) {
  return { type: "watch", users, rooms };
}

/** @param {{on: boolean}} state whether nobody looks: rooms wait until somebody does */
export function background({ on }) {
  return { type: "background", on };
}

/** @param {{room?: string}} place */
export function typing({ room }) {
  return { type: "typing", ...given({ room }) };
}

/** @param {{room?: string, epoch?: string, seq: number}} place the last event that was read */
export function read({ room, epoch, seq }) {
  return { type: "read", ...given({ room, epoch }), seq };
}

function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Asks for a pong. */
export function ping() {
  return { type: "ping" };
}

/**
 * Orders epochs ("e2" < "e10"): below zero, zero, above zero. They have no leading zeros and may exceed what a number
 * holds exactly, so the longer text is the larger one.
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
export function compareEpochs(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
