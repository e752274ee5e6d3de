// Wires the parts together: session and connection below, views above, the address in between. It holds no rules.

import { Api } from "./net/api.js";
import { Connection } from "./net/socket.js";
import { SESSION_REVOKED } from "./protocol/close.js";
import { auth } from "./protocol/frames.js";
import { Session } from "./state/session.js";
import { addressOf, placeIn } from "./state/address.js";
import { keepsOrder } from "./state/rooms.js";
import { createChat } from "./chat/chat.js";
import { AuthView } from "./ui/auth.js";
import { BrowseDialog, CreateDialog, closeDialogs, confirm, wireDialogs } from "./ui/dialogs.js";
import { byId, setText } from "./ui/dom.js";
import { InviteDialog } from "./ui/invite.js";
import { MembersDialog } from "./ui/members.js";
import { PresenceDialog, renderDot } from "./ui/presence.js";
import { redrawer } from "./ui/redraw.js";
import { RequestsDialog } from "./ui/requests.js";
import { RoomListView } from "./ui/roomlist.js";
import { RoomView } from "./ui/room.js";
import { StatusView } from "./ui/status.js";

/** Messages that are due, tokens that end and waits that are counted down are looked at this often. */
const TICK_MS = 1_000;
/** A token that could not be renewed is tried again after this. */
const RENEW_RETRY_MS = 10_000;
const WIDE = matchMedia("(min-width: 45rem)");
const TOO_MANY = "Too much is waiting to be sent.";
const now = () => Date.now();

const api = new Api({ fetch: (...request) => fetch(...request), token: (fresh) => session.token(fresh) });
const session = new Session({ api, storage: localStorage, locks: navigator.locks ?? null, now, onEnd: () => exit() });
const connection = new Connection({
  open: () => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`),
  token: (fresh) => session.token(fresh),
  // The login was ended elsewhere; nothing of it is left to use.
  onState: ({ kind, code }) => (kind === "stopped" && code === SESSION_REVOKED ? session.logout() : render()),
  onFrame: (frame) => receive(frame),
});

/** @type {?ReturnType<typeof createChat>} */
let chat = null;
let rooms_problem = null;
let renew_after = 0;
/** At most once per frame, whatever came in between. */
const render = redrawer({
  draw: () => chat !== null && draw(),
  isHidden: () => document.hidden,
  requestFrame: (run) => requestAnimationFrame(run),
  setTimeout: (run, ms) => setTimeout(run, ms),
});

const views = {
  auth: new AuthView({
    onLogin: async ({ login, password }) => enter(await session.login(login, password)),
    onRegister: async ({ username, email, password }) => enter(await session.register(username, email, password)),
  }),
  list: new RoomListView(),
  status: new StatusView(() => connection.start()),
  room: new RoomView({
    onSay: say,
    onType: (room_id) => chat.presence.type(room_id),
    onOlder: () => chat.sync.loadOlder(chat.rooms.open_id),
    onReload: () => chat.sync.reload(chat.rooms.open_id),
    onLook: () => render(),
    onRetry: (client_id) => changeOutbox(() => chat.sender.retry(client_id)),
    onDiscard: (client_id) => changeOutbox(() => chat.outbox.discard(client_id)),
    onReact: (message_id, emoji, back) => act({ type: "react", message_id, emoji, remove: back }),
    onDelete: (message_id) => act({ type: "delete", message_id }),
    onEdit: (message_id, content) => act({ type: "edit", message_id, content }),
    onJoin: (answer) => chat.visit.join(answer),
    onLeave: () => leaveRoom(),
    onMembers: () => views.members.show(openRoom()),
    onRequests: () => views.requests.show(openRoom(), chat.requests.of(chat.rooms.open_id)),
  }),
  browse: new BrowseDialog({
    load: (cursor) => api.publicRooms(cursor),
    isMine: (room_id) => chat.rooms.get(room_id) !== undefined,
    onChoose: (room) => choose(room),
  }),
  members: new MembersDialog({
    load: (room_id, cursor) => api.members(room_id, cursor),
    onLook: (user_ids) => (chat.presence.look(user_ids), render()),
    isMe: (user_id) => user_id === chat.user.user_id,
    onMessage: async (user_id) => adopt(await api.openDirect(user_id)),
    onInvite: () => views.invite.show(openRoom()),
  }),
  invite: new InviteDialog((room_id, wish) => api.createInvite(room_id, wish)),
  requests: new RequestsDialog({
    onApprove: (room_id, user_id) => chat.requests.approve(room_id, user_id),
    onDeny: (room_id, user_id) => chat.requests.deny(room_id, user_id),
  }),
  presence: new PresenceDialog((setting) => chat.presence.set(setting)),
  create: new CreateDialog(async (room) => adopt(await api.createRoom(room))),
};

function enter() {
  const parts = { api, connection, user: session.user, storage: localStorage, now, isLooking };
  chat = createChat({ ...parts, changed: render, onIn: adopt });
  views.auth.hide();
  byId("chat").hidden = false;
  setText(byId("me"), session.user.username);
  connection.start();
  loadRooms();
  render();
}

/** The login is over: nothing of it stays on the page. */
function exit() {
  chat = null;
  connection.stop();
  closeDialogs();
  views.room.composer.clear();
  byId("chat").hidden = true;
  document.title = "Rookery";
  // The next user of this page may be somebody else. An invite is for whoever follows it.
  if (!isInvited()) history.replaceState(null, "", location.pathname);
  views.auth.show(isInvited());
}

function isInvited() {
  return placeIn(location.hash)?.invite !== undefined;
}

async function loadRooms() {
  const current = chat;
  try {
    await chat.sync.refreshRooms();
    rooms_problem = null;
  } catch (error) {
    rooms_problem = error.message;
  }
  if (current === chat && chat !== null) route();
}

function receive(frame) {
  if (chat === null) return;
  // The server's clock counts: whatever this page's says, the token ends soon.
  if (frame.type === "token_expiring") return void renew(true);
  if (frame.type === "hello") {
    views.room.limits.set(frame.limits);
    if (!chat.rooms.loaded) loadRooms();
  }
  for (const part of [chat.titles, chat.visit, chat.requests]) part.onFrame(frame);
  // On another device, or by somebody else.
  const { type } = frame;
  if (type === "room_added" || type === "room_removed") {
    const is_known = chat.rooms.get(frame.room) !== undefined;
    return void (is_known === (type === "room_removed") && loadRooms());
  }
  if (chat.presence.onFrame(frame)) render();
  else chat.sync.onFrame(frame);
}

/** An invite is not to be come back to. */
function go(room) {
  if (isInvited()) location.replace(addressOf(room));
  else location.hash = addressOf(room);
}

/** The user is in the room now. */
function adopt(room) {
  if (chat === null) return;
  chat.rooms.add({ role: "member", ...room });
  go(room);
  route();
}

/** Where it takes more than a click, the room itself asks for it. */
async function choose(room) {
  const is_open = chat.rooms.get(room.room_id) === undefined && room.join === "open";
  if (is_open) adopt(await api.join(room.room_id));
  else go(room);
}

function openRoom() {
  return chat.rooms.get(chat.rooms.open_id);
}

async function leaveRoom() {
  const room = openRoom();
  const private_room = room.visibility === "private";
  const text = private_room
    ? "Nobody can find a private room: you cannot come back by yourself."
    : "You can join it again later.";
  if (!(await confirm({ title: `Leave ${room.name}?`, text, action: "Leave" }))) return;
  try {
    await api.leave(room.room_id);
    chat.sync.leave(room.room_id);
    location.hash = "#/";
  } catch (error) {
    chat.sync.problems.set(room.room_id, error.message);
  }
  render();
}

/** The address says which room is open, so that reload, back and links work. */
function route() {
  if (chat === null) return;
  const place = placeIn(location.hash);
  const { rooms, visit } = chat;
  const room = place?.room === undefined ? undefined : rooms.find(place.room);
  if (place === null && WIDE.matches && rooms.loaded && rooms.list().length > 0) return openFirst();
  visit.to(room === undefined && rooms.loaded ? place : null);
  if (rooms.open_id !== (room?.room_id ?? null)) open(room);
  byId("chat").dataset.screen = place === null ? "rooms" : "room";
  render();
}

function open(room) {
  chat.rooms.open_id = room?.room_id ?? null;
  chat.presence.open(chat.rooms.open_id);
  if (room === undefined) return;
  chat.sync.open(room.room_id);
  if (WIDE.matches) requestAnimationFrame(() => requestAnimationFrame(() => views.room.composer.focus()));
}

function openFirst() {
  const room = chat.rooms.find("general") ?? chat.rooms.list()[0];
  location.replace(addressOf(room));
}

function say(room_id, content) {
  const taken = chat.sender.say(room_id, content);
  chat.presence.said(room_id);
  render();
  return taken ? null : TOO_MANY;
}

/** What is done to a message of the open room. @returns {?string} why it was not taken */
function act(what) {
  const taken = chat.sender.act(chat.rooms.open_id, what);
  if (!taken) chat.sync.problems.set(chat.rooms.open_id, TOO_MANY);
  render();
  return taken ? null : TOO_MANY;
}

function changeOutbox(change) {
  change();
  render();
}

function isLooking() {
  return !document.hidden && document.hasFocus() && views.room.timeline.at_end && (WIDE.matches || placeIn(location.hash) !== null);
}

function draw() {
  const { rooms, sync, outbox, user, presence: people, titles, visit, requests } = chat;
  const room = openRoom();
  if (rooms.open_id !== null && room === undefined) return route();
  if (room !== undefined) {
    const id = room.room_id;
    const history = { timeline: sync.timeline(id), entries: outbox.ofRoom(id), user, loading: sync.isLoading(id) };
    requests.look(room);
    const asking = keepsOrder(room) ? requests.of(id) : [];
    const other_id = titles.other(room);
    const other = other_id === null ? null : people.of(other_id);
    const now_there = { online: people.online(id), typing: people.typing(id), asking, other };
    views.room.renderRoom(room, { ...history, ...now_there, problem: sync.problems.get(id), divider: rooms.divider(id) });
    views.requests.render(id, asking);
    views.members.render((user_id) => people.of(user_id));
    if (isLooking()) chat.marks.look(id);
  } else if (visit.shown !== null) views.room.renderStranger(visit.shown);
  else views.room.renderNothing(rooms.loaded ? "Pick a room, or find a new one." : "Loading…");
  views.list.render(rooms, requests, rooms_problem);
  renderDot(byId("my-dot"), people.of(user.user_id));
  views.status.render(connection.state, now());
  document.title = rooms.unread_total > 0 ? `(${rooms.unread_total}) Rookery` : "Rookery";
}

function tick() {
  if (chat === null) return;
  chat.sender.flush();
  chat.marks.tick();
  if (connection.state.kind === "waiting" || chat.presence.anybody_types) render();
  if (connection.state.kind === "online" && session.renew_in_ms === 0 && now() >= renew_after) renew(false);
}

/** A new token goes over the open connection: nothing is interrupted. */
async function renew(fresh) {
  renew_after = now() + RENEW_RETRY_MS;
  try {
    connection.send(auth(await session.token(fresh)));
  } catch {
    // A login that is over has been shown by `exit`; anything else is tried again.
  }
}

function onStorage({ key, newValue }) {
  session.onStorage(key);
  if (chat?.outbox.onStorage(key, newValue)) render();
}

function start() {
  wireDialogs();
  byId("open-browse").addEventListener("click", () => views.browse.show());
  byId("open-create").addEventListener("click", () => views.create.show());
  byId("open-presence").addEventListener("click", () => views.presence.show(chat.presence.of(chat.user.user_id)));
  byId("log-out").addEventListener("click", () => session.logout());
  addEventListener("hashchange", route);
  addEventListener("storage", onStorage);
  addEventListener("focus", () => render());
  addEventListener("online", () => connection.online());
  addEventListener("offline", () => connection.offline());
  document.addEventListener("visibilitychange", () => (document.hidden || connection.nudge(), render()));
  setInterval(tick, TICK_MS);
  if (session.restore()) enter();
  else views.auth.show(isInvited());
}

start();
