// Everything that belongs to one logged-in user on this page. A logout throws it away.

import * as frames from "../protocol/frames.js";
import { Outbox } from "../state/outbox.js";
import { Presence } from "../state/presence.js";
import { Rooms } from "../state/rooms.js";
import { Sender } from "./sender.js";
import { Sync } from "./sync.js";

/**
 * @param {object} parts
 * @param {import("../net/api.js").Api} parts.api
 * @param {import("../net/socket.js").Connection} parts.connection
 * @param {{user_id: string, username: string}} parts.user
 * @param {Storage} parts.storage
 * @param {() => number} parts.now
 * @param {() => boolean} parts.isLooking
 * @param {() => void} parts.changed
 */
export function createChat({ api, connection, user, storage, now, isLooking, changed }) {
  const rooms = new Rooms();
  const outbox = new Outbox({ storage, user_id: user.user_id });
  const sender = new Sender({ outbox, connection, now });
  const sync = new Sync({ api, connection, rooms, sender, user_id: user.user_id, now, isLooking, changed });
  const presence = new Presence({ connection, user_id: user.user_id, now, frames });
  return { user, rooms, outbox, sender, sync, presence };
}
