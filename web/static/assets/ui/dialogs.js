// The dialogs: find a room, create a room, confirm a step that cannot be undone.

import { byId, el, setText } from "./dom.js";
import { clearErrors, onSubmit } from "./forms.js";
import { memberCount } from "./format.js";

/** Closes every dialog by its own buttons and by a click beside it. */
export function wireDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", () => dialog.close()));
  }
}

/** Closes whatever is open. */
export function closeDialogs() {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
}

/** The list of public rooms, page by page. */
export class BrowseDialog {
  #dialog = byId("browse");
  #list = byId("browse-list");
  #note = byId("browse-note");
  #more = byId("browse-more");
  #handlers;
  #cursor = undefined;

  /**
   * @param {object} handlers
   * @param {(cursor?: string) => Promise<{rooms: object[], next_cursor?: string}>} handlers.load
   * @param {(room_id: string) => boolean} handlers.isMine
   * @param {(room: object) => Promise<void>} handlers.onChoose joins it, unless it is joined already, and opens it
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#more.addEventListener("click", () => this.#load());
  }

  show() {
    this.#cursor = undefined;
    this.#list.replaceChildren();
    this.#dialog.showModal();
    return this.#load();
  }

  async #load() {
    this.#more.hidden = true;
    setText(this.#note, "Loading rooms…");
    try {
      const { rooms, next_cursor } = await this.#handlers.load(this.#cursor);
      this.#cursor = next_cursor ?? undefined;
      this.#list.append(...rooms.map((room) => this.#entry(room)));
      setText(this.#note, this.#list.childElementCount === 0 ? "There are no public rooms yet." : "");
    } catch (error) {
      setText(this.#note, error.message);
      setText(this.#more, "Try again");
      this.#more.hidden = false;
      return;
    }
    setText(this.#more, "Show more");
    this.#more.hidden = this.#cursor === undefined;
  }

  #entry(room) {
    const label = this.#handlers.isMine(room.room_id) ? "Open" : "Join";
    const choose = el("button", { type: "button", "aria-label": `${label} ${room.name}` }, label);
    choose.addEventListener("click", () => this.#choose(room, choose));
    const lines = [room.description, memberCount(room.members)].filter(Boolean);
    const text = el("div", { class: "about" }, el("strong", { dir: "auto" }, room.name),
      ...lines.map((line) => el("span", { class: "quiet", dir: "auto" }, line)));
    return el("li", {}, text, choose);
  }

  async #choose(room, button) {
    button.disabled = true;
    try {
      await this.#handlers.onChoose(room);
      this.#dialog.close();
    } catch (error) {
      setText(this.#note, error.message);
    } finally {
      button.disabled = false;
    }
  }
}

/** The form of a new room. */
export class CreateDialog {
  #dialog = byId("create");
  #form = byId("create-form");

  /** @param {(room: {name: string, description?: string, visibility: string}) => Promise<void>} onCreate */
  constructor(onCreate) {
    onSubmit(this.#form, async ({ name, description, visibility }) => {
      await onCreate({ name, visibility, ...(description.trim() ? { description } : {}) });
      this.#dialog.close();
    });
  }

  show() {
    this.#form.reset();
    clearErrors(this.#form);
    this.#dialog.showModal();
  }
}

/**
 * Asks before a step that cannot be undone.
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action }) {
  const dialog = byId("confirm");
  setText(byId("confirm-title"), title);
  setText(byId("confirm-text"), text);
  setText(byId("confirm-yes"), action);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
