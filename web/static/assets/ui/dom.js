// Makes elements. Text only ever becomes text: there is no way through here to markup.

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] plain ones, flags and `on…` handlers; undefined and false ones
 * are left out
 * @param {...(Node|string|null|undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** @param {string} id @returns {HTMLElement} an element that index.html has */
export function byId(id) {
  return document.getElementById(id);
}

/** Sets text only if it differs, so that screen readers are not told the same twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
