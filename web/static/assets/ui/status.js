// Says in words how the connection is.

import { byId, setText } from "./dom.js";
import { closeReason } from "../protocol/close.js";

/** A wait shorter than this is not counted down: it is over before it is read. */
const COUNTDOWN_FROM_MS = 2_000;

export class StatusView {
  #root = byId("status");
  #text = byId("status-text");
  #button = byId("status-retry");

  /** @param {() => void} onRetry */
  constructor(onRetry) {
    this.#button.addEventListener("click", onRetry);
  }

  /** @param {import("../net/socket.js").ConnectionState} state @param {number} now */
  render(state, now) {
    this.#root.dataset.kind = state.kind;
    setText(this.#text, describe(state, now));
    this.#button.hidden = state.kind !== "stopped" && state.kind !== "waiting";
  }
}

/** @param {import("../net/socket.js").ConnectionState} state @param {number} now @returns {string} */
export function describe(state, now) {
  switch (state.kind) {
    case "online":
      return "Connected";
    case "waiting": {
      const left_ms = state.retry_at - now;
      const what = state.no_network ? "No network." : "Connection lost.";
      if (left_ms < COUNTDOWN_FROM_MS) return `${what} Trying again…`;
      return `${what} Trying again in ${Math.ceil(left_ms / 1000)} s`;
    }
    case "stopped":
      return `Disconnected by the server (${closeReason(state.code)})`;
    default:
      return state.no_network ? "No network. Trying again…" : "Connecting…";
  }
}
