// Close codes of the socket. The table is the one of the server; a test compares it with
// shared/fixtures/close_codes.json.

/**
 * @typedef {object} CloseCode
 * @property {number} code number on the wire
 * @property {string} reason text on the wire
 * @property {boolean} may_return whether to connect again with the token at hand
 */

/** @type {readonly Readonly<CloseCode>[]} */
export const CLOSE_CODES = Object.freeze([
  { code: 1000, reason: "bye", may_return: false },
  { code: 1001, reason: "going_away", may_return: true },
  { code: 1002, reason: "protocol_error", may_return: false },
  { code: 1003, reason: "text_frames_only", may_return: false },
  { code: 1007, reason: "invalid_utf8", may_return: false },
  { code: 1008, reason: "policy", may_return: false },
  { code: 1009, reason: "too_big", may_return: false },
  { code: 1011, reason: "internal", may_return: true },
  { code: 1012, reason: "restart", may_return: true },
  { code: 1013, reason: "overloaded", may_return: true },
  { code: 4401, reason: "unauthenticated", may_return: false },
  { code: 4403, reason: "forbidden", may_return: false },
  { code: 4404, reason: "no_such_room", may_return: false },
  { code: 4408, reason: "timeout", may_return: true },
  { code: 4409, reason: "session_revoked", may_return: false },
  { code: 4410, reason: "replaced", may_return: false },
  { code: 4429, reason: "flooding", may_return: false },
  { code: 4508, reason: "too_slow", may_return: true },
]);

/** The token was bad or expired: worth another try with a new one. */
export const UNAUTHENTICATED = 4401;

/** The login was ended, here or elsewhere: back to the login. */
export const SESSION_REVOKED = 4409;

/** What a browser reports when the connection broke without a close frame. */
export const ABNORMAL = 1006;

/**
 * Whether a client should connect again after this code.
 *
 * A code that is not in the table comes from a newer server, a proxy or the browser itself (1005, 1006). Only the band
 * 4400–4499, "the client is at fault", keeps it away.
 * @param {number} code
 * @returns {boolean}
 */
export function mayReturn(code) {
  const row = CLOSE_CODES.find((known) => known.code === code);
  return row ? row.may_return : code < 4400 || code > 4499;
}

/**
 * The reason of a code, for people who look for it in the documents.
 * @param {number} code
 * @returns {string}
 */
export function closeReason(code) {
  return CLOSE_CODES.find((known) => known.code === code)?.reason ?? "connection_lost";
}
