// Who is mentioned in a text: `@name` in any case, by the rule of the server; both read shared/fixtures/mentions.json.

/** Letters and digits of any script, and the accents that follow a letter. */
const WORD = "\\p{Alphabetic}\\p{N}\\u0300-\\u036f";
const MENTION = new RegExp(`(?<![${WORD}])@([A-Za-z0-9_.-]+)(?![${WORD}])`, "gu");
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{1,30})[A-Za-z0-9]$/;

/**
 * @param {string} text
 * @returns {{start: number, end: number, name: string}[]} where names stand, `@` included, and in their unique form
 */
export function mentionsIn(text) {
  const found = [];
  for (const { index, 1: run } of text.matchAll(MENTION)) {
    // The full stop of a sentence is no part of a name. A run that was cut short to fit is another word.
    const name = run.replace(/[_.-]+$/, "");
    const follows = text.slice(index + 1 + run.length, index + 2 + run.length);
    if (NAME.test(name) && !/[A-Za-z0-9_.-]/.test(follows)) {
      found.push({ start: index, end: index + 1 + name.length, name: name.toLowerCase() });
    }
  }
  return found;
}

/** Whether a text mentions somebody. @param {string} text @param {string} username */
export function mentions(text, username) {
  const key = username.toLowerCase();
  return mentionsIn(text).some(({ name }) => name === key);
}
