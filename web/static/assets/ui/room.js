// The right side: the open room, a room one may join, or nothing yet.

import { byId, setText } from "./dom.js";
import { keepsOrder, mayTalk } from "../state/rooms.js";
import { limitsText, memberCount, onlineCount, presenceText, signOf, typingText } from "./format.js";
import { Composer } from "./composer.js";
import { TextLimits } from "./length.js";
import { TypingView } from "./presence.js";
import { RequestsHint } from "./requests.js";
import { StrangerView } from "./stranger.js";
import { TimelineView } from "./timeline.js";

/** What is said of rooms that are not simply public. */
const KINDS = { direct: "Direct chat", group: "Group" };

export class RoomView {
  #title = byId("room-title");
  #sign = byId("room-sign");
  #about = byId("room-about");
  #leave = byId("room-leave");
  #members = byId("room-members");
  #limits = byId("room-limits");
  #talk = byId("talk");
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
   * @param {(answer: {password?: string}) => Promise<void>} handlers.onJoin
   * @param {() => void} handlers.onLeave
   * @param {() => void} handlers.onMembers
   * @param {() => void} handlers.onRequests
   */
  constructor(handlers) {
    this.composer = new Composer(this.limits, handlers.onSay, handlers.onType);
    this.timeline = new TimelineView({ ...handlers, ...timelineParts(), limits: this.limits });
    this.#leave.addEventListener("click", handlers.onLeave);
    this.#members.addEventListener("click", handlers.onMembers);
    byId("problem-retry").addEventListener("click", handlers.onReload);
    this.stranger = new StrangerView(handlers.onJoin);
    this.hint = new RequestsHint(handlers.onRequests);
  }

  /** @param {object} room @param {object} history what TimelineView.render takes, without the
   * room's id, how many are online, who types, who asks to join, and how the other of a direct room stands */
  renderRoom(room, history) {
    const { online, typing, asking, other, ...rest } = history;
    this.#head(room, online, other);
    this.hint.render(asking);
    this.#typing.render(typingText(typing));
    // Nobody leaves a direct room, and who is in it stands in its head.
    this.#leave.hidden = room.kind === "direct";
    this.#members.hidden = room.kind === "direct";
    this.#talk.hidden = false;
    this.stranger.hide();
    this.composer.open(room.room_id, room.name);
    this.composer.allow(mayTalk(room));
    const limits = limitsText(room, keepsOrder(room));
    setText(this.#limits, limits);
    this.#limits.hidden = limits === "";
    this.timeline.render({ room_id: room.room_id, ...rest });
  }

  /** @param {import("../chat/visit.js").Stranger} stranger */
  renderStranger(stranger) {
    const { room, state } = stranger;
    const name = room?.name ?? (room ? "Group" : (state === "none" ? "Not found" : "…"));
    this.#head({ ...room, name });
    this.#noTalk();
    this.stranger.render(stranger);
  }

  renderNothing(text) {
    this.#head(null);
    this.#noTalk();
    this.stranger.say(text);
  }

  #head(room, online = null, other = null) {
    setText(this.#title, room === null ? "" : room.name);
    this.#sign.className = signOf(room ?? {});
    const about = other === null ? aboutRoom(room ?? {}, online) : [KINDS.direct, presenceText(other)];
    const text = about.filter(Boolean).join(" · ");
    setText(this.#about, text);
    this.#about.hidden = text === "";
  }

  #noTalk() {
    this.#talk.hidden = true;
    this.#leave.hidden = true;
    this.#members.hidden = true;
    this.hint.render([]);
  }
}

function aboutRoom({ kind, visibility, members, description }, online) {
  const what = KINDS[kind] ?? (visibility === "private" ? "Private" : "");
  return [what, memberCount(members), onlineCount(online), description];
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
