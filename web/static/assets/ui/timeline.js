// Shows the rows of the open room, keeps the view at its end or where the reader is.

import { chips, editor, menu } from "./acts.js";
import { el, setText } from "./dom.js";
import { mentionsIn } from "../protocol/mentions.js";
import { rowsOf } from "./rows.js";
import { clockTime, dayName, fullTime, hueOf, settingsText } from "./format.js";

/** Closer to the end than this counts as being there. */
const AT_END_PX = 60;
/** Closer to the start than this asks for older messages. */
const AT_START_PX = 80;

const MARKS = {
  sending: { sign: "◌", text: "Sending" },
  delivered: { sign: "✓", text: "Delivered" },
  stored: { sign: "✓✓", text: "Stored" },
  failed: { sign: "!", text: "Not sent" },
};

/** Before the reason why an act has failed. */
const FAILED = { edit: "Not changed.", delete: "Not deleted.", react: "Reaction not sent." };

export class TimelineView {
  #parts;
  #nodes = new Map();
  #room_id = null;
  #first_key = null;
  #at_end = true;
  #height_px = 0;
  #editing = null;
  #drafts = new Map();
  #me = null;
  #acts;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.scroller the scrolling box, `list`, `older`, `empty` and `problem` inside it
   * @param {HTMLElement} parts.list
   * @param {HTMLButtonElement} parts.older
   * @param {HTMLElement} parts.empty
   * @param {HTMLElement} parts.problem
   * @param {HTMLButtonElement} parts.jump goes to the end
   * @param {() => void} parts.onOlder
   * @param {() => void} parts.onLook the reader reached the end
   * @param {(client_id: string) => void} parts.onRetry
   * @param {(client_id: string) => void} parts.onDiscard
   * @param {import("./acts.js").ActHandlers["onReact"]} parts.onReact
   * @param {(message_id: string) => void} parts.onDelete
   * @param {(message_id: string, content: string) => ?string} parts.onEdit answers with why it was not taken
   * @param {import("./length.js").TextLimits} parts.limits
   */
  constructor(parts) {
    this.#parts = parts;
    this.#acts = { onReact: parts.onReact, onDelete: parts.onDelete, onEdit: (id) => this.#edit(id) };
    parts.older.addEventListener("click", () => parts.onOlder());
    parts.jump.addEventListener("click", () => this.toEnd());
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(parts.scroller);
  }

  /** Whether the reader sees the newest row. */
  get at_end() {
    return this.#at_end;
  }

  toEnd() {
    this.#parts.scroller.scrollTop = this.#parts.scroller.scrollHeight;
    this.#parts.jump.hidden = true;
    this.#at_end = true;
  }

  /**
   * @param {object} view
   * @param {string} view.room_id
   * @param {import("../state/timeline.js").Timeline} view.timeline
   * @param {import("../state/outbox.js").Entry[]} view.entries
   * @param {{user_id: string, username: string}} view.user
   * @param {boolean} view.loading
   * @param {string} [view.problem]
   * @param {?import("../state/unread.js").Place} [view.divider] behind this place messages are new
   */
  render({ room_id, timeline, entries, user, loading, problem, divider }) {
    const switched = room_id !== this.#room_id;
    if (switched) this.#clear(room_id);
    this.#me = user;
    const whole = timeline.loaded && timeline.older_cursor === null;
    const rows = rowsOf({ items: timeline.items, entries, user, divider, whole });
    // Pages of history are not news: a screen reader is only told what comes in live.
    this.#parts.list.parentElement.setAttribute("aria-busy", String(loading || switched));
    this.#place(rows);
    this.#frame(timeline, rows, loading, problem);
  }

  #clear(room_id) {
    this.#room_id = room_id;
    this.#nodes.clear();
    this.#parts.list.replaceChildren();
    this.#first_key = null;
    this.#at_end = true;
  }

  #frame(timeline, rows, loading, problem) {
    const { older, empty, jump } = this.#parts;
    older.hidden = timeline.older_cursor === null || rows.length === 0;
    older.disabled = loading;
    setText(older, loading ? "Loading…" : "Load older messages");
    empty.hidden = rows.length > 0 || problem !== undefined;
    setText(empty, timeline.loaded ? "Nothing has been said here yet. Say hello!" : "Loading messages…");
    this.#parts.problem.hidden = problem === undefined;
    setText(this.#parts.problem.firstElementChild, problem ?? "");
    if (this.#at_end) jump.hidden = true;
  }

  /** Brings the list in line with the rows, element by element, without touching what is right already. */
  #place(rows) {
    const { scroller, list } = this.#parts;
    const below_px = scroller.scrollHeight - scroller.scrollTop;
    const last_key = list.lastElementChild?.dataset.key;
    const nodes = new Map(rows.map((row) => [row.key, this.#node(row)]));
    for (const [key, { node }] of this.#nodes) if (!nodes.has(key)) node.remove();
    let next = list.firstElementChild;
    for (const { node } of nodes.values()) {
      if (node === next) next = next.nextElementSibling;
      else list.insertBefore(node, next);
    }
    this.#nodes = nodes;
    const grew_at_start = this.#first_key !== null && rows[0]?.key !== this.#first_key;
    this.#first_key = rows[0]?.key ?? null;
    this.#follow(rows.at(-1), last_key, grew_at_start ? below_px : null);
  }

  #follow(last, last_key, below_px) {
    const grew_at_end = last !== undefined && last.key !== last_key;
    if (this.#at_end || (grew_at_end && last.mark === "sending")) this.toEnd();
    else if (below_px !== null) this.#parts.scroller.scrollTop = this.#parts.scroller.scrollHeight - below_px;
    else if (grew_at_end) this.#parts.jump.hidden = false;
  }

  #node(row) {
    const known = this.#nodes.get(row.key);
    const { message_id, content, edited_at, deleted } = row;
    const editing = message_id !== undefined && message_id === this.#editing && !deleted;
    // While it is being edited, nothing else changes the element: the draft in it must stay.
    const state = editing ? ["editing"] : [content, edited_at, deleted, JSON.stringify([row.chips, row.failures])];
    const stamp = [row.kind, row.mark, row.together, row.error, row.timestamp, message_id, ...state].join("|");
    if (known?.stamp === stamp) return known;
    const node = this.#make(row);
    node.dataset.key = row.key;
    if (known) known.node.replaceWith(node);
    return { node, stamp };
  }

  #make(row) {
    if (row.kind === "day") return el("li", { class: "day" }, el("span", {}, dayName(row.timestamp)));
    if (row.kind === "notice") return notice(row);
    if (row.kind === "divider") return el("li", { class: "divider" }, el("span", {}, "New messages"));
    return this.#message(row);
  }

  #message(row) {
    const state = [row.own && "own", row.together && "together", row.deleted && "deleted", row.mentions_me && "mentions-me", row.mark];
    const classes = ["message", ...state].filter(Boolean).join(" ");
    const failed = row.mark === "failed" ? [this.#failed("Not sent.", row)] : [];
    const failures = (row.failures ?? []).map((failure) => this.#failed(FAILED[failure.type], failure));
    const placed = row.message_id !== undefined && !row.deleted;
    const under = placed ? [chips(row, this.#acts), menu(row, this.#acts)] : [];
    const body = el("div", { class: "body" }, author(row), this.#bubble(row), ...failed, ...failures, ...under);
    return el("li", { class: classes }, avatar(row), body);
  }

  #bubble(row) {
    if (row.message_id !== undefined && row.message_id === this.#editing && !row.deleted) {
      return this.#editor(row);
    }
    const content = row.deleted ? ["Message deleted"] : marked(row.content, this.#me);
    return el("div", { class: "bubble" }, el("p", { class: "content", dir: "auto" }, ...content), foot(row));
  }

  #edit(message_id) {
    this.#editing = message_id;
    this.#parts.onLook();
  }

  #editor({ message_id, content }) {
    const { limits, onEdit, onLook } = this.#parts;
    const done = () => {
      this.#drafts.delete(message_id);
      this.#editing = null;
      onLook();
    };
    const save = (text) => {
      const refused = onEdit(message_id, text);
      if (!refused) done();
      return refused;
    };
    const draft = this.#drafts.get(message_id) ?? content;
    const keep = (text) => this.#drafts.set(message_id, text);
    return editor({ content, draft, limits, onDraft: keep, onSave: save, onCancel: done });
  }

  #failed(what, { client_id, error }) {
    const { onRetry, onDiscard } = this.#parts;
    return el("div", { class: "failure" }, el("span", {}, `${what} ${error ?? ""}`),
      el("button", { type: "button", class: "link", onclick: () => onRetry(client_id) }, "Try again"),
      el("button", { type: "button", class: "link", onclick: () => onDiscard(client_id) }, "Discard"));
  }

  /** A keyboard or a longer draft takes room away: the end stays in view if it was. */
  #resized() {
    this.#height_px = this.#parts.scroller.clientHeight;
    if (this.#at_end) this.toEnd();
  }

  #scrolled() {
    const { scroller, older, jump } = this.#parts;
    if (scroller.clientHeight !== this.#height_px) return;
    this.#at_end = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_END_PX;
    if (this.#at_end) jump.hidden = true;
    if (this.#at_end) this.#parts.onLook();
    else if (scroller.scrollTop < AT_START_PX && !older.hidden && !older.disabled) this.#parts.onOlder();
  }
}

const MOVES = {
  joined: "joined",
  left: "left",
  kicked: "was removed",
  banned: "was banned",
  unbanned: "is no longer banned",
  muted: "was muted",
  unmuted: "is no longer muted",
};

/** What a moderator does to let somebody in. */
const ADDED = "was added";

function notice({ move, user, by, until, settings, timestamp }) {
  if (settings !== undefined) {
    return el("li", { class: "notice" }, el("bdi", {}, user.username), ` ${settingsText(settings)} · `, time(timestamp));
  }
  const actor = by === undefined ? [] : [" by ", el("bdi", {}, by.username)];
  const end = until === undefined ? "" : ` until ${fullTime(until)}`;
  const what = move === "joined" && by !== undefined ? ADDED : MOVES[move];
  return el("li", { class: "notice" }, el("bdi", {}, user.username), ` ${what}`, ...actor, `${end} · `, time(timestamp));
}

/** The text in pieces, the user's own name in it marked. */
function marked(content, me) {
  const pieces = [];
  let end = 0;
  for (const { start, end: next, name } of mentionsIn(content)) {
    if (name !== me.username.toLowerCase()) continue;
    pieces.push(content.slice(end, start), el("mark", { class: "mention" }, content.slice(start, next)));
    end = next;
  }
  return [...pieces, content.slice(end)];
}

function avatar({ user }) {
  const initial = [...user.username][0]?.toUpperCase() ?? "?";
  return el("span", { class: `avatar ${hueOf(user.user_id)}`, "aria-hidden": "true" }, initial);
}

/** A message that follows one of the same person names its author for screen readers only. */
function author({ user, own, together }) {
  const name = own ? "You" : user.username;
  return el("span", { class: own || together ? "author unseen" : "author", dir: "auto" }, name);
}

function foot({ timestamp, mark, edited_at }) {
  const edited = edited_at === undefined ? null : el("span", { title: fullTime(edited_at) }, "edited");
  return el("span", { class: "foot" }, edited, time(timestamp), mark === undefined ? null : markOf(mark));
}

function markOf(mark) {
  const { sign, text } = MARKS[mark];
  return el("span", { class: "mark", title: text }, el("span", { "aria-hidden": "true" }, sign),
    el("span", { class: "unseen" }, text));
}

function time(timestamp) {
  return el("time", { datetime: timestamp, title: fullTime(timestamp) }, clockTime(timestamp));
}
