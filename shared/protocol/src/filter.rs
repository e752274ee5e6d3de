//! Which words are not welcome, and what becomes of a text that has one: what moderators set, gateways apply and stores keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{FILTER_WORD_CHARS_MAX, FILTER_WORDS_MAX};
use crate::text;

/// What becomes of a text that has an unwelcome word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilterMode {
    /// Nothing.
    #[default]
    Off,
    /// It is stored and delivered with `*` in the place of each character of the word.
    Mask,
    /// It is refused.
    Reject,
}

/// A word or a phrase: one visible line of at most 64 characters. A `*` at its end stands for any ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct FilterWord(String);

impl FilterWord {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FilterWord {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        text::line(&word, FILTER_WORD_CHARS_MAX)
            .map(Self)
            .ok_or("must be one visible line of at most 64 characters")
    }
}

/// A list of at most 1,000 words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FilterWord>")]
pub struct FilterWords(Vec<FilterWord>);

impl FilterWords {
    /// The words, in the order that they were given in.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(FilterWord::as_str)
    }
}

impl TryFrom<Vec<FilterWord>> for FilterWords {
    type Error = &'static str;

    fn try_from(words: Vec<FilterWord>) -> Result<Self, Self::Error> {
        if words.len() > FILTER_WORDS_MAX {
            Err("must be at most 1000 words")
        } else {
            Ok(Self(words))
        }
    }
}

/// A word filter, of a room or of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterRules {
    /// What becomes of a text with an unwelcome word.
    pub mode: FilterMode,
    /// The words.
    #[serde(default)]
    pub words: FilterWords,
    /// What is welcome though it contains one.
    #[serde(default)]
    pub allow: FilterWords,
    /// Whether the words that come with the server are unwelcome, too.
    #[serde(default)]
    pub builtin: bool,
}

impl FilterRules {
    /// The rules as stores keep them.
    pub fn to_json(&self) -> String {
        // Strings and a flag only: nothing in it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Rules as [`FilterRules::to_json`] wrote them.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_bounded() {
        let read = |text: &str| serde_json::from_str::<FilterRules>(text);
        assert_eq!(read(r#"{"mode":"off"}"#).unwrap(), FilterRules::default());
        assert_eq!(read(r#"{"mode":"mask","words":[" a "]}"#).unwrap().words.iter().collect::<Vec<_>>(), ["a"]);
        let many = serde_json::to_string(&vec!["a"; FILTER_WORDS_MAX + 1]).unwrap();
        let long = "a".repeat(FILTER_WORD_CHARS_MAX + 1);
        for bad in [
            "{}".to_owned(),
            r#"{"mode":"loud"}"#.to_owned(),
            r#"{"mode":"off","words":[""]}"#.to_owned(),
            r#"{"mode":"off","words":["a\nb"]}"#.to_owned(),
            r#"{"mode":"off","colour":1}"#.to_owned(),
            format!(r#"{{"mode":"off","words":{many}}}"#),
            format!(r#"{{"mode":"off","allow":["{long}"]}}"#),
        ] {
            read(&bad).unwrap_err();
        }
    }
}
