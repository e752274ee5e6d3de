//! From the partitions' logs into the store.
//!
//! One task per partition: hold its lease, read its log in order, apply a batch, mark it as stored. Applying is
//! idempotent and the mark comes last, so a crash anywhere repeats work and loses nothing. What an earlier holder
//! left unfinished is read first.

use std::sync::Arc;
use std::time::Duration;

use rookery_shared::bus::redis::RedisBus;
use rookery_shared::bus::redis::log::{Batch, Entry, From};
use rookery_shared::bus::{Bus, BusError};
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::{Epoch, LogPosition, Partition};
use rookery_shared::keys;
use rookery_shared::limits::{INGEST_BATCH_MAX, LEASE_LIFE};
use rookery_shared::shutdown::Shutdown;
use tokio::time::Instant;

use self::group::Group;
use crate::store::{Messages, StoreError};

mod group;

/// Longest sleep on an empty log, in case a wake-up was lost.
const POLL: Duration = Duration::from_secs(1);
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
pub struct Ingest {
    bus: Arc<RedisBus>,
    messages: Arc<Group>,
    owner: Arc<str>,
}

/// Why a holder let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    LeaseLost,
    Drained,
}

impl Ingest {
    /// `owner` names this process among all that may hold leases.
    pub fn new(bus: Arc<RedisBus>, messages: Arc<dyn Messages>, owner: &str) -> Self {
        Self { bus, messages: Arc::new(Group::new(messages)), owner: owner.into() }
    }

    /// Serves every partition whose lease can be had, until the process drains.
    pub fn start(&self, shutdown: &Shutdown) {
        for partition in keys::partitions() {
            let (ingest, drain) = (self.clone(), shutdown.clone());
            shutdown.spawn_work("ingest", async move { ingest.serve(partition, &drain).await });
        }
    }

    async fn serve(&self, partition: Partition, shutdown: &Shutdown) {
        let mut rest = REST_MIN;
        while !shutdown.drain.is_cancelled() {
            match self.try_hold(partition, shutdown).await {
                Ok(Ended::Drained) => break,
                Ok(Ended::LeaseLost) => rest = REST_MIN,
                Err(error) => {
                    tracing::warn!(%partition, %error, "ingest failed, trying again");
                    rest = (rest * 2).min(REST_MAX);
                }
            }
            shutdown.drain.run_until_cancelled(tokio::time::sleep(rest)).await;
        }
        if let Err(error) = self.bus.release(partition, &self.owner).await {
            tracing::debug!(%partition, %error, "lease was not given back; it ends by itself");
        }
    }

    async fn try_hold(&self, partition: Partition, shutdown: &Shutdown) -> Result<Ended, IngestError> {
        while !self.bus.lease(partition, &self.owner).await? {
            let waited = shutdown.drain.run_until_cancelled(tokio::time::sleep(LEASE_LIFE / 3)).await;
            if waited.is_none() {
                return Ok(Ended::Drained);
            }
        }
        self.hold(partition, shutdown).await
    }

    async fn hold(&self, partition: Partition, shutdown: &Shutdown) -> Result<Ended, IngestError> {
        let mut from = From::Unfinished;
        let mut renewed = Instant::now();
        loop {
            if renewed.elapsed() >= LEASE_LIFE / 3 {
                renewed = Instant::now();
                if !self.bus.lease(partition, &self.owner).await? {
                    return Ok(Ended::LeaseLost);
                }
            }
            match self.bus.read_log(partition, &self.owner, from, INGEST_BATCH_MAX).await? {
                Batch::NoLease => return Ok(Ended::LeaseLost),
                Batch::Entries(entries) if !entries.is_empty() => self.store(partition, &entries).await?,
                Batch::Entries(_) if from == From::Unfinished => from = From::New,
                Batch::Entries(_) if shutdown.drain.is_cancelled() => return Ok(Ended::Drained),
                Batch::Entries(_) => self.sleep_while_empty(partition, shutdown).await,
            }
        }
    }

    async fn sleep_while_empty(&self, partition: Partition, shutdown: &Shutdown) {
        tokio::select! {
            () = self.bus.woken(partition) => {}
            () = tokio::time::sleep(POLL) => {}
            () = shutdown.drain.cancelled() => {}
        }
    }

    async fn store(&self, partition: Partition, entries: &[Entry]) -> Result<(), IngestError> {
        let events: Vec<SequencedEvent> = entries.iter().filter_map(|entry| entry.event.clone()).collect();
        for entry in entries.iter().filter(|entry| entry.event.is_none()) {
            tracing::error!(%partition, entry = entry.id, "log entry not understood, skipped");
        }
        self.messages.apply(&events).await?;
        let Some(last) = self.last_position(partition, entries).await? else { return Ok(()) };
        self.bus.mark_stored(partition, entries, last).await?;
        tracing::debug!(%partition, events = events.len(), "stored");
        Ok(())
    }

    /// The end of a batch. An entry that is not understood has no epoch of its own and counts to the one before.
    async fn last_position(&self, partition: Partition, entries: &[Entry]) -> Result<Option<LogPosition>, BusError> {
        let known = entries.iter().filter_map(|entry| entry.position(None)).next_back();
        let before = match known {
            Some(position) => Some(position),
            None => self.bus.stored(partition).await?,
        };
        let origin = LogPosition { epoch: Epoch(0), ms: 0, n: 0 };
        Ok(entries.last().and_then(|entry| entry.position(Some(before.unwrap_or(origin)))))
    }
}
