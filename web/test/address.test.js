import assert from "node:assert/strict";
import test from "node:test";
import { addressOf, isSame, placeIn } from "../static/assets/state/address.js";

test("the address names a room or an invite", () => {
  const places = {
    "": null,
    "#/": null,
    "#/room/general": { room: "general" },
    "#/room/caf%C3%A9": { room: "café" },
    "#/room/%": null,
    "#/room/a/b": null,
    "#invite=LfNuPmnRGb1RSdFErmuYNg": { invite: "LfNuPmnRGb1RSdFErmuYNg" },
    "#invite=CAVzmMK2eIG-IqAgm_mO4g": { invite: "CAVzmMK2eIG-IqAgm_mO4g" },
    "#invite=": null,
    "#invite=../../rooms": null,
  };
  for (const [hash, place] of Object.entries(places)) assert.deepEqual(placeIn(hash), place, hash);
});

test("the address of a room leads back to it", () => {
  assert.deepEqual(placeIn(addressOf({ room_id: "r-1", slug: null })), { room: "r-1" });
  assert.deepEqual(placeIn(addressOf({ room_id: "r-1", slug: "café" })), { room: "café" });
});

test("places are compared by what they name", () => {
  assert.ok(isSame({ room: "a" }, { room: "a" }));
  assert.ok(isSame(null, null));
  for (const other of [{ room: "b" }, { invite: "a" }, null]) assert.equal(isSame({ room: "a" }, other), false);
});
