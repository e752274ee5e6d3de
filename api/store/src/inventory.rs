//! How much a store has, or a copy of it: what `verify` compares. Pure.

use std::collections::BTreeMap;

use uuid::Uuid;

/// What never gets less, whatever people do.
const GROWING: [&str; 3] = ["messages", "rooms", "users"];
/// Differences that are told at most; how many there are is told in any case.
const TOLD_MAX: usize = 20;

/// How many there are of each kind, and the newest event of each room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// By collection or table.
    pub counts: BTreeMap<String, u64>,
    /// Epoch and number, by room.
    pub heads: BTreeMap<Uuid, (i64, i64)>,
}

/// A copy beside the store that it was made of, or put back into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Sentences about what the copy has and the store does not, `TOLD_MAX` at most.
    pub lacking: Vec<String>,
    /// How many of them there are.
    pub lacking_count: usize,
    /// Whether both are the same.
    pub is_same: bool,
}

impl Inventory {
    /// One more of a kind.
    pub fn count(&mut self, kind: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
    }

    /// An event of a room, in any order.
    pub fn place(&mut self, room: Uuid, epoch: i64, seq: i64) {
        let head = self.heads.entry(room).or_insert((epoch, seq));
        *head = (*head).max((epoch, seq));
    }

    /// What this store lacks of the copy. It may have more, and less of what people take away.
    pub fn compare(&self, copy: &Self) -> Comparison {
        let mut lacking = Vec::new();
        for kind in GROWING {
            let [here, there] = [self, copy].map(|one| one.counts.get(kind).copied().unwrap_or(0));
            if here < there {
                lacking.push(format!("{here} {kind}, and {there} in the backup"));
            }
        }
        for (room, there) in &copy.heads {
            let here = self.heads.get(room).copied().unwrap_or_default();
            if here < *there {
                let [(epoch, seq), (copied_epoch, copied_seq)] = [here, *there];
                lacking
                    .push(format!("room {room} ends at e{epoch} {seq}, in the backup at e{copied_epoch} {copied_seq}"));
            }
        }
        let lacking_count = lacking.len();
        lacking.truncate(TOLD_MAX);
        Comparison { lacking, lacking_count, is_same: self == copy }
    }

    /// `12 messages, 3 rooms, …` and how many rooms have a head.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = self.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        format!("{}; heads of {} rooms", counts.join(", "), self.heads.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(messages: u64, sessions: u64, head: (i64, i64)) -> Inventory {
        let counts = [("messages".to_owned(), messages), ("sessions".to_owned(), sessions)].into();
        Inventory { counts, heads: [(Uuid::nil(), head)].into() }
    }

    #[test]
    fn a_store_that_went_on_lacks_nothing() {
        let copy = inventory(10, 5, (1, 10));
        assert!(copy.compare(&copy).is_same);
        for later in [inventory(12, 2, (1, 12)), inventory(10, 5, (2, 1))] {
            let compared = later.compare(&copy);
            assert_eq!((compared.is_same, compared.lacking_count), (false, 0), "{compared:?}");
        }
    }

    #[test]
    fn a_message_or_an_end_of_a_room_that_is_missing_is_told() {
        let copy = inventory(10, 5, (2, 10));
        for worse in
            [inventory(9, 5, (2, 10)), inventory(10, 5, (2, 9)), inventory(10, 5, (1, 99)), Inventory::default()]
        {
            assert_ne!(worse.compare(&copy).lacking, Vec::<String>::new(), "{worse:?}");
        }
    }

    #[test]
    fn heads_are_the_newest_places_in_any_order() {
        let mut inventory = Inventory::default();
        for (epoch, seq) in [(1, 5), (2, 1), (1, 9)] {
            inventory.place(Uuid::nil(), epoch, seq);
        }
        assert_eq!(inventory.heads[&Uuid::nil()], (2, 1));
    }
}
