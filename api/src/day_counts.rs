//! How many messages each day had: counted where stored events pass by, and kept every few seconds. What a process has in hand
//! when it is killed is not counted.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_store::figures::day_of;
use rookery_store::{StoreError, Stores};

use crate::limits::DAY_COUNTS_INTERVAL;
use crate::periodic::every;

/// Counts messages by the day.
#[derive(Default)]
pub(crate) struct DayCounts {
    /// Not kept yet. As many days as events are late.
    waiting: Mutex<BTreeMap<UnixMillis, u64>>,
}

impl DayCounts {
    /// Takes in what was stored.
    pub(crate) fn take(&self, event: &SequencedEvent) {
        if matches!(event.event.body, EventBody::Message(_)) {
            *self.waiting.lock().entry(day_of(event.timestamp)).or_default() += 1;
        }
    }

    /// Keeps what was counted. What cannot be kept now waits.
    pub(crate) async fn keep(&self, stores: &Stores) -> Result<(), StoreError> {
        let counted = std::mem::take(&mut *self.waiting.lock());
        let mut failed = Ok(());
        for (day, messages) in counted {
            if let Err(error) = stores.figures.add_messages(day, messages).await {
                *self.waiting.lock().entry(day).or_default() += messages;
                failed = Err(error);
            }
        }
        failed
    }

    /// Again and again, for ever.
    pub(crate) async fn follow(&self, stores: &Stores) {
        every(DAY_COUNTS_INTERVAL, "messages of days", || self.keep(stores)).await;
    }
}
