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
/** Backticks or tildes that begin a block of code where they begin a line. */
const FENCE = 3;
/** How addresses begin that have no slashes behind their scheme, and may have an `@`. */
const PEOPLE = /^[([{'*_~]*(?:acct|mailto|matrix|sips?|xmpp):/i;

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
    if (follows === ":" && beginsWithHost(text.slice(index + 2 + run.length))) continue;
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

/** Whether it begins with the name of a server, the last label of which is no number. @param {string} text */
function beginsWithHost(text) {
  const host = text.match(/^[A-Za-z0-9.-]*/)[0].replace(/[.-]+$/, "");
  return /^[A-Za-z0-9]/.test(host) && /\.[A-Za-z][^.]*$/.test(host);
}

/** Code between backticks, and blocks of it, as Markdown reads them. @returns {[number, number][]} */
function codeIn(text) {
  const runs = [...text.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({ index, length }));
  const spans = [];
  let [at, next] = [0, 0];
  while (at < text.length) {
    const is_line = at === 0 || text[at - 1] === "\n";
    const block = is_line ? endOfBlock(text, at) : null;
    if (block !== null) {
      spans.push([at, block]);
      at = block;
      continue;
    }
    while (next < runs.length && runs[next].index < at) next += 1;
    const line = text.indexOf("\n", at);
    if (line >= 0 && (next === runs.length || line < runs[next].index)) {
      at = line + 1;
      continue;
    }
    if (next === runs.length) break;
    const { index, length } = runs[next];
    const last = endOfCode(text, runs, next);
    const is_fence = length >= FENCE && (index === 0 || text[index - 1] === "\n");
    if (last === null && is_fence) return [...spans, [index, text.length]];
    at = last === null ? index + length : runs[last].index + runs[last].length;
    if (last !== null) spans.push([index, at]);
  }
  return spans;
}

/** Where a block ends that begins with this line: one that tildes fence, or of indented lines, behind an empty one. */
function endOfBlock(text, start) {
  const lines = text.slice(start).match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const tildes = text.slice(start).match(/^~*/)[0].length;
  let end = start;
  if (tildes >= FENCE) {
    for (const [number, line] of lines.entries()) {
      end += line.length;
      if (number > 0 && /^~+[ \t\n]*$/.test(line) && line.match(/^~*/)[0].length >= tildes) break;
    }
    return end;
  }
  const is_indented = (line) => /^(?: {4}|\t)/.test(line);
  const is_empty = (line) => /^[ \t\n]*$/.test(line);
  const before = text.slice(0, Math.max(start - 1, 0)).split("\n").at(-1);
  if (lines.length === 0 || !is_indented(lines[0]) || is_empty(lines[0]) || !is_empty(before)) return null;
  for (const line of lines) {
    if (!is_indented(line) && !is_empty(line)) break;
    end += line.length;
  }
  return end;
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

/** Parts of addresses of pages and people, and where links of Markdown lead. @returns {[number, number][]} */
function addressesIn(text) {
  const spans = [];
  for (const { index, 0: run } of text.matchAll(ADDRESS)) {
    const span = run.includes("@") ? addressIn(run) : null;
    if (span !== null) spans.push([index + span[0], index + span[1]]);
  }
  return spans;
}

/** @param {string} run @returns {[number, number] | null} */
function addressIn(run) {
  const bare = run.replace(/^[([{'*_~]+/, "");
  const without_scheme = bare.match(/^\/\/([^/]*)\//);
  if (bare.startsWith("www.") || PEOPLE.test(run) || (without_scheme && isHost(without_scheme[1]))) return [0, run.length];
  const scheme = run.indexOf("://");
  const slash = scheme >= 0 ? scheme : run.indexOf("/");
  const before = run.slice(0, Math.max(slash, 0));
  if (slash >= 0 && ((scheme >= 0 && /[A-Za-z0-9]$/.test(before)) || isHost(before))) return [slash, run.length];
  const link = run.indexOf("](");
  if (link < 0) return null;
  const end = run.indexOf(")", link);
  return [link, end < 0 ? run.length : end];
}

/** A name with a full stop in it, the own machine's, or any with a port. @param {string} text */
function isHost(text) {
  const host = text.replace(/^[([{'*_~]+/, "");
  if (!/^[A-Za-z0-9.:-]*$/.test(host)) return false;
  return host.replace(/^\.+|\.+$/g, "").includes(".") || /^[^:]*[A-Za-z][^:]*:[0-9]+$/.test(host) || host === "localhost";
}
