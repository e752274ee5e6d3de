//! The one rule for what people name: rooms and what they are about, status texts, and whatever gets a name later.
//!
//! Such a text is trimmed and in the normal form NFC. It holds no control characters, nothing that turns the direction
//! of the text around it, and nothing that takes no space on a screen, except what joins and chooses pictures and
//! letters; and something of it can be seen. Names are compared by [`key`].

use caseless::default_case_fold_str;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What may be in no name, as the inside of a character class that every dialect of regular expressions reads alike.
macro_rules! refused {
    () => {
        "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u200e\\u200f\
         \\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb"
    };
}

/// What may be there but is not seen by itself: spaces, joiners and selectors of variants.
macro_rules! unseen {
    () => {
        " \\u00a0\\u1680\\u180b-\\u180d\\u180f\\u2000-\\u200a\\u200c\\u200d\\u202f\\u205f\\u3000\\ufe00-\\ufe0f"
    };
}

/// [`line()`] as a pattern for documents. It knows nothing of normal forms and trimming.
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

/// The same for a text of several lines, which may be empty.
pub fn lines(text: &str, chars_max: usize) -> Option<String> {
    if text.chars().count() > chars_max || text.chars().any(|c| c != '\n' && is_refused(c)) {
        return None;
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
    let plain: String = folded.nfkc().filter(|c| c.is_whitespace() || !is_unseen(*c)).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
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
    c.is_whitespace()
        || is_refused(c)
        || matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_refused(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
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
        ] {
            assert_eq!(line(bad, 80), None, "{bad:?}");
        }
        assert_eq!(line(&"x".repeat(81), 80), None);
        assert_eq!(lines("two\nlines\n", 80).as_deref(), Some("two\nlines"));
        assert_eq!(lines("", 80).as_deref(), Some(""));
        assert_eq!(lines("a\u{202e}b", 80), None);
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
            assert_eq!(class(refused!(), c), is_refused(c), "{c:?}");
            assert_eq!(class(refused!(), c) || class(unseen!(), c), is_unseen(c), "{c:?}");
        }
    }
}
