// Waiting times between attempts: full jitter, so that clients dropped together do not come back together.

/** First upper bound. */
export const BACKOFF_BASE_MS = 500;
/** Last upper bound. */
export const BACKOFF_CAP_MS = 30_000;

/** Counts attempts; each wait is a random part of an upper bound that doubles up to a cap. */
export class Backoff {
  #attempts = 0;
  #base_ms;
  #cap_ms;
  #random;

  /**
   * @param {{base_ms?: number, cap_ms?: number, random?: () => number}} [options] `random` gives numbers from 0 up to,
   * but not including, 1
   */
  constructor({ base_ms = BACKOFF_BASE_MS, cap_ms = BACKOFF_CAP_MS, random = Math.random } = {}) {
    this.#base_ms = base_ms;
    this.#cap_ms = cap_ms;
    this.#random = random;
  }

  /** @returns {number} milliseconds to wait before the next attempt */
  next() {
    const bound_ms = Math.min(this.#cap_ms, this.#base_ms * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return Math.round(this.#random() * bound_ms);
  }

  /** An attempt was good. */
  reset() {
    this.#attempts = 0;
  }
}
