import assert from "node:assert/strict";
import test from "node:test";
import { Titles } from "../static/assets/chat/titles.js";
import { ApiError } from "../static/assets/net/api.js";
import { Rooms, mayInvite } from "../static/assets/state/rooms.js";
import { settle } from "./fakes.js";
import { USER } from "./fixtures.js";

const direct = (other) => ({ room_id: `d-${other}`, kind: "direct", name: null, users: [other, USER.user_id] });
const GROUP = { room_id: "g-1", kind: "group", name: null };
const member = (username) => ({ user_id: `u-${username}`, username });

function scene({ people = {}, members = [] } = {}) {
  const world = { asked: [], now: 0, waiting: [], members, count: members.length };
  const api = {
    user: async (user_id) => {
      world.asked.push(user_id);
      if (world.slow) await new Promise((resolve) => world.waiting.push(resolve));
      if (people[user_id] === undefined) throw new ApiError({ status: 404, code: "not_found", detail: "Gone." });
      if (people[user_id] === "away") throw new ApiError({ status: 0, code: "unreachable", detail: "Away." });
      return { user_id, ...people[user_id] };
    },
    members: async (room_id) => (world.asked.push(room_id), { members: world.members, count: world.count }),
  };
  const titles = new Titles({ api, user: USER, now: () => world.now, changed: () => {} });
  return { titles, world, people };
}

test("a direct room is called like the other one, who is asked for once", async () => {
  const { titles, world } = scene({ people: { b: { username: "bob", display_name: "Bob" }, c: { username: "carol", display_name: null } } });
  assert.equal(titles.of(direct("b")), "Direct chat", "as long as the name is not there");
  titles.of(direct("b"));
  titles.of(direct("c"));
  await settle();
  assert.deepEqual([titles.of(direct("b")), titles.of(direct("c"))], ["Bob", "carol"]);
  assert.deepEqual(world.asked, ["b", "c"]);
  titles.onFrame({ type: "user_updated", user_id: "b", username: "bob", display_name: "Robert" });
  assert.equal(titles.of(direct("b")), "Robert");
  assert.equal(titles.of({ room_id: "r", name: "General" }), "General");
});

test("a group is called like some of those in it, anew when they change", async () => {
  const { titles, world } = scene({ members: [USER, member("bob"), member("carol")] });
  titles.of(GROUP);
  await settle();
  assert.equal(titles.of(GROUP), "bob, carol");
  world.members = [USER, ...["bob", "carol", "dave", "erin", "frank"].map(member)];
  world.count = 70;
  titles.onFrame({ type: "member_joined", room: GROUP.room_id });
  assert.equal(titles.of(GROUP), "bob, carol", "until the new one is there");
  await settle();
  assert.equal(titles.of(GROUP), "bob, carol, dave and 66 more");
  world.members = [USER];
  world.count = 1;
  titles.onFrame({ type: "member_left", room: GROUP.room_id });
  titles.of(GROUP);
  await settle();
  assert.equal(titles.of(GROUP), "Group");
});

test("whoever is not there is not asked for again, a server that is not there is", async () => {
  const { titles, world, people } = scene({ people: { b: "away" } });
  const ask = async () => (titles.of(direct("b")), titles.of(direct("x")), await settle());
  await ask();
  await ask();
  assert.deepEqual(world.asked, ["b", "x"]);
  people.b = { username: "bob", display_name: null };
  world.now += 30_000;
  await ask();
  assert.deepEqual(world.asked, ["b", "x", "b"]);
  assert.deepEqual([titles.of(direct("b")), titles.of(direct("x"))], ["bob", "Direct chat"]);
});

test("a long list of rooms asks for a few names at a time", async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `u${n}`);
  const { titles, world } = scene({ people: Object.fromEntries(ids.map((id) => [id, { username: id }])) });
  world.slow = true;
  ids.forEach((id) => titles.of(direct(id)));
  await settle();
  assert.equal(world.asked.length, 4);
  while (world.waiting.length > 0) {
    world.waiting.shift()();
    await settle();
    assert.ok(world.waiting.length <= 4);
  }
  assert.deepEqual(world.asked, ids);
});

test("the list of rooms is in the order of what they are called", () => {
  const rooms = new Rooms(({ room_id }) => ({ "d-b": "Bob", "g-1": "Zoe" })[room_id]);
  const named = { room_id: "r-1", name: "General", slug: null };
  rooms.replace([GROUP, named, direct("b")]);
  assert.deepEqual(rooms.list().map(({ name }) => name), ["Bob", "General", "Zoe"]);
  assert.equal(rooms.get("d-b").name, "Bob");
  assert.equal(rooms.get("nowhere"), undefined);
});

test("settings that the list of rooms has not are kept, and events change them", () => {
  const rooms = new Rooms(() => "");
  const listed = { room_id: "r-1", name: "Club", slug: null, role: "member", frozen: false };
  rooms.add({ ...listed, members: 3, join: "approval", members_may_invite: false });
  rooms.replace([listed]);
  assert.equal(mayInvite(rooms.get("r-1")), false);
  rooms.update("r-1", { frozen: false, slow_mode_ms: 0, timestamp: "…", changed: { members_may_invite: true, name: "Circle" } });
  const { name, join, members, timestamp } = rooms.get("r-1");
  assert.deepEqual({ name, join, members, timestamp }, { name: "Circle", join: "approval", members: 3, timestamp: undefined });
  assert.ok(mayInvite(rooms.get("r-1")));
  assert.equal(mayInvite({ kind: "direct", role: "member", members_may_invite: true }), false);
  assert.ok(mayInvite({ kind: "room", role: "moderator", members_may_invite: false }));
});
