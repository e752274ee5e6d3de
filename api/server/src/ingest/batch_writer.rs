//! Many partitions, few writes: batches that wait for the store share one call.
//!
//! A partition at a few messages a second has a batch of one or two, and there are many partitions. One call for each
//! of them keeps the database busy with calls instead of documents. So whoever gets a turn takes along all that waits.
//! After a pause nobody waits for company: the first batch goes at once. What comes soon after it goes together, so
//! that a database is asked a hundred times a second and not a thousand times.
//!
//! A batch is one of a partition, which waits for it, so the order within a partition stays what it is. A batch that
//! the store refuses is tried alone, and fails alone.
//!
//! Before and after each write stands a look at which epochs have begun. Before it: a batch that a replaced server has
//! numbered is not written. After it: whoever was reset meanwhile has read history without what was written, so that is
//! not acknowledged; its senders repeat it in the new epoch, where everybody receives it. Within one process the second
//! never finds anything, see [`InFlightWrites`].

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_api::in_flight_writes::InFlightWrites;
use rookery_bus_redis::entry::Batch;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, Partition};
use rookery_protocol::position::AlreadyStored;
use rookery_store::{EpochStart, Epochs, Messages, StoreError};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::recent::Recent;
use crate::limits::{
    INGEST_GROUP_MAX, INGEST_WRITE_ATTEMPTS, INGEST_WRITE_GAP, INGEST_WRITE_PAUSE, INGEST_WRITES_AT_ONCE,
};

/// Writes batches of several partitions together.
pub(super) struct BatchWriter {
    messages: Arc<dyn Messages>,
    epochs: Arc<dyn Epochs>,
    underway: Arc<InFlightWrites>,
    recent: Recent,
    waiting: Mutex<VecDeque<Waiting>>,
    turns: Semaphore,
    /// When the next call may begin.
    next: Mutex<Instant>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// The store has it; these of its events were there before, at other places.
    Stored(Vec<AlreadyStored>),
    /// A newer epoch has begun on another server: the batch is to be thrown away.
    Over,
}

struct Waiting {
    partition: Partition,
    epoch: Epoch,
    fence: String,
    events: Vec<SequencedEvent>,
    reply: oneshot::Sender<Result<Applied, StoreError>>,
}

impl Waiting {
    /// Those of its events that were held at another place.
    fn own(&self, held: &[AlreadyStored]) -> Vec<AlreadyStored> {
        let is_own = |held: &&AlreadyStored| self.events.iter().any(|event| event.event.id == held.id);
        held.iter().filter(is_own).copied().collect()
    }

    fn is_over(&self, begun: &EpochStart) -> bool {
        self.epoch < begun.epoch && self.fence != begun.fence
    }

    /// The store does not take it. Where another event has the place of one, this server numbers in an epoch that is not
    /// its own, as a copy of another one does: the epoch ends there, and the senders, who had no ack, repeat in a new one.
    fn refused(self, error: StoreError) {
        if let StoreError::Collision { .. } = error {
            let (partition, epoch) = (self.partition, self.epoch);
            tracing::error!(%partition, %epoch, %error, "two servers number in one epoch; it ends on this one");
            return self.answer(Ok(Applied::Over));
        }
        self.answer(Err(error));
    }

    fn answer(self, outcome: Result<Applied, StoreError>) {
        // A caller that has gone needs no answer.
        let _ = self.reply.send(outcome);
    }
}

impl BatchWriter {
    /// Without pending work.
    pub(super) fn new(messages: Arc<dyn Messages>, epochs: Arc<dyn Epochs>, underway: Arc<InFlightWrites>) -> Self {
        Self {
            messages,
            epochs,
            underway,
            recent: Recent::default(),
            waiting: Mutex::default(),
            turns: Semaphore::new(INGEST_WRITES_AT_ONCE),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Stores the events of a batch, see [`Messages::apply`], unless their epoch is over.
    pub(super) async fn apply(&self, partition: Partition, batch: &Batch) -> Result<Applied, StoreError> {
        let (reply, mut answer) = oneshot::channel();
        let events = batch.entries.iter().filter_map(|entry| entry.event.clone()).collect();
        let waiting = Waiting { partition, epoch: batch.epoch, fence: batch.fence.clone(), events, reply };
        self.waiting.lock().push_back(waiting);
        loop {
            tokio::select! {
                biased;
                outcome = &mut answer => return outcome.unwrap_or_else(|_| Err(given_up())),
                turn = self.turns.acquire() => {
                    let _turn = turn.map_err(|_| given_up())?;
                    self.pause().await;
                    let group = self.take();
                    if group.is_empty() {
                        // Somebody else has this batch in hand. Asking for turns until that is done would keep a
                        // processor busy, and the turn from others.
                        break;
                    }
                    self.write(group).await;
                }
            }
        }
        answer.await.unwrap_or_else(|_| Err(given_up()))
    }

    /// Keeps calls apart, while something waits.
    async fn pause(&self) {
        if self.waiting.lock().is_empty() {
            return;
        }
        let (now, at) = {
            let mut next = self.next.lock();
            let now = Instant::now();
            let at = now.max(*next);
            *next = at + INGEST_WRITE_GAP;
            (now, at)
        };
        // A sleep of no time takes a millisecond.
        if at > now {
            sleep_until(at).await;
        }
    }

    /// What waits, from the oldest on, as much as one call takes.
    fn take(&self) -> Vec<Waiting> {
        let (mut waiting, mut events) = (self.waiting.lock(), 0);
        let mut group = Vec::new();
        while let Some(batch) =
            waiting.pop_front_if(|batch| events == 0 || events + batch.events.len() <= INGEST_GROUP_MAX)
        {
            events += batch.events.len();
            group.push(batch);
        }
        group
    }

    async fn write(&self, group: Vec<Waiting>) {
        let write = self.underway.enter();
        let Some(group) = self.still_current(group).await else { return };
        let events: Vec<SequencedEvent> = group.iter().flat_map(|batch| batch.events.iter().cloned()).collect();
        match self.store(&events).await {
            Ok(held) => self.written(group, &held).await,
            // All of them are tried again later.
            Err(StoreError::Unavailable(cause)) => {
                write.linger();
                answer_all(group, &StoreError::Unavailable(cause));
            }
            Err(_) if group.len() > 1 => {
                for batch in group {
                    match self.store(&batch.events).await {
                        Ok(held) => self.written(vec![batch], &held).await,
                        Err(error) => {
                            if matches!(error, StoreError::Unavailable(_)) {
                                self.underway.enter().linger();
                            }
                            batch.refused(error);
                        }
                    }
                }
            }
            Err(error) => group.into_iter().for_each(|batch| batch.refused(error.clone())),
        }
    }

    /// Writes what is not known to be stored.
    async fn store(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError> {
        let (new, mut held) = self.recent.part(events);
        if !new.is_empty() {
            let found = self.insist(&new).await?;
            self.recent.record(&new, &found);
            held.extend(found);
        }
        Ok(held)
    }

    /// Writes until it is known what came of it: what the store did not answer may still be on its way, and must not
    /// arrive after this is no longer under way. A repeat that succeeds leaves nothing for it to do.
    async fn insist(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError> {
        for _ in 1..INGEST_WRITE_ATTEMPTS {
            match self.messages.apply(events).await {
                Err(StoreError::Unavailable(error)) => {
                    tracing::warn!(error, "outcome of a write unknown, repeating it");
                }
                outcome => return outcome,
            }
            sleep(INGEST_WRITE_PAUSE).await;
        }
        self.messages.apply(events).await
    }

    async fn written(&self, group: Vec<Waiting>, held: &[AlreadyStored]) {
        for batch in self.still_current(group).await.unwrap_or_default() {
            let own = batch.own(held);
            batch.answer(Ok(Applied::Stored(own)));
        }
    }

    /// The batches whose epoch is not over. The others are answered so; all of them get the error if the store does not
    /// answer.
    async fn still_current(&self, group: Vec<Waiting>) -> Option<Vec<Waiting>> {
        let partitions: Vec<Partition> = group.iter().map(|batch| batch.partition).collect();
        let begun = match self.epochs.begun(&partitions).await {
            Ok(begun) => begun,
            Err(error) => {
                answer_all(group, &error);
                return None;
            }
        };
        let is_over = |batch: &Waiting| begun.get(&batch.partition).is_some_and(|begun| batch.is_over(begun));
        let (over, current): (Vec<_>, Vec<_>) = group.into_iter().partition(is_over);
        for batch in over {
            batch.answer(Ok(Applied::Over));
        }
        (!current.is_empty()).then_some(current)
    }
}

fn answer_all(group: Vec<Waiting>, error: &StoreError) {
    for batch in group {
        batch.answer(Err(error.clone()));
    }
}

/// The caller whose turn it was has gone, with the batches of others in hand. They are tried again.
fn given_up() -> StoreError {
    StoreError::Unavailable("the write was given up".to_owned())
}

#[cfg(test)]
mod tests;
