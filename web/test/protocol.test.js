import assert from "node:assert/strict";
import test from "node:test";
import { CLOSE_CODES, closeReason, mayReturn } from "../static/assets/protocol/close.js";
import * as frames from "../static/assets/protocol/frames.js";
import { EARLY_CODES, TEMPORARY_CODES } from "../static/assets/state/outbox.js";
import { fixture } from "./fixtures.js";

test("every server frame is read as it is", () => {
  const examples = fixture("server_frames");
  for (const { name, frame } of examples) {
    assert.deepEqual(frames.decode(JSON.stringify(frame)), frame, name);
  }
  const shown = new Set(examples.map(({ frame }) => frame.type));
  assert.deepEqual([...shown].sort(), [...frames.SERVER_FRAME_TYPES].sort());
});

test("a server frame without a field it must have is not acted upon", () => {
  for (const { name, frame } of fixture("server_frames")) {
    const { type, ...fields } = frame;
    if (Object.keys(fields).length > 0) assert.equal(frames.decode(JSON.stringify({ type })), null, name);
  }
  for (const text of ["", "null", "3", "[]", "{}", "{", '{"type":7}', '{"type":"__proto__"}', undefined, new Blob()]) {
    assert.equal(frames.decode(text), null);
  }
});

test("an event of a kind that this client does not know still counts", () => {
  const frame = { type: "room_painted", room: "r", epoch: "e1", seq: 7 };
  assert.deepEqual(frames.decode(JSON.stringify(frame)), frame);
  assert.equal(frames.decode('{"type":"typing","room":"r"}'), null);
});

test("client frames are built as the examples show", () => {
  const build = {
    auth: ({ token }) => frames.auth(token),
    subscribe: ({ rooms }) => frames.subscribe(rooms),
    unsubscribe: ({ rooms }) => frames.unsubscribe(rooms),
    message: (fields) => frames.message(fields),
    ping: () => frames.ping(),
    heads: ({ rooms }) => frames.heads(rooms),
    edit: (fields) => frames.edit(fields),
    delete: (fields) => frames.remove(fields),
    react: (fields) => frames.react(fields),
    presence: (fields) => frames.presence(fields),
    watch: (fields) => frames.watch(fields),
    typing: (fields) => frames.typing(fields),
    read: (fields) => frames.read(fields),
    background: (fields) => frames.background(fields),
  };
  for (const { name, frame } of fixture("client_frames")) {
    assert.equal(JSON.stringify(build[frame.type](frame)), JSON.stringify(frame), name);
  }
});

test("epochs are ordered by number", () => {
  assert.ok(frames.compareEpochs("e2", "e10") < 0);
  assert.ok(frames.compareEpochs("e18446744073709551615", "e18446744073709551614") > 0);
  assert.equal(frames.compareEpochs("e3", "e3"), 0);
});

test("the table of close codes is the server's", () => {
  assert.deepEqual(CLOSE_CODES, fixture("close_codes"));
});

test("a code outside the table keeps a client away only if it blames the client", () => {
  for (const code of [1005, 1006, 3000, 4000, 4399, 4500, 4999]) assert.equal(mayReturn(code), true, String(code));
  for (const code of [1000, 1008, 4400, 4403, 4499]) assert.equal(mayReturn(code), false, String(code));
  assert.equal(closeReason(1006), "connection_lost");
});

test("the codes after which a message is sent again exist", () => {
  const codes = new Set(fixture("error_codes"));
  for (const code of [...TEMPORARY_CODES, ...EARLY_CODES]) assert.ok(codes.has(code), code);
});
