//! Who is mentioned in a text: `@name`, in any case. One rule for what is counted; the page highlights by the same one,
//! and both are held against `shared/fixtures/mentions.json`.
//!
//! A name is meant by its spelling alone: whoever has it when the question is asked. Nobody can mention everybody:
//! `@all` would count for thousands at the will of any member, and whom `@here` meant could not be told from history
//! later.

use std::collections::BTreeSet;

use crate::limits::MENTIONS_PER_MESSAGE_MAX;

const NAME_CHARS_MIN: usize = 3;
const NAME_CHARS_MAX: usize = 32;

/// The mentioned names in the form that is unique, the first [`MENTIONS_PER_MESSAGE_MAX`] different ones.
pub fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices('@') {
        if names.len() == MENTIONS_PER_MESSAGE_MAX {
            break;
        }
        let (before, after) = (&text[..at], &text[at + 1..]);
        if !before.chars().next_back().is_some_and(is_of_a_word) {
            names.extend(name_at_start(after));
        }
    }
    names
}

/// Names begin and end with a letter or digit, so the full stop of a sentence is none of them. A name that goes on in
/// another script is another word.
fn name_at_start(text: &str) -> Option<String> {
    let end = text.find(|c| !is_of_a_name(c)).unwrap_or(text.len());
    if text[end..].chars().next().is_some_and(is_of_a_word) {
        return None;
    }
    let name = text[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let fits = (NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.len());
    (fits && name.starts_with(|c: char| c.is_ascii_alphanumeric())).then(|| name.to_ascii_lowercase())
}

const fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Letters and digits of any script, and the accents that follow a letter.
fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
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
    fn the_examples_mention_whom_they_say() {
        let examples: Vec<Example> = serde_json::from_str(include_str!("../fixtures/mentions.json")).unwrap();
        for Example { text, names: expected } in examples {
            assert_eq!(names(&text), expected, "{text}");
        }
    }

    #[test]
    fn so_many_and_no_more_are_mentioned() {
        let text: Vec<String> = (0..2 * MENTIONS_PER_MESSAGE_MAX).map(|n| format!("@name{n}")).collect();
        assert_eq!(names(&text.join(" ")).len(), MENTIONS_PER_MESSAGE_MAX);
        assert!(names(&"@".repeat(4_000)).is_empty());
    }
}
