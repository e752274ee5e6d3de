// What edits, deletions and reactions make of a message on show.

import { compareEpochs } from "../protocol/frames.js";

/** Live acts that are remembered for pages of history that were made before them. */
const ACTS_MAX = 500;

const CHANGES = {
  message_edited: edited,
  message_deleted: deleted,
  reaction_added: (item, { emoji, user }) => reacted(item, emoji, user.user_id, true),
  reaction_removed: (item, { emoji, user }) => reacted(item, emoji, user.user_id, false),
  messages_purged: deleted,
};

/** @param {object} frame @returns {boolean} whether the frame is about earlier messages */
export function isAct(frame) {
  return Object.hasOwn(CHANGES, frame.type);
}

/** Whether an act is about this message: timestamps of a room have one form. @returns {boolean} */
export function isAbout(act, item) {
  if (act.type !== "messages_purged") return act.message_id === item.message_id;
  const is_theirs = item.kind === "message" && item.user.user_id === act.user.user_id;
  return is_theirs && (act.from === undefined || act.from <= item.timestamp) && item.timestamp <= act.to;
}

/** @param {import("./timeline.js").Item} item a message @param {object} act a frame about it */
export function applyAct(item, act) {
  if (!item.deleted) CHANGES[act.type](item, act);
}

/** The acts that came live, in order: a page of history may have been made before them and arrive after them. */
export class RecentActs {
  #acts = [];

  add(act) {
    this.#acts.push(act);
    if (this.#acts.length > ACTS_MAX) this.#acts.shift();
  }

  /** Brings an item of a page up to date. @param {?{epoch: string, seq: number}} [upto] what the page has already */
  catchUp(item, upto = null) {
    const isNews = (act) => upto === null || (compareEpochs(act.epoch, upto.epoch) || act.seq - upto.seq) > 0;
    for (const act of this.#acts) if (isAbout(act, item) && isNews(act)) applyAct(item, act);
  }

  /** Whether there is one like this. */
  some(test) {
    return this.#acts.some(test);
  }

  forget() {
    this.#acts = [];
  }
}

/** An older edit than the one on show changes nothing. Timestamps of a room have one form and one clock. */
function edited(item, { content, timestamp }) {
  if (item.edited_at !== undefined && timestamp < item.edited_at) return;
  Object.assign(item, { content, edited_at: timestamp });
}

function deleted(item) {
  Object.assign(item, { content: "", deleted: true, edited_at: undefined, reactions: [] });
}

/** Of many users only the first are named, and the others counted: whose are not named is news each time. */
function reacted(item, emoji, user_id, there) {
  let known = item.reactions.find((reaction) => reaction.emoji === emoji);
  if (known === undefined) item.reactions.push((known = { emoji, count: 0, user_ids: [] }));
  const is_named = known.user_ids.includes(user_id);
  known.gone = (known.gone ?? []).filter((id) => id !== user_id);
  if (there && !is_named) {
    known.count += 1;
    known.user_ids = [...known.user_ids, user_id];
  } else if (!there && (is_named || known.count > known.user_ids.length)) {
    known.count -= 1;
    known.user_ids = known.user_ids.filter((id) => id !== user_id);
    known.gone.push(user_id);
  }
  item.reactions = item.reactions.filter((reaction) => reaction.count > 0);
}

/** Whether a reaction is a user's. @param {{user_ids: string[], mine?: boolean, gone?: string[]}} reaction @param {string} user_id */
export function isOf({ user_ids, mine = false, gone = [] }, user_id) {
  return user_ids.includes(user_id) || (mine && !gone.includes(user_id));
}
