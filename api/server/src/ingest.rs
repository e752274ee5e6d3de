//! From the partitions' logs into the store.
//!
//! One task per partition: hold its lease, read its log in order, apply a batch, mark it as stored. Applying is
//! idempotent and the mark comes last, so a crash anywhere repeats work and loses nothing. What an earlier holder
//! left unfinished is read first.
//!
//! A server that was replaced, and does not know it, may go on numbering in its old epoch. The store notes each epoch
//! before it begins, and what another server has numbered in an older one is thrown away instead of stored: nobody
//! was told that it is stored, and its senders send it again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus::IntGauge;
use rookery_api::in_flight_writes::InFlightWrites;
use rookery_api::metrics::Metrics;
use rookery_api::moderation::deletions::{DeletionLog, deletions};
use rookery_api::notices::feed::NoticeFeed;
use rookery_bus::error::BusError;
use rookery_bus_redis::RedisBus;
use rookery_bus_redis::entry::{Batch, Entry};
use rookery_bus_redis::limits::{LEASE_LIFE, SUBSCRIBE_PAUSE};
use rookery_bus_redis::log::{BatchOutcome, From, Read};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::Partition;
use rookery_protocol::partition::partitions;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::trace::BatchSpans;
use rookery_store::limits::INGEST_BATCH_MAX;
use rookery_store::{StoreError, Stores};
use tokio::time::sleep;
use tracing::{Instrument as _, Span};

use self::batch_writer::{Applied, BatchWriter};

mod batch_writer;
mod recent;

/// Shortest and longest rest after a failure.
const REST_MIN: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(2);

/// Why a partition could not be served; it is tried again.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores what the bus has accepted.
#[derive(Clone)]
pub(crate) struct Ingest {
    bus: Arc<RedisBus>,
    messages: Arc<BatchWriter>,
    owner: Arc<str>,
    metrics: Metrics,
    notices: NoticeFeed,
    deletions: DeletionLog,
}

/// Why a holder let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    LeaseLost,
    Drained,
}

/// Counts a partition down, however its holder ends.
struct Held(IntGauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Ingest {
    /// `owner` names this process among all that may hold leases.
    pub(crate) fn new(
        bus: Arc<RedisBus>,
        stores: &Stores,
        underway: Arc<InFlightWrites>,
        owner: &str,
        (metrics, notices): (Metrics, NoticeFeed),
    ) -> Self {
        let group = BatchWriter::new(Arc::clone(&stores.messages), Arc::clone(&stores.epochs), underway);
        let deletions = DeletionLog::new(stores);
        Self { bus, messages: Arc::new(group), owner: owner.into(), metrics, notices, deletions }
    }

    /// Serves every partition whose lease can be had, until the process drains.
    pub(crate) fn start(&self, shutdown: &Shutdown) {
        for partition in partitions() {
            let (ingest, drain) = (self.clone(), shutdown.clone());
            shutdown.spawn_work("ingest", async move { ingest.serve(partition, &drain).await });
        }
    }

    async fn serve(&self, partition: Partition, shutdown: &Shutdown) {
        let mut rest = REST_MIN;
        while !shutdown.drain.is_cancelled() {
            match Box::pin(self.try_hold(partition, shutdown)).await {
                Ok(Ended::Drained) => break,
                Ok(Ended::LeaseLost) => {
                    self.metrics.ingest_leases_lost.inc();
                    rest = REST_MIN;
                }
                Err(error) => {
                    self.metrics.ingest_failures.inc();
                    tracing::warn!(%partition, %error, "ingest failed, trying again");
                    rest = (rest * 2).min(REST_MAX);
                }
            }
            shutdown.drain.run_until_cancelled(sleep(rest)).await;
        }
        if let Err(error) = self.bus.release(partition, &self.owner).await {
            tracing::debug!(%partition, %error, "lease was not given back; it ends by itself");
        }
    }

    async fn try_hold(&self, partition: Partition, shutdown: &Shutdown) -> Result<Ended, IngestError> {
        while !self.bus.lease(partition, &self.owner).await? {
            let waited = shutdown.drain.run_until_cancelled(sleep(LEASE_LIFE / 3)).await;
            if waited.is_none() {
                return Ok(Ended::Drained);
            }
        }
        self.metrics.ingest_partitions.inc();
        let _held = Held(self.metrics.ingest_partitions.clone());
        // Beside the work: a store that takes long must not cost the lease, or another process does the same again. And
        // what is in the log need not wait until wake-ups are subscribed to.
        let held = tokio::select! {
            biased;
            held = self.hold(partition, shutdown) => held,
            never = self.renew(partition) => match never {},
            never = self.listen(partition) => match never {},
        };
        // Whoever failed tries again at once, and a process that drains receives no more wake-ups anyway.
        if matches!(held, Ok(Ended::LeaseLost))
            && let Err(error) = self.bus.unsubscribe_wakeups(partition).await
        {
            tracing::debug!(%partition, %error, "still woken for a partition of somebody else");
        }
        held
    }

    /// Renews the lease as long as it is ours. When it no longer is, the next read finds out, which is now.
    async fn renew(&self, partition: Partition) -> Infallible {
        loop {
            sleep(LEASE_LIFE / 3).await;
            match self.bus.lease(partition, &self.owner).await {
                Ok(true) => {}
                Ok(false) => {
                    self.bus.wake(partition);
                    return std::future::pending().await;
                }
                Err(error) => tracing::debug!(%partition, %error, "lease not renewed"),
            }
        }
    }

    /// Is woken from now on. As long as that cannot be had, each renewal of the lease looks at the log.
    async fn listen(&self, partition: Partition) -> Infallible {
        while let Err(error) = self.bus.subscribe_wakeups(partition).await {
            tracing::debug!(%partition, %error, "wake-ups are not heard yet");
            sleep(SUBSCRIBE_PAUSE).await;
        }
        std::future::pending().await
    }

    async fn hold(&self, partition: Partition, shutdown: &Shutdown) -> Result<Ended, IngestError> {
        let mut from = From::Unfinished;
        let mut pushed = None;
        loop {
            let batch = match pushed.take() {
                Some(batch) => batch,
                None => match self.bus.read_log(partition, &self.owner, from, INGEST_BATCH_MAX).await? {
                    Read::Batch(batch) => batch,
                    Read::NoLease => return Ok(Ended::LeaseLost),
                },
            };
            let is_empty = if batch.entries.is_empty() {
                // What was handed out before is done; what is new comes next.
                std::mem::replace(&mut from, From::New) == From::New
            } else {
                match self.store_batch(partition, &batch).await? {
                    BatchOutcome::Done => false,
                    BatchOutcome::Emptied => true,
                    // Something was handed out to nobody, or is on another server.
                    BatchOutcome::Behind | BatchOutcome::Over => {
                        from = From::Unfinished;
                        false
                    }
                    BatchOutcome::NoLease => return Ok(Ended::LeaseLost),
                }
            };
            if is_empty {
                from = From::New;
                match shutdown.drain.run_until_cancelled(self.bus.wait_for_wakeup(partition)).await {
                    Some(first) => pushed = first,
                    None => return Ok(Ended::Drained),
                }
            }
        }
    }

    async fn store_batch(&self, partition: Partition, batch: &Batch) -> Result<BatchOutcome, IngestError> {
        for entry in batch.entries.iter().filter(|entry| entry.event.is_none()) {
            tracing::error!(%partition, entry = entry.id, "log entry not understood, skipped");
        }
        let of_entry = |entry: &Entry| entry.event.as_ref().and_then(|event| event.event.trace);
        let spans = BatchSpans::begin(batch.entries.len(), batch.entries.iter().map(of_entry));
        let span = spans.as_ref().map_or_else(Span::none, BatchSpans::span);
        let outcome = self.store_entries(partition, batch).instrument(span).await;
        if let (Some(spans), Err(error)) = (&spans, &outcome) {
            spans.fail(&error.to_string());
        }
        outcome
    }

    async fn store_entries(&self, partition: Partition, batch: &Batch) -> Result<BatchOutcome, IngestError> {
        let timer = self.metrics.ingest_store_seconds.start_timer();
        let applied = self.messages.apply(partition, batch).await;
        timer.observe_duration();
        let entries = batch.entries.len();
        Ok(match applied? {
            Applied::Stored(held) => {
                let events = batch.entries.iter().filter_map(|entry| entry.event.as_ref());
                self.deletions.note(deletions(events)).await?;
                let outcome = self.bus.mark_stored(partition, &self.owner, batch, &held).await?;
                self.count(batch);
                self.notices.offer(batch.entries.iter().filter_map(|entry| entry.event.as_ref()));
                tracing::debug!(%partition, entries, held = held.len(), ?outcome, "stored");
                outcome
            }
            Applied::Over => {
                tracing::warn!(%partition, epoch = %batch.epoch, entries, "numbered by a server that was replaced");
                self.metrics.ingest_discarded.inc_by(u64::try_from(entries).unwrap_or(u64::MAX));
                self.bus.discard(partition, &self.owner, batch).await?
            }
        })
    }

    /// Once for all: how many they are, and how long the first of them waited.
    fn count(&self, batch: &Batch) {
        let Some(first) = batch.entries.iter().find_map(|entry| entry.event.as_ref()) else { return };
        self.metrics.ingested.inc_by(u64::try_from(batch.entries.len()).unwrap_or(u64::MAX));
        let (now, first) = (UnixMillis::now(), first.timestamp);
        self.metrics.ingest_seconds.observe(now.since(first).as_secs_f64());
        self.metrics.ingest_lag.note(now.since(first), now);
    }
}
