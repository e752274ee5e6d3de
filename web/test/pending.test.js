import assert from "node:assert/strict";
import test from "node:test";
import { createChat } from "../static/assets/chat/chat.js";
import { Outbox, OUTBOX_MAX } from "../static/assets/state/outbox.js";
import { toItem } from "../static/assets/state/timeline.js";
import { isComposing, isSend } from "../static/assets/ui/keys.js";
import { TextLimits } from "../static/assets/ui/length.js";
import { HIDDEN_MS, redrawer } from "../static/assets/ui/redraw.js";
import { rowsOf } from "../static/assets/ui/rows.js";
import { FakeStorage } from "./fakes.js";
import { ROOM, USER, messageFrame, serverFrame } from "./fixtures.js";

const EDIT = { type: "edit", message_id: "m-1", content: "better" };
const LIKE = { type: "react", message_id: "m-1", emoji: "👍", remove: false };
const NOW = 1_000_000;

/** A page that has no connection until `online` says so. */
function offline() {
  const connection = { state: { kind: "waiting" }, sent: [], send: (frame) => connection.isOpen && connection.sent.push(frame) > 0 };
  const storage = new FakeStorage();
  const parts = { api: {}, connection, user: USER, storage, now: () => NOW, isLooking: () => true, changed: () => {} };
  const chat = createChat(parts);
  const online = () => {
    connection.isOpen = true;
    chat.sync.onFrame(serverFrame("hello"));
    chat.presence.onFrame(serverFrame("hello"));
    return connection.sent;
  };
  return { chat, connection, storage, online };
}

/** The one message on show, with what was done to it here. */
function shown(outbox, frame = messageFrame(1)) {
  const rows = rowsOf({ items: [toItem(frame)], entries: outbox.ofRoom(ROOM), user: USER });
  return rows.find(({ kind }) => kind === "message");
}

test("a05 acts without a connection are kept, shown as on their way, and sent in order with the next one", () => {
  const { chat, online } = offline();
  assert.equal(chat.sender.act(ROOM, EDIT), true);
  assert.equal(chat.sender.act(ROOM, LIKE), true);
  const row = shown(chat.outbox);
  assert.deepEqual([row.content, row.mark], ["better", "sending"]);
  assert.deepEqual(row.chips, [{ emoji: "👍", count: 1, mine: true, waiting: true }]);
  const sent = online().filter(({ type }) => type === "edit" || type === "react");
  assert.deepEqual(sent.map(({ client_id, ...frame }) => frame), [
    { type: "edit", room: ROOM, message_id: "m-1", content: "better" },
    { type: "react", room: ROOM, message_id: "m-1", emoji: "👍" },
  ]);
  sent.forEach(({ client_id }) => chat.sync.onFrame({ ...serverFrame("ack"), client_id }));
  assert.deepEqual(chat.outbox.ofRoom(ROOM), []);
});

test("a05 acts survive a reload, and keep their names when they are sent again", () => {
  const { chat, storage, online } = offline();
  chat.sender.act(ROOM, EDIT);
  chat.sender.act(ROOM, { type: "delete", message_id: "m-2" });
  online();
  const again = new Outbox({ storage, user_id: USER.user_id });
  const entries = again.toSend(NOW);
  assert.deepEqual(entries.map(({ act }) => act), [EDIT, { type: "delete", message_id: "m-2" }]);
  assert.deepEqual(entries.map(({ client_id }) => client_id), chat.outbox.ofRoom(ROOM).map(({ client_id }) => client_id));
});

test("a05 an edit that is refused keeps its text, says why, and can be tried again or given up", () => {
  const { chat, online, connection } = offline();
  chat.sender.act(ROOM, EDIT);
  const { client_id } = online().find(({ type }) => type === "edit");
  chat.sync.onFrame({ type: "error", code: "content_too_long", message: "Too long.", client_id, room: ROOM });
  const row = shown(chat.outbox);
  assert.equal(row.content, "better");
  assert.deepEqual(row.failures, [{ client_id, type: "edit", error: "Too long." }]);
  connection.sent.length = 0;
  chat.sender.retry(client_id);
  assert.equal(connection.sent[0].client_id, client_id);
  chat.sync.onFrame({ type: "error", code: "content_too_long", message: "Too long.", client_id, room: ROOM });
  chat.sender.act(ROOM, { ...EDIT, content: "best" });
  assert.deepEqual(chat.outbox.ofRoom(ROOM).map(({ act }) => act.content), ["best"], "a new edit takes its place");
});

test("a05 a reaction that was taken back before it was sent looks as it did", () => {
  const { chat } = offline();
  chat.sender.act(ROOM, LIKE);
  chat.sender.act(ROOM, { ...LIKE, remove: true });
  assert.deepEqual(shown(chat.outbox).chips, []);
  chat.sender.act(ROOM, { type: "delete", message_id: "m-1" });
  assert.equal(shown(chat.outbox).deleted, true);
});

test("a05 when too much is waiting the act is refused at once, and told", () => {
  const { chat } = offline();
  for (let index = 0; index < OUTBOX_MAX; index += 1) assert.equal(chat.sender.act(ROOM, LIKE), true);
  assert.equal(chat.sender.act(ROOM, EDIT), false);
});

test("a05 what in the storage is no act is passed over", () => {
  const storage = new FakeStorage();
  const entry = { client_id: "c", room: ROOM, content: "", created_at: "2026-03-12T10:00:00.000Z", state: "sending" };
  const odd = [null, 7, {}, { type: "edit", message_id: "m" }, { type: "toString", message_id: "m" }, { type: "react", emoji: "👍" }];
  odd.forEach((act, index) => storage.setItem(`rookery.outbox.u.c${index}`, JSON.stringify({ ...entry, client_id: `c${index}`, act })));
  assert.deepEqual(new Outbox({ storage, user_id: "u" }).ofRoom(ROOM), []);
});

test("a05 a status that is chosen without a connection is told with the next one", () => {
  const { chat, online } = offline();
  chat.presence.set({ status: "dnd", text: "writing" });
  const told = online().filter(({ type }) => type === "presence");
  assert.deepEqual(told, [{ type: "presence", status: "dnd", text: "writing" }]);
  chat.presence.onFrame(serverFrame("hello"));
  assert.equal(online().filter(({ type }) => type === "presence").length, 1, "once");
});

test("a05 a text that is too long is not sent, and the writer is told by how much", () => {
  const limits = new TextLimits();
  assert.equal(limits.fit("x".repeat(4_000)), true);
  assert.equal(limits.fit("x".repeat(4_100)), false);
  assert.equal(limits.countdown("x".repeat(4_100)), "100 too many");
  assert.equal(limits.countdown("x".repeat(3_999)), "1 left");
  assert.equal(limits.countdown("short"), "");
  assert.equal(limits.fit(" \n"), false);
  limits.set({ content_chars: 10, content_bytes: 12 });
  assert.equal(limits.fit("日本語日本"), false, "bytes count, too");
});

test("a05 an Enter of an input method sends nothing", () => {
  const enter = { key: "Enter", shiftKey: false, isComposing: false, keyCode: 13 };
  assert.equal(isSend(enter), true);
  assert.equal(isSend({ ...enter, isComposing: true }), false);
  assert.equal(isSend({ ...enter, keyCode: 229 }), false, "Safari");
  assert.equal(isSend({ ...enter, shiftKey: true }), false);
  assert.equal(isSend({ ...enter, key: "a" }), false);
  assert.equal(isComposing({ keyCode: 27 }), false);
});

test("a05 a hidden page is drawn by the clock, for its title, even if a frame was asked for before", () => {
  const page = { hidden: false, frames: [], timers: [], drawn: 0 };
  const render = redrawer({
    draw: () => (page.drawn += 1),
    isHidden: () => page.hidden,
    requestFrame: (run) => page.frames.push(run),
    setTimeout: (run, ms) => page.timers.push({ run, ms }),
  });
  render();
  render();
  assert.deepEqual([page.frames.length, page.timers.length], [1, 0]);
  page.hidden = true;
  render();
  render();
  assert.deepEqual(page.timers.map(({ ms }) => ms), [HIDDEN_MS], "one, whatever comes");
  page.timers.pop().run();
  assert.equal(page.drawn, 1);
  page.frames.pop()();
  assert.equal(page.drawn, 1, "nothing is left to draw");
  page.hidden = false;
  render();
  page.frames.pop()();
  assert.equal(page.drawn, 2);
});
