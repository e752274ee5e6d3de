//! Words that are not welcome, found in the forms that people hide them in.
//!
//! A word is found where it stands alone, in any case, with accents, look-alikes, digits for letters, letters drawn out,
//! left out (`f*ck`) or set apart (`b.a.d`, `b a d`), and with characters in it that nobody sees; not inside of other words,
//! unless it ends in `*`, which stands for any ending. Pure: a text in, ranges out.

mod builtin;
mod fold;
mod spelling;
mod words;

use std::ops::Range;

use fold::{Folded, Gap, Glyph, Token, is_wild};
use spelling::Spelling;
use words::Words;

/// Words of one list.
pub const WORDS_MAX: usize = 1000;
/// Characters of one word.
pub const WORD_CHARS_MAX: usize = 64;
/// Tokens that are read as one word because marks stand between them.
const MARKED_MAX: usize = 12;
/// Single letters that are read as one word.
const LETTERS_MAX: usize = 24;
/// Tokens of a phrase.
const PHRASE_MAX: usize = 8;

/// A list of words, ready to be looked for.
#[derive(Debug, Default)]
pub struct WordFilter {
    words: Words,
    allowed: Words,
}

impl WordFilter {
    /// A filter of these words, of those that come with it if `builtin`, without those that are allowed. Words that have no
    /// letter or digit are passed over.
    pub fn new<'a>(
        words: impl IntoIterator<Item = &'a str>,
        allow: impl IntoIterator<Item = &'a str>,
        builtin: bool,
    ) -> Self {
        let builtin = builtin::WORDS.iter().copied().filter(|_| builtin);
        Self { words: Words::new(words.into_iter().chain(builtin)), allowed: Words::new(allow) }
    }

    /// Whether it has a word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where the text has words that are not welcome: ranges of bytes in their order, none overlaps another.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let folded = Folded::new(text);
        let found = Search::new(&folded, &self.words).run();
        if found.is_empty() {
            return Vec::new();
        }
        let allowed = if self.allowed.is_empty() {
            Vec::new()
        } else {
            Search::new(&folded, &self.allowed).run()
        };
        let inside = |found: &Range<usize>| {
            allowed.iter().any(|allowed| allowed.start <= found.start && found.end <= allowed.end)
        };
        let found = found.into_iter().filter(|found| !inside(found));
        merged(found.map(|glyphs| folded.bytes(&glyphs)).collect())
    }

    /// The text with `*` in the place of each visible character of these words; none if it has none of them.
    pub fn mask(&self, text: &str) -> Option<String> {
        let found = self.find(text);
        if found.is_empty() {
            return None;
        }
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            masked.push_str(text.get(end..range.start).unwrap_or_default());
            let hidden = text.get(range.clone()).unwrap_or_default();
            masked.extend(hidden.chars().map(|char| if char.is_whitespace() { char } else { '*' }));
            end = range.end;
        }
        masked.push_str(text.get(end..).unwrap_or_default());
        Some(masked)
    }
}

/// Ranges in their order, those that overlap as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// One look through a text.
struct Search<'a> {
    text: &'a Folded,
    words: &'a Words,
    spelling: Spelling,
    found: Vec<Range<usize>>,
}

impl<'a> Search<'a> {
    fn new(text: &'a Folded, words: &'a Words) -> Self {
        Self { text, words, spelling: Spelling::default(), found: Vec::new() }
    }

    /// Ranges of glyphs that are words.
    fn run(mut self) -> Vec<Range<usize>> {
        for at in 0..self.text.tokens.len() {
            self.token(at);
            self.set_apart(at);
            if self.is_letter(at) {
                self.spelled_out(at);
            }
        }
        self.found
    }

    fn tokens(&self, range: Range<usize>) -> &'a [Token] {
        self.text.tokens.get(range).unwrap_or_default()
    }

    /// A token as it is, and without the signs around it, which may be punctuation.
    fn token(&mut self, at: usize) {
        let Some(token) = self.text.tokens.get(at) else { return };
        let whole = token.glyphs.clone();
        self.look_up(whole.clone());
        self.phrase(at, token);
        let core = self.core(token);
        if core != whole && !core.is_empty() {
            self.look_up(core.clone());
            self.look_up(core.start..whole.end);
            self.look_up(whole.start..core.end);
        }
        let glyphs = self.text.glyphs.get(whole.clone()).unwrap_or_default();
        if glyphs.iter().any(|glyph| is_wild(glyph.shown)) && self.words.may_be(glyphs) {
            self.found.push(whole);
        }
    }

    /// A token without the signs around it; empty if it has nothing else.
    fn core(&self, token: &Token) -> Range<usize> {
        let Range { start, end } = token.glyphs;
        let glyphs = self.text.glyphs.get(start..end).unwrap_or_default();
        let is_sign = |glyph: &&Glyph| !glyph.shown.is_alphanumeric();
        let before = glyphs.iter().take_while(is_sign).count();
        let after = glyphs.iter().rev().take_while(is_sign).count();
        if before == glyphs.len() { start..start } else { start + before..end - after }
    }

    /// Tokens with marks between them, read as one. Two with an apostrophe are a word of their own: `who're`.
    fn set_apart(&mut self, first: usize) {
        let end = self.text.tokens.len().min(first + MARKED_MAX);
        for (more, token) in self.tokens(first + 1..end).iter().enumerate() {
            match token.gap {
                Gap::Space => return,
                Gap::Apostrophe if more == 0 => {}
                Gap::Apostrophe | Gap::Mark => self.joined(first, token),
            }
        }
    }

    /// All from a token to another as one word, also without the signs around it.
    fn joined(&mut self, first: usize, last: &Token) {
        let Some(token) = self.text.tokens.get(first) else { return };
        let (whole, core) = (token.glyphs.start..last.glyphs.end, self.core(token).start..self.core(last).end);
        self.look_up(whole.clone());
        if core != whole && core.start < core.end {
            self.look_up(core);
        }
    }

    /// Whether a token is one letter, perhaps drawn out.
    fn is_letter(&self, at: usize) -> bool {
        let Some(token) = self.text.tokens.get(at) else { return false };
        let core = self.core(token);
        let glyphs = self
            .text
            .glyphs
            .get(if core.is_empty() { token.glyphs.clone() } else { core })
            .unwrap_or_default();
        glyphs.len() <= 3 && glyphs.windows(2).all(|two| matches!(two, [one, other] if one.shown == other.shown))
    }

    /// Three single letters and more, with anything between them that separates.
    fn spelled_out(&mut self, first: usize) {
        for at in first + 1..self.text.tokens.len().min(first + LETTERS_MAX) {
            if !self.is_letter(at) {
                return;
            }
            if at >= first + 2
                && let Some(token) = self.text.tokens.get(at)
            {
                self.joined(first, token);
            }
        }
    }

    /// Words that follow one that has just been looked up.
    fn phrase(&mut self, at: usize, begin: &Token) {
        if !self.words.begins_phrase(&self.spelling) {
            return;
        }
        let mut spellings = vec![self.spelling.clone()];
        for token in self.tokens(at + 1..self.text.tokens.len().min(at + PHRASE_MAX)) {
            if self.spell(token).is_none() {
                return;
            }
            spellings.push(self.spelling.clone());
            if self.words.has_phrase(&spellings) {
                self.found.push(begin.glyphs.start..token.glyphs.end);
            }
        }
    }

    /// Spells a token without the signs at its end, which are punctuation in sentences.
    fn spell(&mut self, token: &Token) -> Option<bool> {
        let glyphs = self.text.glyphs.get(token.glyphs.clone()).unwrap_or_default();
        let signs = glyphs.iter().rev().take_while(|glyph| !glyph.shown.is_alphanumeric()).count();
        self.spelling.set(glyphs.get(..glyphs.len() - signs).unwrap_or_default(), false)
    }

    fn look_up(&mut self, range: Range<usize>) {
        let glyphs = self.text.glyphs.get(range.clone()).unwrap_or_default();
        for second in [false, true] {
            let Some(ambiguous) = self.spelling.set(glyphs, second) else { return };
            if self.words.has(&self.spelling) {
                return self.found.push(range);
            }
            if !ambiguous {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
