// What can be done to a message on show: its menu, its reactions, the form that edits it.

import { el } from "./dom.js";

/** The reactions that the menu offers. */
const EMOJIS = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

/**
 * @typedef {object} ActHandlers
 * @property {(message_id: string, emoji: string, back: boolean) => void} onReact
 * @property {(message_id: string) => void} onDelete
 * @property {(message_id: string) => void} onEdit opens the form
 */

/** A button that opens a list of buttons: the browser makes it work with keys and touch.
 * @param {import("./rows.js").Row} row @param {ActHandlers} handlers */
export function menu(row, { onReact, onDelete, onEdit }) {
  const { message_id, own } = row;
  const mine = new Set(row.chips.filter((chip) => chip.mine).map((chip) => chip.emoji));
  const node = el("details", { class: "acts" }, el("summary", { "aria-label": "Message actions" }, "⋯"));
  const act = (label, run, spoken) =>
    el("button", { type: "button", class: "link", "aria-label": spoken, onclick: () => close(node, run) }, label);
  const emojis = EMOJIS.map((emoji) => act(emoji, () => onReact(message_id, emoji, mine.has(emoji)), `React ${emoji}`));
  const own_acts = own ? [act("Edit", () => onEdit(message_id)), act("Delete", () => onDelete(message_id))] : [];
  node.append(el("div", { class: "choices" }, ...emojis, ...own_acts));
  node.addEventListener("keydown", (event) => event.key === "Escape" && close(node, () => node.firstChild.focus()));
  return node;
}

function close(node, run) {
  node.open = false;
  run();
}

/** @param {import("./rows.js").Row} row @param {ActHandlers} handlers */
export function chips({ message_id, chips: all }, { onReact }) {
  if (all.length === 0) return null;
  const nodes = all.map(({ emoji, count, mine }) =>
    el("button", {
      type: "button",
      class: mine ? "chip mine" : "chip",
      "aria-pressed": String(mine),
      "aria-label": `${emoji} ${count}`,
      onclick: () => onReact(message_id, emoji, mine),
    }, `${emoji} ${count}`));
  return el("div", { class: "chips" }, ...nodes);
}

/** @param {string} content @param {(content: ?string) => void} onDone with the new text, or null */
export function editor(content, onDone) {
  const field = el("textarea", { rows: "3", "aria-label": "Edit message", dir: "auto" });
  field.value = content;
  const save = () => onDone(field.value.trim() === "" || field.value === content ? null : field.value);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onDone(null);
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) (event.preventDefault(), save());
  });
  queueMicrotask(() => requestAnimationFrame(() => field.focus()));
  return el("div", { class: "editor" }, field,
    el("button", { type: "button", class: "link", onclick: save }, "Save"),
    el("button", { type: "button", class: "link", onclick: () => onDone(null) }, "Cancel"));
}
