import assert from "node:assert/strict";
import test from "node:test";
import { createChat } from "../static/assets/chat/chat.js";
import { mentions, mentionsIn } from "../static/assets/protocol/mentions.js";
import { toItem } from "../static/assets/state/timeline.js";
import { Unread } from "../static/assets/state/unread.js";
import { rowsOf } from "../static/assets/ui/rows.js";
import { FakeStorage, settle } from "./fakes.js";
import { ROOM, USER, fixture, messageFrame, serverFrame } from "./fixtures.js";

const OTHER = "01920000-0000-7000-8000-0000000000a2";
const BOB = "01920000-0000-7000-8000-000000000002";
const at = (seq, epoch = "e1") => ({ epoch, seq });
const state = (fields) => ({ read: at(0), unread: 0, mentions: 0, capped: false, counted: at(0), ...fields });
const said = (seq, mentions_me = false) => ({ ...at(seq), message_id: `m-${seq}`, mentions_me });
const counts = (unread) => [unread.unread(ROOM), unread.mentions(ROOM)];

test("names are found by the rule of the server", () => {
  for (const { text, names } of fixture("mentions")) {
    const found = mentionsIn(text);
    assert.deepEqual([...new Set(found.map(({ name }) => name))].sort(), [...names].sort(), text);
    for (const { start, end, name } of found) assert.equal(text.slice(start, end).toLowerCase(), `@${name}`);
  }
  assert.ok(mentions("hi @ALICE.", "Alice"));
});

test("what is heard live is added behind what the server has counted", () => {
  const unread = new Unread();
  unread.told(ROOM, state({ read: at(2), unread: 3, mentions: 1, counted: at(8) }));
  unread.said(ROOM, said(8));
  unread.said(ROOM, said(9, true));
  unread.said(ROOM, said(9, true));
  assert.deepEqual(counts(unread), [4, 2], "what was counted, and a repeat, count once");
  unread.told(ROOM, state({ read: at(2), unread: 4, mentions: 2, counted: at(9) }));
  assert.deepEqual(counts(unread), [4, 2]);
  unread.told(ROOM, state({ read: at(2), unread: 99, counted: at(7) }));
  unread.told(ROOM, state({ read: at(1), unread: 99, counted: at(99) }));
  assert.deepEqual(counts(unread), [4, 2], "an answer that was overtaken changes nothing");
});

test("a mark only moves on, also over epochs", () => {
  const unread = new Unread();
  unread.told(ROOM, state({ read: at(2), unread: 3, counted: at(8) }));
  unread.said(ROOM, said(9));
  assert.equal(unread.readTo(ROOM, at(9)), true);
  assert.deepEqual(counts(unread), [0, 0]);
  assert.equal(unread.readTo(ROOM, at(9)), false);
  unread.said(ROOM, said(9));
  assert.deepEqual(counts(unread), [0, 0]);
  assert.equal(unread.readTo(ROOM, at(1, "e2")), true);
  assert.deepEqual(unread.read(ROOM), at(1, "e2"));
});

test("changes of live messages are known, those of counted ones are asked for", () => {
  const unread = new Unread();
  assert.equal(unread.changed(ROOM, "m-1", null), true, "nothing is unread");
  unread.told(ROOM, state({ unread: 1, counted: at(1) }));
  unread.said(ROOM, said(2));
  assert.equal(unread.changed(ROOM, "m-1", null), false);
  assert.equal(unread.changed(ROOM, "m-2", { mentions_me: true }), true);
  assert.deepEqual(counts(unread), [2, 1]);
  assert.equal(unread.changed(ROOM, "m-2", null), true);
  assert.deepEqual(counts(unread), [1, 0]);
});

/** A page with these rooms, of which so many may be live. */
async function page({ rooms, live = 200 }) {
  const room = (room_id, name) => ({ room_id, slug: null, name, description: "", visibility: "public", role: "member" });
  const calls = [];
  const api = {
    answers: rooms,
    myRooms: async () => (calls.push("list"), { rooms: api.answers.map(([id, counted]) => ({ ...room(id, id), ...counted })) }),
    readState: async (id) => (calls.push(id), api.answers.find(([room_id]) => room_id === id)[1]),
    room: async (id) => ({ ...room(id, id), slow_mode_ms: 0, frozen: false, members: 7 }),
    messages: async () => ({ events: [1, 2, 3].map((seq) => messageFrame(seq, { user_id: BOB })), next_cursor: "3" }),
  };
  const sent = [];
  const connection = { state: { kind: "online" }, send: (frame) => sent.push(frame) > 0 };
  const clock = { now: 1_000_000 };
  const parts = { api, connection, user: USER, storage: new FakeStorage(), now: () => clock.now, isLooking: () => false };
  const chat = createChat({ ...parts, changed: () => {} });
  await chat.sync.refreshRooms();
  chat.rooms.open_id = ROOM;
  const hello = serverFrame("hello");
  chat.sync.onFrame({ ...hello, limits: { ...hello.limits, rooms: live } });
  const tick = async (ms) => {
    clock.now += ms;
    chat.marks.tick();
    await settle();
  };
  await settle();
  [sent, calls].forEach((list) => (list.length = 0));
  return { chat, api, calls, sent, tick };
}

test("the list tells what is unread, live messages add to it, another device takes it away", async () => {
  const rooms = [[ROOM, state({})], [OTHER, state({ unread: 3, mentions: 1, counted: at(4) })]];
  const { chat } = await page({ rooms });
  assert.equal(chat.rooms.unread_total, 3);
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), room: OTHER, head: 4 });
  chat.sync.onFrame(messageFrame(5, { room: OTHER, user_id: BOB, content: "hi @Alice!" }));
  assert.deepEqual([chat.rooms.unread(OTHER), chat.rooms.marks.mentions(OTHER)], [4, 2]);
  const news = { type: "read", room: OTHER, ...at(5), unread: 0, mentions: 0, capped: false, counted: at(5) };
  chat.sync.onFrame(news);
  assert.deepEqual([chat.rooms.unread(OTHER), chat.rooms.marks.mentions(OTHER)], [0, 0]);
  assert.equal(chat.rooms.unread_total, 0);
});

test("looking at the end of a room tells the server, not more than every two seconds, and the last place always", async () => {
  const { chat, sent, tick } = await page({ rooms: [[ROOM, state({ unread: 3, counted: at(3) })]] });
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: 3 });
  chat.marks.look(ROOM);
  chat.marks.look(ROOM);
  assert.deepEqual(sent, [{ type: "read", room: ROOM, epoch: "e1", seq: 3 }]);
  assert.equal(chat.rooms.unread_total, 0);
  for (const seq of [4, 5]) {
    chat.sync.onFrame(messageFrame(seq, { user_id: BOB }));
    chat.marks.look(ROOM);
  }
  await tick(1_000);
  assert.equal(sent.length, 1);
  await tick(1_000);
  assert.deepEqual(sent[1], { type: "read", room: ROOM, epoch: "e1", seq: 5 });
});

test("rooms that are not live are kept by their heads", async () => {
  const rooms = [[ROOM, state({})], [OTHER, state({ read: at(4), counted: at(4) })]];
  const { chat, api, calls, sent, tick } = await page({ rooms, live: 1 });
  assert.deepEqual([chat.sync.isLive(ROOM), chat.sync.isLive(OTHER)], [true, false]);
  await tick(30_000);
  assert.deepEqual(sent, [{ type: "heads", rooms: [{ room: OTHER, epoch: "e1", seq: 4 }] }]);
  calls.length = 0;
  api.answers = [[ROOM, state({})], [OTHER, state({ read: at(4), unread: 2, counted: at(6) })]];
  chat.sync.onFrame({ type: "heads", rooms: [{ room: OTHER, ...at(6) }] });
  await tick(0);
  assert.deepEqual([calls, chat.rooms.unread(OTHER)], [[OTHER], 2]);
  chat.sync.onFrame({ type: "heads", rooms: Array.from({ length: 11 }, () => ({ room: OTHER, ...at(9) })) });
  await tick(0);
  assert.deepEqual(calls, [OTHER, "list"], "much news is one question");
});

test("after a new connection the list is read again, at some time within three seconds", async () => {
  const { chat, calls, tick } = await page({ rooms: [[ROOM, state({})]] });
  await tick(5_000);
  assert.deepEqual(calls, [], "not after the first one");
  chat.sync.onFrame(serverFrame("hello"));
  await tick(3_000);
  assert.deepEqual(calls, ["list"]);
});

test("a room that is opened becomes live in the place of another", async () => {
  const rooms = [[ROOM, state({})], [OTHER, state({})]];
  const { chat, sent } = await page({ rooms, live: 1 });
  chat.rooms.open_id = OTHER;
  chat.sync.open(OTHER);
  const [gone, come] = sent;
  assert.deepEqual(gone, { type: "unsubscribe", rooms: [ROOM] });
  assert.deepEqual([come.type, come.rooms[0].room], ["subscribe", OTHER]);
});

test("a deletion that nobody can place is counted anew", async () => {
  const { chat, api, calls, tick } = await page({ rooms: [[ROOM, state({ unread: 2, counted: at(2) })]] });
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: 2 });
  api.answers = [[ROOM, state({ unread: 1, counted: at(3) })]];
  chat.sync.onFrame({ ...serverFrame("message_deleted"), seq: 3 });
  await tick(1_000);
  assert.deepEqual([calls, chat.rooms.unread(ROOM)], [[ROOM], 1]);
});

test("new messages stand behind a line, and own name is marked", () => {
  const frames = [1, 2, 3, 4].map((seq) => messageFrame(seq, { user_id: seq === 2 ? USER.user_id : BOB }));
  frames[3].message.content = "hi @alice";
  const items = frames.map(toItem);
  const kinds = (view) => rowsOf({ items, entries: [], user: USER, ...view }).map(({ kind }) => kind);
  assert.deepEqual(kinds({}), ["day", "message", "message", "message", "message"]);
  assert.deepEqual(kinds({ divider: at(1) }), ["day", "message", "message", "divider", "message", "message"]);
  assert.deepEqual(kinds({ divider: at(0) }).includes("divider"), false, "the first new one may not be on show");
  assert.deepEqual(kinds({ divider: at(0), whole: true }).slice(0, 3), ["day", "divider", "message"]);
  assert.deepEqual(kinds({ divider: at(9) }).includes("divider"), false);
  const rows = rowsOf({ items, entries: [], user: USER });
  assert.deepEqual(rows.map(({ mentions_me }) => mentions_me === true), [false, false, false, false, true]);
});

test("what is unread when a room is opened stays marked as new", async () => {
  const { chat } = await page({ rooms: [[ROOM, state({ read: at(1), unread: 2, counted: at(3) })], [OTHER, state({})]] });
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: 3 });
  chat.sync.open(ROOM);
  await settle();
  chat.marks.look(ROOM);
  assert.deepEqual([chat.rooms.divider(ROOM), chat.rooms.unread(ROOM)], [at(1), 0]);
  chat.sync.open(OTHER);
  assert.equal(chat.rooms.divider(ROOM), null);
  chat.sync.open(ROOM);
  assert.equal(chat.rooms.divider(ROOM), null);
  // Behind another window, or scrolled up.
  chat.sync.onFrame(messageFrame(4, { user_id: BOB }));
  assert.deepEqual(chat.rooms.divider(ROOM), at(3));
});
