// What edits, deletions and reactions make of a message on show.

/** Live acts that are remembered for pages of history that were made before them. */
const ACTS_MAX = 500;

const CHANGES = {
  message_edited: edited,
  message_deleted: deleted,
  reaction_added: (item, { emoji, user }) => reacted(item, emoji, user.user_id, true),
  reaction_removed: (item, { emoji, user }) => reacted(item, emoji, user.user_id, false),
};

/** @param {object} frame @returns {boolean} whether the frame is about an earlier message */
export function isAct(frame) {
  return Object.hasOwn(CHANGES, frame.type);
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

  /** Brings an item of a page up to date. */
  catchUp(item) {
    for (const act of this.#acts) if (act.message_id === item.message_id) applyAct(item, act);
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

function reacted(item, emoji, user_id, there) {
  const known = item.reactions.find((reaction) => reaction.emoji === emoji);
  const others = (known?.user_ids ?? []).filter((id) => id !== user_id);
  const user_ids = there ? [...others, user_id] : others;
  if (known === undefined) item.reactions.push({ emoji, user_ids });
  else known.user_ids = user_ids;
  item.reactions = item.reactions.filter((reaction) => reaction.user_ids.length > 0);
}
