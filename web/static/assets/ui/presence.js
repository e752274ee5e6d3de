// Presence in words and as a dot, and the dialog in which users set their own.

import { byId, el, setText } from "./dom.js";
import { clearErrors, onSubmit } from "./forms.js";
import { presenceText } from "./format.js";

/** The dot of a user; what it says is also said in words. @param {import("../state/presence.js").Seen} seen */
export function dot(seen) {
  return el("span", { class: `dot ${seen.status}`, role: "img", "aria-label": presenceText(seen), title: presenceText(seen) });
}

/** Shows how a user stands now on a dot that is there. */
export function renderDot(node, seen) {
  const text = presenceText(seen);
  if (node.title === text) return;
  node.className = `dot ${seen.status}`;
  node.title = text;
  node.setAttribute("aria-label", text);
}

/** The dialog of one's own status. */
export class PresenceDialog {
  #dialog = byId("presence");
  #form = byId("presence-form");

  /** @param {(setting: {status: string, text?: string}) => void} onSet */
  constructor(onSet) {
    onSubmit(this.#form, async ({ status, text }) => {
      onSet({ status, ...(text.trim() ? { text: text.trim() } : {}) });
      this.#dialog.close();
    });
  }

  /** @param {import("../state/presence.js").Seen} seen */
  show({ status, text }) {
    this.#form.reset();
    clearErrors(this.#form);
    const choice = this.#form.elements.namedItem("status");
    choice.value = status === "offline" ? "online" : status;
    this.#form.elements.namedItem("text").value = text ?? "";
    this.#dialog.showModal();
  }
}

/** The line that says who types. */
export class TypingView {
  #line = byId("typing");

  /** @param {string} text */
  render(text) {
    setText(this.#line, text);
  }
}
