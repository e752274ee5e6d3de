// Times and colours for people.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const HUES = 8;

/** @param {string} timestamp RFC 3339 */
export function clockTime(timestamp) {
  return CLOCK.format(new Date(timestamp));
}

/** @param {string} timestamp */
export function fullTime(timestamp) {
  return FULL.format(new Date(timestamp));
}

/** @param {string} timestamp @param {Date} [now] */
export function dayName(timestamp, now = new Date()) {
  const day = new Date(timestamp);
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (day.toDateString() === now.toDateString()) return "Today";
  if (day.toDateString() === yesterday.toDateString()) return "Yesterday";
  return (day.getFullYear() === now.getFullYear() ? DAY : DAY_OF_YEAR).format(day);
}

/** The class that colours a user: the same on every device. @param {string} user_id */
export function hueOf(user_id) {
  // FNV-1a; its upper bits are the well mixed ones.
  const hash = [...user_id].reduce((mixed, sign) => Math.imul(mixed ^ sign.codePointAt(0), 16_777_619), 2_166_136_261);
  return `hue-${(hash >>> 16) % HUES}`;
}

/** The class of the sign before a room's name. @param {{kind?: string, visibility?: string}} room */
export function signOf({ kind, visibility }) {
  return `sign ${kind === "direct" || kind === "group" ? kind : (visibility ?? "")}`;
}

/** What a change of settings did, after the name of who did it. @param {{slow_mode_ms: number, frozen: boolean}} settings */
export function settingsText({ slow_mode_ms, frozen }) {
  if (frozen) return "froze the room";
  if (slow_mode_ms > 0) return `turned slow mode on: one message every ${spanText(slow_mode_ms)}`;
  return "lifted the limits of the room";
}

/** What is to be known before writing in a room; empty if there is nothing. */
export function limitsText({ slow_mode_ms, frozen }, keeps_order) {
  if (frozen) return keeps_order ? "This room is frozen: members cannot write." : "This room is frozen.";
  if (slow_mode_ms > 0 && !keeps_order) return `Slow mode: one message every ${spanText(slow_mode_ms)}.`;
  return "";
}

/** A length of time, rounded up. @param {number} ms */
export function spanText(ms) {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}

const STATUSES = { online: "Online", away: "Away", dnd: "Do not disturb", offline: "Offline" };

/** How a user stands. @param {{status: string, text?: string, last_seen?: string}} seen */
export function presenceText({ status, text, last_seen }) {
  const seen = last_seen === undefined ? "" : `last seen ${fullTime(last_seen)}`;
  return [STATUSES[status] ?? status, status === "offline" ? seen : text].filter(Boolean).join(": ");
}

/** Who types. @param {string[]} names */
export function typingText(names) {
  if (names.length === 0) return "";
  if (names.length > 3) return "Several people are typing…";
  const last = names.at(-1);
  const who = names.length === 1 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
  return `${who} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** @param {?number} count of users in a room */
export function onlineCount(count) {
  return count ? `${count} online` : "";
}

/** @param {number} count of members */
export function memberCount(count) {
  if (typeof count !== "number") return "";
  return count === 1 ? "1 member" : `${count} members`;
}
