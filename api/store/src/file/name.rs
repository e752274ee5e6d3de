//! Names of files: what a sender calls one becomes a name that every system takes as one, and that shows all it has. Pure.

use rookery_protocol::limits::FILE_NAME_CHARS_MAX;

/// That of a file without one.
const NAMELESS: &str = "file";
/// Characters of an ending that is kept when a name is cut.
const ENDING_CHARS_MAX: usize = 16;
/// Names that mean devices on some systems, whatever their ending is.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The name of a file: the last part of a path, without what cannot be seen or turns the direction of what can, without dots
/// and spaces around it, of at most [`FILE_NAME_CHARS_MAX`] characters.
pub fn of(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().map(|c| if is_odd(c) { '_' } else { c }).filter(|c| !is_hidden(*c)).collect();
    let plain = visible.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let cut = cut(plain);
    if !cut.chars().any(char::is_alphanumeric) {
        return NAMELESS.to_owned();
    }
    let stem = cut.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    if DEVICES.contains(&stem.as_str()) { format!("_{cut}") } else { cut }
}

/// The ending of a name, in lower case; empty if it has none.
pub fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// Characters that some system gives a meaning.
const fn is_odd(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// Characters that nobody sees, or that change how others are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Not too long, with its ending.
fn cut(name: &str) -> String {
    let most = FILE_NAME_CHARS_MAX - 1;
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let kept = name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .filter(|ending| (1..=ENDING_CHARS_MAX).contains(&ending.chars().count()));
    let ending = kept.map(|ending| format!(".{ending}")).unwrap_or_default();
    let stem: String = name.chars().take(most - ending.chars().count()).collect();
    format!("{}{ending}", stem.trim_end_matches(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u05_names_are_names_and_nothing_else() {
        for (given, name) in [
            ("holiday.jpg", "holiday.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\x.exe", "x.exe"),
            ("a\0b\r\nSet-Cookie: x.txt", "abSet-Cookie_ x.txt"),
            ("evil\u{202e}gpj.exe", "evilgpj.exe"),
            ("con", "_con"),
            ("CON.txt", "_CON.txt"),
            ("..hidden", "hidden"),
            (".", "file"),
            ("", "file"),
            ("   ", "file"),
            ("日本.png", "日本.png"),
            ("a<b>\"c\".txt", "a_b__c_.txt"),
        ] {
            assert_eq!(of(given), name, "{given:?}");
            assert_eq!(of(&of(given)), if name.starts_with('_') { of(name) } else { name.to_owned() });
        }
        let long = of(&format!("{}.tar.gz", "x".repeat(5_000)));
        assert!(long.chars().count() < FILE_NAME_CHARS_MAX && ending(&long) == "gz", "{long}");
        assert!(of(&"é".repeat(5_000)).chars().count() < FILE_NAME_CHARS_MAX);
        assert_eq!((ending("a.PNG"), ending("a")), ("png".to_owned(), String::new()));
    }
}
