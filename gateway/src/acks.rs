//! Acks that wait until the store has what they are about.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rookery_shared::acks::PendingAcks;
use rookery_shared::bus::{Appended, Bus};
use rookery_shared::id::{Epoch, LogPosition, Partition};
use rookery_shared::limits::ACK_POLL_INTERVAL;
use rookery_shared::protocol::server::ServerFrame;
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
    pending: PendingAcks<Waiting>,
    epochs: HashMap<Partition, Epoch>,
}

struct Waiting {
    member: Weak<Member>,
    ack: ServerFrame,
}

impl Acks {
    /// Nothing waits.
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), metrics, suspicion: Notify::new() })
    }

    /// The ack goes to the connection when the store has the appended event.
    pub fn wait(&self, member: &Arc<Member>, partition: Partition, appended: &Appended, ack: ServerFrame) {
        member.ack_waits();
        let waiting = Waiting { member: Arc::downgrade(member), ack };
        let position = appended.position;
        let mut state = self.state.lock();
        let outdated = state.enter(partition, position.epoch);
        let settled = if state.is_over(partition, position.epoch) {
            // The bus has changed epochs since this append, so its fate is unknown: no ack, the client is told of a
            // reset and sends again.
            waiting.forget();
            None
        } else {
            state.pending.push(partition, position, waiting)
        };
        self.settle(state, &outdated, settled);
    }

    /// Everything in the partition up to the position is stored.
    pub fn advance(&self, partition: Partition, upto: LogPosition) {
        let mut state = self.state.lock();
        let outdated = state.enter(partition, upto.epoch);
        let stored = state.pending.advance(partition, upto);
        self.settle(state, &outdated, stored);
    }

    /// Marks may have been lost.
    pub fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Reads the marks that somebody waits for, now and then and on suspicion.
    pub async fn poll(self: Arc<Self>, bus: Arc<dyn Bus>) {
        loop {
            // Either way it is time to look.
            let _ = tokio::time::timeout(ACK_POLL_INTERVAL, self.suspicion.notified()).await;
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

    fn settle(
        &self,
        state: parking_lot::MutexGuard<'_, State>,
        outdated: &[Waiting],
        stored: impl IntoIterator<Item = Waiting>,
    ) {
        let waiting = i64::try_from(state.pending.len()).unwrap_or(i64::MAX);
        drop(state);
        self.metrics.acks_pending.set(waiting);
        outdated.iter().for_each(Waiting::forget);
        stored.into_iter().for_each(|waiting| waiting.send());
    }
}

impl State {
    /// Notes the partition's epoch. If it is a new one, what waited in the old one is given back.
    fn enter(&mut self, partition: Partition, epoch: Epoch) -> Vec<Waiting> {
        let known = self.epochs.entry(partition).or_insert(epoch);
        if epoch <= *known {
            return Vec::new();
        }
        *known = epoch;
        self.pending.renew(partition)
    }

    fn is_over(&self, partition: Partition, epoch: Epoch) -> bool {
        self.epochs.get(&partition).is_some_and(|known| epoch < *known)
    }
}

impl Waiting {
    fn send(&self) {
        if let Some(member) = self.member.upgrade() {
            member.ack_done();
            member.outbox.send(&self.ack);
        }
    }

    fn forget(&self) {
        if let Some(member) = self.member.upgrade() {
            member.ack_done();
        }
    }
}

#[cfg(test)]
mod tests {
    use rookery_shared::clock::UnixMillis;
    use rookery_shared::id::{MessageId, Seq, UserId};

    use super::*;
    use crate::outbox::Taken;

    const T: Partition = Partition(3);

    fn at(epoch: u64, ms: u64) -> LogPosition {
        LogPosition { epoch: Epoch(epoch), ms, n: 0 }
    }

    fn appended(position: LogPosition) -> Appended {
        Appended {
            id: MessageId::generate(),
            epoch: position.epoch,
            seq: Seq::new(position.ms),
            timestamp: UnixMillis(0),
            position,
            repeated: false,
        }
    }

    fn setup() -> (Arc<Acks>, Arc<Member>) {
        let member = Member::new(UserId::generate(), Arc::default());
        (Acks::new(Arc::new(Metrics::new().unwrap())), Arc::new(member))
    }

    fn frames(member: &Member) -> usize {
        match member.outbox.take() {
            Taken::Frames(frames) => frames.len(),
            Taken::Nothing | Taken::Overflow => 0,
        }
    }

    #[test]
    fn an_ack_is_sent_once_its_event_is_stored() {
        let (acks, member) = setup();
        acks.wait(&member, T, &appended(at(1, 5)), ServerFrame::Pong {});
        acks.advance(T, at(1, 4));
        assert_eq!(frames(&member), 0);
        acks.advance(T, at(1, 5));
        assert_eq!(frames(&member), 1);
        acks.wait(&member, T, &appended(at(1, 3)), ServerFrame::Pong {});
        assert_eq!(frames(&member), 1, "stored before it began to wait");
    }

    #[test]
    fn a_new_epoch_takes_back_the_promise_of_the_old_one() {
        let (acks, member) = setup();
        acks.wait(&member, T, &appended(at(1, 5)), ServerFrame::Pong {});
        acks.wait(&member, T, &appended(at(2, 6)), ServerFrame::Pong {});
        acks.wait(&member, T, &appended(at(1, 4)), ServerFrame::Pong {});
        acks.advance(T, at(2, 9));
        assert_eq!(frames(&member), 1);
        assert_eq!(acks.state.lock().pending.len(), 0);
    }

    #[test]
    fn the_end_of_a_connection_leaves_nothing_to_send() {
        let (acks, member) = setup();
        acks.wait(&member, T, &appended(at(1, 5)), ServerFrame::Pong {});
        drop(member);
        acks.advance(T, at(1, 9));
        assert_eq!(acks.state.lock().pending.len(), 0);
    }
}
