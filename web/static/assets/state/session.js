// Who is logged in. The access token lives in memory only. The refresh token is kept in localStorage, for now: it must
// survive a reload and be the same in all tabs, and a cookie that scripts cannot read needs an endpoint of its own.
// Until then the strict Content-Security-Policy (no inline and no foreign scripts) is what keeps it from strangers.

const STORAGE_KEY = "rookery.session";
const LOCK = "rookery.refresh";
/** A token this close to its end is renewed before it is used. */
export const RENEW_BEFORE_MS = 60_000;

/** The stored login is no longer valid: only a new login helps. */
export class LoggedOut extends Error {
  temporary = false;
}

/**
 * @typedef {object} SessionParts
 * @property {{refresh: Function, login: Function, logout: Function, register: Function}} api
 * @property {Storage} storage
 * @property {?LockManager} locks none where the page is not a secure context (plain http on a LAN address)
 * @property {() => number} now
 * @property {() => void} onEnd the login is over, here or in another tab
 */

export class Session {
  /** @type {?{user_id: string, username: string}} */
  user = null;
  #parts;
  #access = null;
  #refreshing = null;

  /** @param {SessionParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Takes up the login of an earlier visit. @returns {boolean} whether there is one */
  restore() {
    this.user = this.#stored()?.user ?? null;
    return this.user !== null;
  }

  async login(login, password) {
    this.#keep(await this.#parts.api.login(login, password));
  }

  /** Creates an account and logs it in. */
  async register(username, email, password) {
    await this.#parts.api.register(username, email, password);
    await this.login(username, password);
  }

  /** Ends the login at once, even if the server cannot be told. */
  async logout() {
    const refresh_token = this.#stored()?.refresh_token;
    this.#parts.storage.removeItem(STORAGE_KEY);
    this.#end();
    if (refresh_token) await this.#parts.api.logout(refresh_token).catch(() => {});
  }

  /**
   * An access token with some life left.
   * @param {boolean} fresh do not answer with the token of before: it was refused
   * @returns {Promise<string>} rejects with LoggedOut or an ApiError
   */
  async token(fresh) {
    if (!fresh && this.renew_in_ms > 0) return this.#access.token;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Milliseconds until the token should be renewed; 0 if there is none. */
  get renew_in_ms() {
    return this.#access === null ? 0 : Math.max(0, this.#access.renew_at - this.#parts.now());
  }

  /** Another tab changed the storage. */
  onStorage(key) {
    if (this.user === null || (key !== STORAGE_KEY && key !== null)) return;
    if (this.#stored()?.user.user_id !== this.user.user_id) this.#end();
  }

  /** Tabs take turns: each uses the refresh token that the one before left. Without locks the server's grace time for
   * a token presented twice has to do. */
  #refresh() {
    const { locks } = this.#parts;
    return locks ? locks.request(LOCK, () => this.#exchange()) : this.#exchange();
  }

  async #exchange() {
    const stored = this.#stored();
    if (stored === null || stored.user.user_id !== this.user?.user_id) throw this.#over();
    try {
      return this.#keep(await this.#parts.api.refresh(stored.refresh_token));
    } catch (error) {
      if (error.status !== 401) throw error;
      this.#forget(stored);
      throw this.#over();
    }
  }

  /** A login made in another tab since then is not ours to remove. */
  #forget({ refresh_token }) {
    if (this.#stored()?.refresh_token === refresh_token) this.#parts.storage.removeItem(STORAGE_KEY);
  }

  #over() {
    this.#end();
    return new LoggedOut("Log in again.");
  }

  #end() {
    const was_in = this.user !== null;
    this.user = null;
    this.#access = null;
    if (was_in) this.#parts.onEnd();
  }

  #keep({ access_token, expires_in, refresh_token, user }) {
    const { user_id, username } = user;
    this.#parts.storage.setItem(STORAGE_KEY, JSON.stringify({ refresh_token, user: { user_id, username } }));
    const life_ms = expires_in * 1000;
    const renew_at = this.#parts.now() + life_ms - Math.min(RENEW_BEFORE_MS, life_ms / 2);
    this.#access = { token: access_token, renew_at };
    this.user = { user_id, username };
    return access_token;
  }

  #stored() {
    try {
      const stored = JSON.parse(this.#parts.storage.getItem(STORAGE_KEY));
      return stored?.refresh_token && stored.user?.user_id ? stored : null;
    } catch {
      return null;
    }
  }
}
