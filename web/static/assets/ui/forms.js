// What all forms share: one submission at a time, and errors shown where they belong.

import { setText } from "./dom.js";
import { refusalText } from "./refusals.js";

/** The field that a code is about where the server need not name one. */
const FIELD_OF_CODE = { username_taken: "username", account_exists: "email", room_name_taken: "name", password_wrong: "password" };

/**
 * Runs `submit` with the form's values, keeps the form from being sent twice meanwhile, and shows why it failed: at the
 * field that the server names, or under the form.
 * @param {HTMLFormElement} form has an element `.form-error` and beside every field a `[data-error-for]`
 * @param {(values: Record<string, string>) => Promise<void>} submit
 */
export function onSubmit(form, submit) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(form);
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showError(form, error);
    } finally {
      button.disabled = false;
    }
  });
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  setText(form.querySelector(".form-error"), "");
  for (const node of form.querySelectorAll("[data-error-for]")) setText(node, "");
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
}

function showError(form, error) {
  const field = error.field ?? FIELD_OF_CODE[error.code];
  const place = field && form.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
  setText(place || form.querySelector(".form-error"), sentence(refusalText(error)));
  if (!place) return;
  const input = form.elements[field];
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

/** Field errors of the server go on after the field's name: "must have 8 to 256 characters". */
function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
