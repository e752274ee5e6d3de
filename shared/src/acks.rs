//! Who waits for which place in a partition's log to be stored. Pure; gateway and api both keep one.

use std::collections::{BTreeMap, HashMap};

use crate::id::{LogPosition, Partition};

/// Items that wait for "stored", by partition and position.
#[derive(Debug)]
pub struct PendingAcks<T> {
    partitions: HashMap<Partition, Waiting<T>>,
    len: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    upto: Option<LogPosition>,
    items: BTreeMap<LogPosition, Vec<T>>,
}

impl<T> Default for PendingAcks<T> {
    fn default() -> Self {
        Self { partitions: HashMap::new(), len: 0 }
    }
}

impl<T> PendingAcks<T> {
    /// Lets an item wait; gives it back at once if its position is stored already.
    ///
    /// The position comes from the bus's answer to an append, so it exists in the data the bus holds now.
    pub fn push(&mut self, partition: Partition, position: LogPosition, item: T) -> Option<T> {
        let waiting = self.partition(partition);
        if waiting.upto.is_some_and(|upto| position <= upto) {
            return Some(item);
        }
        waiting.items.entry(position).or_default().push(item);
        self.len += 1;
        None
    }

    /// Everything up to `upto` is stored: gives back who waited for it, in order.
    ///
    /// A mark of a newer epoch than some items were accepted in does not release those: the bus may have lost
    /// them when it changed epochs. They are to be dropped with [`PendingAcks::renew`].
    pub fn advance(&mut self, partition: Partition, upto: LogPosition) -> Vec<T> {
        let waiting = self.partition(partition);
        if waiting.upto.is_none_or(|known| known < upto) {
            waiting.upto = Some(upto);
        }
        let mut released = Vec::new();
        let first = LogPosition { epoch: upto.epoch, ms: 0, n: 0 };
        let positions: Vec<_> = waiting.items.range(first..=upto).map(|(position, _)| *position).collect();
        for position in positions {
            released.extend(waiting.items.remove(&position).unwrap_or_default());
        }
        self.len -= released.len();
        released
    }

    /// The partition's data was rewound or lost: gives back who can no longer be told, because whether their
    /// item survived is unknown. Their clients send again under the same `client_id`.
    pub fn renew(&mut self, partition: Partition) -> Vec<T> {
        let waiting = self.partition(partition);
        waiting.upto = None;
        let dropped: Vec<T> = std::mem::take(&mut waiting.items).into_values().flatten().collect();
        self.len -= dropped.len();
        dropped
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

    fn partition(&mut self, partition: Partition) -> &mut Waiting<T> {
        self.partitions
            .entry(partition)
            .or_insert_with(|| Waiting { upto: None, items: BTreeMap::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Epoch;

    const T: Partition = Partition(3);

    fn at(epoch: u64, ms: u64) -> LogPosition {
        LogPosition { epoch: Epoch(epoch), ms, n: 0 }
    }

    #[test]
    fn items_are_released_in_order_up_to_the_mark() {
        let mut acks = PendingAcks::default();
        for ms in [3, 1, 2] {
            assert_eq!(acks.push(T, at(1, ms), ms), None);
        }
        assert_eq!(acks.advance(T, at(1, 2)), vec![1, 2]);
        assert_eq!((acks.len(), acks.waiting()), (1, vec![T]));
        assert_eq!(acks.advance(Partition(4), at(1, 9)), Vec::<u64>::new());
    }

    #[test]
    fn what_is_stored_already_does_not_wait() {
        let mut acks = PendingAcks::default();
        acks.advance(T, at(1, 5));
        assert_eq!(acks.push(T, at(1, 5), "a"), Some("a"));
        assert_eq!(acks.push(T, at(1, 6), "b"), None);
        acks.advance(T, at(1, 4));
        assert_eq!(acks.push(T, at(1, 5), "c"), Some("c"), "an older mark changes nothing");
    }

    #[test]
    fn a_mark_of_a_new_epoch_proves_nothing_about_the_old_one() {
        let mut acks = PendingAcks::default();
        acks.push(T, at(1, 9), "old");
        acks.push(T, at(2, 1), "new");
        assert_eq!(acks.advance(T, at(2, 5)), vec!["new"]);
        assert_eq!(acks.renew(T), vec!["old"]);
        assert!(acks.is_empty());
    }
}
