// The list of the user's rooms.

import { byId, el, setText } from "./dom.js";
import { reference } from "../state/rooms.js";

export class RoomListView {
  #list = byId("rooms");
  #note = byId("rooms-note");
  #shown = "";

  /** @param {import("../state/rooms.js").Rooms} rooms @param {?string} problem why there is no list */
  render(rooms, problem) {
    const list = rooms.list();
    setText(this.#note, noteOf(rooms, list, problem));
    this.#note.hidden = this.#note.textContent === "";
    const shown = JSON.stringify([rooms.open_id, list.map((room) => [room, rooms.unread(room.room_id)])]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    // The list is made anew: whoever moves through it by keyboard stays where they were.
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.hash : null;
    this.#list.replaceChildren(...list.map((room) => entry(room, rooms)));
    if (focused) [...this.#list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
  }
}

function noteOf(rooms, list, problem) {
  if (problem) return problem;
  if (!rooms.loaded) return "Loading rooms…";
  return list.length === 0 ? "You are in no room yet. Find one, or create your own." : "";
}

function entry(room, rooms) {
  const unread = rooms.unread(room.room_id);
  const attributes = {
    href: `#/room/${encodeURIComponent(reference(room))}`,
    class: unread > 0 ? "room unread" : "room",
    "aria-current": room.room_id === rooms.open_id ? "page" : undefined,
  };
  const name = el("span", { class: "name", dir: "auto" }, room.name);
  return el("li", {}, el("a", attributes, el("span", { class: `sign ${room.visibility}` }), name, badge(unread)));
}

function badge(unread) {
  if (unread === 0) return null;
  const count = unread > 99 ? "99+" : String(unread);
  return el("span", { class: "badge" }, count, el("span", { class: "unseen" }, " unread"));
}
