import assert from "node:assert/strict";
import test from "node:test";
import { Backoff } from "../static/assets/net/backoff.js";
import { Connection, HELLO_TIMEOUT_MS, PONG_TIMEOUT_MS, STABLE_MS } from "../static/assets/net/socket.js";
import { FakeClock, FakeSocket, settle } from "./fakes.js";
import { fixture, serverFrame } from "./fixtures.js";

/** A connection whose every part is the test's. `random` 0.5 makes the waits 250, 500, 1000 … ms. */
function harness({ token = async (fresh) => (fresh ? "fresh" : "known") } = {}) {
  const clock = new FakeClock();
  const sockets = [];
  const frames = [];
  const connection = new Connection({
    open: () => sockets[sockets.push(new FakeSocket()) - 1],
    token,
    onState: () => {},
    onFrame: (frame) => frames.push(frame),
    backoff: new Backoff({ random: () => 0.5 }),
    clock,
  });
  return { clock, sockets, frames, connection };
}

async function online() {
  const parts = harness();
  await parts.connection.start();
  greet(parts.sockets.at(-1));
  return parts;
}

function greet(socket) {
  socket.opens();
  socket.says(serverFrame("hello"));
}

test("the token is the first frame, and nothing is sent before the greeting", async () => {
  const { sockets, frames, connection } = harness();
  await connection.start();
  assert.equal(connection.state.kind, "connecting");
  sockets[0].opens();
  assert.deepEqual(sockets[0].sent, [{ type: "auth", token: "known" }]);
  assert.equal(connection.send({ type: "ping" }), false);
  sockets[0].says(serverFrame("hello"));
  assert.equal(connection.state.kind, "online");
  assert.equal(connection.send({ type: "ping" }), true);
  sockets[0].says(serverFrame("hello"));
  assert.equal(frames.length, 1, "a second greeting answers a renewed token");
});

test("every close code is honoured", async () => {
  for (const { code, may_return } of fixture("close_codes")) {
    const { clock, sockets, connection } = await online();
    sockets[0].closes(code);
    const returns = may_return || code === 4401;
    assert.equal(connection.state.kind, returns ? "waiting" : "stopped", String(code));
    await clock.pass(60_000);
    assert.equal(sockets.length > 1, returns, String(code));
  }
});

test("waits grow while attempts fail, and start small after a connection that held", async () => {
  const { clock, sockets, connection } = await online();
  for (const wait of [250, 500, 1000]) {
    const before = sockets.length;
    sockets.at(-1).closes(1006);
    assert.equal(connection.state.retry_at - clock.now(), wait);
    await clock.pass(wait);
    assert.equal(sockets.length, before + 1);
  }
  greet(sockets.at(-1));
  await clock.pass(STABLE_MS);
  sockets.at(-1).closes(1006);
  assert.equal(connection.state.retry_at - clock.now(), 250);
});

test("a refused token is replaced by a fresh one", async () => {
  const { clock, sockets } = await online();
  sockets[0].closes(4401);
  await clock.pass(250);
  sockets[1].opens();
  assert.deepEqual(sockets[1].sent, [{ type: "auth", token: "fresh" }]);
  sockets[1].says(serverFrame("hello"));
  sockets[1].closes(1012);
  await clock.pass(1000);
  sockets[2].opens();
  assert.deepEqual(sockets[2].sent, [{ type: "auth", token: "known" }]);
});

test("no token: a reason that passes is waited for, an ended login stops", async () => {
  const passing = harness({ token: () => Promise.reject(Object.assign(new Error(), { temporary: true })) });
  await passing.connection.start();
  assert.equal(passing.connection.state.kind, "waiting");
  const ended = harness({ token: () => Promise.reject(Object.assign(new Error(), { temporary: false })) });
  await ended.connection.start();
  assert.deepEqual(ended.connection.state, { kind: "stopped", code: 4401 });
});

test("a node that stops tells when to come back", async () => {
  const told = await online();
  told.sockets[0].says({ type: "reconnect", after_ms: 1234 });
  await told.clock.pass(1233);
  assert.equal(told.connection.state.kind, "online");
  await told.clock.pass(1);
  assert.equal(told.sockets.length, 2);
  assert.equal(told.sockets[0].readyState, 3);

  const closed = await online();
  closed.sockets[0].says({ type: "reconnect", after_ms: 5_000 });
  await closed.clock.pass(1_000);
  closed.sockets[0].closes(1012);
  assert.equal(closed.connection.state.retry_at - closed.clock.now(), 4_000);
});

test("a server that says nothing is asked, and given up if it does not answer", async () => {
  const { clock, sockets, connection } = await online();
  const { heartbeat_ms } = serverFrame("hello");
  await clock.pass(heartbeat_ms + 2_000);
  assert.deepEqual(sockets[0].sent.at(-1), { type: "ping" });
  sockets[0].says({ type: "pong" });
  await clock.pass(heartbeat_ms - 2_000);
  assert.equal(connection.state.kind, "online");
  await clock.pass(4_000 + PONG_TIMEOUT_MS + 2_000);
  assert.notEqual(sockets[0].readyState, 1, "the silent socket was closed");
  assert.ok(connection.state.kind === "waiting" || sockets.length > 1);
});

test("a server that accepts and never greets is given up", async () => {
  const { clock, sockets, connection } = harness();
  await connection.start();
  sockets[0].opens();
  await clock.pass(HELLO_TIMEOUT_MS);
  assert.equal(connection.state.kind, "waiting");
});

test("what an old socket still says is not heard", async () => {
  const { sockets, frames, connection } = await online();
  await connection.start();
  greet(sockets[1]);
  sockets[0].says(serverFrame("new_message"));
  sockets[0].closes(1008);
  assert.equal(frames.length, 2);
  assert.equal(connection.state.kind, "online");
  connection.stop();
  await settle();
  assert.equal(connection.state.kind, "idle");
});

test("d10 a network that is lost is told at once, not when the server has been silent for long", async () => {
  const { clock, sockets, connection } = await online();
  connection.offline();
  assert.deepEqual([connection.state.kind, connection.state.no_network], ["waiting", true]);
  assert.equal(connection.send({ type: "ping" }), false, "nothing goes into the dead socket");
  assert.equal(sockets[0].readyState, 3);
  await clock.pass(250);
  assert.equal(sockets.length, 2, "a server on the same machine needs no network");
  assert.deepEqual([connection.state.kind, connection.state.no_network], ["connecting", true]);
  greet(sockets[1]);
  assert.deepEqual(connection.state, { kind: "online" });
});

test("d10 a network that is back is used at once, whatever was waited for", async () => {
  const { clock, sockets, connection } = await online();
  for (let attempt = 0; attempt < 6; attempt += 1) {
    sockets.at(-1).closes(1006);
    await clock.pass(connection.state.retry_at - clock.now());
  }
  sockets.at(-1).closes(1006);
  connection.offline();
  assert.equal(connection.state.no_network, true);
  const before = sockets.length;
  connection.online();
  await settle();
  assert.equal(sockets.length, before + 1, "no wait");
  // An attempt that began without a network may hang for long.
  connection.online();
  await settle();
  assert.equal(sockets.length, before + 2);
  greet(sockets.at(-1));
  assert.equal(connection.state.kind, "online");
});
