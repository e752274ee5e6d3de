import assert from "node:assert/strict";
import test from "node:test";
import * as frames from "../static/assets/protocol/frames.js";
import { Presence, TYPING_INTERVAL_MS, TYPING_MS } from "../static/assets/state/presence.js";
import { onlineCount, presenceText, typingText } from "../static/assets/ui/format.js";
import { ROOM, USER, messageFrame, serverFrame } from "./fixtures.js";

function scene() {
  const sent = [];
  const state = { now: 1_000_000, online: true };
  const connection = { send: (frame) => state.online && (sent.push(frame), true) };
  const presence = new Presence({ connection, user_id: USER.user_id, now: () => state.now, frames });
  return { presence, sent, state };
}

const BOB = serverFrame("typing").user;

test("a room is watched once it is live, and again after a new connection", () => {
  const { presence, sent } = scene();
  presence.open(ROOM);
  presence.onFrame({ type: "caught_up", room: ROOM, seq: 1 });
  presence.onFrame({ type: "caught_up", room: ROOM, seq: 2 });
  presence.onFrame(serverFrame("hello"));
  presence.onFrame({ type: "caught_up", room: ROOM, seq: 3 });
  const live = { type: "watch", users: [USER.user_id], rooms: [ROOM] };
  const not_live = { ...live, rooms: [] };
  assert.deepEqual(sent, [not_live, live, not_live, live]);
});

test("members on show are watched beside the room, and forgotten with it", () => {
  const { presence, sent } = scene();
  presence.open(ROOM);
  presence.look([BOB.user_id]);
  presence.look([BOB.user_id]);
  presence.open(null);
  assert.deepEqual(sent.map(({ users }) => users.length), [1, 2, 1]);
});

test("a room's presence is whole, changes, or is only counted", () => {
  const { presence } = scene();
  presence.open(ROOM);
  presence.onFrame(serverFrame("room_presence_whole"));
  assert.deepEqual([presence.online(ROOM), presence.of(BOB.user_id).status, presence.of(BOB.user_id).text], [2, "away", "lunch"]);
  presence.onFrame(serverFrame("room_presence_change"));
  assert.deepEqual([presence.online(ROOM), presence.of(BOB.user_id).status], [1, "offline"]);
  assert.equal(presence.of(USER.user_id).status, "online");
  presence.onFrame(serverFrame("room_presence_counted"));
  assert.deepEqual([presence.online(ROOM), presence.of(USER.user_id).status], [5000, "offline"]);
});

test("watched users are known by what was told last", () => {
  const { presence } = scene();
  presence.onFrame(serverFrame("watching"));
  assert.equal(presence.of(BOB.user_id).status, "away");
  presence.onFrame(serverFrame("presence_offline"));
  assert.equal(presence.of(BOB.user_id).last_seen, serverFrame("presence_offline").last_seen);
  presence.onFrame(serverFrame("hello"));
  assert.deepEqual(presence.of(BOB.user_id), { status: "offline" });
});

test("typing ends by itself and with the message", () => {
  const { presence, state } = scene();
  presence.onFrame(serverFrame("typing"));
  assert.deepEqual(presence.typing(ROOM), [BOB.username]);
  state.now += TYPING_MS;
  assert.deepEqual([presence.typing(ROOM), presence.anybody_types], [[], false]);
  presence.onFrame(serverFrame("typing"));
  presence.onFrame(messageFrame(1, { user_id: BOB.user_id }));
  assert.deepEqual(presence.typing(ROOM), []);
});

test("one's own typing is said once in a while, and at once after a message", () => {
  const { presence, sent, state } = scene();
  state.online = false;
  presence.type(ROOM);
  state.online = true;
  for (let key = 0; key < 10; key += 1) presence.type(ROOM);
  assert.equal(sent.length, 1);
  state.now += TYPING_INTERVAL_MS;
  presence.type(ROOM);
  presence.said(ROOM);
  presence.type(ROOM);
  assert.deepEqual(sent, Array(3).fill({ type: "typing", room: ROOM }));
});

test("presence and typing are told in words", () => {
  assert.equal(presenceText({ status: "dnd", text: "in a meeting" }), "Do not disturb: in a meeting");
  assert.equal(presenceText({ status: "offline", text: "old" }), "Offline");
  assert.match(presenceText({ status: "offline", last_seen: "2026-03-12T10:00:00.123Z" }), /^Offline: last seen .*2026/);
  assert.equal(typingText([]), "");
  assert.equal(typingText(["bob"]), "bob is typing…");
  assert.equal(typingText(["ada", "bob", "eve"]), "ada, bob and eve are typing…");
  assert.equal(typingText(["a", "b", "c", "d"]), "Several people are typing…");
  assert.deepEqual([onlineCount(null), onlineCount(0), onlineCount(7)], ["", "", "7 online"]);
});
