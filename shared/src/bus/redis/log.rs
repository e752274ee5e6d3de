//! The storing side of a partition's log: lease, read, mark as stored. Used by the api's ingest.
//!
//! One consumer group with one consumer name, whoever serves it: what an earlier holder of the lease was given
//! and did not finish is handed to the next one first, in order. The lease is checked inside the reading script,
//! so entries are never handed out to two holders at once.

use std::collections::HashMap;

use fred::interfaces::StreamsInterface;
use fred::types::Value;

use crate::bus::BusError;
use crate::bus::redis::{RedisBus, unavailable, wire};
use crate::event::SequencedEvent;
use crate::id::{LogPosition, Partition, RoomId, Seq};
use crate::keys;
use crate::limits::LEASE_LIFE;

/// Which entries to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Handed out before, never marked as stored.
    Unfinished,
    /// Never handed out.
    New,
}

/// What a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Entries in order; possibly none.
    Entries(Vec<Entry>),
    /// Somebody else has the lease.
    NoLease,
}

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream.
    pub id: String,
    /// Its event; none if it is not understood (a foreign writer, or a newer release).
    pub event: Option<SequencedEvent>,
}

impl RedisBus {
    /// Takes or renews the lease of a partition; says whether `owner` holds it now.
    pub async fn lease(&self, partition: Partition, owner: &str) -> Result<bool, BusError> {
        self.lease_for(partition, owner, LEASE_LIFE.as_millis()).await
    }

    /// Gives a lease back, so that another process need not wait for its end.
    pub async fn release(&self, partition: Partition, owner: &str) -> Result<(), BusError> {
        self.lease_for(partition, owner, 0).await.map(|_| ())
    }

    async fn lease_for(&self, partition: Partition, owner: &str, life_ms: u128) -> Result<bool, BusError> {
        let args = vec![owner.to_owned(), life_ms.to_string()];
        self.run::<i64>(partition, |scripts| &scripts.lease, vec![keys::lease(partition)], args)
            .await
            .map(|held| held == 1)
    }

    /// The next entries for the holder of the lease.
    pub async fn read_log(
        &self,
        partition: Partition,
        owner: &str,
        from: From,
        count: usize,
    ) -> Result<Batch, BusError> {
        let start = match from {
            From::Unfinished => "0",
            From::New => ">",
        };
        let keys = vec![keys::lease(partition), keys::log(partition)];
        let args = vec![owner.to_owned(), start.to_owned(), count.to_string()];
        match self
            .run::<Value>(partition, |scripts| &scripts.read_log, keys.clone(), args.clone())
            .await
        {
            Err(BusError::Unavailable(cause)) if cause.contains("NOGROUP") => {
                self.create_group(partition).await?;
                parse_batch(self.run::<Value>(partition, |scripts| &scripts.read_log, keys, args).await?)
            }
            outcome => parse_batch(outcome?),
        }
    }

    /// Everything up to the last of these entries is in the store: they leave the log and everybody is told.
    pub async fn mark_stored(
        &self,
        partition: Partition,
        entries: &[Entry],
        last: LogPosition,
    ) -> Result<(), BusError> {
        let mut stored: HashMap<RoomId, (u64, Seq)> = HashMap::new();
        for event in entries.iter().filter_map(|entry| entry.event.as_ref()) {
            stored.insert(event.room, (event.epoch.0, event.seq));
        }
        let mut keys = vec![keys::partition(partition), keys::log(partition)];
        let mut args = vec![last.epoch.0.to_string(), last.ms.to_string(), last.n.to_string()];
        args.extend([keys::control_channel(partition), entries.len().to_string()]);
        args.extend(entries.iter().map(|entry| entry.id.clone()));
        for (room, (epoch, seq)) in stored {
            keys.push(keys::room(room));
            args.extend([epoch.to_string(), seq.to_string()]);
        }
        self.run::<Value>(partition, |scripts| &scripts.mark_stored, keys, args).await.map(|_| ())
    }

    async fn create_group(&self, partition: Partition) -> Result<(), BusError> {
        let created: Result<Value, _> = self.commands.xgroup_create(keys::log(partition), "ingest", "0", true).await;
        match created {
            Err(error) if !error.details().contains("BUSYGROUP") => Err(unavailable(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Entry {
    /// Where the entry is; its epoch is that of its event, or `before` where it has none.
    pub fn position(&self, before: Option<LogPosition>) -> Option<LogPosition> {
        let (ms, n) = wire::parse_stream_id(&self.id)?;
        let epoch = self.event.as_ref().map(|event| event.epoch).or(before.map(|position| position.epoch))?;
        Some(LogPosition { epoch, ms, n })
    }
}

/// `"no_lease"`, nothing, or `[[stream, [[id, [field, value, …]], …]]]` (as a map under RESP3).
fn parse_batch(answer: Value) -> Result<Batch, BusError> {
    if answer.as_str().as_deref() == Some("no_lease") {
        return Ok(Batch::NoLease);
    }
    if answer.is_null() {
        return Ok(Batch::Entries(Vec::new()));
    }
    let streams = answer.into_array();
    let entries = streams.into_iter().next().and_then(|stream| stream.into_array().into_iter().nth(1));
    let entries = entries.ok_or_else(|| BusError::Protocol("log".to_owned()))?.into_array();
    Ok(Batch::Entries(entries.into_iter().filter_map(parse_log_entry).collect()))
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
        .and_then(|(room, entry)| wire::parse_entry(room, entry));
    Some(Entry { id, event })
}
