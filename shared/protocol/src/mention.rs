//! Who is mentioned in a text: `@name`, in any case, but not in code, in addresses of pages and in e-mail addresses. One
//! rule for what is counted; the page highlights by the same one, and both are held against
//! `shared/fixtures/mentions.json`.
//!
//! A name is meant by its spelling alone: whoever has it when the question is asked. Nobody can mention everybody:
//! `@all` would count for thousands at the will of any member, and whom `@here` meant could not be told from history
//! later.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::limits::MENTIONS_PER_MESSAGE_MAX;

const NAME_CHARS_MIN: usize = 3;
const NAME_CHARS_MAX: usize = 32;
/// Backticks or tildes that begin a block of code where they begin a line.
const FENCE: usize = 3;
/// Addresses that have no slashes behind their scheme, and may have an `@`.
const SCHEMES: [&str; 6] = ["acct:", "mailto:", "matrix:", "sip:", "sips:", "xmpp:"];
const BRACKETS: [char; 7] = ['(', '[', '{', '\'', '*', '_', '~'];

/// The mentioned names in the form that is unique, the first [`MENTIONS_PER_MESSAGE_MAX`] different ones.
pub fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if !text.contains('@') {
        return names;
    }
    let mut literal = code(text);
    literal.extend(addresses(text));
    for (at, _) in text.match_indices('@') {
        if names.len() == MENTIONS_PER_MESSAGE_MAX {
            break;
        }
        let (before, after) = (&text[..at], &text[at + 1..]);
        if !ends_a_word(before) && !literal.iter().any(|span| span.contains(&at)) {
            names.extend(name_at_start(after));
        }
    }
    names
}

/// Names begin and end with a letter or digit, so the full stop of a sentence is none of them. A name that goes on in
/// another script is another word, and one that goes on with a second `@`, or with `:` and a host, is the address of
/// somebody elsewhere.
fn name_at_start(text: &str) -> Option<String> {
    let end = text.find(|c| !is_of_a_name(c)).unwrap_or(text.len());
    let mut rest = text[end..].chars();
    match rest.next() {
        Some('@') if rest.next().is_some_and(|c| c.is_ascii_alphanumeric()) => return None,
        Some(':') if begins_with_a_host(rest.as_str()) => return None,
        Some(c) if is_of_a_word(c) => return None,
        Some(_) | None => {}
    }
    let name = text[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let fits = (NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.len());
    (fits && name.starts_with(|c: char| c.is_ascii_alphanumeric())).then(|| name.to_ascii_lowercase())
}

/// Whether it begins with the name of a server: labels with full stops between them, the last one of which is no number.
fn begins_with_a_host(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'))
        .unwrap_or(text.len());
    let host = text[..end].trim_end_matches(['.', '-']);
    let last = host.rsplit_once('.').map_or("", |(_, last)| last);
    host.starts_with(|c: char| c.is_ascii_alphanumeric()) && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Whether an `@` behind it belongs to an e-mail address, or to the word itself.
fn ends_a_word(before: &str) -> bool {
    let local = before.trim_end_matches(['.', '_', '%', '+', '-']);
    let is_local_part = before.ends_with(['_', '%', '+', '-']) && local.ends_with(|c: char| c.is_ascii_alphanumeric());
    is_local_part || before.chars().next_back().is_some_and(is_of_a_word)
}

/// Code between backticks, and blocks of it, as Markdown reads them.
fn code(text: &str) -> Vec<Range<usize>> {
    let (mut spans, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let is_line = at == 0 || text[..at].ends_with('\n');
        if is_line && let Some(end) = end_of_block(text, at) {
            spans.push(at..end);
            at = end;
            continue;
        }
        let Some(found) = text[at..].find(['`', '\n']) else { break };
        let start = at + found;
        let ticks = ticks_at(text, start);
        let body = start + ticks.max(1);
        let is_fence = ticks >= FENCE && (start == 0 || text[..start].ends_with('\n'));
        let end = if ticks == 0 { None } else { end_of_code(text, body, ticks) };
        at = match end {
            Some(end) => end,
            None if is_fence => text.len(),
            None => {
                at = body;
                continue;
            }
        };
        spans.push(start..at);
    }
    spans
}

/// Where a block ends that begins with this line: one that tildes fence, or of lines that are indented, behind an empty one.
fn end_of_block(text: &str, start: usize) -> Option<usize> {
    let lines = text[start..].split_inclusive('\n');
    let tildes = text[start..].bytes().take_while(|byte| *byte == b'~').count();
    if tildes >= FENCE {
        let closes = |line: &str| {
            let line = line.trim_end_matches([' ', '\t', '\n']);
            line.len() >= tildes && line.bytes().all(|byte| byte == b'~')
        };
        let mut end = start;
        for (number, line) in lines.enumerate() {
            end += line.len();
            if number > 0 && closes(line) {
                break;
            }
        }
        return Some(end);
    }
    let is_indented = |line: &str| line.starts_with("    ") || line.starts_with('\t');
    let is_empty = |line: &str| line.trim_matches([' ', '\t', '\n']).is_empty();
    let before = text[..start].strip_suffix('\n').unwrap_or_default();
    let is_first = is_empty(before.rsplit('\n').next().unwrap_or_default());
    let first = lines.clone().next().filter(|line| is_indented(line) && !is_empty(line));
    first.filter(|_| is_first)?;
    let block = lines.take_while(|line| is_indented(line) || is_empty(line));
    Some(start + block.map(str::len).sum::<usize>())
}

/// Behind the next run of just so many backticks. Code within a line ends with its paragraph at the latest.
fn end_of_code(text: &str, body: usize, ticks: usize) -> Option<usize> {
    let mut at = body;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        if ticks < FENCE && text[body..start].contains("\n\n") {
            return None;
        }
        let run = ticks_at(text, start);
        if run == ticks {
            return Some(start + run);
        }
        at = start + run;
    }
    None
}

fn ticks_at(text: &str, start: usize) -> usize {
    text[start..].bytes().take_while(|byte| *byte == b'`').count()
}

/// The parts of addresses of pages behind `://`, behind `www.`, or behind the `/` that follows a host, whatever follows a
/// scheme of people, and where links of Markdown lead.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let (mut spans, mut start) = (Vec::new(), 0);
    // Every run ends where a character stands that is of none.
    for part in text.split_inclusive(|c| !is_of_an_address(c)) {
        let run = part.trim_end_matches(|c| !is_of_an_address(c));
        if run.contains('@') {
            spans.extend(address_in(run).map(|span| start + span.start..start + span.end));
        }
        start += part.len();
    }
    spans
}

fn address_in(run: &str) -> Option<Range<usize>> {
    let bare = run.trim_start_matches(BRACKETS);
    let is_of = |scheme: &&str| bare.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    let without_scheme = bare.strip_prefix("//").and_then(|rest| rest.split_once('/'));
    if bare.starts_with("www.") || SCHEMES.iter().any(is_of) || without_scheme.is_some_and(|(host, _)| is_host(host)) {
        return Some(0..run.len());
    }
    if let Some(slash) = run.find("://").or_else(|| run.find('/')) {
        let host = run[..slash].trim_start_matches(BRACKETS);
        let is_scheme = run[slash..].starts_with("://") && host.ends_with(|c: char| c.is_ascii_alphanumeric());
        if is_scheme || is_host(host) {
            return Some(slash..run.len());
        }
    }
    let link = run.find("](")?;
    let end = run[link..].find(')').map_or(run.len(), |end| link + end);
    Some(link..end)
}

/// A name with a full stop in it, the own machine's, or any with a port.
fn is_host(text: &str) -> bool {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = is_number && name.contains(|c: char| c.is_ascii_alphabetic());
    is_plain && (text.trim_matches('.').contains('.') || has_port || text == "localhost")
}

fn is_of_an_address(c: char) -> bool {
    !c.is_whitespace() && !is_unspaced(c) && !matches!(c, '<' | '>' | '"' | '`' | '\u{ff00}'..='\u{ff65}')
}

const fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Letters and digits of scripts that put spaces between words, and the accents that follow a letter.
fn is_of_a_word(c: char) -> bool {
    (c.is_alphanumeric() && !is_unspaced(c)) || matches!(c, '\u{300}'..='\u{36f}')
}

/// Scripts in which a word begins or ends without a space: those of South-East Asia, Chinese, Japanese, and Korean, which
/// hangs its particles on a name.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Example {
        text: String,
        names: BTreeSet<String>,
    }

    #[test]
    fn c05_the_examples_mention_whom_they_say() {
        let examples: Vec<Example> = serde_json::from_str(include_str!("../../fixtures/mentions.json")).unwrap();
        for Example { text, names: expected } in examples {
            assert_eq!(names(&text), expected, "{text}");
        }
    }

    #[test]
    fn so_many_and_no_more_are_mentioned() {
        let text: Vec<String> = (0..2 * MENTIONS_PER_MESSAGE_MAX).map(|n| format!("@name{n}")).collect();
        assert_eq!(names(&text.join(" ")).len(), MENTIONS_PER_MESSAGE_MAX);
        assert!(names(&"@".repeat(4_000)).is_empty());
        assert!(names(&"`@".repeat(2_000)).is_empty());
    }
}
