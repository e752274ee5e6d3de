import assert from "node:assert/strict";
import test from "node:test";
import { Timeline, toItem } from "../static/assets/state/timeline.js";
import { rowsOf } from "../static/assets/ui/rows.js";
import { USER, messageFrame, serverFrame } from "./fixtures.js";

const act = (name, seq, fields = {}) => ({ ...serverFrame(name), seq, message_id: "m-1", ...fields });
const at = (minute) => `2026-03-12T10:0${minute}:00.000Z`;
const page = (...events) => ({ events });

/** A live room with one message, number 1. */
function live() {
  const timeline = new Timeline();
  timeline.ask();
  timeline.subscribed({ epoch: "e1", head: 0 });
  timeline.replace(page());
  timeline.live(messageFrame(1));
  return timeline;
}

test("acts change their message and move the position", () => {
  const timeline = live();
  assert.equal(timeline.live(act("message_edited", 2, { content: "new", timestamp: at(1) })), "changed");
  timeline.live(act("reaction_added", 3));
  const [item] = timeline.items;
  assert.deepEqual([item.content, item.edited_at, item.reactions.length], ["new", at(1), 1]);
  timeline.live(act("reaction_removed", 4));
  assert.deepEqual(item.reactions, []);
  timeline.live(act("message_deleted", 5));
  timeline.live(act("message_edited", 6, { content: "back?" }));
  assert.deepEqual([item.content, item.deleted], ["", true]);
  assert.deepEqual(timeline.ask(), { epoch: "e1", seq: 6 });
  assert.equal(timeline.items.length, 1);
});

test("a page that was made before a live act is brought up to date", () => {
  const timeline = live();
  timeline.live(act("message_edited", 2, { content: "new", timestamp: at(1) }));
  timeline.replace(page(messageFrame(1)));
  assert.equal(timeline.items[0].content, "new");
  const later = messageFrame(1, { content: "newer", edited_at: at(2) });
  timeline.replace(page(later));
  assert.equal(timeline.items[0].content, "newer", "an older edit does not undo a newer one");
});

test("what was done to shown messages in a gap is read from its pages", () => {
  const timeline = live();
  timeline.gap({ from: 2, to: 3 });
  timeline.addNewer(page(act("message_edited", 2, { content: "in the gap" }), act("reaction_added", 3)));
  assert.deepEqual([timeline.items[0].content, timeline.items[0].reactions.length], ["in the gap", 1]);
});

test("history comes with the state of its messages", () => {
  const edited = toItem(serverFrame("new_message_edited"));
  const deleted = toItem({ ...serverFrame("new_message_deleted"), seq: 132 });
  const rows = rowsOf({ items: [edited, deleted], entries: [], user: USER });
  assert.deepEqual(rows[1].chips, [{ emoji: "👍", count: 1, mine: true }]);
  assert.equal(rows[1].edited_at, edited.edited_at);
  assert.equal(rows[2].deleted, true);
});

test("of many users with a reaction only the first are named, and all are counted", () => {
  const timeline = live();
  const many = { emoji: "👍", count: 500, user_ids: ["u-1", "u-2"], mine: true };
  const said = messageFrame(1);
  timeline.live(act("reaction_added", 2, { user: { user_id: "u-3", username: "three" } }));
  // The page was made after that act, which is told in it.
  const upto = { epoch: "e1", seq: 2 };
  timeline.replace({ events: [{ ...said, message: { ...said.message, reactions: [many] } }], upto });
  const chip = () => rowsOf({ items: timeline.items, entries: [], user: USER }).find((row) => row.chips)?.chips[0];
  assert.deepEqual(chip(), { emoji: "👍", count: 500, mine: true });
  timeline.live(act("reaction_removed", 3, { user: USER }));
  assert.deepEqual(chip(), { emoji: "👍", count: 499, mine: false });
  timeline.live(act("reaction_added", 4, { user: USER }));
  timeline.live(act("reaction_added", 5, { user: { user_id: "u-9", username: "nine" } }));
  assert.deepEqual(chip(), { emoji: "👍", count: 501, mine: true });
});

test("a newest page without the acts at its end is as new as it says", () => {
  const timeline = new Timeline();
  timeline.ask();
  timeline.subscribed({ epoch: "e1", head: 3 });
  assert.equal(timeline.replace({ events: [messageFrame(1)], upto: { epoch: "e1", seq: 3 } }), true);
  assert.equal(timeline.replace({ events: [messageFrame(1)], upto: { epoch: "e1", seq: 2 } }), false);
});

test("a purge takes what somebody said in a time, and what comes of it later", () => {
  const timeline = live();
  const author = timeline.items[0].user;
  timeline.live(messageFrame(2, { timestamp: at(3) }));
  timeline.live(messageFrame(3, { timestamp: at(3), user_id: "somebody-else" }));
  timeline.live(messageFrame(4, { timestamp: at(7) }));
  const purge = { ...serverFrame("messages_purged_since"), seq: 5, user: author, from: at(2), to: at(5) };
  assert.equal(timeline.live(purge), "changed");
  const deleted = () => timeline.items.map((item) => item.deleted);
  assert.deepEqual(deleted(), [false, true, false, false]);
  // A page that was made before the purge.
  timeline.replace(page(messageFrame(1), messageFrame(2, { timestamp: at(3) }), messageFrame(4, { timestamp: at(7) })));
  assert.deepEqual(timeline.items.filter((item) => item.deleted).map((item) => item.message_id), ["m-2"]);
  const { from: _, ...whole } = purge;
  timeline.live({ ...whole, seq: 6, to: at(9) });
  assert.equal(timeline.items.every((item) => item.deleted || item.user.user_id === "somebody-else"), true);
});
