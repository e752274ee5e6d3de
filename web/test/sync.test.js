import assert from "node:assert/strict";
import test from "node:test";
import { createChat } from "../static/assets/chat/chat.js";
import { mayTalk } from "../static/assets/state/rooms.js";
import { FakeStorage, settle } from "./fakes.js";
import { ROOM, USER, messageFrame, serverFrame } from "./fixtures.js";

const OTHER = "01920000-0000-7000-8000-0000000000a2";
const room = (room_id, name) => ({ room_id, slug: null, name, description: "", visibility: "public", role: "member" });

/** A server's log of one room, read by pages. */
class FakeApi {
  log = [];
  calls = [];

  async myRooms() {
    return { rooms: [{ ...room(ROOM, "General"), role: this.role ?? "member" }, room(OTHER, "Other")] };
  }

  async room(room_id) {
    return { ...room(room_id, "General"), slow_mode_ms: this.slow_mode_ms ?? 0, frozen: false };
  }

  async messages(_room, { before, after, limit = 50 } = {}) {
    this.calls.push(after === undefined ? "newest" : `after ${after}`);
    const end = before === undefined ? this.log.length : Number(before);
    const from = after === undefined ? Math.max(0, end - limit) : Number(after);
    const events = this.log.slice(from, after === undefined ? end : from + limit);
    return { events, prev_cursor: from > 0 ? String(from) : undefined, next_cursor: String(from + events.length) };
  }
}

async function opened({ log = 5 } = {}) {
  const api = new FakeApi();
  for (let seq = 1; seq <= log; seq += 1) api.log.push(messageFrame(seq, { user_id: OTHER }));
  const connection = { state: { kind: "online" }, sent: [], send: (frame) => connection.sent.push(frame) > 0 };
  const parts = { api, connection, user: USER, storage: new FakeStorage(), now: () => 0, isLooking: () => true };
  const chat = createChat({ ...parts, changed: () => {} });
  await chat.sync.refreshRooms();
  chat.sync.onFrame(serverFrame("hello"));
  chat.rooms.open_id = ROOM;
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: log });
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), room: OTHER, head: 0 });
  chat.sync.open(ROOM);
  await settle();
  connection.sent.length = 0;
  api.calls.length = 0;
  return { api, connection, chat };
}

const shown = (chat) => chat.sync.timeline(ROOM).items.map(({ seq }) => seq);
const count = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("a hole makes the client subscribe once with its position", async () => {
  const { connection, chat } = await opened();
  chat.sync.onFrame(messageFrame(7));
  chat.sync.onFrame(messageFrame(8));
  assert.deepEqual(connection.sent, [{ type: "subscribe", rooms: [{ room: ROOM, epoch: "e1", seq: 5 }] }]);
  chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: 8 });
  [6, 7, 8].forEach((seq) => chat.sync.onFrame(messageFrame(seq)));
  chat.sync.onFrame({ type: "caught_up", room: ROOM, seq: 8 });
  assert.deepEqual(shown(chat), count(1, 8));
  assert.equal(connection.sent.length, 1);
});

test("a room whose numbers never add up is read anew instead of asked for again and again", async () => {
  const { api, connection, chat } = await opened();
  for (let round = 0; round < 4; round += 1) {
    chat.sync.onFrame(messageFrame(9));
    chat.sync.onFrame({ ...serverFrame("subscribed_public"), head: 5 });
  }
  await settle();
  assert.deepEqual(connection.sent.at(-1).rooms, [{ room: ROOM }], "from the head");
  assert.deepEqual(api.calls, ["newest"]);
});

test("a new connection resumes every room where it was, then sends what has no answer", async () => {
  const { connection, chat } = await opened();
  chat.sender.say(ROOM, "hi");
  const [said] = connection.sent.splice(0);
  chat.sync.onFrame(serverFrame("hello"));
  const [subscribed, again] = connection.sent;
  assert.deepEqual(subscribed.rooms[0], { room: ROOM, epoch: "e1", seq: 5 });
  assert.deepEqual(subscribed.rooms[1], { room: OTHER, epoch: "e1", seq: 0 });
  assert.deepEqual(again, said);
});

test("a gap is read from history", async () => {
  const { api, chat } = await opened();
  for (let seq = 6; seq <= 260; seq += 1) api.log.push(messageFrame(seq, { user_id: OTHER }));
  chat.sync.onFrame({ type: "gap", room: ROOM, from: 6, to: 250 });
  for (let seq = 251; seq <= 260; seq += 1) chat.sync.onFrame(messageFrame(seq, { user_id: OTHER }));
  await settle();
  assert.deepEqual(api.calls, ["after 5", "after 105", "after 205"]);
  assert.deepEqual(shown(chat), count(1, 260));
});

test("a gap of thousands is shown from its end", async () => {
  const { api, chat } = await opened();
  for (let seq = 6; seq <= 5_000; seq += 1) api.log.push(messageFrame(seq, { user_id: OTHER }));
  chat.sync.onFrame({ type: "gap", room: ROOM, from: 6, to: 5_000 });
  await settle();
  assert.deepEqual(shown(chat), count(4_951, 5_000));
  assert.equal(chat.sync.timeline(ROOM).older_cursor, "4950");
});

test("a reset reads history again and sends what was delivered but not stored", async () => {
  const { api, connection, chat } = await opened();
  chat.sender.say(ROOM, "hi");
  const [said] = connection.sent.splice(0);
  chat.sync.onFrame(messageFrame(6, { client_id: said.client_id, message_id: "m-said" }));
  assert.equal(chat.outbox.get(said.client_id).state, "delivered");
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 0 });
  assert.deepEqual(connection.sent, [said]);
  await settle();
  assert.deepEqual(api.calls, ["newest"]);
  chat.sync.onFrame(messageFrame(1, { epoch: "e2", client_id: said.client_id, message_id: "m-said" }));
  chat.sync.onFrame({ ...serverFrame("ack"), client_id: said.client_id, epoch: "e2", seq: 1 });
  assert.equal(chat.outbox.get(said.client_id), undefined);
  assert.deepEqual(chat.sync.timeline(ROOM).items.map(({ key }) => key), [...count(1, 5).map((n) => `e1:${n}`), "e2:1"]);
});

test("a reset that says what survived reads nothing", async () => {
  const { api, chat } = await opened();
  for (const seq of [6, 7]) chat.sync.onFrame(messageFrame(seq, { user_id: OTHER, message_id: `m-${seq}` }));
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 7, survived: { epoch: "e1", seq: 7 } });
  chat.sync.onFrame(messageFrame(8, { epoch: "e2", user_id: OTHER }));
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e3", head: 9, survived: { epoch: "e2", seq: 7 } });
  chat.sync.onFrame(messageFrame(10, { epoch: "e3", user_id: OTHER }));
  await settle();
  assert.deepEqual(api.calls, []);
  const keys = chat.sync.timeline(ROOM).items.map(({ key }) => key);
  assert.deepEqual(keys, [...count(1, 7).map((n) => `e1:${n}`), "e3:10"]);
});

test("what was done to messages and did not survive is read again", async () => {
  const { api, chat } = await opened();
  chat.sync.onFrame({ ...serverFrame("message_deleted"), epoch: "e1", seq: 6 });
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 6, survived: { epoch: "e1", seq: 5 } });
  await settle();
  assert.deepEqual(api.calls, ["newest"]);
});

test("a page that was asked for before a reset is not shown", async () => {
  const { api, chat } = await opened();
  const { messages } = api;
  let answer = null;
  const asked = new Promise((resolve) => (answer = resolve));
  api.messages = () => asked;
  chat.sync.reload(ROOM);
  await settle();
  api.messages = messages;
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 5, survived: { epoch: "e1", seq: 5 } });
  answer({ events: [...api.log, messageFrame(6, { user_id: OTHER })], next_cursor: "6" });
  await settle();
  assert.deepEqual(shown(chat), count(1, 5));
  assert.deepEqual(api.calls, ["newest"]);
});

test("history that cannot be read is told and can be read later", async () => {
  const { api, chat } = await opened();
  const { messages } = api;
  api.messages = () => Promise.reject(new Error("The server cannot be reached."));
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 0 });
  await settle();
  assert.equal(chat.sync.problems.get(ROOM), "The server cannot be reached.");
  api.messages = messages;
  await chat.sync.reload(ROOM);
  assert.equal(chat.sync.problems.has(ROOM), false);
});

test("a room that the user may not read any more leaves the list", async () => {
  const { chat } = await opened();
  const refused = { ...serverFrame("error_room_by_slug"), room: OTHER };
  chat.sync.onFrame(refused);
  assert.deepEqual(chat.rooms.list().map(({ name }) => name), ["General"]);
});

test("messages of others in rooms that are not open are unread", async () => {
  const { chat } = await opened();
  chat.sync.onFrame(messageFrame(1, { room: OTHER, user_id: OTHER }));
  chat.sync.onFrame(messageFrame(2, { room: OTHER }));
  chat.sync.onFrame(messageFrame(6, { user_id: OTHER }));
  chat.marks.look(ROOM);
  assert.equal(chat.rooms.unread(OTHER), 1);
  assert.equal(chat.rooms.unread_total, 1);
  chat.sync.open(OTHER);
  await settle();
  chat.marks.look(OTHER);
  assert.equal(chat.rooms.unread_total, 0);
});

test("settings of a room come with their event and hold for the composer", async () => {
  const { chat } = await opened();
  assert.equal(mayTalk(chat.rooms.get(ROOM)), true);
  chat.sync.onFrame({ ...serverFrame("room_updated"), seq: 6 });
  const { slow_mode_ms, frozen } = chat.rooms.get(ROOM);
  assert.deepEqual([slow_mode_ms, frozen], [30_000, true]);
  assert.equal(mayTalk(chat.rooms.get(ROOM)), false);
  assert.equal(mayTalk({ ...chat.rooms.get(ROOM), role: "moderator" }), true);
  chat.sync.onFrame({ ...serverFrame("room_updated"), seq: 7, frozen: false });
  assert.equal(mayTalk(chat.rooms.get(ROOM)), true);
  assert.deepEqual(chat.sync.timeline(ROOM).items.slice(-2).map(({ kind }) => kind), ["updated", "updated"]);
});

test("after a gap or a reset the settings are asked for", async () => {
  const { api, chat } = await opened();
  api.slow_mode_ms = 7_000;
  chat.sync.onFrame({ type: "gap", room: ROOM, from: 6, to: 9 });
  await settle();
  assert.equal(chat.rooms.get(ROOM).slow_mode_ms, 7_000);
  api.slow_mode_ms = 9_000;
  chat.sync.onFrame({ type: "reset", room: ROOM, epoch: "e2", head: 0 });
  await settle();
  assert.equal(chat.rooms.get(ROOM).slow_mode_ms, 9_000);
});

test("a frame to the user that names a room is no event of that room", async () => {
  const { connection, chat } = await opened();
  for (const name of ["notification_mention", "read_by", "room_preferences"]) chat.sync.onFrame({ ...serverFrame(name), room: ROOM });
  chat.sync.onFrame({ ...serverFrame("notification_mention"), room: "elsewhere" });
  chat.sync.onFrame(serverFrame("user_updated"));
  chat.sync.onFrame(messageFrame(6));
  chat.sync.onFrame(messageFrame(1, { room: "elsewhere" }));
  assert.deepEqual(shown(chat), count(1, 6));
  assert.deepEqual([connection.sent, chat.sync.timeline("elsewhere").items.length], [[], 1]);
});

test("whoever has another role in a room reads the list again", async () => {
  const { api, chat } = await opened();
  api.role = "moderator";
  const event = { ...serverFrame("member_role_changed"), room: ROOM, epoch: "e1" };
  chat.sync.onFrame({ ...event, seq: 6, user: { user_id: OTHER, username: "other" } });
  await settle();
  assert.equal(chat.rooms.get(ROOM).role, "member");
  chat.sync.onFrame({ ...event, seq: 7, user: USER });
  await settle();
  assert.equal(chat.rooms.get(ROOM).role, "moderator");
});
