// How long a text may be, in characters and in bytes, as the server told.

/** Characters left from which on they are counted down. */
const COUNT_FROM = 300;

export class TextLimits {
  #chars_max = 4000;
  #bytes_max = 12_000;

  /** @param {{content_chars: number, content_bytes: number}} limits what the server told */
  set({ content_chars, content_bytes }) {
    this.#chars_max = content_chars;
    this.#bytes_max = content_bytes;
  }

  /** Whether the text can be sent. @param {string} content */
  fit(content) {
    return content.trim() !== "" && [...content].length <= this.#chars_max && new Blob([content]).size <= this.#bytes_max;
  }

  /** Characters left; below zero, how many are too many. In bytes where these run out first (a byte then counts as a third
   * of a character). @param {string} content */
  left(content) {
    const bytes_left = Math.floor(((this.#bytes_max - new Blob([content]).size) * this.#chars_max) / this.#bytes_max);
    return Math.min(this.#chars_max - [...content].length, bytes_left);
  }

  /** What is to be known while writing; empty as long as there is room. @param {string} content */
  countdown(content) {
    const left = this.left(content);
    if (left > COUNT_FROM) return "";
    return left < 0 ? `${-left} too many` : `${left} left`;
  }
}
