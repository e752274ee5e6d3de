//! Who waits for which place in a partition's log to be stored. Pure; gateway and api both keep one.
//!
//! What a bus answers is believed only as long as its server may be the one that has the partition: an answer of an
//! epoch that is known to be over comes from a server that was replaced, or was on its way when it was.

use std::collections::{BTreeMap, HashMap};

use rookery_protocol::id::{Epoch, LogPosition, Partition};
use rookery_protocol::position::StoredPosition;

use crate::{Appended, Mark};

/// Items that wait for "stored", by partition and position.
#[derive(Debug)]
pub struct PendingAcks<T> {
    partitions: HashMap<Partition, Waiting<T>>,
    len: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    epoch: Epoch,
    upto: Option<LogPosition>,
    moves: u64,
    /// Up to here some positions are not where history has their events.
    doubtful: Option<LogPosition>,
    items: BTreeMap<LogPosition, Vec<T>>,
}

/// The answer about a place cannot be believed: ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleAnswer;

/// Whose wait is over, and how.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed<T> {
    /// Stored; where it is another place than the one it waited for, that.
    pub stored: Vec<(T, Option<StoredPosition>)>,
    /// Whether and where it is stored is unknown: it is to be sent again under the same name.
    pub uncertain: Vec<T>,
}

impl<T> Default for Completed<T> {
    fn default() -> Self {
        Self { stored: Vec::new(), uncertain: Vec::new() }
    }
}

impl<T> Default for PendingAcks<T> {
    fn default() -> Self {
        Self { partitions: HashMap::new(), len: 0 }
    }
}

impl<T> PendingAcks<T> {
    /// Lets an item wait, unless its place is stored already. An answer of a new epoch ends the one before.
    ///
    /// # Errors
    /// If the answer comes from a server that is no longer the one, or from before its place turned out to be another.
    pub fn wait(&mut self, partition: Partition, appended: &Appended, item: T) -> Result<Completed<T>, StaleAnswer> {
        if appended.answered < self.partition(partition).epoch {
            return Err(StaleAnswer);
        }
        let mut completed = self.enter(partition, appended.answered);
        let (waiting, at) = (self.partition(partition), appended.position);
        let is_stored = waiting.upto.is_some_and(|upto| at.epoch == upto.epoch && at <= upto);
        if !appended.stored && is_stored && waiting.doubtful.is_some_and(|doubtful| at <= doubtful) {
            return Err(StaleAnswer);
        }
        if appended.stored || is_stored {
            completed.stored.push((item, None));
        } else {
            waiting.items.entry(at).or_default().push(item);
            self.len += 1;
        }
        Ok(completed)
    }

    /// More is stored: gives back who waited for it, in order. A mark of a new epoch ends the one before.
    pub fn advance(&mut self, partition: Partition, mark: &Mark) -> Completed<T> {
        let mut completed = self.enter(partition, mark.upto.epoch);
        let waiting = self.partition(partition);
        // A mark that was overtaken by a later one has nothing to add.
        if mark.upto.epoch < waiting.epoch || waiting.upto.is_some_and(|known| mark.upto <= known) {
            return completed;
        }
        let listed = u64::try_from(mark.moved.len()).unwrap_or(u64::MAX);
        let is_whole = mark.moves <= waiting.moves.saturating_add(listed);
        if mark.moves > waiting.moves {
            waiting.doubtful = Some(mark.upto);
        }
        (waiting.upto, waiting.moves) = (Some(mark.upto), mark.moves);
        let first: HashMap<LogPosition, StoredPosition> =
            mark.moved.iter().map(|moved| (moved.position, moved.first)).collect();
        let released = waiting.take_upto(mark.upto);
        self.len -= released.len();
        for (position, item) in released {
            if is_whole {
                completed.stored.push((item, first.get(&position).copied()));
            } else {
                completed.uncertain.push(item);
            }
        }
        completed
    }

    /// How many items wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Partitions in which something waits.
    pub fn waiting(&self) -> Vec<Partition> {
        self.partitions
            .iter()
            .filter(|(_, waiting)| !waiting.items.is_empty())
            .map(|(t, _)| *t)
            .collect()
    }

    /// Notes the partition's epoch. If it is a new one, the bus may have lost what waited in the old one.
    fn enter(&mut self, partition: Partition, epoch: Epoch) -> Completed<T> {
        let waiting = self.partition(partition);
        if epoch <= waiting.epoch {
            return Completed::default();
        }
        let items = std::mem::take(&mut waiting.items);
        *waiting = Waiting { epoch, ..Waiting::default() };
        let uncertain: Vec<T> = items.into_values().flatten().collect();
        self.len -= uncertain.len();
        Completed { stored: Vec::new(), uncertain }
    }

    fn partition(&mut self, partition: Partition) -> &mut Waiting<T> {
        self.partitions.entry(partition).or_default()
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { epoch: Epoch(0), upto: None, moves: 0, doubtful: None, items: BTreeMap::new() }
    }
}

impl<T> Waiting<T> {
    fn take_upto(&mut self, upto: LogPosition) -> Vec<(LogPosition, T)> {
        let positions: Vec<_> = self.items.range(..=upto).map(|(position, _)| *position).collect();
        let mut released = Vec::new();
        for position in positions {
            let items = self.items.remove(&position).unwrap_or_default();
            released.extend(items.into_iter().map(|item| (position, item)));
        }
        released
    }
}

#[cfg(test)]
mod tests;
