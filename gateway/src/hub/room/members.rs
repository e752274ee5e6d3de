//! Who is in a room: found by its name without looking at everybody, and small, because every connection is in several.

use std::sync::Arc;

use crate::compact_vec::reserve_one;
use crate::subscriber::{ConnectionId, Subscriber};

/// Connections in the order of their names. New ones have the largest, so they are added at the end.
#[derive(Debug, Default)]
pub(in crate::hub) struct Members(Vec<Arc<Subscriber>>);

impl Members {
    /// All of them.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = &Arc<Subscriber>> {
        self.0.iter()
    }

    /// How many there are.
    pub(in crate::hub) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(in crate::hub) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the connection is here.
    pub(super) fn contains(&self, id: ConnectionId) -> bool {
        self.place(id).is_ok()
    }

    /// Adds a connection, unless it is here.
    pub(super) fn insert(&mut self, member: &Arc<Subscriber>) {
        if let Err(place) = self.place(member.id) {
            reserve_one(&mut self.0);
            self.0.insert(place, Arc::clone(member));
        }
    }

    /// Takes a connection out, if it is here.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Ok(place) = self.place(id) {
            self.0.remove(place);
            // A room that was full once does not keep the memory.
            if self.0.len() < self.0.capacity() / 4 {
                self.0.shrink_to(self.0.len() * 2);
            }
        }
    }

    /// Keeps those that should stay.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(&Arc<Subscriber>) -> bool) {
        self.0.retain(|member| stays(member));
    }

    fn place(&self, id: ConnectionId) -> Result<usize, usize> {
        match self.0.last() {
            Some(last) if last.id < id => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&id, |member| member.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::UserId;

    use super::*;
    use crate::send_queue::SendQueue;

    #[test]
    fn everybody_is_here_once_in_whatever_order_they_come() {
        let all: Vec<_> = (0..50)
            .map(|_| Arc::new(Subscriber::new(UserId::generate(), SendQueue::unwritten(), false)))
            .collect();
        let mut members = Members::default();
        for n in (0..50).map(|n| n * 37 % 50).chain(0..50) {
            members.insert(&all[n]);
        }
        assert_eq!(members.len(), 50);
        for member in all.iter().step_by(2) {
            members.remove(member.id);
            members.remove(member.id);
            assert!(!members.contains(member.id));
        }
        assert!(all.iter().skip(1).step_by(2).all(|member| members.contains(member.id)));
        members.retain(|member| member.id == all[7].id);
        assert_eq!(members.iter().map(|member| member.id).collect::<Vec<_>>(), [all[7].id]);
    }
}
