//! Acks that wait until the store has what they are about.
//!
//! When a partition changes epochs, the bus may have lost what waits: its senders are answered `unavailable` at once and
//! send again under the same `client_id`. If the bus still has the first send, it answers with that one's place in
//! the epoch that is over, and that place is stored: a new epoch begins only when all that survived of the old one is.
//! [`rookery_bus::acks`] says which answers are believed.
//!
//! What is acked here is also how the rooms of this node learn what is stored.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rookery_bus::acks::{Completed, PendingAcks, StaleAnswer};
use rookery_bus::{Appended, Mark, RoomLog};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, Epoch, MessageId, Partition, RoomId, RoomRef, Seq};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::{Position, StoredPosition};
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use tokio::sync::Notify;

use crate::limits::{ACK_POLL_INTERVAL, RETRY_AFTER_MS};
use crate::metrics::Metrics;
use crate::send_queue::{Enqueued, SendQueue};
use crate::subscriber::Subscriber;

/// Learns up to where a room is stored.
pub type OnStored = Box<dyn Fn(RoomId, Position) + Send + Sync>;

/// All acks of this node that wait.
pub struct Acks {
    pending: Mutex<PendingAcks<Waiting>>,
    on_stored: OnStored,
    metrics: Arc<Metrics>,
    suspicion: Notify,
}

/// What was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Id of the room.
    pub room: RoomId,
    /// The sender's name for it.
    pub client_id: ClientId,
}

struct Waiting {
    member: Weak<Subscriber>,
    room: RoomId,
    client_id: ClientId,
    message_id: MessageId,
    epoch: Epoch,
    seq: Seq,
    timestamp: UnixMillis,
}

impl Acks {
    /// Without pending work.
    pub fn new(metrics: Arc<Metrics>, on_stored: OnStored) -> Arc<Self> {
        Arc::new(Self { pending: Mutex::default(), on_stored, metrics, suspicion: Notify::new() })
    }

    /// Acknowledges the appended event to the member once it is stored.
    ///
    /// # Errors
    /// If the bus has to be asked again, because its answer cannot be believed.
    pub fn wait(&self, member: &Arc<Subscriber>, sent: Sent, appended: &Appended) -> Result<(), StaleAnswer> {
        let Sent { room, client_id } = sent;
        let Appended { id: message_id, epoch, seq, timestamp, .. } = *appended;
        let waiting = Waiting { member: Arc::downgrade(member), room, client_id, message_id, epoch, seq, timestamp };
        let unflushed = self.change(|pending| {
            let completed = pending.wait(partition_of(room), appended, waiting)?;
            member.ack_waits();
            Ok(completed)
        })?;
        for send_queue in unflushed {
            send_queue.wake();
        }
        Ok(())
    }

    /// More of the partition is stored. The queues of those who are acked by that are the caller's to flush.
    #[must_use]
    pub fn advance(&self, partition: Partition, mark: &Mark) -> Vec<Arc<SendQueue>> {
        // Only a new place can be doubtful.
        self.change(|pending| Ok(pending.advance(partition, mark))).unwrap_or_default()
    }

    /// Marks may have been lost.
    pub fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Reads the marks that somebody waits for, now and then and on suspicion.
    pub async fn poll(self: Arc<Self>, log: Arc<dyn RoomLog>) {
        loop {
            // Either way it is time to look.
            tokio::time::timeout(ACK_POLL_INTERVAL, self.suspicion.notified()).await.ok();
            let partitions = self.pending.lock().waiting();
            for partition in partitions {
                match log.stored(partition).await {
                    Ok(Some(mark)) => self.advance(partition, &mark).iter().for_each(|send_queue| send_queue.wake()),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::debug!(%error, "stored marks not read");
                        self.metrics.failures.with_label_values(&["bus"]).inc();
                        break;
                    }
                }
            }
        }
    }

    fn change(
        &self,
        change: impl FnOnce(&mut PendingAcks<Waiting>) -> Result<Completed<Waiting>, StaleAnswer>,
    ) -> Result<Vec<Arc<SendQueue>>, StaleAnswer> {
        let mut pending = self.pending.lock();
        let completed = change(&mut pending);
        let waiting = pending.len();
        drop(pending);
        self.metrics.acks_pending.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let Completed { stored, uncertain } = completed?;
        // What lies before an event in its room lies before it in the log, and the last one of a room here is its newest.
        let in_place = stored.iter().filter(|(_, first)| first.is_none());
        let rooms: HashMap<RoomId, Position> =
            in_place.map(|(waiting, _)| (waiting.room, waiting.position())).collect();
        for (room, upto) in rooms {
            (self.on_stored)(room, upto);
        }
        let (now, mut unflushed) = (UnixMillis::now(), Vec::new());
        for (waiting, first) in stored {
            self.metrics.ack_seconds.observe(now.since(waiting.timestamp).as_secs_f64());
            unflushed.extend(waiting.finish(|waiting| waiting.ack(first)));
        }
        for waiting in uncertain {
            self.metrics.errors.with_label_values(&[ErrorCode::Unavailable.as_str()]).inc();
            unflushed.extend(waiting.finish(Waiting::uncertain));
        }
        Ok(unflushed)
    }
}

impl Waiting {
    const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }

    /// Ends the wait by a frame, unless the connection is gone. Returns the queue if it has to be flushed.
    fn finish(self, frame: impl FnOnce(Self) -> ServerFrame) -> Option<Arc<SendQueue>> {
        let member = self.member.upgrade()?;
        member.ack_done();
        let enqueued = member.send_queue.enqueue([&frame(self)]);
        (enqueued == Enqueued::Unflushed).then(|| Arc::clone(&member.send_queue))
    }

    fn ack(self, first: Option<StoredPosition>) -> ServerFrame {
        let Self { room, client_id, message_id, epoch, seq, timestamp, .. } = self;
        let StoredPosition { epoch, seq, timestamp } = first.unwrap_or(StoredPosition { epoch, seq, timestamp });
        ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged: false }
    }

    fn uncertain(self) -> ServerFrame {
        ServerFrame::Error(ErrorFrame {
            client_id: Some(self.client_id),
            room: Some(RoomRef::Id(self.room)),
            retry_after_ms: Some(RETRY_AFTER_MS),
            ..ErrorFrame::new(ErrorCode::Unavailable)
        })
    }
}

#[cfg(test)]
mod tests;
