//! Acks that wait until the store has what they are about.
//!
//! When a partition changes epochs, the bus may have lost what waits: its senders are told `unavailable` at once and
//! send again under the same `client_id`. If the bus still has the first send, it answers with that one's place in
//! the epoch that is over, and that place is stored: a new epoch begins only when all that survived of the old one is.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rookery_shared::acks::PendingAcks;
use rookery_shared::bus::{Appended, Bus};
use rookery_shared::clock::UnixMillis;
use rookery_shared::id::{ClientId, Epoch, LogPosition, MessageId, Partition, RoomId, RoomRef, Seq};
use rookery_shared::keys::partition_of;
use rookery_shared::limits::{ACK_POLL_INTERVAL, RETRY_AFTER_MS};
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::protocol::server::{ErrorFrame, ServerFrame};
use tokio::sync::Notify;

use crate::member::Member;
use crate::metrics::Metrics;

/// All acks of this node that wait.
pub struct Acks {
    state: Mutex<State>,
    metrics: Arc<Metrics>,
    suspicion: Notify,
}

#[derive(Default)]
struct State {
    epochs: HashMap<Partition, Epoch>,
    changes: u64,
    pending: PendingAcks<Waiting>,
}

/// What was sent, and what the node knew when it asked for a place.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The room.
    pub room: RoomId,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// See [`Acks::changes`].
    pub changes: u64,
}

/// The place may have been lost since it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubtful;

struct Waiting {
    member: Weak<Member>,
    room: RoomId,
    client_id: ClientId,
    message_id: MessageId,
    epoch: Epoch,
    seq: Seq,
    timestamp: UnixMillis,
}

impl Acks {
    /// Nothing waits.
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), metrics, suspicion: Notify::new() })
    }

    /// How many changes of epochs this node has seen; to be read before the bus is asked for a place.
    pub fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// The member is told when the store has the appended event.
    ///
    /// # Errors
    /// If the place belongs to an epoch that is over, and the bus was asked before this node knew that it is: the bus
    /// may have lost the event since, and has to be asked again.
    pub fn wait(&self, member: &Arc<Member>, sent: Sent, appended: &Appended) -> Result<(), Doubtful> {
        let Sent { room, client_id, changes } = sent;
        let Appended { id: message_id, epoch, seq, timestamp, position, .. } = *appended;
        let partition = partition_of(room);
        let waiting = Waiting { member: Arc::downgrade(member), room, client_id, message_id, epoch, seq, timestamp };
        let mut outcome = Ok(());
        self.change(|state| {
            if state.is_over(partition, position.epoch) && state.changes != changes {
                outcome = Err(Doubtful);
                return Settled::default();
            }
            member.ack_waits();
            state.wait(partition, position, waiting)
        });
        outcome
    }

    /// Everything in the partition up to the position is stored.
    pub fn advance(&self, partition: Partition, upto: LogPosition) {
        self.change(|state| state.advance(partition, upto));
    }

    /// Marks may have been lost.
    pub fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Reads the marks that somebody waits for, now and then and on suspicion.
    pub async fn poll(self: Arc<Self>, bus: Arc<dyn Bus>) {
        loop {
            // Either way it is time to look.
            tokio::time::timeout(ACK_POLL_INTERVAL, self.suspicion.notified()).await.ok();
            let partitions = self.state.lock().pending.waiting();
            for partition in partitions {
                match bus.stored(partition).await {
                    Ok(Some(upto)) => self.advance(partition, upto),
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

    fn change(&self, change: impl FnOnce(&mut State) -> Settled) {
        let mut state = self.state.lock();
        let settled = change(&mut state);
        let waiting = state.pending.len();
        drop(state);
        self.metrics.acks_pending.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        for waiting in settled.stored {
            waiting.tell(Waiting::ack);
        }
        for waiting in settled.uncertain {
            self.metrics.errors.with_label_values(&[ErrorCode::Unavailable.as_str()]).inc();
            waiting.tell(Waiting::uncertain);
        }
    }
}

/// Whose wait is over, and how.
#[derive(Default)]
struct Settled {
    stored: Vec<Waiting>,
    uncertain: Vec<Waiting>,
}

impl State {
    fn wait(&mut self, partition: Partition, position: LogPosition, waiting: Waiting) -> Settled {
        let uncertain = self.enter(partition, position.epoch);
        let stored = if self.is_over(partition, position.epoch) {
            Some(waiting)
        } else {
            self.pending.push(partition, position, waiting)
        };
        Settled { stored: stored.into_iter().collect(), uncertain }
    }

    fn advance(&mut self, partition: Partition, upto: LogPosition) -> Settled {
        let uncertain = self.enter(partition, upto.epoch);
        Settled { stored: self.pending.advance(partition, upto), uncertain }
    }

    /// Notes the partition's epoch. If it is a new one, what waited in the old one is given back.
    fn enter(&mut self, partition: Partition, epoch: Epoch) -> Vec<Waiting> {
        if self.epochs.get(&partition).is_some_and(|known| epoch <= *known) {
            return Vec::new();
        }
        // The first epoch known is news too: what the node asked before may belong to an earlier one.
        self.epochs.insert(partition, epoch);
        self.changes += 1;
        self.pending.renew(partition)
    }

    fn is_over(&self, partition: Partition, epoch: Epoch) -> bool {
        self.epochs.get(&partition).is_some_and(|known| epoch < *known)
    }
}

impl Waiting {
    /// Ends the wait. A connection that is gone needs no word.
    fn tell(self, frame: fn(Self) -> ServerFrame) {
        if let Some(member) = self.member.upgrade() {
            member.ack_done();
            member.outbox.send(&frame(self));
        }
    }

    fn ack(self) -> ServerFrame {
        let Self { room, client_id, message_id, epoch, seq, timestamp, .. } = self;
        ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp }
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
