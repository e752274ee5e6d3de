// What the address of the page names, so that reload, back and links work.

import { reference } from "./rooms.js";

/**
 * @typedef {object} Place one of these
 * @property {string} [room] id or slug
 * @property {string} [invite] code of an invite; links to it are made by the server
 */

/** @param {string} hash of the address @returns {?Place} none for the list of rooms */
export function placeIn(hash) {
  const room = /^#\/room\/([^/]+)$/.exec(hash);
  if (room !== null) return decoded(room[1]);
  const invite = /^#invite=([\w-]{1,64})$/.exec(hash);
  return invite === null ? null : { invite: invite[1] };
}

/** @param {import("./rooms.js").Room} room */
export function addressOf(room) {
  return `#/room/${encodeURIComponent(reference(room))}`;
}

/** Whether two places are the same. @param {?Place} a @param {?Place} b */
export function isSame(a, b) {
  return a?.room === b?.room && a?.invite === b?.invite;
}

function decoded(text) {
  try {
    return { room: decodeURIComponent(text) };
  } catch {
    return null;
  }
}
