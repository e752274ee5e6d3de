// The dialog that lists the members of a room, page by page, in the order of joining.

import { byId, el, setText } from "./dom.js";
import { fullTime } from "./format.js";

const OFFICES = { owner: "Owner", moderator: "Moderator" };

export class MembersDialog {
  #dialog = byId("members");
  #list = byId("members-list");
  #note = byId("members-note");
  #more = byId("members-more");
  #load;
  #room_id = null;
  #cursor = undefined;

  /** @param {(room_id: string, cursor?: string) => Promise<{members: object[], next_cursor?: string}>} load */
  constructor(load) {
    this.#load = load;
    this.#more.addEventListener("click", () => this.#next());
  }

  /** @param {{room_id: string, name: string}} room */
  show({ room_id, name }) {
    this.#room_id = room_id;
    this.#cursor = undefined;
    setText(byId("members-title"), `Members of ${name}`);
    this.#list.replaceChildren();
    this.#dialog.showModal();
    return this.#next();
  }

  async #next() {
    const room_id = this.#room_id;
    this.#more.hidden = true;
    setText(this.#note, "Loading members…");
    try {
      const { members, next_cursor } = await this.#load(room_id, this.#cursor);
      // Another room was opened meanwhile.
      if (room_id !== this.#room_id) return;
      this.#cursor = next_cursor ?? undefined;
      this.#list.append(...members.map(entry));
      setText(this.#note, "");
      setText(this.#more, "Show more");
      this.#more.hidden = this.#cursor === undefined;
    } catch (error) {
      setText(this.#note, error.message);
      setText(this.#more, "Try again");
      this.#more.hidden = false;
    }
  }
}

function entry({ username, role, joined_at }) {
  const office = OFFICES[role] === undefined ? null : el("span", { class: "quiet" }, OFFICES[role]);
  return el("li", { title: `Since ${fullTime(joined_at)}` }, el("strong", { dir: "auto" }, username), office);
}
