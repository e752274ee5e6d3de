//! Keeps the index: takes events that wait for it, and between them what was said before there was one.
//!
//! It follows the store, beside whatever stores, and is never waited for. One process of a cluster works, under a lease;
//! that two do for a moment costs work and nothing else. What it was at when it ended waits still.

use std::collections::HashMap;
use std::time::Instant;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::MessageId;
use rookery_runtime::shutdown::Shutdown;
use rookery_store::job::Lease;
use rookery_store::message::target_of;
use rookery_store::message_state::MessageState;
use rookery_store::search::terms::TERMS_VERSION;
use rookery_store::search::{Building, Entry, Stretch, terms_of};
use rookery_store::{StoreError, Stores};
use tokio::time::sleep;
use uuid::Uuid;

use super::{command, current};
use crate::limits::{
    INDEX_BATCH_MAX, INDEX_LEASE, INDEX_POLL_INTERVAL, INDEX_RETRY_AFTER, INDEX_STRETCH_MAX, INDEX_STRETCH_PAUSE,
    INDEX_TERMS_PER_WRITE, INDEX_WAIT_MAX, INDEX_WATCH_INTERVAL,
};
use crate::metrics::Metrics;

/// Name of its lease.
const LEASE: &str = "search index";

/// Keeps the index. Cheap to clone.
#[derive(Clone)]
pub struct Indexer {
    stores: Stores,
    metrics: Metrics,
    /// Names this process among all that may hold the lease.
    holder: Uuid,
}

/// Whether there may be more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Events wait.
    Events,
    /// Only what was said before.
    Older,
    /// Nothing.
    Nothing,
}

/// What is known of a message that events are about.
struct Target<'a> {
    said: Option<SequencedEvent>,
    state: MessageState,
    events: Vec<&'a SequencedEvent>,
}

impl Indexer {
    /// Keeps the index of this store.
    pub fn new(stores: Stores, metrics: Metrics) -> Self {
        Self { stores, metrics, holder: Uuid::new_v4() }
    }

    /// Starts.
    pub fn start(&self, shutdown: &Shutdown) {
        let (indexer, drain) = (self.clone(), shutdown.drain.clone());
        shutdown.spawn_work("search index", async move {
            drain.run_until_cancelled(indexer.follow()).await;
            let given_back = indexer.stores.leases.release(LEASE, indexer.lease()).await;
            if let Err(error) = given_back {
                tracing::debug!(%error, "the lease of the search index ends by itself");
            }
        });
        let indexer = self.clone();
        shutdown.spawn("search index watch", async move { indexer.watch().await });
    }

    fn lease(&self) -> Lease {
        Lease { id: self.holder, until: UnixMillis::now().plus(INDEX_LEASE) }
    }

    async fn follow(&self) {
        loop {
            match self.stores.leases.hold(LEASE, self.lease(), UnixMillis::now()).await {
                Ok(true) => self.work().await,
                Ok(false) => sleep(INDEX_LEASE / 3).await,
                Err(error) => {
                    tracing::debug!(%error, "the search index is not kept this moment");
                    sleep(INDEX_RETRY_AFTER).await;
                }
            }
        }
    }

    /// Works until the lease is to be renewed.
    async fn work(&self) {
        let begun = Instant::now();
        while begun.elapsed() < INDEX_LEASE / 3 {
            match self.pass().await {
                Ok(Left::Events) => {}
                Ok(Left::Older) => sleep(INDEX_STRETCH_PAUSE).await,
                Ok(Left::Nothing) => sleep(INDEX_POLL_INTERVAL).await,
                Err(error) => {
                    self.metrics.search_failures.inc();
                    tracing::warn!(%error, "the search index is behind, trying again");
                    sleep(INDEX_RETRY_AFTER).await;
                }
            }
        }
    }

    /// Takes in what waits, at most a batch; if nothing does, a stretch of what was said before.
    pub async fn pass(&self) -> Result<Left, StoreError> {
        let waiting = self.stores.search.waiting(UnixMillis::now(), INDEX_BATCH_MAX).await?;
        if waiting.is_empty() {
            return self.build().await;
        }
        let events: Vec<SequencedEvent> = waiting.into_iter().map(|waiting| waiting.event).collect();
        self.take_in(&events).await?;
        Ok(if events.len() < INDEX_BATCH_MAX { Left::Nothing } else { Left::Events })
    }

    async fn take_in(&self, events: &[SequencedEvent]) -> Result<(), StoreError> {
        let mut targets = self.targets(events).await?;
        let now = UnixMillis::now();
        let (mut entries, mut later) = (Vec::new(), Vec::<MessageId>::new());
        for target in targets.values_mut() {
            if let Some(entry) = target.entry() {
                entries.push(entry);
            } else {
                // A change may be stored a moment before its message; what never comes is not waited for.
                let young = target.events.iter().filter(|event| now.since(event.timestamp) < INDEX_WAIT_MAX);
                later.extend(young.map(|event| event.event.id));
            }
        }
        self.put(&entries, false).await?;
        if !later.is_empty() {
            self.stores.search.postpone(&later, now.plus(INDEX_RETRY_AFTER)).await?;
        }
        let done = events.iter().map(|event| event.event.id).filter(|id| !later.contains(id));
        self.stores.search.done(&done.collect::<Vec<_>>()).await?;
        self.metrics.search_indexed.inc_by(u64::try_from(events.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// What the events are about, as the store has it by now.
    async fn targets<'a>(&self, events: &'a [SequencedEvent]) -> Result<HashMap<MessageId, Target<'a>>, StoreError> {
        let mut targets: HashMap<MessageId, Target<'a>> = HashMap::new();
        for event in events {
            let id = target_of(&event.event.body).unwrap_or(event.event.id);
            let unknown = || Target { said: None, state: MessageState::default(), events: Vec::new() };
            targets.entry(id).or_insert_with(unknown).events.push(event);
        }
        let ids: Vec<MessageId> = targets.keys().copied().collect();
        for (said, state) in self.stores.search.messages(&ids, &[]).await? {
            if let Some(target) = targets.get_mut(&said.event.id) {
                target.said = Some(said);
                target.state = state;
            }
        }
        Ok(targets)
    }

    /// Writes entries, not too many terms at once: others want to write, too.
    async fn put(&self, entries: &[Entry], again: bool) -> Result<(), StoreError> {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut terms = 0;
            let fits = |entry: &&Entry| {
                terms += entry.terms.as_ref().map_or(1, Vec::len);
                terms <= INDEX_TERMS_PER_WRITE
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (now, after) = rest.split_at(count);
            self.stores.search.put(now, again).await?;
            rest = after;
        }
        Ok(())
    }

    /// Takes in a stretch of what was said before.
    async fn build(&self) -> Result<Left, StoreError> {
        let search = &self.stores.search;
        let building = match search.building().await? {
            Some(building) if building.version >= TERMS_VERSION => building,
            Some(_) | None => command::begin(&self.stores, UnixMillis::now()).await?,
        };
        if building.finished_at.is_some() {
            return Ok(Left::Nothing);
        }
        let Stretch { events, next } = search.stretch(building.next.as_deref(), INDEX_STRETCH_MAX).await?;
        let said: Vec<&SequencedEvent> = events.iter().filter(|event| is_message(event)).collect();
        let ids: Vec<MessageId> = said.iter().map(|event| event.event.id).collect();
        // After the messages: what is done to one meanwhile waits for the index by itself.
        let mut states = self.stores.messages.states(&ids, &[]).await?;
        let entries = said.into_iter().map(|event| {
            let state = states.remove(&event.event.id).unwrap_or_default();
            entry(event, &state)
        });
        self.put(&entries.collect::<Vec<_>>(), true).await?;
        let done = building.done + u64::try_from(events.len()).unwrap_or(0);
        let finished_at = next.is_none().then(UnixMillis::now);
        let building = Building { next, done, finished_at, ..building };
        search.advance(&building).await?;
        self.show(&building);
        Ok(Left::Older)
    }

    fn show(&self, building: &Building) {
        let left = building.total.saturating_sub(building.done);
        let left = if building.finished_at.is_some() { 0 } else { left };
        self.metrics.search_unbuilt.set(i64::try_from(left).unwrap_or(i64::MAX));
        if building.finished_at.is_some() {
            tracing::info!(events = building.done, "the search index has everything that was said before");
        }
    }

    /// Measures how far the index is behind. Every process does: whoever should keep it may be gone.
    async fn watch(&self) {
        loop {
            let now = UnixMillis::now();
            match self.stores.search.waiting(now, 1).await {
                Ok(oldest) => {
                    let lag = oldest.first().map(|first| now.since(first.since)).unwrap_or_default();
                    self.metrics.search_lag.set(i64::try_from(lag.as_secs()).unwrap_or(i64::MAX));
                }
                Err(error) => tracing::debug!(%error, "the lag of the search index was not measured"),
            }
            sleep(INDEX_WATCH_INTERVAL).await;
        }
    }
}

impl Target<'_> {
    /// What the index gets; none as long as the message is not there.
    fn entry(&mut self) -> Option<Entry> {
        for event in &self.events {
            self.state.apply(event);
        }
        if let Some(said) = &self.said {
            return Some(entry(said, &self.state));
        }
        let is_deletion = |event: &&&SequencedEvent| {
            matches!(event.event.body, EventBody::MessageChange(MessageChanged::Deleted { .. }))
        };
        let deletion = self.events.iter().find(is_deletion)?;
        let message = target_of(&deletion.event.body)?;
        let (room, at, place) = (deletion.room, deletion.timestamp, deletion.position());
        Some(Entry { message, room, at, place, terms: None })
    }
}

const fn is_message(event: &SequencedEvent) -> bool {
    matches!(event.event.body, EventBody::Message(_))
}

/// What the index has of a message.
fn entry(said: &SequencedEvent, state: &MessageState) -> Entry {
    Entry {
        message: said.event.id,
        room: said.room,
        at: said.timestamp,
        place: state.edit.as_ref().map_or(said.position(), |edit| edit.place),
        terms: current(said, state).map(|content| terms_of(said, content)),
    }
}
