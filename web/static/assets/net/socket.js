// One connection to /ws that keeps coming back. It owns the WebSocket, its first frame (the token), its heartbeat and
// the wait before the next attempt. It knows nothing of rooms.

import { Backoff } from "./backoff.js";
import * as frames from "../protocol/frames.js";
import { ABNORMAL, UNAUTHENTICATED, mayReturn } from "../protocol/close.js";

/** From the start of an attempt to `hello`. */
export const HELLO_TIMEOUT_MS = 12_000;
/** From a ping to anything at all. */
export const PONG_TIMEOUT_MS = 8_000;
/** A connection that held this long was good: the next wait starts small again. */
export const STABLE_MS = 10_000;
/** How often the silence of the server is looked at. */
const WATCH_INTERVAL_MS = 2_000;
const OPEN = 1;
/** What the server is told at the end: after a goodbye the user is shown as offline at once. */
const GOODBYE = 1000;
const COMING_BACK = 3000;

/**
 * @typedef {object} ConnectionState
 * @property {"idle"|"connecting"|"online"|"waiting"|"stopped"} kind
 * @property {number} [retry_at] for "waiting": when the next attempt starts
 * @property {boolean} [no_network] for "waiting" and "connecting": the machine says that it has no network
 * @property {number} [code] for "stopped": the close code that forbids coming back
 */

/**
 * @typedef {object} ConnectionParts
 * @property {() => WebSocket} open starts a socket
 * @property {(fresh: boolean) => Promise<string>} token rejects with `temporary` true if it is worth another try
 * @property {(state: ConnectionState) => void} onState
 * @property {(frame: object) => void} onFrame every frame but `pong` and `reconnect`; the first is `hello`
 * @property {Backoff} [backoff]
 * @property {{now: () => number, setTimeout: Function, clearTimeout: Function}} [clock]
 */

/** The machine's own clock. */
export const REAL_CLOCK = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class Connection {
  /** @type {ConnectionState} */
  state = { kind: "idle" };
  #parts;
  #clock;
  #backoff;
  #socket = null;
  #timer = null;
  #watch = null;
  #attempt = 0;
  #heard_at = 0;
  #pinged_at = 0;
  #online_at = 0;
  #return_at = 0;
  #heartbeat_ms = 25_000;
  #fresh_token = false;
  #no_network = false;

  /** @param {ConnectionParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? REAL_CLOCK;
    this.#backoff = parts.backoff ?? new Backoff();
  }

  /** Connects now, whatever it was doing. */
  async start() {
    this.#drop();
    const attempt = this.#attempt;
    this.#set({ kind: "connecting" });
    const token = await this.#token(attempt);
    if (token !== null && attempt === this.#attempt) this.#open(token, attempt);
  }

  /** Ends for good, until the next `start`. */
  stop() {
    this.#drop(GOODBYE);
    this.#set({ kind: "idle" });
  }

  /** Sends a frame. @returns {boolean} false if there is no connection that could take it */
  send(frame) {
    if (this.state.kind !== "online" || this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The machine has lost its network, and no close will ever come. It is tried again all the same: a server on the same
   * machine needs none. */
  offline() {
    this.#no_network = true;
    if (this.state.kind === "online" || this.state.kind === "connecting") this.#wait();
    else if (this.state.kind === "waiting") this.#set(this.state);
  }

  /** The network is back: whatever was tried without it is not worth waiting for. */
  online() {
    this.#no_network = false;
    if (this.state.kind === "connecting") this.start();
    else this.nudge();
  }

  /** The machine may be awake again: try now instead of later, or see whether the server answers. */
  nudge() {
    if (this.state.kind === "waiting") this.start();
    if (this.state.kind === "online") this.#ping();
  }

  async #token(attempt) {
    try {
      return await this.#parts.token(this.#fresh_token);
    } catch (error) {
      if (attempt !== this.#attempt) return null;
      if (error.temporary) this.#wait();
      else this.#set({ kind: "stopped", code: UNAUTHENTICATED });
      return null;
    }
  }

  #open(token, attempt) {
    const socket = this.#parts.open();
    this.#socket = socket;
    const current = (handle) => (event) => attempt === this.#attempt && handle(event);
    socket.onopen = current(() => socket.send(JSON.stringify(frames.auth(token))));
    socket.onmessage = current((event) => this.#receive(event.data));
    socket.onclose = current((event) => this.#closed(event.code));
    this.#timer = this.#clock.setTimeout(() => this.#lost(), HELLO_TIMEOUT_MS);
  }

  #receive(text) {
    this.#heard_at = this.#clock.now();
    this.#pinged_at = 0;
    const frame = frames.decode(text);
    if (frame === null || frame.type === "pong") return;
    if (frame.type === "reconnect") this.#reconnectIn(frame.after_ms);
    else if (frame.type !== "hello") this.#parts.onFrame(frame);
    // The server greets again when the token of an open connection is renewed; only the first greeting is news.
    else if (this.state.kind !== "online") this.#greeted(frame);
  }

  #greeted(hello) {
    this.#clock.clearTimeout(this.#timer);
    this.#heartbeat_ms = hello.heartbeat_ms;
    this.#online_at = this.#clock.now();
    this.#fresh_token = false;
    this.#no_network = false;
    this.#watchSilence();
    this.#set({ kind: "online" });
    this.#parts.onFrame(hello);
  }

  #reconnectIn(after_ms) {
    this.#return_at = this.#clock.now() + after_ms;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.start(), after_ms);
  }

  /** A refused token may have been too old, or too new for a node that has not seen its key yet. The login decides:
   * if it still gives out tokens, the next one is tried. */
  #closed(code) {
    this.#fresh_token = code === UNAUTHENTICATED;
    if (mayReturn(code) || this.#fresh_token) return this.#wait();
    this.#drop();
    this.#set({ kind: "stopped", code });
  }

  #lost() {
    this.#closed(ABNORMAL);
  }

  #wait() {
    const now = this.#clock.now();
    const told_ms = this.#return_at - now;
    this.#drop();
    const delay_ms = told_ms > 0 ? told_ms : this.#backoff.next();
    this.#timer = this.#clock.setTimeout(() => this.start(), delay_ms);
    this.#set({ kind: "waiting", retry_at: now + delay_ms });
  }

  /** A browser answers the server's pings by itself and tells nobody, so silence is probed with pings of our own. */
  #watchSilence() {
    this.#watch = this.#clock.setTimeout(() => {
      const now = this.#clock.now();
      if (this.#pinged_at && now - this.#pinged_at >= PONG_TIMEOUT_MS) return this.#lost();
      if (!this.#pinged_at && now - this.#heard_at >= this.#heartbeat_ms) this.#ping();
      this.#watchSilence();
    }, WATCH_INTERVAL_MS);
  }

  #ping() {
    if (!this.#pinged_at && this.send(frames.ping())) this.#pinged_at = this.#clock.now();
  }

  /** Forgets the socket and every timer. Raising the attempt makes late events of the old socket void. */
  #drop(code = COMING_BACK) {
    this.#attempt += 1;
    if (this.#online_at && this.#clock.now() - this.#online_at >= STABLE_MS) this.#backoff.reset();
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#watch);
    this.#socket?.close(code);
    this.#socket = null;
    this.#online_at = 0;
    this.#return_at = 0;
    this.#pinged_at = 0;
  }

  #set(state) {
    const tries = state.kind === "waiting" || state.kind === "connecting";
    this.state = tries && this.#no_network ? { ...state, no_network: true } : state;
    this.#parts.onState(this.state);
  }
}
