//! REST sends that wait until their message is stored.
//!
//! The bus signals stored marks, and may lose a signal; while anything waits, the marks are also read once a second.

use std::collections::HashMap;

use parking_lot::Mutex;
use prometheus::IntGauge;
use rookery_shared::acks::PendingAcks;
use rookery_shared::bus::{Bus, Signal};
use rookery_shared::id::{Epoch, LogPosition, Partition};
use rookery_shared::limits::{STORED_POLL_INTERVAL, STORED_WAIT, STORED_WAITS_MAX};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The message is stored.
    Stored,
    /// The store is late; the message will be stored.
    NotYet,
    /// The bus lost data meanwhile: whether the message survived is unknown.
    Unknown,
}

/// All waits of one process.
pub struct StoredWaits {
    state: Mutex<State>,
    gauge: IntGauge,
}

#[derive(Default)]
struct State {
    pending: PendingAcks<Wait>,
    epochs: HashMap<Partition, Epoch>,
}

struct Wait {
    position: LogPosition,
    told: oneshot::Sender<()>,
}

impl StoredWaits {
    /// Nobody waits yet; `gauge` shows how many do.
    pub fn new(gauge: IntGauge) -> Self {
        Self { state: Mutex::default(), gauge }
    }

    /// Waits, [`STORED_WAIT`] at most, until the position is stored.
    pub async fn wait(&self, partition: Partition, position: LogPosition) -> Waited {
        let Some(told) = self.enter(partition, position) else { return Waited::NotYet };
        match timeout(STORED_WAIT, told).await {
            Ok(Ok(())) => Waited::Stored,
            Ok(Err(_)) => Waited::Unknown,
            Err(_) => Waited::NotYet,
        }
    }

    /// Follows the bus's stored marks until the bus ends.
    pub async fn follow(&self, bus: &dyn Bus) {
        let mut signals = bus.signals();
        let mut poll = interval(STORED_POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                signal = signals.recv() => match signal {
                    Ok(Signal::Stored { partition, upto }) => self.advance(partition, upto),
                    Ok(Signal::Event(_) | Signal::Session { .. }) => {}
                    Ok(Signal::Suspect) | Err(RecvError::Lagged(_)) => self.read_marks(bus).await,
                    Err(RecvError::Closed) => return,
                },
                _ = poll.tick() => self.read_marks(bus).await,
            }
        }
    }

    /// None if too many wait already.
    fn enter(&self, partition: Partition, position: LogPosition) -> Option<oneshot::Receiver<()>> {
        let (told, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        if state.pending.len() >= STORED_WAITS_MAX {
            return None;
        }
        if let Some(wait) = state.pending.push(partition, position, Wait { position, told }) {
            wait.tell();
        }
        self.show(&state);
        Some(receiver)
    }

    fn advance(&self, partition: Partition, upto: LogPosition) {
        let mut state = self.state.lock();
        if state.epochs.insert(partition, upto.epoch).is_some_and(|known| known < upto.epoch) {
            state.drop_older(partition, upto.epoch);
        }
        state.pending.advance(partition, upto).into_iter().for_each(Wait::tell);
        self.show(&state);
    }

    async fn read_marks(&self, bus: &dyn Bus) {
        let partitions = self.state.lock().pending.waiting();
        for partition in partitions {
            match bus.stored(partition).await {
                Ok(Some(upto)) => self.advance(partition, upto),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, %partition, "stored mark not read");
                    return;
                }
            }
        }
    }

    fn show(&self, state: &State) {
        self.gauge.set(i64::try_from(state.pending.len()).unwrap_or(i64::MAX));
    }
}

impl State {
    /// What was accepted in an older epoch may be gone: its senders learn that by their dropped channel. What was
    /// accepted since goes on waiting.
    fn drop_older(&mut self, partition: Partition, epoch: Epoch) {
        for wait in self.pending.renew(partition) {
            if wait.position.epoch >= epoch
                && let Some(wait) = self.pending.push(partition, wait.position, wait)
            {
                wait.tell();
            }
        }
    }
}

impl Wait {
    /// Nobody listens any more if the request was given up, and that is fine.
    fn tell(self) {
        self.told.send(()).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const T: Partition = Partition(1);

    fn at(epoch: u64, ms: u64) -> LogPosition {
        LogPosition { epoch: Epoch(epoch), ms, n: 0 }
    }

    fn waits() -> Arc<StoredWaits> {
        Arc::new(StoredWaits::new(IntGauge::new("waits", "x").unwrap()))
    }

    async fn begin(waits: &Arc<StoredWaits>, position: LogPosition) -> tokio::task::JoinHandle<Waited> {
        let waits = Arc::clone(waits);
        let task = tokio::spawn(async move { waits.wait(T, position).await });
        tokio::task::yield_now().await;
        task
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_releases_what_it_covers() {
        let waits = waits();
        waits.advance(T, at(1, 0));
        let (first, second) = (begin(&waits, at(1, 1)).await, begin(&waits, at(1, 2)).await);
        waits.advance(T, at(1, 1));
        assert_eq!(first.await.unwrap(), Waited::Stored);
        assert_eq!(second.await.unwrap(), Waited::NotYet);
        assert_eq!(waits.wait(T, at(1, 1)).await, Waited::Stored, "known already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_epoch_leaves_the_old_one_unknown() {
        let waits = waits();
        waits.advance(T, at(1, 0));
        let (old, new) = (begin(&waits, at(1, 9)).await, begin(&waits, at(2, 3)).await);
        waits.advance(T, at(2, 1));
        assert_eq!(old.await.unwrap(), Waited::Unknown);
        waits.advance(T, at(2, 3));
        assert_eq!(new.await.unwrap(), Waited::Stored);
    }
}
