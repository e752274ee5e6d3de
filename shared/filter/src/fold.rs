//! What a text looks like to somebody who reads past tricks: letters without case, accents and look-alikes, in tokens.
//!
//! Compatibility forms are decomposed (NFKD, UAX 15), marks and invisible characters dropped, letters of other scripts that
//! look like Latin ones replaced by those. Digits and signs that stand for letters stay what they are until it is known
//! which letter they have to be.

use std::ops::Range;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_normalization::UnicodeNormalization as _;

/// One visible character of a token and where it is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glyph {
    /// A folded letter, or a digit or sign that may stand for one.
    pub(crate) shown: char,
    /// Its first byte.
    from: usize,
    /// The byte after it, and after what belongs to it.
    to: usize,
}

/// What separates a token from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// White space, signs between words, or the beginning.
    Space,
    /// Punctuation as it is put between the letters of a word.
    Mark,
    /// An apostrophe only, as it is inside of words.
    Apostrophe,
}

impl Gap {
    /// A gap with one more character.
    fn of(char: char, before: Option<Self>) -> Self {
        let gap = match char {
            '\'' | '’' => Self::Apostrophe,
            '=' | '/' | '\\' | '&' | '?' | ':' | '<' | '>' | '[' | ']' | '{' | '}' | '"' => Self::Space,
            _ if char.is_whitespace() => Self::Space,
            _ => Self::Mark,
        };
        match (before, gap) {
            (None, gap) => gap,
            (Some(Self::Space), _) | (_, Self::Space) => Self::Space,
            (Some(_), _) => Self::Mark,
        }
    }
}

/// Characters without anything in between that separates.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) gap: Gap,
    pub(crate) glyphs: Range<usize>,
}

/// A text as tokens.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) glyphs: Vec<Glyph>,
    pub(crate) tokens: Vec<Token>,
}

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        let mut folded = Self { glyphs: Vec::with_capacity(text.len()), tokens: Vec::with_capacity(text.len() / 4) };
        let mut gap = Some(Gap::Space);
        for (at, char) in text.char_indices() {
            let end = at + char.len_utf8();
            if is_invisible(char) {
                continue;
            }
            let before = folded.glyphs.len();
            shown(char, |shown| folded.glyphs.push(Glyph { shown, from: at, to: end }));
            if folded.glyphs.len() == before {
                if is_mark(char) {
                    // It belongs to the letter before it.
                    if let Some(last) = folded.glyphs.last_mut() {
                        last.to = end;
                    }
                } else {
                    gap = Some(Gap::of(char, gap));
                }
                continue;
            }
            let after = folded.glyphs.len();
            match (gap.take(), folded.tokens.last_mut()) {
                (None, Some(token)) => token.glyphs.end = after,
                (gap, _) => folded.tokens.push(Token { gap: gap.unwrap_or(Gap::Space), glyphs: before..after }),
            }
        }
        folded
    }

    /// Where glyphs are in the text.
    pub(crate) fn bytes(&self, glyphs: &Range<usize>) -> Range<usize> {
        let glyphs = self.glyphs.get(glyphs.clone()).unwrap_or_default();
        glyphs.first().map_or(0, |first| first.from)..glyphs.last().map_or(0, |last| last.to)
    }
}

/// Shows what a character is read as: nothing for what separates or is a mark.
fn shown(char: char, mut show: impl FnMut(char)) {
    if char.is_ascii_alphabetic() {
        return show(char.to_ascii_lowercase());
    }
    if char.is_ascii() {
        if char.is_ascii_digit() || letters_of(char).is_some() || is_wild(char) {
            show(char);
        }
        return;
    }
    for part in [char].into_iter().nfkd().filter(|part| !is_mark(*part)) {
        for lower in part.to_lowercase().filter(|lower| !is_mark(*lower)) {
            if let Some(latin) = look_alike(lower) {
                latin.chars().for_each(&mut show);
            } else if lower.is_alphanumeric() || letters_of(lower).is_some() || is_wild(lower) {
                show(lower);
            }
        }
    }
}

/// Marks of the blocks that put something on a letter.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that nobody sees.
fn is_invisible(char: char) -> bool {
    match char {
        '\0'..='\x7f' => false,
        '\u{34f}' | '\u{fff9}'..='\u{fffb}' => true,
        _ => !is_mark(char) && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char),
    }
}

/// A sign in the place of a letter that its writer left out.
pub(crate) const fn is_wild(char: char) -> bool {
    matches!(char, '*' | '#' | '%')
}

/// The letters that a digit or sign may stand for.
pub(crate) const fn letters_of(char: char) -> Option<&'static str> {
    Some(match char {
        '0' => "o",
        '1' | '|' => "il",
        '!' | '¡' => "i",
        '2' => "z",
        '3' | '€' => "e",
        '4' | '@' | '^' => "a",
        '5' | '$' | '§' => "s",
        '6' | '9' => "g",
        '7' | '+' => "t",
        '8' => "b",
        '(' | '¢' => "c",
        '£' => "l",
        _ => return None,
    })
}

/// Latin letters that a letter looks like. From the confusables of UTS 39, the ones that keyboards have.
fn look_alike(char: char) -> Option<&'static str> {
    Some(match char {
        'а' | 'α' | 'ɑ' | 'ᴀ' | 'ꭺ' => "a",
        'ʙ' | 'в' | 'β' => "b",
        'с' | 'ϲ' | 'ᴄ' | 'ƈ' => "c",
        'ԁ' | 'ᴅ' | 'đ' | 'ɗ' => "d",
        'е' | 'є' | 'ε' | 'ᴇ' | 'ɛ' | 'ə' => "e",
        'ƒ' | 'ꜰ' => "f",
        'ɡ' | 'ɢ' | 'ğ' => "g",
        'һ' | 'ʜ' | 'н' | 'ħ' => "h",
        'і' | 'ι' | 'ı' | 'ɪ' | 'ɩ' => "i",
        'ј' | 'ᴊ' => "j",
        'к' | 'κ' | 'ᴋ' => "k",
        'ӏ' | 'ʟ' | 'ł' | 'ǀ' => "l",
        'м' | 'ᴍ' => "m",
        'ո' | 'ɴ' | 'η' => "n",
        'о' | 'ο' | 'σ' | 'ᴏ' | 'ø' | 'օ' => "o",
        'р' | 'ρ' | 'ᴘ' => "p",
        'ԛ' => "q",
        'г' | 'ʀ' => "r",
        'ѕ' | 'ꜱ' => "s",
        'т' | 'τ' | 'ᴛ' => "t",
        'υ' | 'ս' | 'ᴜ' | 'µ' | 'μ' => "u",
        'ν' | 'ѵ' | 'ᴠ' => "v",
        'ѡ' | 'ᴡ' | 'ω' => "w",
        'х' | 'χ' => "x",
        'у' | 'γ' | 'ʏ' => "y",
        'ᴢ' => "z",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        '🇦'..='🇿' => return regional(char),
        _ => return None,
    })
}

/// Regional indicators, of which pairs are flags.
fn regional(char: char) -> Option<&'static str> {
    let place = usize::try_from(u32::from(char) - u32::from('🇦')).ok()?;
    "abcdefghijklmnopqrstuvwxyz".get(place..=place)
}
