// In place of the conversation: a room, or an invite to one, that the user is not in, and the way in.

import { byId, setText } from "./dom.js";
import { clearErrors, onSubmit } from "./forms.js";
import { refusalText } from "./refusals.js";

export class StrangerView {
  #root = byId("aside");
  #text = byId("aside-text");
  #form = byId("join-form");
  #button = byId("join");
  #password = byId("join-password");
  #shown = null;

  /** @param {(answer: {password?: string}) => Promise<void>} onJoin */
  constructor(onJoin) {
    onSubmit(this.#form, onJoin);
  }

  /** @param {import("../chat/visit.js").Stranger} stranger */
  render(stranger) {
    const { state, room, approval } = stranger;
    const asks_password = room?.join === "password";
    // What was typed belongs to one room.
    const shown = `${state} ${room?.room_id ?? room?.name}`;
    if (shown !== this.#shown) {
      this.#form.reset();
      clearErrors(this.#form);
    }
    this.#shown = shown;
    this.say(strangerText(stranger));
    this.#form.hidden = state !== "out" || room.join === "invite";
    for (const node of this.#form.querySelectorAll(".password")) node.hidden = !asks_password;
    this.#password.disabled = !asks_password;
    setText(this.#button, approval ? "Ask to join" : "Join room");
  }

  /** Shows a sentence and nothing else. */
  say(text) {
    setText(this.#text, text);
    this.#form.hidden = true;
    this.#root.hidden = false;
  }

  hide() {
    this.#root.hidden = true;
    this.#shown = null;
  }
}

/** @param {import("../chat/visit.js").Stranger} stranger */
export function strangerText({ state, room, by, approval, error, reason }) {
  if (state === "looking") return "One moment…";
  if (state === "none") return refusalText(error);
  if (state === "waiting") return "Waiting for approval. A moderator decides whether you come in.";
  if (state === "denied") return deniedText(error, reason);
  const decided = approval ? " A moderator decides whether you come in." : "";
  if (by !== undefined) return `${by.username} invites you to this room.${decided}`;
  if (room.join === "invite") return "You need an invite to join this room.";
  if (room.join === "password") return "You need a password to join this room.";
  return `You are not a member of this room.${decided}`;
}

function deniedText(error, reason) {
  const text = error === undefined ? "You were not let in." : refusalText(error);
  return reason ? `${text} The moderator says: ${reason}` : text;
}
