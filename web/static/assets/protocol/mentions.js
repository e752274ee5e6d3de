// Who is mentioned in a text: `@name` in any case, but not in code and addresses, by the rule of the server; both read
// shared/fixtures/mentions.json.

/** Scripts in which a word begins or ends without a space, and Korean, which hangs its particles on a name. */
const UNSPACED =
  "\\u0e00-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff" +
  "\\uff66-\\uffdc\\u{1b000}-\\u{1b16f}\\u{20000}-\\u{3ffff}";
/** Letters and digits of the other scripts, and the accents that follow a letter. */
const WORD = `(?:(?![${UNSPACED}])[\\p{Alphabetic}\\p{N}]|[\\u0300-\\u036f])`;
/** What an e-mail address has before its `@`, if that is not a letter or digit. */
const LOCAL_PART = "[A-Za-z0-9][._%+-]*[_%+-]";
const MENTION = new RegExp(`(?<!${WORD}|${LOCAL_PART})@([A-Za-z0-9_.-]+)(?!${WORD}|@[A-Za-z0-9])`, "gu");
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{1,30})[A-Za-z0-9]$/;
const ADDRESS = new RegExp(`[^\\s<>"\`\\uff00-\\uff65${UNSPACED}]+`, "gu");
/** Backticks that begin a block of code where they begin a line. */
const FENCE = 3;

/**
 * @param {string} text
 * @returns {{start: number, end: number, name: string}[]} where names stand, `@` included, and in their unique form
 */
export function mentionsIn(text) {
  const found = [];
  if (!text.includes("@")) return found;
  const literal = [...codeIn(text), ...addressesIn(text)];
  for (const { index, 1: run } of text.matchAll(MENTION)) {
    // The full stop of a sentence is no part of a name. A run that was cut short to fit is another word.
    const name = run.replace(/[_.-]+$/, "");
    const follows = text.slice(index + 1 + run.length, index + 2 + run.length);
    if (!NAME.test(name) || /[A-Za-z0-9_.-]/.test(follows)) continue;
    if (literal.some(([start, end]) => start <= index && index < end)) continue;
    found.push({ start: index, end: index + 1 + name.length, name: name.toLowerCase() });
  }
  return found;
}

/** Whether a text mentions somebody. @param {string} text @param {string} username */
export function mentions(text, username) {
  const key = username.toLowerCase();
  return mentionsIn(text).some(({ name }) => name === key);
}

/** Code between backticks, and blocks of it, as Markdown reads them. @returns {[number, number][]} */
function codeIn(text) {
  const runs = [...text.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({ index, length }));
  const spans = [];
  for (let at = 0; at < runs.length; at += 1) {
    const { index, length } = runs[at];
    const last = endOfCode(text, runs, at);
    const is_fence = length >= FENCE && (index === 0 || text[index - 1] === "\n");
    if (last === null && !is_fence) continue;
    if (last === null) return [...spans, [index, text.length]];
    spans.push([index, runs[last].index + length]);
    at = last;
  }
  return spans;
}

/** The next run of just so many backticks. Code within a line ends with its paragraph at the latest. */
function endOfCode(text, runs, at) {
  const { index, length } = runs[at];
  for (let next = at + 1; next < runs.length; next += 1) {
    const between = text.slice(index + length, runs[next].index);
    if (length < FENCE && between.includes("\n\n")) return null;
    if (runs[next].length === length) return next;
  }
  return null;
}

/** The parts of addresses of pages behind `://`, `www.` or the `/` of a host. @returns {[number, number][]} */
function addressesIn(text) {
  const spans = [];
  for (const { index, 0: run } of text.matchAll(ADDRESS)) {
    const start = run.includes("@") ? addressIn(run) : null;
    if (start !== null) spans.push([index + start, index + run.length]);
  }
  return spans;
}

function addressIn(run) {
  if (/^[([{'*_~]*www\./.test(run)) return 0;
  const scheme = run.indexOf("://");
  const slash = scheme >= 0 ? scheme : run.indexOf("/");
  if (slash < 0) return null;
  const before = run.slice(0, slash);
  return (scheme >= 0 && /[A-Za-z0-9]$/.test(before)) || isHost(before) ? slash : null;
}

function isHost(text) {
  const host = text.replace(/^[([{'*_~]+/, "");
  return /^[A-Za-z0-9.:-]*$/.test(host) && host.replace(/^\.+|\.+$/g, "").includes(".");
}
