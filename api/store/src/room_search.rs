//! Finding public rooms by how the words of their names and descriptions begin. What is found by is kept beside the rooms and made
//! anew when a room changes; who asks looks at the room itself before showing it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use deunicode::deunicode;
use rookery_protocol::id::RoomId;
use rookery_protocol::text;

use crate::StoreError;
use crate::room::Room;

/// Characters of the beginning of a word that make a difference.
const PREFIX_CHARS_MAX: usize = 12;
/// Different beginnings of one room that are kept.
const PREFIXES_MAX: usize = 600;
/// Words of a search that count.
const WORDS_MAX: usize = 4;

/// What a room is found by, and where it stands among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomEntry {
    /// Where it stands.
    pub place: RoomRank,
    /// How its words begin; the empty text is among them, so that everything finds it.
    pub prefixes: BTreeSet<String>,
}

/// A place in what is found: most members first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomRank {
    /// How many members the room has, as it was counted last.
    pub members: u64,
    /// Its id.
    pub room: RoomId,
}

impl RoomEntry {
    /// Of a room with so many members.
    pub fn of(room: &Room, members: u64) -> Self {
        let slug = room.slug.as_ref().map_or("", |slug| slug.as_str());
        // In other letters as well: who writes `privet` means `Привет`.
        let latin = deunicode(room.name.as_str());
        let mut prefixes = BTreeSet::from([String::new()]);
        for word in [room.name.as_str(), slug, &latin, room.description.as_str()].into_iter().flat_map(words) {
            let ends = word.char_indices().map(|(at, c)| at + c.len_utf8()).take(PREFIX_CHARS_MAX);
            prefixes.extend(ends.map(|end| word[..end].to_owned()));
            if prefixes.len() > PREFIXES_MAX {
                break;
            }
        }
        Self { place: RoomRank { members, room: room.id }, prefixes }
    }
}

/// The words of a search in the form in which they are kept, the longest first; one empty word for a search without any.
pub fn searched(query: &str) -> Vec<String> {
    let cut = |word: String| word.chars().take(PREFIX_CHARS_MAX).collect::<String>();
    let mut found: Vec<String> = words(query).map(cut).collect::<BTreeSet<_>>().into_iter().collect();
    found.sort_by_key(|word| std::cmp::Reverse(word.len()));
    found.truncate(WORDS_MAX);
    if found.is_empty() {
        found.push(String::new());
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let folded = text::search_key(text);
    let words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// What public rooms are found by.
#[async_trait]
pub trait RoomSearch: Send + Sync {
    /// Keeps an entry, instead of the one that was there.
    async fn put(&self, entry: &RoomEntry) -> Result<(), StoreError>;
    /// The room is found by nothing any more. Idempotent.
    async fn remove(&self, room: RoomId) -> Result<(), StoreError>;
    /// Rooms of which each of these beginnings is one, most members first, after that place, at most `limit`.
    async fn search(
        &self,
        words: &[String],
        after: Option<RoomRank>,
        limit: usize,
    ) -> Result<Vec<RoomRank>, StoreError>;
}

#[cfg(test)]
mod tests {
    use rookery_protocol::access::Visibility;
    use rookery_protocol::clock::UnixMillis;

    use super::*;
    use crate::room::{RoomDescription, RoomName};

    #[test]
    fn rooms_are_found_by_beginnings_of_words_in_any_case_and_accents() {
        let name = RoomName::try_from("Räume & Привет".to_owned()).unwrap();
        let mut room = Room::new(RoomId::generate(), name, Visibility::Public, UnixMillis(1));
        room.description = RoomDescription::try_from("For everybody, twice".to_owned()).unwrap();
        let entry = RoomEntry::of(&room, 7);
        let finds = |query: &str| searched(query).iter().all(|word| entry.prefixes.contains(word));
        for query in ["", "rau", "RÄUME", "при", "priv", "everybody r", "raume privet twice", "& !"] {
            assert!(finds(query), "{query}");
        }
        for query in ["aum", "räumex", "everybody else"] {
            assert!(!finds(query), "{query}");
        }
    }

    #[test]
    fn what_is_kept_and_asked_is_bounded() {
        let name = RoomName::try_from("x".to_owned()).unwrap();
        let mut room = Room::new(RoomId::generate(), name, Visibility::Public, UnixMillis(1));
        let long = (0..80).map(|n| format!("{n}abcdefghijkl")).collect::<Vec<_>>().join(" ");
        room.description = RoomDescription::kept(&long);
        assert!(RoomEntry::of(&room, 1).prefixes.len() <= PREFIXES_MAX + PREFIX_CHARS_MAX);
        assert_eq!(searched(&long).len(), WORDS_MAX);
        assert!(searched(&"y".repeat(80)).iter().all(|word| word.len() == PREFIX_CHARS_MAX));
    }
}
