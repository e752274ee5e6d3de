// How a message looks while what was done to it here is on its way, or was refused. No DOM.

/**
 * @param {import("./rows.js").Row} row a message
 * @param {import("../state/outbox.js").Entry[]} entries acts of the room that are not stored yet, oldest first
 * @returns {import("./rows.js").Row}
 */
export function withActs(row, entries) {
  const about = entries.filter(({ act }) => act.message_id === row.message_id);
  return about.reduce((shown, entry) => (entry.state === "failed" ? refused(shown, entry) : onItsWay(shown, entry.act)), row);
}

function onItsWay(row, act) {
  if (row.deleted) return row;
  if (act.type === "react") return { ...row, chips: reacted(row.chips, act) };
  const change = act.type === "edit" ? { content: act.content } : { content: "", deleted: true };
  return { ...row, ...change, mark: "sending" };
}

/** A text that was refused stays on show: only its author has it. */
function refused(row, { client_id, act, error }) {
  const failures = [...(row.failures ?? []), { client_id, type: act.type, error }];
  const change = act.type === "edit" && !row.deleted ? { content: act.content } : {};
  return { ...row, ...change, failures };
}

function reacted(chips, { emoji, remove = false }) {
  const known = chips.find((chip) => chip.emoji === emoji);
  if ((known?.mine ?? false) === !remove) return chips;
  const count = (known?.count ?? 0) + (remove ? -1 : 1);
  const chip = { emoji, count, mine: !remove, waiting: true };
  const changed = known ? chips.map((other) => (other === known ? chip : other)) : [...chips, chip];
  return changed.filter((other) => other.count > 0);
}
