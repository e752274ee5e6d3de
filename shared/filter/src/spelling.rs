//! How glyphs are spelled: letters in runs, so that `fooood` and `food` can be compared.

use crate::fold::{Glyph, is_wild, letters_of};

/// Letters that innocent words double: `good` is not `god`, `hell` not `hel`.
const OFTEN_DOUBLED: [char; 4] = ['e', 'l', 'o', 's'];
/// Runs of a spelling; longer ones are no words.
const RUNS_MAX: usize = 48;

/// A letter, and how often it follows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    letter: char,
    count: u8,
}

impl Run {
    /// Whether a text may have this run where a word has `word`: the same, or drawn out.
    fn stands_for(self, word: Self) -> bool {
        let drawn_out = self.count >= 3 || self.count == 2 && !OFTEN_DOUBLED.contains(&self.letter);
        self.letter == word.letter && (self.count == word.count || self.count > word.count && drawn_out)
    }
}

/// The spelling of some glyphs, and its letters without repeats, by which words are looked up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spelling {
    pub(crate) runs: Vec<Run>,
    pub(crate) key: String,
}

impl Spelling {
    /// Spells glyphs; digits and signs stand for letters only beside letters. `second` takes the second letter where a
    /// glyph may stand for two. Says whether there is such a glyph. None if it is no word.
    pub(crate) fn set(&mut self, glyphs: &[Glyph], second: bool) -> Option<bool> {
        self.runs.clear();
        self.key.clear();
        let has_letters = glyphs.iter().any(|glyph| glyph.shown.is_alphabetic());
        let mut ambiguous = false;
        for glyph in glyphs {
            let meant = if has_letters { letters_of(glyph.shown) } else { None };
            ambiguous |= meant.is_some_and(|letters| letters.len() > 1);
            let letter =
                meant.map_or(
                    Some(glyph.shown),
                    |letters| if second { letters.chars().last() } else { letters.chars().next() },
                );
            let letter = letter.filter(|letter| letter.is_alphanumeric())?;
            self.push(letter)?;
        }
        Some(ambiguous)
    }

    fn push(&mut self, letter: char) -> Option<()> {
        if letter == 'h' && self.runs.last() == Some(&Run { letter: 'p', count: 1 }) {
            // `ph` is read as `f`.
            let (_run, _letter) = (self.runs.pop(), self.key.pop());
            return self.push('f');
        }
        match self.runs.last_mut() {
            Some(last) if last.letter == letter => last.count = last.count.saturating_add(1),
            _ => {
                if self.runs.len() == RUNS_MAX {
                    return None;
                }
                self.runs.push(Run { letter, count: 1 });
                self.key.push(letter);
            }
        }
        Some(())
    }

    /// Whether a text that is spelled so, from run `from` on, says the word, or begins with it.
    pub(crate) fn says(&self, word: &[Run], is_prefix: bool) -> bool {
        (is_prefix || self.runs.len() == word.len())
            && self.runs.len() >= word.len()
            && self.runs.iter().zip(word).all(|(run, word)| run.stands_for(*word))
    }
}

/// Whether glyphs with letters left out may say the word: as long as it, half of its letters there, the first among them.
pub(crate) fn may_say(glyphs: &[Glyph], word: &[Run]) -> bool {
    let letters = word.iter().flat_map(|run| std::iter::repeat_n(run.letter, usize::from(run.count)));
    let mut there = 0;
    for (at, (glyph, letter)) in glyphs.iter().zip(letters).enumerate() {
        let is_letter =
            glyph.shown == letter || letters_of(glyph.shown).is_some_and(|letters| letters.contains(letter));
        if is_letter {
            there += 1;
        } else if at == 0 || !is_wild(glyph.shown) {
            return false;
        }
    }
    2 * there >= glyphs.len()
}

/// Letters of a word.
pub(crate) fn length(word: &[Run]) -> usize {
    word.iter().map(|run| usize::from(run.count)).sum()
}

/// Its first letter.
pub(crate) fn first(word: &[Run]) -> Option<char> {
    word.first().map(|run| run.letter)
}
