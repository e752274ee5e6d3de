//! Which plays a run consists of, in which order and with which seeds. Pure.
//!
//! The number that a run begins with decides all of them. Every second play has a slow database; an odd seed says so, so
//! that a seed alone repeats a play.

use super::rows::table::ALL;
use super::rows::{Fault, Row};

/// Plays of the row that changes servers most often.
const EXCHANGES: usize = 60;
/// Plays of each other row in which a server is replaced or forgets, or in which the database goes away.
const FAILOVERS: usize = 20;
/// Plays of all other rows.
const OTHERS: usize = 3;

/// One row to play.
#[derive(Clone, Copy, Debug)]
pub struct Play {
    /// What is played.
    pub row: Row,
    /// Chooses what is random.
    pub seed: u64,
    /// Whether the database gets a fifth of its time.
    pub slowed: bool,
}

/// How often a row is to be played.
pub type Wanted = (Row, usize);

/// How often a row was played: with the database at its own speed, and with it slowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// At its own speed.
    pub unslowed: usize,
    /// Slowed.
    pub slowed: usize,
}

impl Play {
    /// The play of a seed.
    pub const fn of(row: Row, seed: u64) -> Self {
        Self { row, seed, slowed: !seed.is_multiple_of(2) }
    }
}

/// Every row as often as a release asks for.
pub fn full() -> Vec<Wanted> {
    ALL.iter().map(|row| (*row, plays_before_a_release(row.fault))).collect()
}

/// These rows, each so often.
pub fn each(rows: &[Row], plays: usize) -> Vec<Wanted> {
    rows.iter().map(|row| (*row, plays)).collect()
}

/// The rows that are named, apart by commas; `F05` names all that begin so.
pub fn named(names: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for name in names.split(',') {
        let before = rows.len();
        let is_meant = |row: &&Row| row.id == name || row.id.trim_end_matches(char::is_lowercase) == name;
        rows.extend(ALL.iter().filter(is_meant).copied());
        if rows.len() == before {
            return Err(format!("there is no row {name}"));
        }
    }
    Ok(rows)
}

/// What is still to be played. Every row comes once before any comes again; after that all rows come on alike, so that a run
/// that ends early has seen the same part of each. A single play of a single row has the seed `base`.
pub fn plays(wanted: &[Wanted], done: impl Fn(&Row) -> Done, base: u64) -> Vec<Play> {
    let mut plays = Vec::new();
    for (place, (row, count)) in wanted.iter().enumerate() {
        let mut done = done(row);
        for number in done.unslowed + done.slowed..*count {
            let play = Play::of(*row, seed(base, (row.id, place), number, done));
            done.slowed += usize::from(play.slowed);
            done.unslowed += usize::from(!play.slowed);
            plays.push((number, *count, play));
        }
    }
    plays.sort_by(|(left, of_left, _), (right, of_right, _)| (left * of_right).cmp(&(right * of_left)));
    plays.into_iter().map(|(_, _, play)| play).collect()
}

/// The seed of the next play of a row. It is odd if fewer plays were slowed than not; where there are as many, rows differ.
fn seed(base: u64, (id, place): (&str, usize), number: usize, done: Done) -> u64 {
    if (place, number) == (0, 0) {
        return base;
    }
    let slowed = match done.slowed.cmp(&done.unslowed) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => (base + (place + number) as u64) % 2 == 1,
    };
    let text = id.bytes().chain(number.to_le_bytes());
    let mixed = text.fold(mix(base), |mixed, byte| mix(mixed ^ u64::from(byte)));
    // Short enough to be typed.
    (mixed >> 32 & !1) | u64::from(slowed)
}

/// Spreads small differences over all bits.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

const fn plays_before_a_release(fault: Fault) -> usize {
    match fault {
        Fault::MasterExchange => EXCHANGES,
        Fault::RedisWipe
        | Fault::RedisKill
        | Fault::RedisStop(_)
        | Fault::MasterKill
        | Fault::MasterStop(_)
        | Fault::Partition(..)
        | Fault::ShardKill
        | Fault::ShardStop
        | Fault::MongoKill
        | Fault::MongoStop(_) => FAILOVERS,
        Fault::GatewayKill
        | Fault::GatewayStop
        | Fault::GatewaysRoll
        | Fault::ApiKill
        | Fault::ApiKillAfterStore
        | Fault::ApiStop
        | Fault::ApiRestart
        | Fault::RedisNoMemory
        | Fault::RedisDiskFull
        | Fault::Wire(..)
        | Fault::ClientsReset
        | Fault::ClientsVanish
        | Fault::BalancerKill
        | Fault::ScaleDown
        | Fault::SubscribersOut
        | Fault::LogsFull
        | Fault::MongoDiskFull
        | Fault::RedisWipeUnstored
        | Fault::ReplicaKill
        | Fault::Restore
        | Fault::Pair => OTHERS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn nothing_done(_: &Row) -> Done {
        Done::default()
    }

    fn count(plays: &[Play], id: &str) -> Done {
        let of_row = || plays.iter().filter(|play| play.row.id == id);
        let slowed = of_row().filter(|play| play.slowed).count();
        Done { slowed, unslowed: of_row().count() - slowed }
    }

    #[test]
    fn the_full_plan_plays_each_row_as_often_as_it_has_to_and_half_of_it_slowed() {
        let plays = plays(&full(), nothing_done, 17);
        for (id, times) in [("F13", 60), ("F11a", 20), ("F14c", 20), ("F12b", 20), ("F20", 20), ("F01", 3)] {
            let Done { unslowed, slowed } = count(&plays, id);
            assert_eq!(unslowed + slowed, times, "{id}");
            assert!(unslowed.abs_diff(slowed) <= 1, "{id}: {unslowed} and {slowed}");
        }
        let slowed = plays.iter().filter(|play| play.slowed).count();
        assert!(slowed.abs_diff(plays.len() - slowed) <= 4, "{slowed} of {}", plays.len());
    }

    #[test]
    fn every_row_comes_once_before_any_comes_again_and_then_all_come_on_alike() {
        let plays = plays(&full(), nothing_done, 4);
        let first: HashSet<&str> = plays[..ALL.len()].iter().map(|play| play.row.id).collect();
        assert_eq!(first.len(), ALL.len());
        let half = &plays[..plays.len() / 2];
        for (row, count_of_row) in full() {
            let Done { unslowed, slowed } = count(half, row.id);
            assert!((unslowed + slowed).abs_diff(count_of_row / 2) <= 3, "{}", row.id);
        }
    }

    #[test]
    fn a_seed_repeats_its_play() {
        let rows = named("F13").unwrap();
        for play in plays(&each(&rows, 20), nothing_done, 99) {
            let again = plays(&each(&rows, 1), nothing_done, play.seed);
            assert_eq!((again[0].seed, again[0].slowed), (play.seed, play.slowed));
        }
    }

    #[test]
    fn seeds_come_from_the_base_and_differ() {
        let rows = named("F13,F11").unwrap();
        let seeds = |base| {
            plays(&each(&rows, 50), nothing_done, base)
                .iter()
                .map(|play| play.seed)
                .collect::<Vec<_>>()
        };
        assert_eq!(seeds(5), seeds(5));
        let all: HashSet<u64> = seeds(5).into_iter().chain(seeds(6)).collect();
        assert_eq!(all.len(), 300);
    }

    #[test]
    fn what_was_played_is_not_played_again() {
        let rows = named("F13,F14c").unwrap();
        let wanted = each(&rows, 10);
        let whole = plays(&wanted, nothing_done, 8);
        for ended in 0..=whole.len() {
            let (before, rest) = whole.split_at(ended);
            let again = plays(&wanted, |row| count(before, row.id), 8);
            assert_eq!(again.len(), rest.len());
            let seeds = |plays: &[Play]| plays.iter().map(|play| (play.row.id, play.seed)).collect::<HashSet<_>>();
            assert_eq!(seeds(&again), seeds(rest));
        }
        // Another number to begin with finds other seeds, and still as many of either kind.
        let rest = plays(&wanted, |_| Done { unslowed: 5, slowed: 2 }, 9);
        assert_eq!(count(&rest, "F13"), Done { unslowed: 0, slowed: 3 });
    }

    #[test]
    fn a_name_means_all_rows_that_begin_so() {
        let ids = |names| named(names).map(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>());
        assert_eq!(ids("F13,F11"), Ok(vec!["F13", "F11a", "F11b"]));
        assert_eq!(ids("F14c"), Ok(vec!["F14c"]));
        assert_eq!(ids("F99"), Err("there is no row F99".to_owned()));
    }
}
