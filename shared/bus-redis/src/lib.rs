//! The bus between processes: Redis scripts, streams and channels, through one command connection and one
//! subscriber connection per process; on Redis Cluster one of each to every master.
//!
//! `append.lua` is the heart: one call, one round trip, one slot. See `scripts.rs` for what happens when the
//! server loses data, and [`crate::keys`] for the names. One Redis, Sentinel and Redis Cluster differ here only in
//! who the scripts are loaded on and in whether channels are sharded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use fred::clients::Client;
use fred::interfaces::{ClientLike, HashesInterface, KeysInterface, LuaInterface, StreamsInterface};
use fred::types::{FromValue, Value};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_bus::limits::{DEDUPE_BUCKET, SIGNALS_MAX};
use rookery_bus::pace::{MessageCost, RoomRateLimit};
use rookery_bus::signal::Signal;
use rookery_bus::{
    Append, AppendError, Appended, Began, Bus, Head, Mark, OpenError, PartitionOpening, PartitionState, Partitions,
    RoomLog, RoomSeed,
};
use rookery_protocol::access::{Posting, Rights};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, Partition, RoomId, Seq};
use rookery_protocol::limits::{LOG_ENTRIES_MAX, PARTITIONS, ROOM_EPOCHS_MAX, TAIL_EVENTS_MAX};
use rookery_protocol::partition::partition_of;
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::{Notify, broadcast};

use crate::limits::{
    APPEND_ATTEMPTS, REDIS_ATTEMPTS, REDIS_CALLS_AT_ONCE, REDIS_LAYOUT, REDIS_MESSAGES_MAX, REDIS_NEWS_MAX, TAIL_LIFE,
};

mod address;
mod client;
mod codec;
pub mod entry;
mod failures;
mod figures;
pub mod keys;
pub mod limits;
pub mod log;
mod marks;
pub mod metrics;
mod nodes;
mod presence;
mod pub_sub;
mod quota;
mod removal;
mod scripts;
mod subscriber;
pub mod survey;
mod tickets;
mod wakeups;

use self::metrics::METRICS;
pub use address::{RedisAddress, TLS_SETTINGS};
use client::{WaitedFor, is_unknown_script, unavailable, unless_moved, was_moved};
use scripts::{Scripts, ScriptsOfServers};

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// The address, and how to speak TLS there.
    pub url: RedisAddress,
    /// How fast one user may talk in one room.
    pub pace: RoomRateLimit,
}

/// The bus over Redis.
pub struct RedisBus {
    commands: Client,
    subscriber: Client,
    channels: Mutex<HashSet<String>>,
    /// Partitions moved to other servers since the channels were subscribed to.
    moved: Notify,
    scripts: ScriptsOfServers,
    signals: broadcast::Sender<Signal>,
    wakeups: wakeups::Wakeups,
    marks: marks::Marks,
    pace: RoomRateLimit,
    leases: Mutex<presence::KnownLeases>,
}

impl RedisBus {
    /// Starts both connections and keeps them up in the background until the process stops. Returns at once:
    /// while Redis is away, calls answer [`BusError::Unavailable`].
    pub fn connect(options: &RedisOptions, shutdown: &Shutdown) -> Result<Arc<Self>, BusError> {
        let bus = Arc::new(Self {
            commands: client::build(&options.url, REDIS_NEWS_MAX)?,
            subscriber: client::build(&options.url, REDIS_MESSAGES_MAX)?,
            channels: Mutex::default(),
            moved: Notify::new(),
            scripts: ScriptsOfServers::default(),
            signals: broadcast::Sender::new(SIGNALS_MAX),
            wakeups: wakeups::Wakeups::default(),
            marks: marks::Marks::default(),
            pace: options.pace,
            leases: Mutex::default(),
        });
        subscriber::start(&bus, shutdown);
        Ok(bus)
    }

    /// Refuses to work on data that was written with another number of partitions, or in another layout.
    pub async fn check_layout(&self) -> Result<(), BusError> {
        let theirs = self.agree(keys::partition_count(), PARTITIONS).await?;
        if theirs != PARTITIONS.to_string() {
            return Err(BusError::Protocol(format!("this cluster has {theirs} partitions, not {PARTITIONS}")));
        }
        let theirs = self.agree(keys::layout(), REDIS_LAYOUT).await?;
        if theirs != REDIS_LAYOUT.to_string() {
            let ours = format!("this program knows layout {REDIS_LAYOUT}");
            return Err(BusError::Protocol(format!("what is in Redis has layout {theirs}, and {ours}")));
        }
        Ok(())
    }

    /// The database that the data on Redis belongs to, as it was noted last.
    pub async fn timeline(&self) -> Result<Option<String>, BusError> {
        self.commands.get(keys::timeline()).await.map_err(|error| unavailable(&error))
    }

    /// Notes it.
    pub async fn record_timeline(&self, text: &str) -> Result<(), BusError> {
        let set = self.commands.set(keys::timeline(), text, None, None, false).await;
        set.map_err(|error| unavailable(&error))
    }

    /// What all processes of a cluster agree on: ours, unless somebody was first.
    async fn agree(&self, key: &'static str, ours: u16) -> Result<String, BusError> {
        let ours = ours.to_string();
        let _: Value = self
            .commands
            .set(key, ours.as_str(), None, Some(fred::types::SetOptions::NX), false)
            .await
            .map_err(|error| unavailable(&error))?;
        self.commands.get(key).await.map_err(|error| unavailable(&error))
    }

    /// Runs a script on the server that has the partition. Where that is another one than before, or an empty one
    /// in its place, learns which and tries again: the script did nothing.
    async fn run<R: FromValue + Send + 'static>(
        &self,
        partition: Partition,
        pick: fn(&Scripts) -> &str,
        keys: Vec<String>,
        args: Vec<String>,
    ) -> Result<R, BusError> {
        self.run_at_most(REDIS_ATTEMPTS, partition, pick, (keys, args)).await
    }

    async fn run_at_most<R: FromValue + Send + 'static>(
        &self,
        attempts: usize,
        partition: Partition,
        pick: fn(&Scripts) -> &str,
        call: (Vec<String>, Vec<String>),
    ) -> Result<R, BusError> {
        let timer = METRICS.call_seconds.start_timer();
        let outcome = self.insist(attempts, partition, pick, call).await;
        if outcome.is_ok() {
            timer.observe_duration();
        } else {
            timer.stop_and_discard();
            METRICS.failures.inc();
        }
        outcome
    }

    async fn insist<R: FromValue + Send + 'static>(
        &self,
        attempts: usize,
        partition: Partition,
        pick: fn(&Scripts) -> &str,
        (keys, args): (Vec<String>, Vec<String>),
    ) -> Result<R, BusError> {
        for _ in 1..attempts {
            let scripts = self.scripts.of(&self.commands, partition).await?;
            match self.evaluate(&scripts, pick, &keys, &args).await {
                Err(error) if is_unknown_script(&error) => self.scripts.remove(&scripts),
                Err(error) if was_moved(&error) => {}
                outcome => return outcome.map_err(|error| unavailable(&error)),
            }
        }
        let scripts = self.scripts.of(&self.commands, partition).await?;
        let outcome = self.evaluate(&scripts, pick, &keys, &args).await;
        if matches!(&outcome, Err(error) if is_unknown_script(error)) {
            self.scripts.remove(&scripts);
        }
        outcome.map_err(|error| unavailable(&error))
    }

    async fn evaluate<R: FromValue + Send + 'static>(
        &self,
        scripts: &Scripts,
        pick: fn(&Scripts) -> &str,
        keys: &[String],
        args: &[String],
    ) -> Result<R, fred::error::Error> {
        let with_fence: Vec<String> = std::iter::once(scripts.fence.clone()).chain(args.iter().cloned()).collect();
        let (client, hash, keys) = (self.commands.clone(), pick(scripts).to_owned(), keys.to_vec());
        WaitedFor::new(async move { client.evalsha(hash, keys, with_fence).await }).await
    }

    async fn heads_of_partition(
        &self,
        partition: Partition,
        rooms: Vec<RoomId>,
    ) -> Result<HashMap<RoomId, Option<Head>>, BusError> {
        let keys = std::iter::once(keys::partition(partition)).chain(rooms.iter().map(|room| keys::room(*room)));
        let rows: Vec<String> = self.run(partition, |scripts| &scripts.heads, keys.collect(), Vec::new()).await?;
        Ok(rooms.into_iter().zip(rows.iter().map(|row| codec::parse_head(row))).collect())
    }

    /// The arguments of `append.lua` from `cost` to `settings_archived`.
    fn limits_of(&self, append: &Append) -> [String; 9] {
        let is_moderator = matches!(append.rights, Rights::Moderator(_));
        let [version, slow_mode_ms, frozen, posting, archived] =
            append.event.body.settings().map(settings_args).unwrap_or_default();
        [
            MessageCost::of(&append.event.body).as_str().to_owned(),
            self.pace.interval_ms.to_string(),
            self.pace.credit_ms().to_string(),
            u8::from(is_moderator).to_string(),
            version,
            slow_mode_ms,
            frozen,
            posting,
            archived,
        ]
    }

    fn emit(&self, signal: Signal) {
        // Without a listener there is nobody to notify.
        self.signals.send(signal).ok();
    }
}

#[async_trait]
impl RoomLog for RedisBus {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let room = append.room;
        let partition = partition_of(room);
        self.marks.want(partition);
        let (rights, acl) = match append.rights {
            Rights::At(acl) | Rights::Moderator(acl) => ("at", acl),
            Rights::Raise(acl) => ("raise", acl),
            Rights::Keep => ("keep", AclVersion::default()),
        };
        let [current, previous] = keys::dedupe(room, UnixMillis::now());
        // Both in the order in which the script names them.
        let keys = vec![
            keys::partition(partition),
            keys::room(room),
            keys::tail(room),
            keys::log(partition),
            current,
            previous,
            keys::pace(room, append.event.user_id),
        ];
        let mut args = vec![
            format!("{}:{}", append.event.user_id.as_uuid().simple(), append.client_id.as_str()),
            rights.to_owned(),
            acl.0.to_string(),
            append.event.id.to_string(),
            append.event.to_log_json(),
            room.to_string(),
            keys::room_channel(room),
            keys::wake_channel(partition),
            TAIL_EVENTS_MAX.to_string(),
            TAIL_LIFE.as_secs().to_string(),
            (DEDUPE_BUCKET * 2).as_secs().to_string(),
            LOG_ENTRIES_MAX.to_string(),
        ];
        args.extend(self.limits_of(&append));
        args.push(append.epoch.map(|epoch| epoch.0.to_string()).unwrap_or_default());
        args.push(u8::from(append.event.body.deletion().is_some()).to_string());
        let answer: Vec<String> = self
            .run_at_most(APPEND_ATTEMPTS, partition, |scripts| &scripts.append, (keys, args))
            .await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match *answer.as_slice() {
            ["appended" | "repeated", ..] => {
                codec::parse_place(&answer).ok_or_else(|| BusError::Protocol("place".to_owned()).into())
            }
            ["not_open"] => Err(AppendError::NotOpen),
            ["stale_rights"] => Err(AppendError::StaleRights),
            ["overloaded"] => Err(AppendError::Overloaded),
            ["reused"] => Err(AppendError::Reused),
            ["refused", "frozen"] => Err(AppendError::Refused(ErrorCode::Frozen)),
            ["refused", "archived"] => Err(AppendError::Refused(ErrorCode::Archived)),
            ["refused", "posting_restricted"] => Err(AppendError::Refused(ErrorCode::PostingRestricted)),
            ["refused", "unknown_room"] => Err(AppendError::Refused(ErrorCode::UnknownRoom)),
            [limit @ ("rate_limited" | "slow_mode"), wait] => Err(codec::parse_wait(limit, wait)),
            _ => Err(BusError::Protocol("append".to_owned()).into()),
        }
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BusError> {
        let mut by_partition: BTreeMap<Partition, Vec<RoomId>> = BTreeMap::new();
        for room in rooms {
            by_partition.entry(partition_of(*room)).or_default().push(*room);
        }
        let found: Vec<HashMap<RoomId, Option<Head>>> = stream::iter(by_partition)
            .map(|(partition, rooms)| self.heads_of_partition(partition, rooms))
            .buffer_unordered(REDIS_CALLS_AT_ONCE)
            .try_collect()
            .await?;
        let found: HashMap<RoomId, Option<Head>> = found.into_iter().flatten().collect();
        Ok(rooms.iter().map(|room| found.get(room).copied().flatten()).collect())
    }

    async fn range(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<SequencedEvent>, BusError> {
        let first = format!("{}-0", after.next());
        let count = u64::try_from(limit).unwrap_or(u64::MAX);
        let read = || self.commands.xrange_values(keys::tail(room), first.clone(), "+", Some(count));
        let entries: Vec<(String, HashMap<String, String>)> = unless_moved(read).await?;
        Ok(entries
            .iter()
            .flat_map(|(_, fields)| fields)
            .filter_map(|(_, entry)| codec::parse_entry(room, entry))
            .collect())
    }

    async fn epochs(&self, room: RoomId) -> Result<Vec<Began>, BusError> {
        let read = || self.commands.hget(keys::room(room), "began");
        let found: Option<String> = unless_moved(read).await?;
        Ok(found.map(|text| codec::parse_epochs(&text)).unwrap_or_default())
    }

    async fn forget_stored(&self, room: RoomId) -> Result<(), BusError> {
        let read = || self.commands.hget(keys::room(room), "stored");
        let stored: Option<String> = unless_moved(read).await?;
        // Numbers only grow, also over epochs: what is up to this one now is so for ever.
        let Some(stored) = stored.as_deref().and_then(codec::parse_seq) else { return Ok(()) };
        let first = format!("{}-0", stored.next());
        let trim = || self.commands.xtrim(keys::tail(room), ("MINID", "=", first.clone()));
        let _trimmed: u64 = unless_moved(trim).await?;
        Ok(())
    }

    async fn stored(&self, partition: Partition) -> Result<Option<Mark>, BusError> {
        marks::read(self, partition).await
    }
}

#[async_trait]
impl Partitions for RedisBus {
    async fn partition(&self, partition: Partition) -> Result<PartitionState, BusError> {
        let keys = vec![keys::partition(partition), keys::log(partition)];
        let answer: Vec<String> = self.run(partition, |scripts| &scripts.partition, keys, Vec::new()).await?;
        match answer.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["open", epoch] => {
                let epoch = epoch.parse().map_err(|_| BusError::Protocol("partition".to_owned()))?;
                Ok(PartitionState::Open(Epoch(epoch)))
            }
            ["unstored"] => Ok(PartitionState::Unstored),
            ["closed", fence] => Ok(PartitionState::Closed((*fence).to_owned())),
            _ => Err(BusError::Protocol("partition".to_owned())),
        }
    }

    async fn open_partition(&self, partition: Partition, epoch: Epoch) -> Result<PartitionOpening, BusError> {
        let keys = vec![keys::partition(partition), keys::log(partition)];
        let args = vec![epoch.0.to_string(), keys::marks_channel(partition)];
        let answer: String = self.run(partition, |scripts| &scripts.open_partition, keys, args).await?;
        match answer.as_str() {
            "open" | "opened" => Ok(PartitionOpening::Open),
            "unstored" => Ok(PartitionOpening::Unstored),
            _ => Err(BusError::Protocol(format!("epoch {epoch} refused: {answer}"))),
        }
    }

    async fn open_room(&self, room: RoomId, seed: RoomSeed) -> Result<(), OpenError> {
        let partition = partition_of(room);
        let keys = vec![keys::partition(partition), keys::room(room), keys::tail(room)];
        let mut args = vec![seed.last.seq.to_string(), seed.acl.0.to_string()];
        args.extend(settings_args(seed.settings));
        let read_in = seed.epoch.map(|epoch| epoch.0.to_string()).unwrap_or_default();
        args.extend([seed.last.epoch.0.to_string(), read_in, ROOM_EPOCHS_MAX.to_string()]);
        let answer: String = self.run(partition, |scripts| &scripts.open_room, keys, args).await?;
        match answer.as_str() {
            "open" | "opened" => Ok(()),
            "partition_not_open" => Err(OpenError::PartitionNotOpen),
            _ => Err(BusError::Protocol("open_room".to_owned()).into()),
        }
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn ping(&self) -> Result<(), BusError> {
        self.commands.ping::<String>(None).await.map(|_| ()).map_err(|error| unavailable(&error))
    }
}

fn settings_args(settings: RoomSettings) -> [String; 5] {
    let RoomSettings { version, slow_mode_ms, frozen, posting, archived } = settings;
    let posting = match posting {
        Posting::Members => "members",
        Posting::Moderators => "moderators",
    };
    let [frozen, archived] = [frozen, archived].map(|flag| u8::from(flag).to_string());
    [version.0.to_string(), slow_mode_ms.to_string(), frozen, posting.to_owned(), archived]
}
