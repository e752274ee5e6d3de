// Who asks to be let into the open room: a line below its head, and the dialog in which moderators decide.

import { byId, el, setText } from "./dom.js";
import { fullTime } from "./format.js";
import { refusalText } from "./refusals.js";

/** The line that says that somebody waits. */
export class RequestsHint {
  #root = byId("requests-hint");
  #text = byId("requests-text");

  /** @param {() => void} onOpen */
  constructor(onOpen) {
    byId("open-requests").addEventListener("click", onOpen);
  }

  /** @param {import("../chat/requests.js").JoinRequest[]} list */
  render(list) {
    setText(this.#text, requestsText(list));
    this.#root.hidden = list.length === 0;
  }
}

export class RequestsDialog {
  #dialog = byId("requests");
  #list = byId("requests-list");
  #note = byId("requests-note");
  #entries = new Map();
  #room_id = null;
  #handlers;

  /**
   * @param {object} handlers
   * @param {(room_id: string, user_id: string) => Promise<void>} handlers.onApprove
   * @param {(room_id: string, user_id: string) => Promise<void>} handlers.onDeny
   */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @param {import("../state/rooms.js").Room} room @param {import("../chat/requests.js").JoinRequest[]} list */
  show({ room_id, name }, list) {
    this.#room_id = room_id;
    setText(byId("requests-title"), `Asking to join ${name}`);
    setText(this.#note, "");
    this.#entries.clear();
    this.#list.replaceChildren();
    this.#dialog.showModal();
    this.render(room_id, list);
  }

  /** Those that are there stay as they are: somebody may be about to press a button. */
  render(room_id, list) {
    if (!this.#dialog.open || room_id !== this.#room_id) return;
    const waiting = new Set(list.map(({ user_id }) => user_id));
    for (const [user_id, node] of this.#entries) if (!waiting.has(user_id)) this.#take(user_id, node);
    for (const request of list) if (!this.#entries.has(request.user_id)) this.#add(request);
    if (list.length === 0 && this.#note.textContent === "") setText(this.#note, "Nobody is waiting any more.");
  }

  #add(request) {
    const node = this.#entry(request);
    this.#entries.set(request.user_id, node);
    this.#list.append(node);
    setText(this.#note, "");
  }

  #take(user_id, node) {
    const had_focus = node.contains(document.activeElement);
    this.#entries.delete(user_id);
    node.remove();
    if (had_focus) (this.#list.querySelector("button") ?? this.#dialog.querySelector("[data-close]")).focus();
  }

  #entry({ user_id, username, message, created_at }) {
    const { onApprove, onDeny } = this.#handlers;
    const name = el("strong", { dir: "auto", title: `Since ${fullTime(created_at)}` }, username);
    const words = message === null ? null : el("span", { class: "quiet", dir: "auto" }, message);
    const button = (label, decide) => el("button", {
      type: "button",
      "aria-label": `${label} ${username}`,
      onclick: (event) => this.#decide(event.currentTarget.parentElement, () => decide(this.#room_id, user_id)),
    }, label);
    return el("li", {}, el("div", { class: "about" }, name, words), button("Approve", onApprove), button("Deny", onDeny));
  }

  /** Once at a time. The buttons are not disabled meanwhile: they would lose the focus. */
  async #decide(entry, decide) {
    if (entry.ariaBusy === "true") return;
    entry.ariaBusy = "true";
    setText(this.#note, "");
    try {
      await decide();
    } catch (error) {
      setText(this.#note, refusalText(error));
    }
    entry.ariaBusy = "false";
  }
}

/** @param {import("../chat/requests.js").JoinRequest[]} list */
export function requestsText(list) {
  if (list.length === 0) return "";
  return list.length === 1 ? `${list[0].username} asks to join.` : `${list.length} people ask to join.`;
}
