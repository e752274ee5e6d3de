//! REST sends that wait until their message is stored.
//!
//! The bus signals stored marks, and may lose a signal; while anything waits, the marks are also read once a second.

use parking_lot::Mutex;
use prometheus::IntGauge;
use rookery_bus::acks::{Completed, PendingAcks, StaleAnswer};
use rookery_bus::signal::Signal;
use rookery_bus::{Appended, Bus, Mark, RoomLog};
use rookery_protocol::id::Partition;
use rookery_protocol::position::StoredPosition;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::limits::{STORED_POLL_INTERVAL, STORED_WAIT, STORED_WAITS_MAX};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The message is stored; at this place, if it is another one than was waited for.
    Stored(Option<StoredPosition>),
    /// The store is late; the message will be stored.
    NotYet,
    /// Whether and where it is stored is unknown: the bus may have lost data, or was replaced on the way.
    Unknown,
}

/// All waits of one process.
pub struct StoredWaits {
    pending: Mutex<PendingAcks<Reply>>,
    gauge: IntGauge,
}

/// Who waits. Dropped without a word where the outcome is unknown.
type Reply = oneshot::Sender<Option<StoredPosition>>;

impl StoredWaits {
    /// Nobody waits yet; `gauge` shows how many do.
    pub fn new(gauge: IntGauge) -> Self {
        Self { pending: Mutex::default(), gauge }
    }

    /// Waits, [`STORED_WAIT`] at most, until the event is stored.
    pub async fn wait(&self, partition: Partition, appended: &Appended) -> Waited {
        let reply = match self.enter(partition, appended) {
            Ok(Some(reply)) => reply,
            Ok(None) => return Waited::NotYet,
            Err(StaleAnswer) => return Waited::Unknown,
        };
        match timeout(STORED_WAIT, reply).await {
            Ok(Ok(first)) => Waited::Stored(first),
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
                    Ok(Signal::Stored { partition, mark }) => self.advance(partition, &mark),
                    Ok(
                        Signal::Event(_)
                        | Signal::Session { .. }
                        | Signal::Ephemeral { .. }
                        | Signal::Presence(_)
                        | Signal::User { .. },
                    ) => {}
                    Ok(Signal::Suspect) | Err(RecvError::Lagged(_)) => self.read_marks(bus).await,
                    Err(RecvError::Closed) => return,
                },
                _ = poll.tick() => self.read_marks(bus).await,
            }
        }
    }

    /// None if too many wait already.
    fn enter(
        &self,
        partition: Partition,
        appended: &Appended,
    ) -> Result<Option<oneshot::Receiver<Option<StoredPosition>>>, StaleAnswer> {
        let (reply, receiver) = oneshot::channel();
        let mut pending = self.pending.lock();
        if pending.len() >= STORED_WAITS_MAX {
            return Ok(None);
        }
        let completed = pending.wait(partition, appended, reply)?;
        self.complete(&pending, completed);
        Ok(Some(receiver))
    }

    fn advance(&self, partition: Partition, mark: &Mark) {
        let mut pending = self.pending.lock();
        let completed = pending.advance(partition, mark);
        self.complete(&pending, completed);
    }

    fn complete(&self, pending: &PendingAcks<Reply>, completed: Completed<Reply>) {
        for (reply, first) in completed.stored {
            // Nobody listens any more if the request was given up, and that is fine.
            reply.send(first).ok();
        }
        self.gauge.set(i64::try_from(pending.len()).unwrap_or(i64::MAX));
    }

    async fn read_marks(&self, log: &dyn RoomLog) {
        let partitions = self.pending.lock().waiting();
        for partition in partitions {
            match log.stored(partition).await {
                Ok(Some(mark)) => self.advance(partition, &mark),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, %partition, "stored mark not read");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::id::{Epoch, LogPosition, MessageId, Seq};

    const T: Partition = Partition(1);

    fn mark(epoch: u64, ms: u64) -> Mark {
        Mark { upto: LogPosition { epoch: Epoch(epoch), ms, n: 0 }, moves: 0, moved: Vec::new() }
    }

    fn at(epoch: u64, ms: u64) -> Appended {
        Appended {
            id: MessageId::generate(),
            epoch: Epoch(epoch),
            seq: Seq::ZERO,
            timestamp: UnixMillis(0),
            position: mark(epoch, ms).upto,
            repeated: false,
            answered: Epoch(epoch),
            stored: false,
        }
    }

    fn waits() -> Arc<StoredWaits> {
        Arc::new(StoredWaits::new(IntGauge::new("waits", "x").unwrap()))
    }

    async fn begin(waits: &Arc<StoredWaits>, appended: Appended) -> tokio::task::JoinHandle<Waited> {
        let waits = Arc::clone(waits);
        let task = tokio::spawn(async move { waits.wait(T, &appended).await });
        tokio::task::yield_now().await;
        task
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_releases_what_it_covers() {
        let waits = waits();
        waits.advance(T, &mark(1, 0));
        let (first, second) = (begin(&waits, at(1, 1)).await, begin(&waits, at(1, 2)).await);
        waits.advance(T, &mark(1, 1));
        assert_eq!(first.await.unwrap(), Waited::Stored(None));
        assert_eq!(second.await.unwrap(), Waited::NotYet);
        assert_eq!(waits.wait(T, &at(1, 1)).await, Waited::Stored(None), "known already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_epoch_leaves_the_old_one_unknown() {
        let waits = waits();
        waits.advance(T, &mark(1, 0));
        let old = begin(&waits, at(1, 9)).await;
        let new = begin(&waits, at(2, 3)).await;
        assert_eq!(old.await.unwrap(), Waited::Unknown);
        assert_eq!(waits.wait(T, &at(1, 9)).await, Waited::Unknown, "a server that was replaced");
        waits.advance(T, &mark(2, 3));
        assert_eq!(new.await.unwrap(), Waited::Stored(None));
    }
}
