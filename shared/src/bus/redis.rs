//! The bus between processes: Redis scripts, streams and channels, through one command connection and one
//! subscriber connection per process.
//!
//! `append.lua` is the heart: one call, one round trip, one slot. See `redis/scripts.rs` for what happens when the
//! server loses data, and [`crate::keys`] for the names.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use fred::clients::Client;
use fred::interfaces::{ClientLike, HashesInterface, KeysInterface, LuaInterface, PubsubInterface, StreamsInterface};
use fred::types::{FromValue, Value};
use parking_lot::{Mutex, RwLock};
use secrecy::SecretString;
use tokio::sync::{Notify, broadcast};

use crate::bus::{
    Append, AppendError, Appended, Bus, BusError, Head, OpenError, PartitionOpening, Revoked, Rights, RoomSeed, Signal,
};
use crate::clock::UnixMillis;
use crate::event::{RoomSettings, SequencedEvent};
use crate::id::{AclVersion, Epoch, LogPosition, Partition, RoomId, Seq, UserId};
use crate::keys;
use crate::limits::{DEDUPE_BUCKET, LOG_ENTRIES_MAX, PARTITIONS, SIGNALS_MAX, TAIL_EVENTS_MAX, TAIL_LIFE};
use crate::pace::{Load, Pace};
use crate::shutdown::Shutdown;

mod client;
pub mod log;
mod scripts;
mod subscriber;
mod wire;

use client::{is_unknown_script, unavailable};
use scripts::Scripts;

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// `redis://[user:password@]host:port[/db]`.
    pub url: SecretString,
    /// How fast one user may talk in one room.
    pub pace: Pace,
}

/// See the module's text.
pub struct RedisBus {
    commands: Client,
    subscriber: Client,
    channels: Mutex<HashSet<String>>,
    scripts: RwLock<Option<Arc<Scripts>>>,
    signals: broadcast::Sender<Signal>,
    wakes: Vec<Notify>,
    pace: Pace,
}

impl RedisBus {
    /// Starts both connections and keeps them up in the background until the process stops. Returns at once:
    /// while Redis is away, calls answer [`BusError::Unavailable`].
    pub fn connect(options: &RedisOptions, shutdown: &Shutdown) -> Result<Arc<Self>, BusError> {
        let bus = Arc::new(Self {
            commands: client::build(&options.url)?,
            subscriber: client::build(&options.url)?,
            channels: Mutex::new(keys::partitions().map(keys::control_channel).collect()),
            scripts: RwLock::new(None),
            signals: broadcast::Sender::new(SIGNALS_MAX),
            wakes: keys::partitions().map(|_| Notify::new()).collect(),
            pace: options.pace,
        });
        subscriber::start(&bus, shutdown);
        Ok(bus)
    }

    /// Waits until a partition's log may have something to read. May return early.
    pub async fn woken(&self, partition: Partition) {
        if let Some(wake) = self.wakes.get(usize::from(partition.0)) {
            wake.notified().await;
        }
    }

    /// Refuses to work on data that was written with another number of partitions.
    pub async fn check_partitions(&self) -> Result<(), BusError> {
        let ours = PARTITIONS.to_string();
        let key = keys::partition_count();
        let _: Value = self
            .commands
            .set(key, ours.as_str(), None, Some(fred::types::SetOptions::NX), false)
            .await
            .map_err(|error| unavailable(&error))?;
        let theirs: String = self.commands.get(key).await.map_err(|error| unavailable(&error))?;
        if theirs == ours {
            Ok(())
        } else {
            Err(BusError::Protocol(format!("this cluster has {theirs} partitions, not {ours}")))
        }
    }

    async fn scripts(&self) -> Result<Arc<Scripts>, BusError> {
        let known = self.scripts.read().clone();
        if let Some(scripts) = known {
            return Ok(scripts);
        }
        let scripts = Arc::new(Scripts::load(&self.commands).await?);
        *self.scripts.write() = Some(Arc::clone(&scripts));
        Ok(scripts)
    }

    /// Runs a script; where the server is a new one, loads the scripts there and tries once more.
    async fn run<R: FromValue>(
        &self,
        pick: fn(&Scripts) -> &str,
        keys: Vec<String>,
        args: Vec<String>,
    ) -> Result<R, BusError> {
        let mut again = true;
        loop {
            let scripts = self.scripts().await?;
            let with_fence: Vec<String> = std::iter::once(scripts.fence.clone()).chain(args.iter().cloned()).collect();
            match self.commands.evalsha(pick(&scripts), keys.clone(), with_fence).await {
                Err(error) if is_unknown_script(&error) && again => {
                    again = false;
                    *self.scripts.write() = None;
                }
                outcome => return outcome.map_err(|error| unavailable(&error)),
            }
        }
    }

    /// The library answers a SUBSCRIBE before the server has seen it. Commands of one connection are carried out in
    /// order, so an answered PING says that the server has.
    async fn confirm_subscriptions(&self) -> Result<(), BusError> {
        self.subscriber
            .ping::<String>(None)
            .await
            .map(|_| ())
            .map_err(|error| unavailable(&error))
    }

    /// The arguments of the block of `append.lua` that is about limits and settings.
    fn limits_of(&self, append: &Append) -> [String; 7] {
        let keeps_order = matches!(append.rights, Rights::Office(_));
        let [version, slow_mode_ms, frozen] = append.event.body.settings().map(settings_args).unwrap_or_default();
        [
            Load::of(&append.event.body).as_str().to_owned(),
            self.pace.interval_ms.to_string(),
            self.pace.credit_ms().to_string(),
            u8::from(keeps_order).to_string(),
            version,
            slow_mode_ms,
            frozen,
        ]
    }

    fn tell(&self, signal: Signal) {
        // Without a listener there is nobody to tell.
        self.signals.send(signal).ok();
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let room = append.room;
        let partition = keys::partition_of(room);
        let (rights, acl) = match append.rights {
            Rights::At(acl) | Rights::Office(acl) => ("at", acl),
            Rights::Raise(acl) => ("raise", acl),
            Rights::Keep => ("keep", AclVersion::default()),
        };
        let [current, previous] = keys::dedupe(room, UnixMillis::now());
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
            append.event.to_json(),
            room.to_string(),
            keys::room_channel(room),
            keys::control_channel(partition),
            TAIL_EVENTS_MAX.to_string(),
            TAIL_LIFE.as_secs().to_string(),
            (DEDUPE_BUCKET * 2).as_secs().to_string(),
            LOG_ENTRIES_MAX.to_string(),
        ];
        args.extend(self.limits_of(&append));
        let answer: Vec<String> = self.run(|scripts| &scripts.append, keys, args).await?;
        let mut answer = answer.iter().map(String::as_str);
        match (answer.next(), answer.next()) {
            (Some("appended"), Some(place)) => parse_place(place, false),
            (Some("repeated"), Some(place)) => parse_place(place, true),
            (Some("not_open"), _) => Err(AppendError::NotOpen),
            (Some("stale_rights"), _) => Err(AppendError::StaleRights),
            (Some("overloaded"), _) => Err(AppendError::Overloaded),
            (Some("frozen"), _) => Err(AppendError::Frozen),
            (Some(limit @ ("rate_limited" | "slow_mode")), Some(wait)) => Err(wire::parse_wait(limit, wait)),
            (Some(_) | None, _) => Err(BusError::Protocol("append".to_owned()).into()),
        }
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BusError> {
        let fence = self.scripts().await?.fence.clone();
        let pipeline = self.commands.pipeline();
        for room in rooms {
            let failed = |error: fred::error::Error| unavailable(&error);
            let partition = keys::partition(keys::partition_of(*room));
            let _: () = pipeline.hmget(partition, vec!["fence", "epoch"]).await.map_err(failed)?;
            let _: () = pipeline.hmget(keys::room(*room), vec!["epoch", "seq", "stored"]).await.map_err(failed)?;
        }
        let rows: Vec<Vec<Option<String>>> = if rooms.is_empty() {
            Vec::new()
        } else {
            pipeline.all().await.map_err(|error| unavailable(&error))?
        };
        Ok(rows.chunks_exact(2).map(|pair| parse_head(&fence, &pair[0], &pair[1])).collect())
    }

    async fn range(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<SequencedEvent>, BusError> {
        let first = format!("{}-0", after.next());
        let count = u64::try_from(limit).unwrap_or(u64::MAX);
        let entries: Vec<(String, Vec<(String, String)>)> = self
            .commands
            .xrange_values(keys::tail(room), first, "+", Some(count))
            .await
            .map_err(|error| unavailable(&error))?
            .into_iter()
            .map(|(id, fields): (String, std::collections::HashMap<String, String>)| (id, fields.into_iter().collect()))
            .collect();
        Ok(entries
            .iter()
            .flat_map(|(_, fields)| fields)
            .filter_map(|(_, entry)| wire::parse_entry(room, entry))
            .collect())
    }

    async fn subscribe(&self, room: RoomId) -> Result<(), BusError> {
        let channel = keys::room_channel(room);
        // Remembered first, so that a reconnect in between subscribes it too.
        self.channels.lock().insert(channel.clone());
        self.subscriber.subscribe(channel).await.map_err(|error| unavailable(&error))?;
        self.confirm_subscriptions().await
    }

    async fn unsubscribe(&self, room: RoomId) -> Result<(), BusError> {
        let channel = keys::room_channel(room);
        self.channels.lock().remove(&channel);
        self.subscriber.unsubscribe(channel).await.map_err(|error| unavailable(&error))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn stored(&self, partition: Partition) -> Result<Option<LogPosition>, BusError> {
        let mark: Option<String> = self
            .commands
            .hget(keys::partition(partition), "mark")
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(mark.as_deref().and_then(wire::parse_mark))
    }

    async fn open_room(&self, room: RoomId, seed: RoomSeed) -> Result<(), OpenError> {
        let keys = vec![keys::partition(keys::partition_of(room)), keys::room(room), keys::tail(room)];
        let mut args = vec![seed.stored.to_string(), seed.acl.0.to_string()];
        args.extend(settings_args(seed.settings));
        let answer: String = self.run(|scripts| &scripts.open_room, keys, args).await?;
        match answer.as_str() {
            "open" | "opened" => Ok(()),
            "partition_not_open" => Err(OpenError::PartitionNotOpen),
            _ => Err(BusError::Protocol("open_room".to_owned()).into()),
        }
    }

    async fn open_partition(&self, partition: Partition, epoch: Epoch) -> Result<PartitionOpening, BusError> {
        let keys = vec![keys::partition(partition), keys::log(partition)];
        let answer: String = self.run(|scripts| &scripts.open_partition, keys, vec![epoch.0.to_string()]).await?;
        match answer.as_str() {
            "open" | "opened" => Ok(PartitionOpening::Open),
            "unstored" => Ok(PartitionOpening::Unstored),
            _ => Err(BusError::Protocol(format!("epoch {epoch} refused: {answer}"))),
        }
    }

    async fn subscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        let channels: Vec<String> = users.iter().map(|user| keys::user_channel(*user)).collect();
        // Remembered first, so that a reconnect in between subscribes them too.
        self.channels.lock().extend(channels.iter().cloned());
        self.subscriber.subscribe(channels).await.map_err(|error| unavailable(&error))
    }

    async fn unsubscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        let channels: Vec<String> = users.iter().map(|user| keys::user_channel(*user)).collect();
        self.channels.lock().retain(|channel| !channels.contains(channel));
        self.subscriber.unsubscribe(channels).await.map_err(|error| unavailable(&error))
    }

    async fn revoke(&self, user: UserId, revoked: Revoked) -> Result<(), BusError> {
        let told = self.commands.publish(keys::user_channel(user), wire::revocation(revoked)).await;
        told.map(|_: Value| ()).map_err(|error| unavailable(&error))
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.commands.ping::<String>(None).await.map(|_| ()).map_err(|error| unavailable(&error))
    }
}

fn settings_args(settings: RoomSettings) -> [String; 3] {
    let RoomSettings { version, slow_mode_ms, frozen } = settings;
    [version.0.to_string(), slow_mode_ms.to_string(), u8::from(frozen).to_string()]
}

fn parse_place(place: &str, repeated: bool) -> Result<Appended, AppendError> {
    wire::parse_place(place, repeated).ok_or_else(|| BusError::Protocol("place".to_owned()).into())
}

fn parse_head(fence: &str, partition: &[Option<String>], room: &[Option<String>]) -> Option<Head> {
    let open = partition.first()?.as_deref() == Some(fence) && partition.get(1) == room.first();
    let epoch = Epoch(room.first()?.as_deref()?.parse().ok()?);
    let seq = wire::parse_seq(room.get(1)?.as_deref()?)?;
    let stored = room.get(2)?.as_deref().and_then(wire::parse_seq).unwrap_or_default();
    open.then_some(Head { epoch, seq, stored })
}
