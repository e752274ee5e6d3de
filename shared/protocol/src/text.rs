//! The one rule for what people name: rooms and what they are about, status texts, and whatever gets a name later.
//!
//! Such a text is trimmed and in the normal form NFC. It holds no control characters, nothing that turns the direction
//! of the text around it, and nothing that takes no space on a screen, except what joins and chooses pictures and
//! letters; and something of it can be seen. Names are compared by [`key`].
//!
//! What cannot be seen is what Unicode says of it, not a list of ours: characters that are ignored by default, that nobody
//! has assigned, that are for private use, or that are none. Places that are kept for pictures to come count as pictures.

use caseless::default_case_fold_str;
use icu_properties::props::{DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What may be in no name, as the inside of a character class that every dialect of regular expressions reads alike.
macro_rules! refused {
    () => {
        "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u200e\\u200f\
         \\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufeff\\uffa0\\ufff0-\\ufffc\\ufffe\\uffff"
    };
}

/// What may be there but is not seen by itself: spaces, joiners and selectors of variants.
macro_rules! unseen {
    () => {
        " \\u00a0\\u1680\\u180b-\\u180d\\u180f\\u2000-\\u200a\\u200c\\u200d\\u202f\\u205f\\u3000\\ufe00-\\ufe0f"
    };
}

/// [`line()`] as a pattern for documents. It knows nothing of normal forms and trimming, nor of what is beyond the first
/// plane, or may be assigned one day.
pub const LINE_PATTERN: &str = concat!("^[^", refused!(), "]*[^", refused!(), unseen!(), "][^", refused!(), "]*$");

/// [`lines`] as a pattern for documents.
pub const LINES_PATTERN: &str = concat!("^(?:[^", refused!(), "]|\\n)*$");

/// A name: one line of 1 to `chars_max` characters. None if it breaks the rule.
pub fn line(text: &str, chars_max: usize) -> Option<String> {
    if text.chars().count() > chars_max || text.chars().any(is_refused) {
        return None;
    }
    let name: String = text.trim().nfc().collect();
    let fits = name.chars().count() <= chars_max;
    (fits && !is_blank(&name)).then_some(name)
}

/// The same for a text of several lines, which may be empty; it is, where nothing of it can be seen.
pub fn lines(text: &str, chars_max: usize) -> Option<String> {
    if text.chars().count() > chars_max || text.chars().any(|c| c != '\n' && is_refused(c)) {
        return None;
    }
    if is_blank(text) {
        return Some(String::new());
    }
    let text: String = text.trim().nfc().collect();
    (text.chars().count() <= chars_max).then_some(text)
}

/// What is left of a name that was taken before there was a rule; empty if nothing can be seen of it.
pub fn mended_line(text: &str, chars_max: usize) -> String {
    let plain: String = text.nfc().filter(|c| !is_refused(*c)).collect();
    let name: String = plain.trim().chars().take(chars_max).collect();
    if is_blank(&name) { String::new() } else { name.trim_end().to_owned() }
}

/// The same for a text of several lines.
pub fn mended_lines(text: &str, chars_max: usize) -> String {
    let plain: String = text.nfc().filter(|c| *c == '\n' || !is_refused(*c)).collect();
    plain.trim().chars().take(chars_max).collect()
}

/// The form by which names are compared: compatible characters, cases and the width of spaces make no difference, nor
/// does what cannot be seen.
pub fn key(name: &str) -> String {
    let folded = default_case_fold_str(&name.nfkc().collect::<String>());
    plain(&folded).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with plain characters in the place of those that are compatible with them, and without what cannot be seen.
pub fn plain(text: &str) -> String {
    text.nfkc().filter(|c| c.is_whitespace() || !is_unseen(*c)).collect()
}

/// The form in which names are searched for: that of [`key`], without accents.
pub fn search_key(name: &str) -> String {
    let bare: String = key(name).nfkd().filter(|c| !is_combining_mark(*c)).collect();
    bare.nfc().collect()
}

/// Whether nothing of the text can be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_unseen)
}

/// White space, control characters, and the characters that take no space on a screen.
fn is_unseen(c: char) -> bool {
    c.is_whitespace() || (!is_plain(c) && (is_refused(c) || joins(c) || matches!(c, '\u{13430}'..='\u{13440}')))
}

fn is_refused(c: char) -> bool {
    if is_plain(c) {
        return false;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_unassigned = category == GeneralCategory::Unassigned;
    matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
    ) || (is_unassigned && !CodePointSetData::new::<ExtendedPictographic>().contains(c))
        || (is_ignored(c) && !joins(c))
        // An empty pattern of dots, signs of annotations and of things that are elsewhere, and a note without a head.
        || matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{1d159}')
}

/// What most texts are made of: it can be seen, and is looked up nowhere.
const fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn is_ignored(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// What joins letters and pictures, and chooses how they look: joiners, selectors of variants, and the tags of flags.
const fn joins(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c03_names_are_visible_lines_in_one_normal_form() {
        for (text, name) in [
            ("Off topic", "Off topic"),
            ("\u{3000} 日本語 ", "日本語"),
            ("e\u{301}te\u{301}", "été"),
            ("👨\u{200d}👩", "👨\u{200d}👩"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("🏳\u{fe0f}\u{200d}🌈", "🏳\u{fe0f}\u{200d}🌈"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            ),
            ("葛\u{e0100}城", "葛\u{e0100}城"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("\u{600}123", "\u{600}123"),
            ("\u{1faff}", "\u{1faff}"),
        ] {
            assert_eq!(line(text, 80).as_deref(), Some(name), "{text:?}");
        }
        for bad in [
            "",
            " ",
            "\u{200b}",
            "\u{200d}",
            "\u{202e}liam",
            "a\u{2066}b",
            "a\u{200f}",
            "two\nlines",
            "a\0b",
            "\u{3164}",
            "\u{2800}",
            "a\u{feff}b",
            "a\u{2028}b",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{13430}",
            "a\u{1d173}",
            "\u{1d17a}",
            "a\u{1bca0}",
            "a\u{fffc}",
            "a\u{fffe}",
            "a\u{fdd0}",
            "a\u{1ffff}",
            "a\u{10ffff}",
            "a\u{378}",
            "a\u{e000}",
            "a\u{f0000}",
            "a\u{100000}",
            "a\u{e0001}",
            "a\u{e0080}",
            "a\u{e0fff}",
            "\u{1d159}",
        ] {
            assert_eq!(line(bad, 80), None, "{bad:?}");
        }
        assert_eq!(line(&"x".repeat(81), 80), None);
        assert_eq!(lines("two\nlines\n", 80).as_deref(), Some("two\nlines"));
        assert_eq!(lines("", 80).as_deref(), Some(""));
        assert_eq!(lines("a\u{202e}b", 80), None);
        for unseen in ["\u{200d}", "\u{e0041}", "\n\u{fe0f}\n"] {
            assert_eq!(lines(unseen, 80).as_deref(), Some(""), "{unseen:?}");
        }
    }

    #[test]
    fn c01_names_that_look_alike_have_one_key() {
        for alike in [
            ["ABC", "ＡＢＣ"],
            ["Straße", "STRASSE"],
            ["ﬁne", "Fine"],
            ["été", "E\u{301}TÉ"],
            ["a  b", "A\u{a0}b"],
            ["Gen\u{200d}eral", "general"],
            ["日本語", "日本語"],
        ] {
            assert_eq!(key(alike[0]), key(alike[1]), "{alike:?}");
        }
        assert_ne!(key("Bär 1"), key("Bör 1"));
    }

    #[test]
    fn an_old_name_is_mended_and_a_good_one_is_left_alone() {
        assert_eq!(mended_line("\u{202e}liam ", 80), "liam");
        assert_eq!(mended_line("\u{200b}", 80), "");
        assert_eq!(mended_lines("a\u{202e}\nb", 80), "a\nb");
        for good in ["Off topic", "日本語", "été"] {
            assert_eq!(mended_line(good, 80), good);
        }
    }

    #[test]
    fn the_pattern_says_what_the_rule_says() {
        let class = |text: &str, c: char| {
            let number = |hex: &str| u32::from_str_radix(hex, 16).unwrap();
            let mut rest = text;
            while let Some(first) = rest.chars().next() {
                let (low, after) = if let Some(hex) = rest.strip_prefix("\\u") {
                    (number(&hex[..4]), &hex[4..])
                } else {
                    (first.into(), &rest[1..])
                };
                let (high, after) = match after.strip_prefix("-\\u") {
                    Some(hex) => (number(&hex[..4]), &hex[4..]),
                    None => (low, after),
                };
                if (low..=high).contains(&u32::from(c)) {
                    return true;
                }
                rest = after;
            }
            false
        };
        for c in '\0'..='\u{ffff}' {
            let may_come = CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Unassigned;
            let (refused, unseen) = (class(refused!(), c), class(refused!(), c) || class(unseen!(), c));
            assert_eq!(refused, is_refused(c) && (refused || !may_come), "{c:?}");
            assert_eq!(unseen, is_unseen(c) && (unseen || !may_come), "{c:?}");
        }
    }
}
