import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "../static/assets/net/api.js";
import { LoggedOut, Session } from "../static/assets/state/session.js";
import { FakeStorage } from "./fakes.js";

const USER = { user_id: "u-1", username: "alice" };

/** A server that rotates refresh tokens and knows only the newest. */
class FakeAccounts {
  count = 0;
  valid = null;
  logged_out = [];

  login = async () => this.#grant(USER);

  refresh = async (token) => {
    await Promise.resolve();
    if (token !== this.valid) throw new ApiError({ status: 401, code: "bad_refresh_token", detail: "Log in again." });
    return this.#grant(USER);
  };

  logout = async (token) => this.logged_out.push(token);

  #grant(user) {
    this.count += 1;
    this.valid = `r-${this.count}`;
    return { access_token: `a-${this.count}`, expires_in: 900, refresh_token: this.valid, user };
  }
}

/** The lock that all tabs share. */
class FakeLocks {
  #last = Promise.resolve();

  request(_name, work) {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

function tabs(count) {
  const world = { api: new FakeAccounts(), storage: new FakeStorage(), locks: new FakeLocks(), time: 0, ended: 0 };
  const parts = { api: world.api, storage: world.storage, locks: world.locks, now: () => world.time };
  const sessions = Array.from({ length: count }, () => new Session({ ...parts, onEnd: () => (world.ended += 1) }));
  return { world, sessions };
}

test("a token is used until shortly before its end and then renewed", async () => {
  const { world, sessions: [session] } = tabs(1);
  await session.login("alice", "secret");
  assert.equal(await session.token(false), "a-1");
  world.time = 839_999;
  assert.equal(await session.token(false), "a-1");
  world.time = 840_000;
  assert.equal(session.renew_in_ms, 0);
  assert.equal(await session.token(false), "a-2");
  assert.equal(await session.token(true), "a-3");
});

test("a reload takes the login up again, and asks once for all who need a token", async () => {
  const { world, sessions: [before, after] } = tabs(2);
  assert.equal(before.restore(), false);
  await before.login("alice", "secret");
  assert.equal(after.restore(), true);
  assert.deepEqual(after.user, USER);
  assert.deepEqual(await Promise.all([after.token(false), after.token(false)]), ["a-2", "a-2"]);
  assert.equal(world.api.count, 2);
});

test("tabs take turns with the refresh token", async () => {
  const { world, sessions } = tabs(5);
  await sessions[0].login("alice", "secret");
  sessions.forEach((session) => session.restore());
  const tokens = await Promise.all(sessions.map((session) => session.token(true)));
  assert.equal(new Set(tokens).size, 5);
  assert.equal(world.ended, 0);
});

test("a refresh token that is no longer valid ends the login", async () => {
  const { world, sessions: [session] } = tabs(1);
  await session.login("alice", "secret");
  world.api.valid = "revoked";
  await assert.rejects(session.token(true), LoggedOut);
  assert.equal(session.user, null);
  assert.equal(world.ended, 1);
  assert.equal(world.storage.length, 0);
});

test("a server that is not there does not end the login", async () => {
  const { world, sessions: [session] } = tabs(1);
  await session.login("alice", "secret");
  world.api.refresh = async () => {
    throw new ApiError({ status: 0, code: "unreachable", detail: "The server cannot be reached." });
  };
  await assert.rejects(session.token(true), (error) => error.temporary);
  assert.deepEqual(session.user, USER);
  assert.equal(world.ended, 0);
});

test("a logout in one tab is a logout in all", async () => {
  const { world, sessions: [here, there] } = tabs(2);
  await here.login("alice", "secret");
  there.restore();
  await here.logout();
  there.onStorage("rookery.session");
  assert.equal(there.user, null);
  assert.deepEqual(world.api.logged_out, ["r-1"]);
  await assert.rejects(there.token(true), LoggedOut);
  assert.equal(world.ended, 2);
});
