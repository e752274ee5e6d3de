import assert from "node:assert/strict";
import test from "node:test";
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, Backoff } from "../static/assets/net/backoff.js";

test("the bound doubles up to the cap and starts anew after a reset", () => {
  const backoff = new Backoff({ random: () => 0.999_999 });
  const waits = Array.from({ length: 40 }, () => backoff.next());
  assert.deepEqual(waits.slice(0, 4), [1, 2, 4, 8].map((times) => BACKOFF_BASE_MS * times));
  assert.equal(Math.max(...waits), BACKOFF_CAP_MS);
  assert.equal(waits.at(-1), BACKOFF_CAP_MS);
  backoff.reset();
  assert.equal(backoff.next(), BACKOFF_BASE_MS);
});

test("waits are spread over the whole range, from nothing up", () => {
  const backoff = new Backoff({ base_ms: 1000, cap_ms: 1000 });
  const waits = Array.from({ length: 2000 }, () => backoff.next());
  assert.ok(waits.every((wait) => wait >= 0 && wait <= 1000));
  for (const from of [0, 250, 500, 750]) {
    const share = waits.filter((wait) => wait >= from && wait < from + 250).length / waits.length;
    assert.ok(share > 0.15 && share < 0.35, `${share} of the waits begin at ${from} ms`);
  }
});
