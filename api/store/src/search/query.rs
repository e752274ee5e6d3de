//! What people search for, and whether a text is that. Pure.
//!
//! `words`, `"phrases"`, and either with a `-` before it for what must not be there. A word that has several tokens, such as
//! `example.org` or `東京`, is found where they follow each other, as a phrase is.

use std::ops::Range;

use super::terms::{Token, terms, tokens};
use crate::limits::{HIGHLIGHTS_MAX, QUERY_CHARS_MAX, QUERY_TERMS_MAX};

/// From this weight on a term is taken for rarer than what one user says: five letters.
const RARE_FROM: usize = 10;

/// A query that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    wanted: Vec<Vec<Token>>,
    unwanted: Vec<Vec<Token>>,
}

/// Why a query makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// It is too long.
    #[error("must have at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// It has too many terms.
    #[error("must have at most {QUERY_TERMS_MAX} terms")]
    TooMany,
    /// It has no term that must be there.
    #[error("must have a word or a phrase that is not excluded")]
    Nothing,
}

impl Query {
    /// Reads a query. What has no letter and no digit is nothing that can be searched for, and is left out.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        if text.chars().count() > QUERY_CHARS_MAX {
            return Err(BadQuery::TooLong);
        }
        let mut query = Self { wanted: Vec::new(), unwanted: Vec::new() };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (is_unwanted, begun) = rest.strip_prefix('-').map_or((false, rest), |begun| (true, begun));
            let (item, after) = item(begun);
            let tokens = tokens(item);
            if !tokens.is_empty() {
                if is_unwanted { &mut query.unwanted } else { &mut query.wanted }.push(tokens);
            }
            rest = after.trim_start();
        }
        if query.wanted.len() + query.unwanted.len() > QUERY_TERMS_MAX {
            return Err(BadQuery::TooMany);
        }
        if query.wanted.is_empty() {
            return Err(BadQuery::Nothing);
        }
        Ok(query)
    }

    /// A term of every text that matches, and of as few others as may be guessed.
    pub fn rarest_term(&self) -> String {
        let all = self.wanted.iter().flat_map(|phrase| terms(phrase));
        all.max_by_key(|term| weight(term)).unwrap_or_default()
    }

    /// Whether even the rarest term is one that many texts have.
    pub fn is_common(&self) -> bool {
        weight(&self.rarest_term()) < RARE_FROM
    }

    /// What of a text matches, as ranges of its characters, in order; none if the text does not.
    pub fn find(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let text = tokens(text);
        if self.unwanted.iter().any(|phrase| places(&text, phrase).next().is_some()) {
            return None;
        }
        let mut found = Vec::new();
        for phrase in &self.wanted {
            let before = found.len();
            found.extend(places(&text, phrase));
            if found.len() == before {
                return None;
            }
        }
        Some(merged(found))
    }
}

/// The first item of what is not empty, and what follows it.
fn item(text: &str) -> (&str, &str) {
    let is_quote = |c: char| matches!(c, '"' | '“' | '”' | '„');
    if let Some(quoted) = text.strip_prefix(is_quote) {
        // While somebody types, the other quote is not there yet.
        let end = quoted.find(is_quote).unwrap_or(quoted.len());
        let after = quoted[end..].strip_prefix(is_quote).unwrap_or_default();
        return (&quoted[..end], after);
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// Longer words are rarer, and a character says more where there are thousands of them.
fn weight(term: &str) -> usize {
    term.chars().map(|c| if c.is_ascii() { 2 } else { 3 }).sum()
}

fn places<'a>(text: &'a [Token], phrase: &'a [Token]) -> impl Iterator<Item = Range<usize>> + 'a {
    text.windows(phrase.len()).filter_map(move |part| {
        let is_it = part.iter().zip(phrase).all(|(token, wanted)| token.is(wanted));
        is_it.then(|| part[0].start..part[part.len() - 1].end)
    })
}

fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, range.end));
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in found {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all.truncate(HIGHLIGHTS_MAX);
    all
}

/// Whether a text has a link.
pub fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["http://", "https://"].iter().any(|scheme| {
        let mut after = text.split(scheme).skip(1);
        after.any(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(query: &str, text: &str) -> Option<Vec<Range<usize>>> {
        Query::parse(query).unwrap().find(text)
    }

    #[test]
    fn words_phrases_and_exclusions() {
        let text = "The quick brown fox; jumps over the lazy dog.";
        for (query, is_found) in [
            ("fox", true),
            ("FOX quick", true),
            ("fo", false),
            ("fox cat", false),
            ("\"quick brown\"", true),
            ("\"brown quick\"", false),
            ("\"fox jumps\"", true),
            ("“lazy dog”", true),
            ("fox -cat", true),
            ("fox -dog", false),
            ("fox -\"quick brown\"", false),
            ("fox -\"quick fox\"", true),
            ("fox \"lazy do", false),
            ("fox !!! ?", true),
        ] {
            assert_eq!(find(query, text).is_some(), is_found, "{query}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_found_inside() {
        assert_eq!(find("京都", "東京都に"), Some(Vec::from_iter([Range { start: 1, end: 3 }])));
        assert_eq!(find("都", "東京都に"), Some(Vec::from_iter([Range { start: 2, end: 3 }])));
        assert_eq!(find("東都", "東京都に"), None);
        assert_eq!(find("京都", "東京。都に"), None);
        assert_eq!(find("\"東京 都\"", "東京都に"), Some(Vec::from_iter([Range { start: 0, end: 3 }])));
        assert_eq!(find("東京 -京都", "東京都"), None);
        assert_eq!(find("ไทย", "ภาษาไทย").map(|found| found.len()), Some(1));
    }

    #[test]
    fn what_is_found_is_shown_where_it_is() {
        assert_eq!(find("cafe ole", "Café, olé! cafe"), Some([0..4, 6..9, 11..15].to_vec()));
        assert_eq!(find("\"a b\" b", "a b c b"), Some([0..3, 6..7].to_vec()));
        assert_eq!(find("x", &"x ".repeat(999)).unwrap().len(), HIGHLIGHTS_MAX);
    }

    #[test]
    fn queries_are_bounded_and_want_something() {
        for (query, wrong) in [
            ("", BadQuery::Nothing),
            ("  ", BadQuery::Nothing),
            ("-a", BadQuery::Nothing),
            ("🎉 !", BadQuery::Nothing),
            ("\"\"", BadQuery::Nothing),
            ("-", BadQuery::Nothing),
            ("a b c d e f g h i", BadQuery::TooMany),
            ("a -b -c -d -e -f -g -h -i", BadQuery::TooMany),
        ] {
            assert_eq!(Query::parse(query), Err(wrong), "{query}");
        }
        assert_eq!(Query::parse(&"x".repeat(QUERY_CHARS_MAX + 1)), Err(BadQuery::TooLong));
        assert!(Query::parse("a b c d e f g h").is_ok());
    }

    /// The index may find too much, and never too little.
    #[test]
    fn the_rarest_term_is_one_of_every_text_that_matches() {
        let texts = ["see example.org now", "東京都に行く", "ภาษาไทย", "a b a b", "नमस्ते दुनिया", "한국어를 배우다"];
        for text in texts {
            let all = terms(&tokens(text));
            let chars: Vec<char> = text.chars().collect();
            for (from, to) in (0..chars.len()).flat_map(|from| (from + 1..=chars.len()).map(move |to| (from, to))) {
                let part: String = chars[from..to].iter().collect();
                let Ok(query) = Query::parse(&part) else { continue };
                if query.find(text).is_some() {
                    assert!(all.contains(&query.rarest_term()), "{part:?} in {text:?}: {}", query.rarest_term());
                }
            }
        }
        assert_eq!(Query::parse("a wonderful day").unwrap().rarest_term(), "wonderful");
    }

    #[test]
    fn links_are_seen() {
        for text in ["https://example.org", "see HTTP://x.y", "https:// http://a"] {
            assert!(has_link(text), "{text}");
        }
        for text in ["https://", "example.org", "https:// x", "mailto:a@b"] {
            assert!(!has_link(text), "{text}");
        }
    }
}
