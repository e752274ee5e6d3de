//! How texts become terms: what a search has in common with what was said. Pure.
//!
//! A text is folded cluster by cluster (compatible characters, case, accents, what cannot be seen), cut into words, and a word of
//! a script that puts no spaces between words into its characters. The terms of a text are its words, those characters, and
//! each two of them that stand side by side.

use std::collections::BTreeSet;

use caseless::default_case_fold_str;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::limits::TERM_CHARS_MAX;

/// Changes whenever a text has other terms than before; indexes of another version are made anew.
pub const TERMS_VERSION: u32 = 1;

/// A word, or a character of a script without spaces, and where it is in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The folded word, or the folded character.
    pub text: String,
    /// Number of its first character in the text.
    pub start: usize,
    /// Number of the character after it.
    pub end: usize,
    /// Of which kind it is.
    pub kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word between spaces.
    Word,
    /// A character of a script without spaces.
    Character {
        /// Whether nothing is between it and the character before.
        joined: bool,
    },
}

impl Token {
    /// Whether it is the same as a part of a query says.
    pub(super) fn is(&self, wanted: &Self) -> bool {
        self.text == wanted.text && (self.is_joined() || !wanted.is_joined())
    }

    const fn is_joined(&self) -> bool {
        matches!(self.kind, TokenKind::Character { joined: true })
    }
}

/// The tokens of a text, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let Folded { text, places } = fold(text);
    let mut found = Tokens { places, done: Vec::new(), word: None, last_end: None };
    for (at, word) in text.unicode_word_indices() {
        for (offset, c) in word.char_indices() {
            found.take(at + offset, c);
        }
        found.end_word();
    }
    found.done
}

/// The terms of tokens, each once.
pub fn terms(tokens: &[Token]) -> BTreeSet<String> {
    let mut terms: BTreeSet<String> = tokens.iter().map(|token| token.text.clone()).collect();
    for pair in tokens.windows(2) {
        if pair[1].is_joined() {
            terms.insert(format!("{}{}", pair[0].text, pair[1].text));
        }
    }
    terms
}

/// A folded text, and of each of its bytes' beginnings the characters of the text it came from.
struct Folded {
    text: String,
    /// Where in the folded text each cluster begins, and its characters in the text.
    places: Vec<(usize, usize, usize)>,
}

fn fold(text: &str) -> Folded {
    let mut folded = Folded { text: String::with_capacity(text.len()), places: Vec::new() };
    let mut start = 0;
    for cluster in text.graphemes(true) {
        let end = start + cluster.chars().count();
        folded.places.push((folded.text.len(), start, end));
        if let [byte] = cluster.as_bytes() {
            folded.text.push(char::from(byte.to_ascii_lowercase()));
        } else {
            folded.text.push_str(&fold_cluster(cluster));
        }
        start = end;
    }
    folded
}

fn fold_cluster(cluster: &str) -> String {
    let folded = default_case_fold_str(&cluster.nfkd().collect::<String>());
    folded.nfkd().filter(|c| !is_accent(*c) && !is_ignored(*c)).nfkc().collect()
}

struct Tokens {
    places: Vec<(usize, usize, usize)>,
    done: Vec<Token>,
    /// The word that goes on: its text, and where it begins and ends in the folded text.
    word: Option<(String, usize, usize)>,
    /// Where the last character of a script without spaces ended, in the folded text.
    last_end: Option<usize>,
}

impl Tokens {
    fn take(&mut self, at: usize, c: char) {
        let end = at + c.len_utf8();
        if is_unspaced(c) {
            self.end_word();
            let joined = self.last_end == Some(at);
            self.push(c.to_string(), (at, end), TokenKind::Character { joined });
            self.last_end = Some(end);
        } else if c.is_alphanumeric() || is_combining_mark(c) {
            let (text, _, word_end) = self.word.get_or_insert_with(|| (String::new(), at, end));
            *word_end = end;
            text.push(c);
        } else {
            self.end_word();
        }
    }

    fn end_word(&mut self) {
        let Some((text, at, end)) = self.word.take() else { return };
        let text = match text.char_indices().nth(TERM_CHARS_MAX) {
            Some((long, _)) => text[..long].to_owned(),
            None => text,
        };
        self.push(text, (at, end), TokenKind::Word);
    }

    fn push(&mut self, text: String, (at, end): (usize, usize), kind: TokenKind) {
        let cluster = |byte: usize| self.places.partition_point(|(begins, ..)| *begins <= byte).saturating_sub(1);
        let (first, last) = (cluster(at), cluster(end.saturating_sub(1)));
        let start = self.places.get(first).map_or(0, |(_, start, _)| *start);
        let end = self.places.get(last).map_or(start, |(_, _, end)| *end);
        self.done.push(Token { text, start, end, kind });
    }
}

/// Marks that a text may have or not: accents, Hebrew points, Arabic vowels. Those of other scripts are letters.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}'
        | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// What cannot be seen and separates nothing, and the Arabic stroke that only makes words longer.
const fn is_ignored(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{640}' | '\u{180b}'..='\u{180f}' | '\u{200c}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Letters of scripts that put no spaces between words, and of Korean, which puts them between more than words.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ecd}' | '\u{edc}'..='\u{edf}'
        | '\u{1000}'..='\u{103f}' | '\u{1050}'..='\u{108f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17d3}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn texts_that_look_alike_have_the_same_words() {
        for alike in [
            ["Straße", "STRASSE"],
            ["Café", "cafe\u{301}"],
            ["ＡＢＣ１２", "abc12"],
            ["x²", "X2"],
            ["soft\u{ad}hyphen", "softhyphen"],
            ["don't", "don’t"],
            ["ΟΔΟΣ", "οδός"],
            ["Ёлка", "елка"],
            ["ｶﾞｷﾞ", "ガギ"],
            ["שָׁלוֹם", "שלום"],
            ["مَرْحَبًا", "مرحبا"],
            ["ﬁne", "Fine"],
            ["각", "\u{1100}\u{1161}\u{11a8}"],
        ] {
            assert_eq!(words(alike[0]), words(alike[1]), "{alike:?}");
        }
        assert_ne!(words("कि"), words("की"), "vowels are no accents");
    }

    #[test]
    fn words_end_at_what_is_no_letter() {
        assert_eq!(
            words("see https://example.org/a_b, 3.14!"),
            ["see", "https", "example", "org", "a", "b", "3", "14"]
        );
        assert_eq!(words("🎉 -- \n"), Vec::<String>::new());
        assert_eq!(words("नमस्ते दुनिया"), ["नमस्ते", "दुनिया"]);
        assert_eq!(words(&"x".repeat(500))[0].chars().count(), TERM_CHARS_MAX);
    }

    #[test]
    fn scripts_without_spaces_have_pairs_of_characters() {
        let of = |text: &str| terms(&tokens(text)).into_iter().collect::<BTreeSet<_>>();
        let wanted = |all: &[&str]| all.iter().map(|term| (*term).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(of("東京都"), wanted(&["東", "京", "都", "東京", "京都"]));
        assert_eq!(of("東。京 abc"), wanted(&["東", "京", "abc"]), "what is apart is no pair");
        assert_eq!(of("サーバー"), wanted(&["サ", "ー", "バ", "サー", "ーバ", "バー"]));
        assert!(of("한국어를").contains("국어") && of("ภาษาไทย").contains("ไท"));
        assert_eq!(of("abc日本"), wanted(&["abc", "日", "本", "日本"]));
    }

    #[test]
    fn tokens_say_where_they_are() {
        let at = |text: &str| tokens(text).into_iter().map(|token| (token.start, token.end)).collect::<Vec<_>>();
        assert_eq!(at("a cafe\u{301}!"), [(0, 1), (2, 7)]);
        assert_eq!(at("ﬁ 東京"), [(0, 1), (2, 3), (3, 4)]);
        assert_eq!(at("👨\u{200d}👩 ok"), [(4, 6)]);
    }
}
