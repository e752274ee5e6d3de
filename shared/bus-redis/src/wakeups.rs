//! What wakes the holder of a log: something has come into it while it was empty. That entry is sent along, so that
//! one message alone need not be asked for.
//!
//! Nobody relies on it: a wake-up that was lost is made up for by the renewal of the lease, and what is sent along is read
//! again by the next holder if it does not get into the store.

use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_protocol::id::Partition;
use rookery_protocol::partition::partitions;
use tokio::sync::Notify;

use crate::entry::Batch;
use crate::{RedisBus, keys};

/// One for each partition.
pub(super) struct Wakeups(Vec<Wakeup>);

#[derive(Default)]
struct Wakeup {
    bell: Notify,
    first: Mutex<Option<Batch>>,
}

impl Default for Wakeups {
    fn default() -> Self {
        Self(partitions().map(|_| Wakeup::default()).collect())
    }
}

impl Wakeups {
    /// The log of the partition may have something, perhaps this before all else.
    pub(super) fn notify(&self, partition: Partition, first: Option<Batch>) {
        if let Some(wake) = self.of(partition) {
            if first.is_some() {
                *wake.first.lock() = first;
            }
            wake.bell.notify_one();
        }
    }

    /// What was received before may no longer be true.
    pub(super) fn discard(&self, partition: Partition) {
        if let Some(wake) = self.of(partition) {
            wake.first.lock().take();
        }
    }

    /// Any log may have something.
    pub(super) fn notify_all(&self) {
        partitions().for_each(|partition| self.notify(partition, None));
    }

    fn of(&self, partition: Partition) -> Option<&Wakeup> {
        self.0.get(usize::from(partition.0))
    }
}

impl RedisBus {
    /// From now on [`Self::wait_for_wakeup`] returns when the log of the partition is no longer empty; and once now, for
    /// what was appended before.
    pub async fn subscribe_wakeups(&self, partition: Partition) -> Result<(), BusError> {
        self.join(vec![keys::wake_channel(partition)]).await?;
        self.wake(partition);
        Ok(())
    }

    /// Makes [`Self::wait_for_wakeup`] return.
    pub fn wake(&self, partition: Partition) {
        self.wakeups.notify(partition, None);
    }

    /// And from now on no more.
    pub async fn unsubscribe_wakeups(&self, partition: Partition) -> Result<(), BusError> {
        self.leave(vec![keys::wake_channel(partition)]).await
    }

    /// Waits until a partition's log may have something, and returns what was appended while it was empty, if that is
    /// known: one entry, which nobody was handed out and which may be stored already. May return early.
    pub async fn wait_for_wakeup(&self, partition: Partition) -> Option<Batch> {
        let wake = self.wakeups.of(partition)?;
        wake.bell.notified().await;
        wake.first.lock().take()
    }
}
