// The list of the user's rooms.

import { byId, el, setText } from "./dom.js";
import { addressOf } from "../state/address.js";
import { keepsOrder } from "../state/rooms.js";
import { signOf } from "./format.js";

export class RoomListView {
  #list = byId("rooms");
  #note = byId("rooms-note");
  #shown = "";

  /**
   * @param {import("../state/rooms.js").Rooms} rooms
   * @param {import("../chat/requests.js").Requests} requests
   * @param {?string} problem why there is no list
   */
  render(rooms, requests, problem) {
    const list = rooms.list();
    setText(this.#note, noteOf(rooms, list, problem));
    this.#note.hidden = this.#note.textContent === "";
    const shown = JSON.stringify([rooms.open_id, list.map((room) => [room, ...countsOf(room, rooms, requests)])]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    // The list is made anew: whoever moves through it by keyboard stays where they were.
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.hash : null;
    this.#list.replaceChildren(...list.map((room) => entry(room, countsOf(room, rooms, requests), rooms.open_id)));
    if (focused) [...this.#list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
  }
}

function noteOf(rooms, list, problem) {
  if (problem) return problem;
  if (!rooms.loaded) return "Loading rooms…";
  return list.length === 0 ? "You are in no room yet. Find one, or create your own." : "";
}

function entry(room, [unread, mentions, capped, asking], open_id) {
  const attributes = {
    href: addressOf(room),
    class: unread > 0 ? "room unread" : "room",
    "aria-current": room.room_id === open_id ? "page" : undefined,
  };
  const name = el("span", { class: "name", dir: "auto" }, room.name);
  return el("li", {}, el("a", attributes, el("span", { class: signOf(room) }), name,
    badge(asking, false, "badge requests", "+", asking === 1 ? " asks to join" : " ask to join"),
    badge(mentions, capped, "badge mentions", "@", mentions === 1 ? " mention" : " mentions"),
    badge(unread, capped, "badge", "", " unread")));
}

function countsOf(room, rooms, requests) {
  const { room_id } = room;
  const asking = keepsOrder(room) ? requests.of(room_id).length : 0;
  return [rooms.unread(room_id), rooms.marks.mentions(room_id), rooms.marks.capped(room_id), asking];
}

function badge(count, capped, kind, sign, word) {
  if (count === 0) return null;
  const text = count > 99 || (capped && sign === "") ? "99+" : String(count);
  return el("span", { class: kind }, `${sign}${text}`, el("span", { class: "unseen" }, word));
}
