import assert from "node:assert/strict";
import test from "node:test";
import { toItem } from "../static/assets/state/timeline.js";
import { limitsText, settingsText } from "../static/assets/ui/format.js";
import { rowsOf } from "../static/assets/ui/rows.js";
import { describe } from "../static/assets/ui/status.js";
import { USER, messageFrame, serverFrame } from "./fixtures.js";

const kinds = (rows) => rows.map(({ kind, mark }) => mark ?? kind);
const entry = (client_id, fields) => ({ client_id, content: "x", created_at: "2026-03-12T10:05:00.000Z", ...fields });

test("an own message is one row from sending to stored", () => {
  const sending = rowsOf({ items: [], entries: [entry("c-1", { state: "sending" })], user: USER });
  const items = [toItem(messageFrame(1))];
  const delivered = rowsOf({ items, entries: [entry("c-1", { state: "delivered" })], user: USER });
  const stored = rowsOf({ items, entries: [], user: USER });
  assert.deepEqual([sending, delivered, stored].map(kinds), [["day", "sending"], ["day", "delivered"], ["day", "stored"]]);
  assert.deepEqual(new Set([sending, delivered, stored].map((rows) => rows[1].key)), new Set(["own:c-1"]));
});

test("a message that was delivered and then lost with its epoch is on its way again", () => {
  const rows = rowsOf({ items: [], entries: [entry("c-1", { state: "delivered" })], user: USER });
  assert.deepEqual(kinds(rows), ["day", "sending"]);
});

test("messages of others have no mark, and stand together if they follow closely", () => {
  const at = (time) => ({ user_id: "other", timestamp: `2026-03-12T${time}Z` });
  const frames = [["10:00:00", 1], ["10:01:00", 2], ["10:30:00", 3]];
  const items = frames.map(([time, seq]) => toItem(messageFrame(seq, at(time))));
  const rows = rowsOf({ items, entries: [], user: USER });
  assert.deepEqual(rows.map(({ together }) => together), [undefined, false, true, false]);
  assert.ok(rows.every(({ mark }) => mark === undefined));
});

test("joins and leaves are small lines between", () => {
  const items = ["member_joined", "member_left"].map((name) => toItem(serverFrame(name)));
  const rows = rowsOf({ items, entries: [], user: USER });
  assert.deepEqual(rows.map(({ kind, move }) => move ?? kind), ["day", "joined", "left"]);
});

test("the state of the connection is told in words", () => {
  assert.equal(describe({ kind: "online" }, 0), "Connected");
  assert.equal(describe({ kind: "connecting" }, 0), "Connecting…");
  assert.equal(describe({ kind: "waiting", retry_at: 7_200 }, 0), "Connection lost. Trying again in 8 s");
  assert.equal(describe({ kind: "waiting", retry_at: 300 }, 0), "Connection lost. Trying again…");
  assert.equal(describe({ kind: "waiting", retry_at: 7_200, no_network: true }, 0), "No network. Trying again in 8 s");
  assert.equal(describe({ kind: "connecting", no_network: true }, 0), "No network. Trying again…");
  assert.equal(describe({ kind: "stopped", code: 1008 }, 0), "Disconnected by the server (policy)");
});

test("changed settings are a small line, and what limits writing is told", () => {
  const rows = rowsOf({ items: [toItem(serverFrame("room_updated"))], entries: [], user: USER });
  assert.deepEqual(rows[1].settings, { slow_mode_ms: 30_000, frozen: true });
  assert.equal(settingsText(rows[1].settings), "froze the room");
  assert.equal(settingsText({ slow_mode_ms: 90_000, frozen: false }), "turned slow mode on: one message every 90 s");
  assert.equal(settingsText({ slow_mode_ms: 0, frozen: false }), "lifted the limits of the room");
  assert.equal(limitsText({ slow_mode_ms: 21_600_000, frozen: false }, false), "Slow mode: one message every 6 h.");
  assert.equal(limitsText({ slow_mode_ms: 5_000, frozen: false }, true), "");
  assert.equal(limitsText({ slow_mode_ms: 0, frozen: true }, false), "This room is frozen.");
  assert.equal(limitsText({ slow_mode_ms: 0, frozen: true }, true), "This room is frozen: members cannot write.");
});
