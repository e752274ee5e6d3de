// Where a message is written. Keeps a draft per room.

import { byId, setText } from "./dom.js";

/** Characters left from which on they are counted down. */
const COUNT_FROM = 300;

export class Composer {
  #form = byId("composer");
  #input = byId("composer-input");
  #count = byId("composer-count");
  #button = byId("composer-send");
  #drafts = new Map();
  #room_id = null;
  #chars_max = 4000;
  #bytes_max = 12_000;
  #allowed = true;

  /**
   * @param {(room_id: string, content: string) => ?string} onSay answers with why it was not taken
   * @param {(room_id: string) => void} onType
   */
  constructor(onSay, onType) {
    this.#form.addEventListener("submit", (event) => this.#submit(event, onSay));
    this.#input.addEventListener("input", () => {
      this.#changed();
      if (this.#input.value !== "") onType(this.#room_id);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {{content_chars: number, content_bytes: number}} limits what the server told */
  limit({ content_chars, content_bytes }) {
    this.#chars_max = content_chars;
    this.#bytes_max = content_bytes;
  }

  /** @param {string} room_id @param {string} name */
  open(room_id, name) {
    this.#input.placeholder = `Message ${name}`;
    if (room_id === this.#room_id) return;
    this.#room_id = room_id;
    this.#input.value = this.#drafts.get(room_id) ?? "";
    this.#changed();
  }

  /** Whether anything may be written now. What was written stays. @param {boolean} allowed */
  allow(allowed) {
    this.#allowed = allowed;
    this.#input.disabled = !allowed;
    this.#button.disabled = !this.#fits(this.#input.value);
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  /** Forgets every draft: another user may log in. */
  clear() {
    this.#drafts.clear();
    this.#room_id = null;
    this.#input.value = "";
  }

  /** Enter sends, Shift+Enter breaks the line; an Enter that ends a word in an input method does neither. */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #submit(event, onSay) {
    event.preventDefault();
    const content = this.#input.value;
    if (!this.#fits(content)) return;
    const refused = onSay(this.#room_id, content);
    if (refused) return setText(this.#count, refused);
    this.#input.value = "";
    this.#changed();
    this.focus();
  }

  #fits(content) {
    const whole = this.#allowed && content.trim() !== "";
    return whole && [...content].length <= this.#chars_max && new Blob([content]).size <= this.#bytes_max;
  }

  #changed() {
    const content = this.#input.value;
    if (content === "") this.#drafts.delete(this.#room_id);
    else this.#drafts.set(this.#room_id, content);
    const left = this.#left(content);
    setText(this.#count, left > COUNT_FROM ? "" : left < 0 ? `${-left} too many` : `${left} left`);
    this.#count.classList.toggle("over", left < 0);
    this.#button.disabled = !this.#fits(content);
    this.#grow();
  }

  /** In characters, or in bytes where these run out first (a byte then counts as a third of a character). */
  #left(content) {
    const bytes_left = Math.floor(((this.#bytes_max - new Blob([content]).size) * this.#chars_max) / this.#bytes_max);
    return Math.min(this.#chars_max - [...content].length, bytes_left);
  }

  /** Browsers without `field-sizing` get a box that grows and, once empty, is small again. Making it small on every
   * key to measure it would move the messages above. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    const input = this.#input;
    if (input.value === "") input.style.height = "";
    else if (input.scrollHeight > input.clientHeight) input.style.height = `${input.scrollHeight + 2}px`;
  }
}
