import assert from "node:assert/strict";
import test from "node:test";
import { ITEMS_MAX, Timeline } from "../static/assets/state/timeline.js";
import { messageFrame, serverFrame } from "./fixtures.js";

const seqs = (timeline) => timeline.items.map(({ seq }) => seq);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const page = (from, to, cursors = {}) => ({ events: range(from, to).map((seq) => messageFrame(seq)), ...cursors });

/** A room that is live, with its newest page read. */
function liveTimeline(head = 10) {
  const timeline = new Timeline();
  timeline.ask();
  timeline.subscribed({ epoch: "e1", head });
  timeline.replace(page(Math.max(1, head - 4), head, { prev_cursor: "older", next_cursor: "newer" }));
  return timeline;
}

test("live events are added in order", () => {
  const timeline = liveTimeline(10);
  assert.equal(timeline.live(messageFrame(11)), "added");
  assert.equal(timeline.live({ ...serverFrame("member_joined"), seq: 12 }), "added");
  assert.deepEqual(seqs(timeline), range(6, 12));
  assert.equal(timeline.items.at(-1).kind, "joined");
  assert.deepEqual(timeline.ask(), { epoch: "e1", seq: 12 });
});

test("an event that is known is not shown twice", () => {
  const timeline = liveTimeline(10);
  timeline.live(messageFrame(11));
  assert.equal(timeline.live(messageFrame(11)), "known");
  assert.equal(timeline.live(messageFrame(4)), "known");
  timeline.addOlder(page(1, 8));
  assert.deepEqual(seqs(timeline), range(1, 11));
});

test("a missing number is a hole, and what comes after it is not taken", () => {
  const timeline = liveTimeline(10);
  assert.equal(timeline.live(messageFrame(12)), "hole");
  assert.deepEqual(timeline.ask(), { epoch: "e1", seq: 10 });
  assert.equal(timeline.waiting, true);
  assert.equal(timeline.subscribed({ epoch: "e1", head: 12 }), null);
  assert.equal(timeline.waiting, false);
  for (const seq of [11, 12]) assert.equal(timeline.live(messageFrame(seq)), "added");
  assert.equal(timeline.caughtUp({ seq: 12 }), "whole");
  assert.equal(timeline.caughtUp({ seq: 13 }), "hole");
});

test("an event of a kind that is not shown moves the position", () => {
  const timeline = liveTimeline(10);
  timeline.live({ type: "room_painted", room: "r", epoch: "e1", seq: 11 });
  assert.equal(timeline.live(messageFrame(12)), "added");
  assert.deepEqual(seqs(timeline), [...range(6, 10), 12]);
});

test("a gap is left out of the live numbers and filled by pages, in order", () => {
  const timeline = liveTimeline(10);
  timeline.ask();
  timeline.subscribed({ epoch: "e1", head: 50 });
  timeline.gap({ from: 11, to: 40 });
  for (const seq of range(41, 50)) assert.equal(timeline.live(messageFrame(seq)), "added");
  assert.equal(timeline.caughtUp({ seq: 50 }), "whole");
  timeline.addNewer(page(11, 30, { next_cursor: "later" }));
  assert.equal(timeline.newer_cursor, "later");
  timeline.addNewer(page(31, 45));
  assert.equal(timeline.newer_cursor, null);
  assert.deepEqual(seqs(timeline), range(6, 50));
});

test("a reset begins anew: history replaces what was shown, later live events stay", () => {
  const timeline = liveTimeline(10);
  timeline.reset({ epoch: "e2", head: 2 });
  assert.equal(timeline.loaded, false);
  assert.deepEqual(seqs(timeline), range(6, 10), "shown until history is read");
  assert.equal(timeline.live(messageFrame(11)), "known", "the old epoch is over");
  timeline.live(messageFrame(3, { epoch: "e2", message_id: "n-3" }));
  const renumbered = [1, 2].map((seq) => messageFrame(seq, { epoch: "e2", message_id: `n-${seq}` }));
  timeline.replace({ events: [...page(7, 9).events, ...renumbered] });
  assert.deepEqual(timeline.items.map(({ key }) => key), ["e1:7", "e1:8", "e1:9", "e2:1", "e2:2", "e2:3"]);
  assert.deepEqual(timeline.ask(), { epoch: "e2", seq: 3 });
});

test("a message that was lost and comes again before history is read is shown", () => {
  const timeline = liveTimeline(10);
  timeline.live(messageFrame(11, { message_id: "m-lost" }));
  timeline.reset({ epoch: "e2", head: 11 });
  timeline.live(messageFrame(12, { epoch: "e2", message_id: "m-lost" }));
  timeline.replace(page(6, 10));
  assert.deepEqual(timeline.items.slice(-2).map(({ key }) => key), ["e1:10", "e2:12"]);
});

test("what survived a reset stays, what lies behind it goes", () => {
  const timeline = liveTimeline(10);
  timeline.live(messageFrame(11, { message_id: "m-lost" }));
  assert.equal(timeline.reset({ epoch: "e2", head: 12, survived: { epoch: "e1", seq: 10 } }), "lost");
  assert.equal(timeline.live(messageFrame(13, { epoch: "e2", message_id: "m-lost" })), "added");
  assert.deepEqual(timeline.items.slice(-2).map(({ key }) => key), ["e1:10", "e2:13"]);
  assert.equal(timeline.reset({ epoch: "e3", head: 13, survived: { epoch: "e2", seq: 13 } }), "whole");
});

test("a later epoch without a reset is a hole", () => {
  assert.equal(liveTimeline(10).live(messageFrame(11, { epoch: "e2" })), "hole");
});

test("a message that was sent again in a later epoch is shown once", () => {
  const timeline = liveTimeline(10);
  timeline.reset({ epoch: "e2", head: 0 });
  timeline.replace(page(6, 10));
  assert.equal(timeline.live(messageFrame(1, { epoch: "e2", message_id: "m-10" })), "known");
  assert.equal(timeline.live(messageFrame(2, { epoch: "e2" })), "added");
  assert.equal(timeline.items.filter((item) => item.message_id === "m-10").length, 1);
});

test("history that was read before the room went live is completed", () => {
  const timeline = new Timeline();
  timeline.ask();
  timeline.replace(page(6, 10));
  assert.equal(timeline.position, null, "the answer to the subscribe decides");
  assert.deepEqual(timeline.subscribed({ epoch: "e1", head: 12 }), { from: 11, to: 12 });
});

test("a page that was made before the room went live is not enough", () => {
  const timeline = new Timeline();
  timeline.ask();
  assert.equal(timeline.subscribed({ epoch: "e1", head: 12 }), null);
  timeline.live(messageFrame(13));
  assert.equal(timeline.replace(page(6, 10)), false);
  assert.equal(timeline.replace(page(8, 12)), true);
  assert.deepEqual(seqs(timeline), range(8, 13));
});

test("without a connection the newest page gives the position to resume from", () => {
  const timeline = new Timeline();
  timeline.replace(page(6, 10));
  assert.deepEqual(timeline.ask(), { epoch: "e1", seq: 10 });
});

test("an empty room is whole", () => {
  const timeline = new Timeline();
  timeline.ask();
  timeline.subscribed({ epoch: "e1", head: 0 });
  assert.equal(timeline.replace({ events: [] }), true);
  assert.equal(timeline.live(messageFrame(1)), "added");
});

test("what is on show is bounded", () => {
  const timeline = liveTimeline(10);
  for (const seq of range(11, ITEMS_MAX + 10)) timeline.live(messageFrame(seq));
  assert.equal(timeline.oversized, true);
  const end = ITEMS_MAX + 10;
  timeline.replace(page(end - 49, end, { prev_cursor: "p" }));
  assert.equal(timeline.oversized, false);
  assert.deepEqual(seqs(timeline), range(end - 49, end));
  assert.equal(timeline.live(messageFrame(end + 1)), "added");
});
