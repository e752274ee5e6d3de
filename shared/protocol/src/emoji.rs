//! Reactions: one emoji each.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{EMOJI_BYTES_MAX, EMOJI_CHARS_MAX};

/// A reaction: one emoji of the Unicode list, in its fully qualified form; other forms of it are read as that one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Emoji(String);

impl Emoji {
    /// The reaction as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A reaction from a log or a store: there may be older ones that are no emoji.
    pub fn kept(text: String) -> Self {
        Self::try_from(text.clone()).unwrap_or(Self(text))
    }

    /// Whether it may be given today.
    pub fn is_known(&self) -> bool {
        emojis::get(&self.0).is_some()
    }
}

impl TryFrom<String> for Emoji {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sized = text.len() <= EMOJI_BYTES_MAX && text.chars().count() <= EMOJI_CHARS_MAX;
        let known = emojis::get(&text).filter(|_| sized);
        known.map(|emoji| Self(emoji.as_str().to_owned())).ok_or("must be one emoji")
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads what [`Emoji::kept`] says.
pub(crate) fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Emoji, D::Error> {
    String::deserialize(deserializer).map(Emoji::kept)
}

impl From<Emoji> for String {
    fn from(emoji: Emoji) -> Self {
        emoji.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c04_a_reaction_is_one_emoji_in_one_form() {
        for (text, form) in [
            ("👍", "👍"),
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("👩🏽‍❤‍💋‍👨🏿", "👩🏽‍❤\u{fe0f}‍💋‍👨🏿"),
        ] {
            assert_eq!(Emoji::try_from(text.to_owned()).unwrap().as_str(), form, "{text}");
        }
        for bad in [
            "",
            "a",
            "é",
            ":+1:",
            "👍 ",
            "👍\n",
            "👍👍",
            "\u{200d}",
            "\u{fe0f}",
            "\u{2003}",
            "👍\u{7f}",
            "$ne",
            "1",
        ] {
            assert!(Emoji::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert_eq!((Emoji::kept("é".into()).as_str(), Emoji::kept("❤".into()).as_str()), ("é", "❤\u{fe0f}"));
    }

    #[test]
    fn c04_every_emoji_of_the_list_fits_the_bounds() {
        let all =
            emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(emoji.skin_tones().into_iter().flatten()));
        let sizes: Vec<_> = all.map(|emoji| (emoji.as_str().chars().count(), emoji.as_str().len())).collect();
        assert_eq!(sizes.iter().map(|size| size.0).max(), Some(EMOJI_CHARS_MAX));
        assert_eq!(sizes.iter().map(|size| size.1).max(), Some(EMOJI_BYTES_MAX));
    }
}
