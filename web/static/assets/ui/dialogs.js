// The dialogs: find a room, create a room, confirm a step that cannot be undone.

import { byId, el, setText } from "./dom.js";
import { clearErrors, onSubmit } from "./forms.js";
import { memberCount } from "./format.js";
import { refusalText } from "./refusals.js";

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

/** What it takes to come into rooms that are not open. */
const ENTRIES = { password: "Needs a password", approval: "Moderators let people in", invite: "By invite only" };

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
   * @param {(room: object) => Promise<void>} handlers.onChoose joins it if that takes nothing more, and opens it
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
    const needs = ENTRIES[room.join];
    const label = this.#handlers.isMine(room.room_id) ? "Open" : (needs ? "View" : "Join");
    const choose = el("button", { type: "button", "aria-label": `${label} ${room.name}` }, label);
    choose.addEventListener("click", () => this.#choose(room, choose));
    const lines = [room.description, memberCount(room.members), needs].filter(Boolean);
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
      setText(this.#note, refusalText(error));
    } finally {
      button.disabled = false;
    }
  }
}

/** The form of a new room. */
export class CreateDialog {
  #dialog = byId("create");
  #form = byId("create-form");

  /** @param {(room: {name: string, description?: string, visibility: string, join?: string, password?: string}) =>
   * Promise<void>} onCreate */
  constructor(onCreate) {
    this.#form.addEventListener("change", () => this.#changed());
    onSubmit(this.#form, async ({ name, description, ...entry }) => {
      await onCreate({ name, ...entry, ...(description.trim() ? { description } : {}) });
      this.#dialog.close();
    });
  }

  /** What is not asked for is disabled, so that it is no value of the form either. */
  #changed() {
    const { visibility, join } = this.#form.elements;
    const is_public = visibility.value === "public";
    const fields = { "create-join": is_public, "create-secret": is_public && join.value === "password" };
    for (const [id, is_shown] of Object.entries(fields)) {
      byId(id).hidden = !is_shown;
      byId(id).disabled = !is_shown;
    }
  }

  show() {
    this.#form.reset();
    this.#changed();
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
