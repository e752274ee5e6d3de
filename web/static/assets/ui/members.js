// The dialog that lists the members of a room, page by page, in the order of joining.

import { byId, el, setText } from "./dom.js";
import { fullTime } from "./format.js";
import { dot, renderDot } from "./presence.js";
import { refusalText } from "./refusals.js";
import { mayInvite } from "../state/rooms.js";

const OFFICES = { owner: "Owner", moderator: "Moderator" };

export class MembersDialog {
  #dialog = byId("members");
  #list = byId("members-list");
  #note = byId("members-note");
  #more = byId("members-more");
  #invite = byId("members-invite");
  #handlers;
  #room_id = null;
  #cursor = undefined;
  #dots = new Map();

  /**
   * @param {object} handlers
   * @param {(room_id: string, cursor?: string) => Promise<{members: object[], next_cursor?: string}>} handlers.load
   * @param {(user_ids: string[]) => void} handlers.onLook these are shown from now on
   * @param {(user_id: string) => boolean} handlers.isMe
   * @param {(user_id: string) => Promise<void>} handlers.onMessage opens the direct room with somebody
   * @param {() => void} handlers.onInvite
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#invite.addEventListener("click", () => (this.#dialog.close(), handlers.onInvite()));
    this.#more.addEventListener("click", () => this.#next());
  }

  /** @param {import("../state/rooms.js").Room} room */
  show(room) {
    const { room_id, name } = room;
    this.#room_id = room_id;
    this.#invite.hidden = !mayInvite(room);
    this.#cursor = undefined;
    setText(byId("members-title"), `Members of ${name}`);
    this.#list.replaceChildren();
    this.#dots.clear();
    this.#dialog.showModal();
    return this.#next();
  }

  async #next() {
    const room_id = this.#room_id;
    this.#more.hidden = true;
    setText(this.#note, "Loading members…");
    try {
      const { members, next_cursor } = await this.#handlers.load(room_id, this.#cursor);
      // Another room was opened meanwhile.
      if (room_id !== this.#room_id) return;
      this.#cursor = next_cursor ?? undefined;
      this.#list.append(...members.map((member) => this.#entry(member)));
      this.#handlers.onLook(members.map(({ user_id }) => user_id));
      setText(this.#note, "");
      setText(this.#more, "Show more");
      this.#more.hidden = this.#cursor === undefined;
    } catch (error) {
      setText(this.#note, error.message);
      setText(this.#more, "Try again");
      this.#more.hidden = false;
    }
  }

  /** @param {(user_id: string) => import("../state/presence.js").Seen} presenceOf */
  render(presenceOf) {
    if (!this.#dialog.open) return;
    for (const [user_id, { dot, words }] of this.#dots) {
      const seen = presenceOf(user_id);
      renderDot(dot, seen);
      setText(words, seen.status === "offline" ? "" : (seen.text ?? ""));
    }
  }

  #entry({ user_id, username, role, joined_at }) {
    const office = OFFICES[role] === undefined ? null : el("span", { class: "quiet" }, OFFICES[role]);
    const parts = { dot: dot({ status: "offline" }), words: el("span", { class: "quiet", dir: "auto" }) };
    this.#dots.set(user_id, parts);
    const name = el("strong", { dir: "auto", title: `Since ${fullTime(joined_at)}` }, username);
    return el("li", {}, parts.dot, name, parts.words, office, this.#message(user_id, username));
  }

  #message(user_id, username) {
    if (this.#handlers.isMe(user_id)) return null;
    const attributes = { type: "button", class: "link", "aria-label": `Message ${username}` };
    const button = el("button", attributes, "Message");
    button.addEventListener("click", () => this.#open(user_id, button));
    return button;
  }

  async #open(user_id, button) {
    button.disabled = true;
    setText(this.#note, "");
    try {
      await this.#handlers.onMessage(user_id);
      this.#dialog.close();
    } catch (error) {
      setText(this.#note, refusalText(error));
    } finally {
      button.disabled = false;
    }
  }
}
