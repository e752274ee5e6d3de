//! The storing side of a partition's log: lease, read, mark as stored. Used by the api's ingest.
//!
//! One consumer group with one consumer name, whoever serves it: what an earlier holder of the lease was given
//! and did not finish is handed to the next one first, in order. The lease is checked inside the reading script,
//! so entries are never handed out to two holders at once.

use std::collections::HashMap;

use fred::interfaces::{ClientLike as _, KeysInterface as _, StreamsInterface};
use fred::types::Value;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rookery_bus::error::BusError;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, Partition, RoomId, Seq};
use rookery_protocol::partition::partitions;
use rookery_protocol::position::AlreadyStored;

use crate::client::unless_moved;
use crate::entry::{Batch, Entry};
use crate::limits::{LEASE_LIFE, REDIS_CALLS_AT_ONCE};
use crate::{RedisBus, codec, keys, unavailable};

/// Which entries to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Handed out before, never marked as stored.
    Unfinished,
    /// Never handed out; if there are none, what is unfinished.
    New,
}

/// What a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The next entries.
    Batch(Batch),
    /// Somebody else has the lease.
    NoLease,
}

/// What became of a batch that is stored, or thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Its entries have left the log, and whoever waited knows.
    Done,
    /// The same, and nothing is left in the log.
    Emptied,
    /// The same, but older entries are left that were never handed to anybody who stored them.
    Behind,
    /// The server has another epoch by now, or never had these entries.
    Over,
    /// Somebody else has the lease.
    NoLease,
}

impl RedisBus {
    /// Takes or renews the lease of a partition; says whether `owner` holds it now. If the log has something, its holder
    /// is woken, in case a wake-up was lost.
    pub async fn lease(&self, partition: Partition, owner: &str) -> Result<bool, BusError> {
        self.lease_for(partition, owner, LEASE_LIFE.as_millis()).await
    }

    /// Gives a lease back, so that another process need not wait for its end.
    pub async fn release(&self, partition: Partition, owner: &str) -> Result<(), BusError> {
        self.lease_for(partition, owner, 0).await.map(|_| ())
    }

    /// How many partitions somebody serves. Who was killed counts for [`LEASE_LIFE`] yet.
    pub async fn leases_held(&self) -> Result<usize, BusError> {
        self.commands.wait_for_connect().await.map_err(|error| unavailable(&error))?;
        let looks = stream::iter(partitions()).map(|partition| async move {
            unless_moved(|| self.commands.exists::<u64, _>(keys::lease(partition))).await
        });
        let held: Vec<u64> = looks.buffer_unordered(REDIS_CALLS_AT_ONCE).try_collect().await?;
        Ok(held.into_iter().filter(|held| *held > 0).count())
    }

    async fn lease_for(&self, partition: Partition, owner: &str, life_ms: u128) -> Result<bool, BusError> {
        let keys = vec![keys::lease(partition), keys::log(partition)];
        let args = vec![owner.to_owned(), life_ms.to_string()];
        let answer: String = self.run(partition, |scripts| &scripts.lease, keys, args).await?;
        match answer.as_str() {
            "empty" => Ok(true),
            "waiting" => {
                self.wake(partition);
                Ok(true)
            }
            "foreign" => Ok(false),
            _ => Err(BusError::Protocol("lease".to_owned())),
        }
    }

    /// The next entries for the holder of the lease.
    pub async fn read_log(
        &self,
        partition: Partition,
        owner: &str,
        from: From,
        count: usize,
    ) -> Result<Read, BusError> {
        let start = match from {
            From::Unfinished => {
                // It may be an older holder's.
                self.wakeups.discard(partition);
                "0"
            }
            From::New => ">",
        };
        let keys = vec![keys::partition(partition), keys::lease(partition), keys::log(partition)];
        let args = vec![owner.to_owned(), start.to_owned(), count.to_string()];
        match self
            .run::<Value>(partition, |scripts| &scripts.read_log, keys.clone(), args.clone())
            .await
        {
            Err(BusError::Unavailable(cause)) if cause.contains("NOGROUP") => {
                self.create_group(partition).await?;
                parse_read(self.run::<Value>(partition, |scripts| &scripts.read_log, keys, args).await?)
            }
            outcome => parse_read(outcome?),
        }
    }

    /// The batch is in the store, some of it at another place: it leaves the log, and a mark is published of how far all
    /// is stored.
    pub async fn mark_stored(
        &self,
        partition: Partition,
        owner: &str,
        batch: &Batch,
        held: &[AlreadyStored],
    ) -> Result<BatchOutcome, BusError> {
        let mut stored: HashMap<RoomId, Seq> = HashMap::new();
        for event in batch.entries.iter().filter_map(|entry| entry.event.as_ref()) {
            stored.insert(event.room, event.seq);
        }
        let mut keys = vec![keys::partition(partition), keys::log(partition), keys::lease(partition)];
        let mut args = vec![owner.to_owned(), batch.epoch.0.to_string(), keys::marks_channel(partition)];
        args.push(batch.entries.len().to_string());
        args.extend(batch.entries.iter().map(|entry| entry.id.clone()));
        args.push(stored.len().to_string());
        for (room, seq) in stored {
            keys.push(keys::room(room));
            args.push(seq.to_string());
        }
        for (entry, event, AlreadyStored { id, first }) in moved(batch, held) {
            let forgotten = || (keys::dedupe(event.room, event.timestamp)[0].clone(), String::new());
            let (key, field) = entry.result.clone().unwrap_or_else(forgotten);
            keys.push(key);
            args.extend([entry.id.clone(), field, id.to_string()]);
            args.extend([first.epoch.0.to_string(), first.seq.to_string(), first.timestamp.0.to_string()]);
        }
        let answer: String = self.run(partition, |scripts| &scripts.mark_stored, keys, args).await?;
        parse_batch_outcome(&answer)
    }

    /// The batch belongs to an epoch that is over, and must not be stored any more: it leaves the log, and so does the
    /// epoch the server that has it.
    pub async fn discard(&self, partition: Partition, owner: &str, batch: &Batch) -> Result<BatchOutcome, BusError> {
        let keys = vec![keys::partition(partition), keys::log(partition), keys::lease(partition)];
        let mut args = vec![owner.to_owned(), batch.epoch.0.to_string()];
        args.extend(batch.entries.iter().map(|entry| entry.id.clone()));
        let answer: String = self.run(partition, |scripts| &scripts.discard, keys, args).await?;
        parse_batch_outcome(&answer)
    }

    async fn create_group(&self, partition: Partition) -> Result<(), BusError> {
        let created: Result<Value, _> = self.commands.xgroup_create(keys::log(partition), "ingest", "0", true).await;
        match created {
            Err(error) if !error.details().contains("BUSYGROUP") => Err(unavailable(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The entries whose events the store has at another place.
fn moved<'a>(
    batch: &'a Batch,
    held: &[AlreadyStored],
) -> impl Iterator<Item = (&'a Entry, &'a SequencedEvent, AlreadyStored)> {
    let held: HashMap<MessageId, AlreadyStored> = held.iter().map(|held| (held.id, *held)).collect();
    batch.entries.iter().filter_map(move |entry| {
        let event = entry.event.as_ref()?;
        let held = held.get(&event.event.id)?;
        let is_there = (held.first.epoch, held.first.seq) == (event.epoch, event.seq);
        (!is_there).then_some((entry, event, *held))
    })
}

fn parse_batch_outcome(answer: &str) -> Result<BatchOutcome, BusError> {
    match answer {
        "stored" | "discarded" => Ok(BatchOutcome::Done),
        "emptied" => Ok(BatchOutcome::Emptied),
        "behind" => Ok(BatchOutcome::Behind),
        "over" => Ok(BatchOutcome::Over),
        "no_lease" => Ok(BatchOutcome::NoLease),
        _ => Err(BusError::Protocol("stored".to_owned())),
    }
}

/// `["no_lease"]`, or `["entries", fence, epoch, [[id, [field, value, …]], …]]`.
fn parse_read(answer: Value) -> Result<Read, BusError> {
    let broken = || BusError::Protocol("log".to_owned());
    let mut parts = answer.into_array().into_iter();
    let kind = parts.next().and_then(Value::into_string).ok_or_else(broken)?;
    if kind == "no_lease" {
        return Ok(Read::NoLease);
    }
    let fence = parts.next().and_then(Value::into_string).ok_or_else(broken)?;
    let epoch = parts
        .next()
        .and_then(Value::into_string)
        .and_then(|epoch| epoch.parse().ok())
        .ok_or_else(broken)?;
    let entries = parts.next().map(Value::into_array).ok_or_else(broken)?;
    let entries = entries.into_iter().filter_map(parse_log_entry).collect();
    Ok(Read::Batch(Batch { fence, epoch: Epoch(epoch), entries }))
}

fn parse_log_entry(entry: Value) -> Option<Entry> {
    let mut parts = entry.into_array().into_iter();
    let id = parts.next()?.into_string()?;
    let fields = parts.next().map(Value::into_array).unwrap_or_default();
    let texts: Vec<String> = fields.into_iter().filter_map(Value::into_string).collect();
    let field = |name: &str| texts.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str());
    let event = field("r")
        .and_then(|room| room.parse().ok())
        .zip(field("e"))
        .and_then(|(room, entry)| codec::parse_entry(room, entry))
        .filter(codec::is_known);
    let result = field("d").and_then(|place| place.split_once(' '));
    let result = result.map(|(key, field)| (key.to_owned(), field.to_owned()));
    Some(Entry { id, event, result })
}
