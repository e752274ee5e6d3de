//! How many sockets are open that have not said whose they are, by the address they come from; and how many sockets a
//! user may have on one node.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_runtime::config::{Reader, Setting, Switch};

use crate::limits::SOCKETS_MAX_MAX;

/// The settings of [`SocketCaps`].
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: "user_sockets_max",
        default: Some("20"),
        secret: false,
        help: "Sockets of one user on one gateway; one more closes the oldest with 4410. 0 for no limit.",
    },
    Setting {
        key: "pending_sockets_max",
        default: Some("100"),
        secret: false,
        help: "Sockets from one address on one gateway that have brought no token yet; more are answered 429. 0 for no limit.",
    },
];

/// How many sockets there may be on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketCaps {
    /// Of one user.
    pub per_user: usize,
    /// From one address without a token.
    pub pending: usize,
}

/// Sockets that have not said who they are, by address.
#[derive(Debug)]
pub struct PendingSockets {
    max: usize,
    pending: Mutex<HashMap<u128, usize>>,
}

/// A socket that has brought no token yet; it counts until it is dropped.
#[derive(Debug)]
pub struct Pending {
    pending_sockets: Arc<PendingSockets>,
    address: u128,
}

impl SocketCaps {
    /// No limits.
    pub const OFF: Self = Self { per_user: usize::MAX, pending: usize::MAX };

    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let [per_user, pending] = SETTINGS.map(|setting| reader.number(setting.key, 0..=SOCKETS_MAX_MAX));
        let switch = reader.required::<Switch>("limits");
        let at_most = |count: usize| if count == 0 { usize::MAX } else { count };
        let caps = Self { per_user: at_most(per_user?), pending: at_most(pending?) };
        Some(if switch? == Switch::Off { Self::OFF } else { caps })
    }
}

impl PendingSockets {
    /// At most so many of one address.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, pending: Mutex::default() })
    }

    /// One more from an address, unless there are too many.
    pub fn enter(self: &Arc<Self>, address: u128) -> Option<Pending> {
        let mut pending = self.pending.lock();
        let count = pending.entry(address).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Pending { pending_sockets: Arc::clone(self), address })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut pending = self.pending_sockets.pending.lock();
        if let Some(count) = pending.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                pending.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places() {
        let pending_sockets = PendingSockets::new(2);
        let (first, second) = (pending_sockets.enter(1), pending_sockets.enter(1));
        assert!(first.is_some() && pending_sockets.enter(1).is_none() && pending_sockets.enter(2).is_some());
        drop(first);
        assert!(pending_sockets.enter(1).is_some());
        drop(second);
        assert!(pending_sockets.pending.lock().is_empty(), "nothing is kept of those who left");
    }
}
