//! Words of a list, found by what they look like.

use std::collections::HashMap;

use crate::fold::{Folded, Glyph};
use crate::spelling::{Run, Spelling, first, length, may_say};

/// A list of words and phrases.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Words that stand alone, by their letters without repeats.
    whole: HashMap<String, Vec<Box<[Run]>>>,
    /// Words with any ending, by their first two letters without repeats.
    beginnings: HashMap<[char; 2], Vec<Box<[Run]>>>,
    /// What begins with two Latin letters, as bits: most words of a text are none of it.
    pairs: Pairs,
    /// Whole words by first letter and length.
    by_shape: HashMap<(char, usize), Vec<Box<[Run]>>>,
    phrases: HashMap<String, Vec<Vec<Box<[Run]>>>>,
}

impl Words {
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        for word in words {
            list.add(word);
        }
        list
    }

    fn add(&mut self, word: &str) {
        let trimmed = word.trim();
        let (text, has_endings) = trimmed.strip_suffix('*').map_or((trimmed, false), |text| (text, true));
        let folded = Folded::new(text);
        let mut spellings = Vec::new();
        for token in &folded.tokens {
            let mut spelling = Spelling::default();
            let glyphs = folded.glyphs.get(token.glyphs.clone()).unwrap_or_default();
            if spelling.set(glyphs, false).is_none() {
                return;
            }
            spellings.push(spelling);
        }
        match <[Spelling; 1]>::try_from(spellings) {
            Ok([spelling]) => self.add_word(spelling, has_endings),
            Err(spellings) => {
                let Some(key) = spellings.first().map(|spelling| spelling.key.clone()) else { return };
                self.pairs.set(begin(&key), Pairs::PHRASE);
                let words = spellings.into_iter().map(|spelling| spelling.runs.into()).collect();
                self.phrases.entry(key).or_default().push(words);
            }
        }
    }

    fn add_word(&mut self, Spelling { runs, key }: Spelling, has_endings: bool) {
        let runs: Box<[Run]> = runs.into();
        if let Some(letter) = first(&runs) {
            self.by_shape.entry((letter, length(&runs))).or_default().push(runs.clone());
        }
        match begin(&key) {
            Some(begin) if has_endings => {
                self.pairs.set(Some(begin), Pairs::BEGINS);
                self.beginnings.entry(begin).or_default().push(runs);
            }
            begin => {
                self.pairs.set(begin, bit(runs.len()));
                self.whole.entry(key).or_default().push(runs);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.beginnings.is_empty() && self.phrases.is_empty()
    }

    /// Whether a spelling is one of the words.
    pub(crate) fn has(&self, spelling: &Spelling) -> bool {
        let begin = begin(&spelling.key);
        let says = |words: Option<&Vec<Box<[Run]>>>, is_prefix| {
            words.is_some_and(|words| words.iter().any(|word| spelling.says(word, is_prefix)))
        };
        let known = self.pairs.get(begin);
        known & bit(spelling.runs.len()) != 0 && says(self.whole.get(&spelling.key), false)
            || known & Pairs::BEGINS != 0 && begin.is_some_and(|begin| says(self.beginnings.get(&begin), true))
    }

    /// Whether glyphs with letters left out may be one of the words.
    pub(crate) fn may_be(&self, glyphs: &[Glyph]) -> bool {
        let Some(letter) = glyphs.first().map(|glyph| glyph.shown) else { return false };
        let words = self.by_shape.get(&(letter, glyphs.len()));
        words.is_some_and(|words| words.iter().any(|word| may_say(glyphs, word)))
    }

    /// Whether a phrase begins with this word.
    pub(crate) fn begins_phrase(&self, word: &Spelling) -> bool {
        self.pairs.get(begin(&word.key)) & Pairs::PHRASE != 0 && self.phrases.contains_key(&word.key)
    }

    /// Whether these spellings, one after the other, are a phrase.
    pub(crate) fn has_phrase(&self, spellings: &[Spelling]) -> bool {
        let phrases = spellings.first().and_then(|first| self.phrases.get(&first.key));
        phrases.into_iter().flatten().any(|phrase| {
            phrase.len() == spellings.len() && phrase.iter().zip(spellings).all(|(word, text)| text.says(word, false))
        })
    }
}

/// The first two letters; none of one letter.
fn begin(key: &str) -> Option<[char; 2]> {
    let mut letters = key.chars();
    Some([letters.next()?, letters.next()?])
}

/// Stands for words of so many runs; those of 62 and more have one bit.
const fn bit(runs: usize) -> u64 {
    1 << if runs < 62 { runs } else { 62 }
}

/// Bits for each pair of Latin letters.
#[derive(Debug)]
struct Pairs(Box<[u64; 26 * 26]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([0; 26 * 26]))
    }
}

impl Pairs {
    /// A word with any ending.
    const BEGINS: u64 = 1;
    /// A phrase.
    const PHRASE: u64 = 1 << 63;

    /// Where a pair is; none for other letters.
    fn index(begin: Option<[char; 2]>) -> Option<usize> {
        let [one, other] = begin?.map(|letter| u8::try_from(letter).ok().filter(u8::is_ascii_lowercase));
        Some(usize::from(one? - b'a') * 26 + usize::from(other? - b'a'))
    }

    fn set(&mut self, begin: Option<[char; 2]>, bit: u64) {
        if let Some(bits) = Self::index(begin).and_then(|index| self.0.get_mut(index)) {
            *bits |= bit;
        }
    }

    fn get(&self, begin: Option<[char; 2]>) -> u64 {
        Self::index(begin).and_then(|index| self.0.get(index)).copied().unwrap_or(u64::MAX)
    }
}
