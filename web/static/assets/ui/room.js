// The right side: the open room, a room one may join, or nothing yet.

import { byId, setText } from "./dom.js";
import { keepsOrder, mayTalk } from "../state/rooms.js";
import { limitsText, memberCount, onlineCount, typingText } from "./format.js";
import { Composer } from "./composer.js";
import { TextLimits } from "./length.js";
import { TypingView } from "./presence.js";
import { TimelineView } from "./timeline.js";

/**
 * @typedef {object} Stranger a room that the address names and the user is not in
 * @property {?object} room none while it is looked up, or if there is none
 * @property {string} [problem]
 */

export class RoomView {
  #title = byId("room-title");
  #sign = byId("room-sign");
  #about = byId("room-about");
  #leave = byId("room-leave");
  #members = byId("room-members");
  #limits = byId("room-limits");
  #talk = byId("talk");
  #aside = byId("aside");
  #join = byId("join");
  #typing = new TypingView();
  /** How long a text may be, new or edited. */
  limits = new TextLimits();

  /**
   * @param {object} handlers
   * @param {(room_id: string, content: string) => ?string} handlers.onSay
   * @param {(room_id: string) => void} handlers.onType
   * @param {() => void} handlers.onOlder
   * @param {() => void} handlers.onReload
   * @param {() => void} handlers.onLook
   * @param {(client_id: string) => void} handlers.onRetry
   * @param {(client_id: string) => void} handlers.onDiscard
   * @param {() => Promise<void>} handlers.onJoin
   * @param {() => void} handlers.onLeave
   * @param {() => void} handlers.onMembers
   */
  constructor(handlers) {
    this.composer = new Composer(this.limits, handlers.onSay, handlers.onType);
    this.timeline = new TimelineView({ ...handlers, ...timelineParts(), limits: this.limits });
    this.#leave.addEventListener("click", handlers.onLeave);
    this.#members.addEventListener("click", handlers.onMembers);
    byId("problem-retry").addEventListener("click", handlers.onReload);
    this.#join.addEventListener("click", () => this.#busy(handlers.onJoin));
  }

  /** @param {object} room @param {object} history what TimelineView.render takes, without the
   * room's id, and how many are online and who types */
  renderRoom(room, history) {
    const { online, typing, ...rest } = history;
    this.#head(room, online);
    this.#typing.render(typingText(typing));
    this.#leave.hidden = false;
    this.#members.hidden = false;
    this.#talk.hidden = false;
    this.#aside.hidden = true;
    this.composer.open(room.room_id, room.name);
    this.composer.allow(mayTalk(room));
    const limits = limitsText(room, keepsOrder(room));
    setText(this.#limits, limits);
    this.#limits.hidden = limits === "";
    this.timeline.render({ room_id: room.room_id, ...rest });
  }

  /** @param {Stranger} stranger */
  renderStranger({ room, problem }) {
    this.#head(room ?? { name: problem ? "No such room" : "…" });
    this.#say(problem ?? (room ? "You are not a member of this room." : "Looking for the room…"));
    this.#join.hidden = room === null;
  }

  renderNothing(text) {
    this.#head(null);
    this.#say(text);
    this.#join.hidden = true;
  }

  #head(room, online = null) {
    setText(this.#title, room === null ? "" : room.name);
    this.#sign.className = `sign ${room?.visibility ?? ""}`;
    const kind = room?.visibility === "private" ? "Private" : "";
    const about = [kind, memberCount(room?.members), onlineCount(online), room?.description].filter(Boolean).join(" · ");
    setText(this.#about, about);
    this.#about.hidden = about === "";
  }

  #say(text) {
    setText(byId("aside-text"), text);
    this.#aside.hidden = false;
    this.#talk.hidden = true;
    this.#leave.hidden = true;
    this.#members.hidden = true;
  }

  async #busy(work) {
    this.#join.disabled = true;
    try {
      await work();
    } catch (error) {
      setText(byId("aside-text"), error.message);
    } finally {
      this.#join.disabled = false;
    }
  }
}

function timelineParts() {
  return {
    scroller: byId("scroller"),
    list: byId("timeline"),
    older: byId("older"),
    empty: byId("empty"),
    problem: byId("problem"),
    jump: byId("jump"),
  };
}
