//! How long the plays that are left will take, by those that are done. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::plan::Play;
use super::results::Entry;
use super::rows::Row;

/// A play of which nothing is known.
const USUAL: Duration = Duration::from_secs(35);

/// What plays of each row took: how many, and how long together.
#[derive(Debug, Default)]
pub struct TimeLeft {
    rows: HashMap<String, (u32, Duration)>,
}

impl TimeLeft {
    /// What these plays say.
    pub fn new(entries: &[Entry]) -> Self {
        let mut time_left = Self::default();
        for entry in entries {
            time_left.note(&entry.row, Duration::from_millis(entry.took_ms));
        }
        time_left
    }

    /// A play of the row took so long.
    pub fn learn(&mut self, row: &Row, took: Duration) {
        self.note(row.id, took);
    }

    /// Time that these plays will take.
    pub fn of(&self, plays: &[Play]) -> Duration {
        plays.iter().map(|play| self.one(play.row.id)).sum()
    }

    /// The same for people.
    pub fn words(&self, plays: &[Play]) -> String {
        let minutes = self.of(plays).as_secs().div_ceil(60);
        format!("about {} h {:02} min left", minutes / 60, minutes % 60)
    }

    fn note(&mut self, row: &str, took: Duration) {
        let (count, sum) = self.rows.entry(row.to_owned()).or_default();
        *count += 1;
        *sum += took;
    }

    fn one(&self, row: &str) -> Duration {
        self.rows.get(row).map_or(USUAL, |(count, sum)| *sum / (*count).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::plan::named;

    #[test]
    fn rows_take_as_long_as_they_took() {
        let mut time_left = TimeLeft::new(&[]);
        let plays: Vec<Play> = named("F13,F14c").unwrap().into_iter().map(|row| Play::of(row, 1)).collect();
        assert_eq!(time_left.of(&plays), USUAL * 2);
        time_left.learn(&plays[0].row, Duration::from_mins(1));
        time_left.learn(&plays[0].row, Duration::from_mins(2));
        assert_eq!(time_left.of(&plays), USUAL + Duration::from_secs(90));
        assert_eq!(time_left.words(&[plays[0]; 60]), "about 1 h 30 min left");
    }
}
