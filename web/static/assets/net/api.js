// The REST interface under /api/v1. Every failure is an ApiError, whatever it was.

/** One request, from the first byte sent to the last byte read. */
export const REQUEST_TIMEOUT_MS = 15_000;

/** The code of a failure that is not an answer of the server. */
export const UNREACHABLE = "unreachable";

/** Why a request failed. */
export class ApiError extends Error {
  /**
   * @param {{status: number, code: string, detail: string, field?: string, retry_after_ms?: number}} problem status 0 if
   * there was no answer
   */
  constructor({ status, code, detail, field, retry_after_ms }) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.field = field;
    this.retry_after_ms = retry_after_ms;
  }

  /** Whether the same request may succeed later without the user doing anything. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Typed calls; a call that needs a user asks `token` for one and, after a 401, once more for a fresh one. */
export class Api {
  #fetch;
  #token;

  /**
   * @param {{fetch: typeof fetch, token: (fresh: boolean) => Promise<string>}} parts `token(true)` must not answer with
   * the token of before
   */
  constructor({ fetch, token }) {
    this.#fetch = fetch;
    this.#token = token;
  }

  register(username, email, password) {
    return this.#send("POST", "/auth/register", { username, email, password });
  }

  login(login, password) {
    return this.#send("POST", "/auth/login", { login, password });
  }

  refresh(refresh_token) {
    return this.#send("POST", "/auth/refresh", { refresh_token });
  }

  logout(refresh_token) {
    return this.#send("POST", "/auth/logout", { refresh_token });
  }

  /** All rooms of the user with what is unread in each: one page for nearly everybody. */
  async myRooms() {
    const rooms = [];
    let cursor;
    do {
      const page = await this.#call("GET", `/users/me/rooms${query({ limit: 2_000, cursor })}`);
      rooms.push(...page.rooms);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    return { rooms };
  }

  /** What is unread in one room. @param {string} room */
  readState(room) {
    return this.#call("GET", `/rooms/${encodeURIComponent(room)}/read`);
  }

  publicRooms(cursor) {
    return this.#call("GET", `/rooms${query({ limit: 50, cursor })}`);
  }

  room(room) {
    return this.#call("GET", `/rooms/${encodeURIComponent(room)}`);
  }

  /** @param {string} room @param {string} [cursor] */
  members(room, cursor) {
    return this.#call("GET", `/rooms/${encodeURIComponent(room)}/members${query({ limit: 50, cursor })}`);
  }

  createRoom(room) {
    return this.#call("POST", "/rooms", room);
  }

  /** Answers with the room, or with a `status` where moderators decide. @param {{password?: string}} [answer] */
  join(room, answer) {
    return this.#call("POST", `/rooms/${encodeURIComponent(room)}/join`, answer);
  }

  /** The direct room with somebody, new or not. */
  openDirect(user_id) {
    return this.#call("PUT", `/direct/${user_id}`);
  }

  user(user_id) {
    return this.#call("GET", `/users/${user_id}`);
  }

  /** @param {string} room @param {{expires_in_s?: number}} wish */
  createInvite(room, wish) {
    return this.#call("POST", `/rooms/${encodeURIComponent(room)}/invites`, wish);
  }

  /** Where an invite leads. */
  invite(code) {
    return this.#call("GET", `/invites/${encodeURIComponent(code)}`);
  }

  /** Answers like `join`. */
  acceptInvite(code) {
    return this.#call("POST", `/invites/${encodeURIComponent(code)}/accept`);
  }

  /** The user's own requests to be let in that wait. */
  myJoinRequests() {
    return this.#call("GET", "/users/me/join-requests");
  }

  /** Who waits to be let into a room: no more than one page may. */
  joinRequests(room) {
    return this.#call("GET", `/rooms/${encodeURIComponent(room)}/join-requests${query({ limit: 200 })}`);
  }

  approve(room, user_id) {
    return this.#call("POST", `/rooms/${encodeURIComponent(room)}/join-requests/${user_id}/approve`);
  }

  deny(room, user_id) {
    return this.#call("POST", `/rooms/${encodeURIComponent(room)}/join-requests/${user_id}/deny`);
  }

  leave(room) {
    return this.#call("POST", `/rooms/${encodeURIComponent(room)}/leave`);
  }

  /** @param {string} room @param {{before?: string, after?: string, limit?: number}} [page] the newest page without */
  messages(room, { before, after, limit = 50, acts } = {}) {
    return this.#call("GET", `/rooms/${encodeURIComponent(room)}/messages${query({ limit, before, after, acts })}`);
  }

  async #call(method, path, body) {
    try {
      return await this.#send(method, path, body, await this.#token(false));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return this.#send(method, path, body, await this.#token(true));
    }
  }

  async #send(method, path, body, token) {
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const request = {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    };
    const { response, json } = await this.#exchange(path, request);
    if (response.ok) return json;
    throw new ApiError(problem(response, json));
  }

  async #exchange(path, request) {
    try {
      const response = await this.#fetch(`/api/v1${path}`, request);
      const text = await response.text();
      return { response, json: readJson(text) };
    } catch {
      throw new ApiError({ status: 0, code: UNREACHABLE, detail: "The server cannot be reached." });
    }
  }
}

/** A proxy in front may answer with a page of its own: that is no JSON and no problem document. */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function problem(response, json) {
  const fallback = response.status >= 500 ? "The server has a problem. Try again." : "The request was refused.";
  return {
    status: response.status,
    code: json?.code ?? "internal",
    detail: json?.detail || json?.title || fallback,
    field: json?.field,
    retry_after_ms: json?.retry_after_ms,
  };
}

function query(values) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `?${text}` : "";
}
