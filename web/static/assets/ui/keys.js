// What a key means in a field that Enter sends.

/** Whether the key belongs to an input method, which is still making a word of it. Safari says so by the code alone. */
export function isComposing({ isComposing: composing, keyCode }) {
  return composing === true || keyCode === 229;
}

/** Enter sends, Shift+Enter breaks the line; an Enter that ends a word in an input method does neither.
 * @param {KeyboardEvent} event */
export function isSend(event) {
  return event.key === "Enter" && !event.shiftKey && !isComposing(event);
}
