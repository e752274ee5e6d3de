// The examples that the tests of the server read too.

import { readFileSync } from "node:fs";

/** @param {string} name of a file in shared/fixtures, without its extension */
export function fixture(name) {
  return JSON.parse(readFileSync(new URL(`../../shared/fixtures/${name}.json`, import.meta.url), "utf8"));
}

/** @param {string} name of an example of a server frame */
export function serverFrame(name) {
  return structuredClone(fixture("server_frames").find((example) => example.name === name).frame);
}

export const ROOM = serverFrame("new_message").room;
export const USER = serverFrame("hello").user;

/** A message with a number; everything else may be given. */
export function messageFrame(seq, { epoch = "e1", room = ROOM, ...fields } = {}) {
  const { message } = serverFrame("new_message");
  const own = { message_id: `m-${seq}`, client_id: `c-${seq}`, content: `text ${seq}`, ...fields };
  return { type: "new_message", room, epoch, seq, message: { ...message, ...own } };
}
