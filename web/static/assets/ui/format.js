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

/** @param {number} count of members */
export function memberCount(count) {
  if (typeof count !== "number") return "";
  return count === 1 ? "1 member" : `${count} members`;
}
