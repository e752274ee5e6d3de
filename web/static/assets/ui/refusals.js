// Why something was refused, in words for people.

import { spanText } from "./format.js";

/** Where the server's own sentence says too little to somebody who does not know the rules. */
const WORDS = {
  invite_invalid: "This invite does not work: it has ended, was used up or was taken back.",
  invite_required: "You need an invite to join this room.",
  direct_refused: "This person does not take messages from you.",
  blocked: "You cannot write to each other: one of you has blocked the other.",
  already_decided: "Somebody else has decided about it already.",
};

/** @param {{code?: string, message: string, retry_after_ms?: number}} error */
export function refusalText({ code, message, retry_after_ms }) {
  const text = WORDS[code] ?? message;
  if (code !== "join_denied" || !retry_after_ms) return text;
  return `${text} You can ask again in ${spanText(retry_after_ms)}.`;
}
