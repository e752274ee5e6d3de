// Everything that belongs to one logged-in user on this page. A logout throws it away.

import * as frames from "../protocol/frames.js";
import { Outbox } from "../state/outbox.js";
import { Presence } from "../state/presence.js";
import { Rooms } from "../state/rooms.js";
import { Marks } from "./marks.js";
import { Requests } from "./requests.js";
import { Sender } from "./sender.js";
import { Sync } from "./sync.js";
import { Titles } from "./titles.js";
import { Visit } from "./visit.js";

/**
 * @param {object} parts
 * @param {import("../net/api.js").Api} parts.api
 * @param {import("../net/socket.js").Connection} parts.connection
 * @param {{user_id: string, username: string}} parts.user
 * @param {Storage} parts.storage
 * @param {() => number} parts.now
 * @param {() => boolean} parts.isLooking
 * @param {() => void} parts.changed
 * @param {(room: object) => void} parts.onIn the user is in a room that the address names
 */
export function createChat({ api, connection, user, storage, now, isLooking, changed, onIn }) {
  const titles = new Titles({ api, user, now, changed });
  const rooms = new Rooms((room) => titles.of(room));
  const outbox = new Outbox({ storage, user_id: user.user_id });
  const sender = new Sender({ outbox, connection, now });
  const timeline = (room_id) => sync.timeline(room_id);
  const isLive = (room_id) => sync.isLive(room_id);
  const refresh = () => sync.refreshRooms();
  const marks = new Marks({ api, connection, rooms, timeline, isLive, refresh, now, changed });
  const sync = new Sync({ api, connection, rooms, sender, marks, user, now, isLooking, changed });
  const presence = new Presence({ connection, user_id: user.user_id, now, frames });
  const visit = new Visit({ api, onIn, changed });
  const requests = new Requests({ api, changed });
  return { user, titles, rooms, outbox, sender, marks, sync, presence, visit, requests };
}
