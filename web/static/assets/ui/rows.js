// What a room looks like as a list of rows: days, messages, joins and leaves, and what is still on its way. No DOM.

import { mentions } from "../protocol/mentions.js";
import { withActs } from "./pending.js";
import { isOf } from "../state/acts.js";
import { comparePlaces } from "../state/unread.js";

/** Messages of one person within this time stand together under one name. */
const TOGETHER_MS = 5 * 60_000;

/**
 * @typedef {object} Row
 * @property {string} key the same as long as it is the same thing
 * @property {"day"|"message"|"notice"|"divider"} kind
 * @property {string} timestamp RFC 3339
 * @property {{user_id: string, username: string}} [user]
 * @property {string} [content]
 * @property {boolean} [own]
 * @property {boolean} [mentions_me] whether the text of somebody else has the user's name
 * @property {boolean} [together] continues the row before
 * @property {"sending"|"delivered"|"stored"|"failed"} [mark] of own messages
 * @property {string} [error] of failed messages
 * @property {string} [client_id]
 * @property {string} [message_id] of messages that have their place
 * @property {string} [edited_at]
 * @property {boolean} [deleted]
 * @property {{emoji: string, count: number, mine: boolean, waiting?: boolean}[]} [chips] reactions
 * @property {{client_id: string, type: string, error?: string}[]} [failures] acts on it that were refused
 * @property {string} [move] of notices: the kind of the event
 * @property {{user_id: string, username: string}} [by] of notices of moderation
 * @property {string} [until] of notices of moderation
 * @property {{slow_mode_ms: number, frozen: boolean}} [settings] of notices of changed settings
 */

/**
 * @param {object} view
 * @param {import("../state/timeline.js").Item[]} view.items
 * @param {import("../state/outbox.js").Entry[]} view.entries what of this room is not stored yet
 * @param {{user_id: string, username: string}} view.user
 * @param {?import("../state/unread.js").Place} [view.divider] behind this place messages of others are new
 * @param {boolean} [view.whole] whether the items begin where the room does
 * @returns {Row[]}
 */
export function rowsOf({ items, entries, user, divider = null, whole = false }) {
  const messages = entries.filter(({ act }) => act === undefined);
  const acts = entries.filter(({ act }) => act !== undefined);
  const waiting = new Map(messages.map((entry) => [entry.client_id, entry]));
  const messageOf = (item) => withActs(messageRow(item, user, waiting), acts);
  const shown = items.map((item) => (item.kind === "message" ? messageOf(item) : noticeRow(item)));
  const own = new Set(items.filter((item) => item.user.user_id === user.user_id).map((item) => item.client_id));
  const pending = messages.filter((entry) => !own.has(entry.client_id)).map((entry) => pendingRow(entry, user));
  const first = firstNew(items, user, divider, whole);
  return withDays([...shown, ...pending], first < 0 ? null : shown[first].key);
}

/** The first new message, if it is known to be the first: what is not on show might be new, too. */
function firstNew(items, user, divider, whole) {
  if (divider === null || (!whole && !items.some((item) => comparePlaces(item, divider) <= 0))) return -1;
  const isNew = (item) => item.kind === "message" && item.user.user_id !== user.user_id && !item.deleted;
  return items.findIndex((item) => isNew(item) && comparePlaces(item, divider) > 0);
}

function messageRow(item, me, waiting) {
  const { user, timestamp, content, client_id, message_id, edited_at, deleted } = item;
  const own = user.user_id === me.user_id;
  const chips = item.reactions.map((reaction) => chip(reaction, me));
  const row = { kind: "message", timestamp, user, content, own, message_id, edited_at, deleted, chips };
  if (!own) return { ...row, key: message_id, mentions_me: !deleted && mentions(content, me.username) };
  // The key is the client's name, so the row stays the same element from "sending" to "stored".
  return { ...row, key: `own:${client_id}`, mark: waiting.has(client_id) ? "delivered" : "stored" };
}

function chip(reaction, me) {
  return { emoji: reaction.emoji, count: reaction.count, mine: isOf(reaction, me.user_id) };
}

function noticeRow({ key, kind, user, by, until, settings, timestamp }) {
  const more = { ...(by && { by }), ...(until && { until }), ...(settings && { settings }) };
  return { key, kind: "notice", move: kind, user, ...more, timestamp };
}

function pendingRow({ client_id, content, created_at, state, error }, user) {
  const mark = state === "failed" ? "failed" : "sending";
  const row = { key: `own:${client_id}`, kind: "message", timestamp: created_at, user, content, own: true };
  return { ...row, mark, error, client_id };
}

function withDays(rows, first_new) {
  const result = [];
  let previous = null;
  for (const row of rows) {
    if (previous === null || dayOf(previous) !== dayOf(row)) {
      result.push({ key: `day:${dayOf(row)}:${row.key}`, kind: "day", timestamp: row.timestamp });
      previous = null;
    }
    if (row.key === first_new) {
      result.push({ key: "new", kind: "divider", timestamp: row.timestamp });
      previous = null;
    }
    result.push({ ...row, together: continues(previous, row) });
    previous = row;
  }
  return result;
}

function continues(previous, row) {
  if (previous?.kind !== "message" || row.kind !== "message") return false;
  const apart_ms = Date.parse(row.timestamp) - Date.parse(previous.timestamp);
  return previous.user.user_id === row.user.user_id && apart_ms < TOGETHER_MS;
}

function dayOf({ timestamp }) {
  return new Date(timestamp).toDateString();
}
