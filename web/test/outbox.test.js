import assert from "node:assert/strict";
import test from "node:test";
import { OUTBOX_MAX, Outbox, RESEND_BASE_MS, RESEND_CAP_MS } from "../static/assets/state/outbox.js";
import { FakeStorage } from "./fakes.js";

const NOW = 1_000_000;
const message = (name, room = "r") => ({ client_id: name, room, content: `text of ${name}`, now: NOW });
const names = (entries) => entries.map(({ client_id }) => client_id);

function filled(...client_ids) {
  const storage = new FakeStorage();
  const outbox = new Outbox({ storage, user_id: "u" });
  client_ids.forEach((client_id) => outbox.add(message(client_id)));
  return { storage, outbox };
}

test("a message stays until it is stored", () => {
  const { storage, outbox } = filled("a", "b");
  assert.deepEqual(names(outbox.toSend(NOW)), ["a", "b"]);
  outbox.sent("a", NOW);
  outbox.delivered("a");
  assert.equal(outbox.get("a").state, "delivered");
  assert.equal(outbox.stored("a"), true);
  assert.equal(outbox.stored("a"), false);
  assert.deepEqual(names(outbox.ofRoom("r")), ["b"]);
  assert.equal(storage.length, 1);
});

test("a reload loses nothing and keeps the order and the user apart", () => {
  const { storage, outbox } = filled("b", "a");
  outbox.add({ ...message("earlier"), now: NOW - 1 });
  outbox.delivered("a");
  new Outbox({ storage, user_id: "somebody-else" }).add(message("x"));
  storage.setItem("rookery.outbox.u.broken", "{");
  storage.setItem("rookery.outbox.u.odd", '{"client_id":7}');
  const again = new Outbox({ storage, user_id: "u" });
  assert.deepEqual(names(again.ofRoom("r")), ["earlier", "b", "a"]);
  assert.equal(again.get("a").state, "delivered");
  assert.deepEqual(names(again.toSend(NOW)), ["earlier", "b", "a"], "all of it is sent again, under the same names");
});

test("without an answer a message is sent again, less and less often", () => {
  const { outbox } = filled("a");
  let now = NOW;
  for (const wait of [RESEND_BASE_MS, RESEND_BASE_MS * 2, RESEND_BASE_MS * 4, RESEND_CAP_MS, RESEND_CAP_MS]) {
    outbox.sent("a", now);
    assert.deepEqual(outbox.toSend(now + wait - 1), []);
    now += wait;
    assert.deepEqual(names(outbox.toSend(now)), ["a"]);
  }
});

test("a new connection makes everything due, a reset only what is of its room", () => {
  const { outbox } = filled("a");
  outbox.add(message("b", "other"));
  ["a", "b"].forEach((client_id) => outbox.sent(client_id, NOW));
  outbox.allDue("other");
  assert.deepEqual(names(outbox.toSend(NOW)), ["b"]);
  outbox.allDue();
  assert.deepEqual(names(outbox.toSend(NOW)), ["a", "b"]);
});

test("a refusal that passes is retried, one that does not is shown", () => {
  const { outbox } = filled("a", "b");
  ["a", "b"].forEach((client_id) => outbox.sent(client_id, NOW));
  outbox.refused({ client_id: "a", code: "overloaded", message: "…", retry_after_ms: 5_000 }, NOW);
  outbox.refused({ client_id: "b", code: "not_a_member", message: "Join the room first." }, NOW);
  outbox.refused({ client_id: "unknown", code: "internal", message: "…" }, NOW);
  assert.deepEqual(outbox.toSend(NOW + 4_999), []);
  assert.deepEqual(names(outbox.toSend(NOW + 5_000)), ["a"]);
  assert.equal(outbox.get("b").state, "failed");
  assert.equal(outbox.get("b").error, "Join the room first.");
  outbox.retry("b");
  assert.deepEqual(names(outbox.toSend(NOW)), ["b"]);
  outbox.discard("b");
  assert.equal(outbox.get("b"), undefined);
});

test("a failed message is still there after a reload, and is not sent by itself", () => {
  const { storage, outbox } = filled("a");
  outbox.refused({ client_id: "a", code: "forbidden", message: "You may not do this." }, NOW);
  const again = new Outbox({ storage, user_id: "u" });
  again.allDue();
  assert.deepEqual(again.toSend(NOW), []);
  assert.equal(again.get("a").error, "You may not do this.");
});

test("tabs see each other's messages and leave the sending to the tab that began it", () => {
  const { storage, outbox } = filled("a");
  const other = new Outbox({ storage, user_id: "u" });
  outbox.add(message("b"));
  const key = "rookery.outbox.u.b";
  assert.equal(other.onStorage(key, storage.getItem(key)), true);
  assert.deepEqual(names(other.ofRoom("r")), ["a", "b"]);
  assert.deepEqual(names(other.toSend(NOW)), ["a"]);
  assert.equal(other.onStorage(key, null), true);
  assert.equal(other.get("b"), undefined);
  assert.equal(other.onStorage("rookery.session", null), false);
});

test("the outbox is bounded and a full storage does not stop it", () => {
  const storage = new FakeStorage();
  storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  const outbox = new Outbox({ storage, user_id: "u" });
  for (let index = 0; index < OUTBOX_MAX; index += 1) {
    assert.equal(outbox.full, false);
    outbox.add(message(`c-${index}`));
  }
  assert.equal(outbox.full, true);
});

test("what came too early has its turn when the server said", () => {
  const { outbox } = filled("a", "b", "c");
  ["a", "b", "c"].forEach((client_id) => outbox.sent(client_id, NOW));
  outbox.refused({ client_id: "a", code: "rate_limited", message: "…", retry_after_ms: 180 }, NOW);
  outbox.refused({ client_id: "b", code: "slow_mode", message: "…", retry_after_ms: 600_000 }, NOW);
  outbox.refused({ client_id: "c", code: "frozen", message: "This room is frozen." }, NOW);
  assert.deepEqual(outbox.toSend(NOW + 179), []);
  assert.deepEqual(names(outbox.toSend(NOW + 180)), ["a"]);
  assert.deepEqual(names(outbox.toSend(NOW + 599_999)), ["a"], "not a moment earlier");
  assert.deepEqual(names(outbox.toSend(NOW + 600_000)), ["a", "b"]);
  assert.deepEqual([outbox.get("c").state, outbox.get("c").error], ["failed", "This room is frozen."]);
});
