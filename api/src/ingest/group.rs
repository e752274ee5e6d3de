//! Many partitions, few writes: batches that wait for the store share one call.
//!
//! A partition at a few messages a second has a batch of one or two, and there are many partitions. One call for each
//! of them keeps the database busy with calls instead of documents. So whoever gets a turn takes along all that waits.
//! Nobody waits for company: the first batch goes at once, and what comes meanwhile goes together.
//!
//! A batch is one of a partition, which waits for it, so the order within a partition stays what it is. A batch that
//! the store refuses is tried alone, and fails alone.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_shared::bus::Held;
use rookery_shared::event::SequencedEvent;
use rookery_shared::limits::{INGEST_GROUP_MAX, INGEST_WRITES_AT_ONCE};
use tokio::sync::{Semaphore, oneshot};

use crate::store::{Messages, StoreError};

/// See the module.
pub(super) struct Group {
    messages: Arc<dyn Messages>,
    waiting: Mutex<VecDeque<Batch>>,
    turns: Semaphore,
}

struct Batch {
    events: Vec<SequencedEvent>,
    tell: oneshot::Sender<Result<Vec<Held>, StoreError>>,
}

impl Batch {
    /// Those of its events that were held at another place.
    fn own(&self, held: &[Held]) -> Vec<Held> {
        let is_own = |held: &&Held| self.events.iter().any(|event| event.event.id == held.id);
        held.iter().filter(is_own).copied().collect()
    }
}

impl Group {
    /// Nothing waits.
    pub(super) fn new(messages: Arc<dyn Messages>) -> Self {
        Self { messages, waiting: Mutex::default(), turns: Semaphore::new(INGEST_WRITES_AT_ONCE) }
    }

    /// The same as [`Messages::apply`].
    pub(super) async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<Held>, StoreError> {
        let (tell, mut answer) = oneshot::channel();
        self.waiting.lock().push_back(Batch { events: events.to_vec(), tell });
        loop {
            tokio::select! {
                biased;
                outcome = &mut answer => return outcome.unwrap_or_else(|_| Err(given_up())),
                turn = self.turns.acquire() => {
                    let _turn = turn.map_err(|_| given_up())?;
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

    /// What waits, from the oldest on, as much as one call takes.
    fn take(&self) -> Vec<Batch> {
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

    async fn write(&self, group: Vec<Batch>) {
        let events: Vec<SequencedEvent> = group.iter().flat_map(|batch| batch.events.iter().cloned()).collect();
        match self.messages.apply(&events).await {
            Ok(held) => answer_all(group, |batch| Ok(batch.own(&held))),
            // Asking again for each of them would only take longer; all of them are tried again later.
            Err(StoreError::Unavailable(cause)) => answer_all(group, |_| Err(StoreError::Unavailable(cause.clone()))),
            Err(_) if group.len() > 1 => {
                for Batch { events, tell } in group {
                    // A caller that has gone needs no answer.
                    let _ = tell.send(self.messages.apply(&events).await);
                }
            }
            Err(error) => {
                if let Some(Batch { tell, .. }) = group.into_iter().next() {
                    let _ = tell.send(Err(error));
                }
            }
        }
    }
}

fn answer_all(group: Vec<Batch>, outcome: impl Fn(&Batch) -> Result<Vec<Held>, StoreError>) {
    for batch in group {
        let outcome = outcome(&batch);
        let _ = batch.tell.send(outcome);
    }
}

/// The caller whose turn it was has gone, with the batches of others in hand. They are tried again.
fn given_up() -> StoreError {
    StoreError::Unavailable("the write was given up".to_owned())
}

#[cfg(test)]
mod tests;
