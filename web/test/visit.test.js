import assert from "node:assert/strict";
import test from "node:test";
import { Visit } from "../static/assets/chat/visit.js";
import { ApiError } from "../static/assets/net/api.js";
import { refusalText } from "../static/assets/ui/refusals.js";
import { strangerText } from "../static/assets/ui/stranger.js";
import { settle } from "./fakes.js";
import { serverFrame } from "./fixtures.js";

const ROOM = { room_id: "r-1", name: "Club", join: "approval" };
const PREVIEW = { room: { name: "Club", description: "", members: 3 }, by: { user_id: "u-2", username: "bob" }, approval: false };
const PENDING = { status: "pending_approval" };
const refused = (code, status = 403, more = {}) => new ApiError({ status, code, detail: `It is ${code}.`, ...more });
const decided = (detail, fields) => ({ ...serverFrame("notification_mention"), kind: "join_decided", room: "r-1", detail, ...fields });

/** A server that answers each call with what the test has put there; an error is thrown. */
async function scene(place, answers) {
  const world = { answers: { myJoinRequests: { join_requests: [] }, ...answers }, calls: [], came_in: [] };
  const call = (name) => async (...given) => {
    world.calls.push([name, ...given]);
    if (world.answers[name] instanceof Error) throw world.answers[name];
    return world.answers[name];
  };
  const names = ["room", "myJoinRequests", "invite", "join", "acceptInvite"];
  const api = Object.fromEntries(names.map((name) => [name, call(name)]));
  const visit = new Visit({ api, onIn: (room) => world.came_in.push(room), changed: () => {} });
  visit.to(place);
  assert.equal(visit.shown.state, "looking");
  await settle();
  world.calls.length = 0;
  return { visit, world };
}

test("a room where moderators decide is asked for, and waits until they have", async () => {
  const { visit, world } = await scene({ room: "club" }, { room: ROOM, join: PENDING });
  assert.deepEqual([visit.shown.state, visit.shown.approval], ["out", true]);
  await visit.join({});
  assert.equal(visit.shown.state, "waiting");
  visit.onFrame(decided("denied", { room: "r-2" }));
  assert.equal(visit.shown.state, "waiting", "that is about another room");
  visit.onFrame(decided("denied", { text: "Not now." }));
  assert.equal(visit.shown.state, "denied");
  assert.equal(strangerText(visit.shown), "You were not let in. The moderator says: Not now.");
  assert.deepEqual(world.calls, [["join", "r-1", {}]]);
});

test("whoever is let in is in, also if that was told to nobody here", async () => {
  for (const frame of [decided("approved"), serverFrame("room_added"), serverFrame("hello")]) {
    const { visit, world } = await scene({ room: "club" }, { room: ROOM, myJoinRequests: { join_requests: [{ room_id: "r-1" }] } });
    assert.equal(visit.shown.state, "waiting", "it was asked for before the page was loaded");
    world.answers.room = { ...ROOM, role: "member" };
    visit.onFrame(frame);
    await settle();
    assert.deepEqual(world.came_in, [{ ...ROOM, role: "member" }], frame.type);
  }
});

test("a room with a password is joined with it, and a wrong one is told", async () => {
  const room = { ...ROOM, join: "password" };
  const { visit, world } = await scene({ room: "club" }, { room, join: refused("password_wrong") });
  await assert.rejects(visit.join({ password: "x" }), { code: "password_wrong" });
  assert.equal(visit.shown.state, "out");
  world.answers.join = { ...room, role: "member" };
  await visit.join({ password: "sesame" });
  assert.deepEqual(world.calls.at(-1), ["join", "r-1", { password: "sesame" }]);
  assert.equal(world.came_in.length, 1);
});

test("an invite is shown and accepted", async () => {
  const { visit, world } = await scene({ invite: "code" }, { invite: PREVIEW, acceptInvite: { ...ROOM, role: "member" } });
  assert.equal(strangerText(visit.shown), "bob invites you to this room.");
  await visit.join({});
  assert.deepEqual([world.calls, world.came_in.length], [[["acceptInvite", "code"]], 1]);
});

test("an invite that waits is accepted again when something was decided, and tells", async () => {
  const { visit, world } = await scene({ invite: "code" }, { invite: { ...PREVIEW, approval: true }, acceptInvite: PENDING });
  await visit.join({});
  visit.onFrame(decided("approved", { room: "another" }));
  await settle();
  assert.equal(visit.shown.state, "waiting");
  world.answers.acceptInvite = refused("unavailable", 503);
  visit.onFrame(serverFrame("room_added"));
  await settle();
  assert.equal(visit.shown.state, "waiting", "a server that is not there has decided nothing");
  world.answers.acceptInvite = refused("join_denied", 403, { retry_after_ms: 3_600_000 * 23 });
  visit.onFrame(decided("denied", { text: "Sorry." }));
  await settle();
  assert.equal(strangerText(visit.shown), "It is join_denied. You can ask again in 23 h. The moderator says: Sorry.");
});

test("an invite that does not hold says so in plain words", async () => {
  const { visit } = await scene({ invite: "code" }, { invite: refused("invite_invalid", 404) });
  assert.equal(visit.shown.state, "none");
  assert.match(strangerText(visit.shown), /^This invite does not work/);
  assert.equal(refusalText({ code: "room_full", message: "This room is full." }), "This room is full.");
});

test("what could not be looked up is looked up again with the next connection", async () => {
  const { visit, world } = await scene({ room: "club" }, { room: refused("unreachable", 0) });
  assert.equal(visit.shown.state, "none");
  world.answers.room = ROOM;
  visit.onFrame(serverFrame("hello"));
  await settle();
  assert.equal(visit.shown.state, "out");
});

test("an answer that comes when the user is elsewhere changes nothing there", async () => {
  const { visit, world } = await scene({ room: "club" }, { room: ROOM, join: { ...ROOM, role: "member" } });
  const joining = visit.join({});
  visit.to(null);
  await joining;
  assert.deepEqual([visit.shown, world.came_in], [null, []]);
});
