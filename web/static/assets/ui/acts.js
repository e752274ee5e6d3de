// What can be done to a message on show: its menu, its reactions, the form that edits it.

import { el, setText } from "./dom.js";
import { isComposing, isSend } from "./keys.js";

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
  // Below the newest message there is no room to open into.
  node.addEventListener("toggle", () => node.open && node.scrollIntoView({ block: "nearest" }));
  return node;
}

function close(node, run) {
  node.open = false;
  run();
}

/** @param {import("./rows.js").Row} row @param {ActHandlers} handlers */
export function chips({ message_id, chips: all }, { onReact }) {
  if (all.length === 0) return null;
  const nodes = all.map(({ emoji, count, mine, waiting }) =>
    el("button", {
      type: "button",
      class: ["chip", mine && "mine", waiting && "waiting"].filter(Boolean).join(" "),
      title: waiting ? "Waiting to be sent" : undefined,
      "aria-pressed": String(mine),
      "aria-label": `${emoji} ${count}`,
      onclick: () => onReact(message_id, emoji, mine),
    }, `${emoji} ${count}`));
  return el("div", { class: "chips" }, ...nodes);
}

/**
 * The form that edits a message. It stays open until its text is taken or given up.
 * @param {object} parts
 * @param {string} parts.content as it is
 * @param {string} parts.draft as it was left, if it was
 * @param {import("./length.js").TextLimits} parts.limits
 * @param {(draft: string) => void} parts.onDraft
 * @param {(content: string) => ?string} parts.onSave answers with why it was not taken
 * @param {() => void} parts.onCancel
 */
export function editor({ content, draft, limits, onDraft, onSave, onCancel }) {
  const field = el("textarea", { rows: "3", "aria-label": "Edit message", dir: "auto" });
  const note = el("span", { class: "count", role: "status" });
  const button = el("button", { type: "button", class: "link", onclick: () => save() }, "Save");
  const check = () => {
    setText(note, limits.countdown(field.value));
    note.classList.toggle("over", limits.left(field.value) < 0);
    button.disabled = !limits.fit(field.value);
  };
  const save = () => {
    if (field.value === content) return onCancel();
    if (!limits.fit(field.value)) return check();
    const refused = onSave(field.value);
    if (refused) setText(note, refused);
  };
  field.value = draft;
  check();
  field.addEventListener("input", () => (onDraft(field.value), check()));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !isComposing(event)) onCancel();
    if (isSend(event)) (event.preventDefault(), save());
  });
  queueMicrotask(() => requestAnimationFrame(() => field.focus()));
  return el("div", { class: "editor" }, field, note, button,
    el("button", { type: "button", class: "link", onclick: onCancel }, "Cancel"));
}
