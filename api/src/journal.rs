//! The in-process bus keeps its events in the api's store.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use prometheus::{Histogram, IntCounter};
use rookery_bus::error::BusError;
use rookery_bus::memory::Journal;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::position::{AlreadyStored, Position};
use rookery_runtime::metrics::{Description, Registrar, short_buckets};
use rookery_runtime::trace::BatchSpans;
use rookery_store::message::Window;
use rookery_store::{Messages, PageQuestion, StoreError};

use crate::moderation::deletions::{DeletionLog, deletions};
use crate::notices::feed::NoticeFeed;

/// The numbers of the process, which has one journal.
static METRICS: LazyLock<JournalMetrics> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the names are constants, and every test of one process makes them"
    )]
    JournalMetrics::new().expect("the names of journal metrics are unique")
});

/// See each help text.
struct JournalMetrics {
    events: IntCounter,
    failures: IntCounter,
    seconds: Histogram,
    described: Vec<Description>,
}

impl JournalMetrics {
    fn new() -> Result<Self, prometheus::Error> {
        let mut make = Registrar::of_process("rookery_journal");
        let metrics = Self {
            events: make.counter("events_total", "Events that were stored before they were delivered.")?,
            failures: make.counter("failures_total", "Batches of events that the database did not take.")?,
            seconds: make.histogram(
                "write_seconds",
                "What the database took for a batch of events.",
                short_buckets(),
            )?,
            described: Vec::new(),
        };
        Ok(Self { described: make.finish().1, ..metrics })
    }

    fn record<T>(&self, applied: &Result<T, StoreError>, events: usize) {
        match applied {
            Ok(_) => self.events.inc_by(u64::try_from(events).unwrap_or(u64::MAX)),
            Err(_) => self.failures.inc(),
        }
    }
}

/// What the metrics of the journal mean.
pub fn described() -> &'static [Description] {
    &METRICS.described
}

/// Stores what the bus of a single process sequences.
pub struct StoreJournal {
    /// Where.
    pub messages: Arc<dyn Messages>,
    /// Who is told what was stored.
    pub notices: NoticeFeed,
    /// Who notes what moderators delete.
    pub deletions: DeletionLog,
}

#[async_trait]
impl Journal for StoreJournal {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, BusError> {
        let spans = BatchSpans::begin(events.len(), events.iter().map(|event| event.event.trace));
        let timer = METRICS.seconds.start_timer();
        let applied = self.messages.apply(events).await;
        timer.observe_duration();
        if let (Some(spans), Err(error)) = (&spans, &applied) {
            spans.fail(&error.to_string());
        }
        METRICS.record(&applied, events.len());
        let applied = match applied {
            Ok(held) => self.deletions.note(deletions(events)).await.map(|()| held),
            Err(error) => Err(error),
        };
        if applied.is_ok() {
            self.notices.offer(events);
        }
        applied.map_err(|error| BusError::Unavailable(error.to_string()))
    }

    async fn range(
        &self,
        room: RoomId,
        epoch: Epoch,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, BusError> {
        let window = Window::After(Position { epoch, seq: after });
        let page = self.messages.page(room, PageQuestion::all(window, limit)).await;
        page.map_err(|error| BusError::Unavailable(error.to_string()))
    }
}
