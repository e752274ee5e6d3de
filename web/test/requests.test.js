import assert from "node:assert/strict";
import test from "node:test";
import { Requests } from "../static/assets/chat/requests.js";
import { ApiError } from "../static/assets/net/api.js";
import { requestsText } from "../static/assets/ui/requests.js";
import { settle } from "./fakes.js";
import { serverFrame } from "./fixtures.js";

const CLUB = { room_id: "r-1", kind: "room", role: "moderator" };
const ASKED = { ...serverFrame("notification_mention"), kind: "join_requested", room: "r-1" };
const request = (username) => ({ user_id: `u-${username}`, username, message: null, created_at: ASKED.created_at });

function scene(...waiting) {
  const world = { waiting, reads: [], error: null };
  const decide = async (_room_id, user_id) => {
    if (world.error !== null) throw world.error;
    world.waiting = world.waiting.filter((other) => other.user_id !== user_id);
  };
  const joinRequests = async (room_id) => (world.reads.push(room_id), { join_requests: world.waiting });
  const requests = new Requests({ api: { joinRequests, approve: decide, deny: decide }, changed: () => {} });
  const names = () => requests.of("r-1").map(({ username }) => username);
  return { requests, world, names };
}

test("who waits is read when a room is opened where the user keeps order", async () => {
  const { requests, world, names } = scene(request("bob"));
  requests.look({ ...CLUB, role: "member" });
  requests.look({ room_id: "d-1", kind: "direct", role: "member" });
  requests.look(CLUB);
  requests.look(CLUB);
  await settle();
  assert.deepEqual([world.reads, names()], [["r-1"], ["bob"]]);
});

test("somebody who asks is there at once, also in a room that is not open", async () => {
  const { requests, world, names } = scene(request("bob"));
  requests.onFrame(ASKED);
  await settle();
  assert.deepEqual(names(), ["bob"]);
  world.waiting = [request("bob"), request("carol")];
  requests.onFrame({ type: "hello" });
  await settle();
  assert.deepEqual(names(), ["bob", "carol"]);
});

test("a decision takes a request away, here and by another moderator", async () => {
  const { requests, world, names } = scene(request("bob"), request("carol"), request("dave"));
  requests.look(CLUB);
  await settle();
  await requests.approve("r-1", "u-bob");
  requests.onFrame({ type: "member_joined", room: "r-1", user: { user_id: "u-carol" } });
  assert.deepEqual(names(), ["dave"]);
  world.error = new ApiError({ status: 503, code: "unavailable", detail: "Not now." });
  await assert.rejects(requests.deny("r-1", "u-dave"));
  assert.deepEqual(names(), ["dave"]);
  world.error = new ApiError({ status: 409, code: "already_decided", detail: "Too late." });
  await assert.rejects(requests.deny("r-1", "u-dave"));
  assert.deepEqual(names(), []);
});

test("who waits is said in words", () => {
  const list = [request("bob"), request("carol")];
  assert.deepEqual([requestsText([]), requestsText(list.slice(1)), requestsText(list)], ["", "carol asks to join.", "2 people ask to join."]);
});
