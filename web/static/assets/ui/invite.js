// The dialog that makes an invite to a room and shows its link.

import { byId, setText } from "./dom.js";
import { refusalText } from "./refusals.js";

/** Links that nobody uses end by themselves. */
const LIFE_DAYS = 7;

export class InviteDialog {
  #dialog = byId("invite");
  #link = byId("invite-link");
  #copy = byId("invite-copy");
  #note = byId("invite-note");
  #make;
  #room_id = null;

  /** @param {(room_id: string, wish: {expires_in_s: number}) => Promise<{url: string, approval: boolean}>} make */
  constructor(make) {
    this.#make = make;
    this.#copy.addEventListener("click", () => this.#copyLink());
    this.#link.addEventListener("focus", () => this.#link.select());
    this.#dialog.addEventListener("close", () => (this.#link.value = ""));
  }

  /** @param {import("../state/rooms.js").Room} room */
  async show({ room_id, name }) {
    this.#room_id = room_id;
    setText(byId("invite-title"), `Invite to ${name}`);
    setText(this.#note, "Making a link…");
    this.#link.value = "";
    this.#copy.disabled = true;
    this.#dialog.showModal();
    const made = await this.#make(room_id, { expires_in_s: LIFE_DAYS * 86_400 }).catch((error) => ({ error }));
    // It was closed meanwhile, or another room's was asked for.
    if (!this.#dialog.open || room_id !== this.#room_id) return;
    if (made.error !== undefined) return setText(this.#note, refusalText(made.error));
    this.#link.value = made.url;
    this.#copy.disabled = false;
    setText(this.#note, inviteText(made));
    this.#copy.focus();
  }

  /** Browsers give pages the clipboard only over https and on their own machine. */
  async #copyLink() {
    try {
      await navigator.clipboard.writeText(this.#link.value);
      setText(this.#note, "Copied.");
    } catch {
      this.#link.focus();
      setText(this.#note, "Your browser does not copy for this page: the link is selected, copy it by hand.");
    }
  }
}

function inviteText({ approval }) {
  const what = approval ? "Whoever has this link can ask to join; a moderator decides." : "Whoever has this link can join.";
  return `${what} It works for ${LIFE_DAYS} days.`;
}
