// Where a message is written. Keeps a draft per room.

import { byId, setText } from "./dom.js";
import { isSend } from "./keys.js";

export class Composer {
  #form = byId("composer");
  #input = byId("composer-input");
  #count = byId("composer-count");
  #button = byId("composer-send");
  #drafts = new Map();
  #room_id = null;
  #limits;
  #allowed = true;

  /**
   * @param {import("./length.js").TextLimits} limits
   * @param {(room_id: string, content: string) => ?string} onSay answers with why it was not taken
   * @param {(room_id: string) => void} onType
   */
  constructor(limits, onSay, onType) {
    this.#limits = limits;
    this.#form.addEventListener("submit", (event) => this.#submit(event, onSay));
    this.#input.addEventListener("input", () => {
      this.#changed();
      if (this.#input.value !== "") onType(this.#room_id);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
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

  #key(event) {
    if (!isSend(event)) return;
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
    return this.#allowed && this.#limits.fit(content);
  }

  #changed() {
    const content = this.#input.value;
    if (content === "") this.#drafts.delete(this.#room_id);
    else this.#drafts.set(this.#room_id, content);
    setText(this.#count, this.#limits.countdown(content));
    this.#count.classList.toggle("over", this.#limits.left(content) < 0);
    this.#button.disabled = !this.#fits(content);
    this.#grow();
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
