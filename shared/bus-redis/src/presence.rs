//! Presence on Redis: one hash for all leases, one for each user and each room, and for each lease and partition a set of
//! what it has written there. Many users or rooms of one partition are one call.
//!
//! Which leases live is remembered until one of them would end; a lease that is not among those is asked about once
//! before anything is concluded from it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fred::interfaces::{HashesInterface, SetsInterface};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rookery_bus::error::BusError;
use rookery_bus::limits::{PRESENCE_CALL_MAX, REAP_CLAIM};
use rookery_bus::presence::{Change, LeaseEntries, LeaseTerm, Leases, Occupancy, PresenceStore, Setting, UserPresence};
use rookery_bus::signal::EphemeralSignal;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{LeaseId, Partition, RoomId, UserId};
use rookery_protocol::partition::{partition_of, partition_of_user};

use super::RedisBus;
use super::client::unless_moved;
use crate::codec;
use crate::keys::{self, LEASES_PARTITION};
use crate::limits::{PRESENCE_KEPT, REDIS_CALLS_AT_ONCE};

/// The leases as last read, with the end of each.
pub(super) type KnownLeases = HashMap<LeaseId, Instant>;

type Hash = Vec<String>;

impl RedisBus {
    async fn ask_leases(&self, lease: Option<LeaseId>, term: LeaseTerm) -> Result<Leases, BusError> {
        let args = vec![
            lease.map(id).unwrap_or_default(),
            term.life.as_millis().to_string(),
            u8::from(term.first).to_string(),
            REAP_CLAIM.as_millis().to_string(),
        ];
        let rows: Vec<String> =
            self.run(LEASES_PARTITION, |scripts| &scripts.leases, vec![keys::leases()], args).await?;
        let (held, rows) = rows.split_first().ok_or_else(|| nonsense("leases"))?;
        let rows: Option<Vec<Row>> = rows.iter().map(|row| parse_lease(row)).collect();
        let rows = rows.ok_or_else(|| nonsense("leases"))?;
        let now = Instant::now();
        let living = rows.iter().filter_map(|row| Some((row.lease, now + row.rest?)));
        *self.leases.lock() = living.collect();
        let others = rows.iter().filter(|row| Some(row.lease) != lease);
        Ok(Leases {
            held: held == "1",
            claimed: rows.iter().filter(|row| row.claimed).map(|row| row.lease).collect(),
            next_end: others.filter_map(|row| row.rest).min(),
        })
    }

    async fn look_at_leases(&self) -> Result<(), BusError> {
        self.ask_leases(None, LeaseTerm { life: Duration::ZERO, first: false }).await.map(drop)
    }

    fn is_living(&self, lease: &str) -> bool {
        let known = lease.parse().ok().and_then(|lease| self.leases.lock().get(&lease).copied());
        known.is_some_and(|ends| ends >= Instant::now())
    }

    fn living(&self) -> String {
        let now = Instant::now();
        let leases = self.leases.lock();
        let living = leases.iter().filter(|(_, ends)| **ends >= now).map(|(lease, _)| id(*lease));
        living.collect::<Vec<_>>().join(",")
    }

    /// One call; none for those that depend on leases this process has to ask about.
    async fn change_some(
        &self,
        lease: Option<LeaseId>,
        partition: Partition,
        changes: &[(UserId, Change)],
        sure: bool,
    ) -> Result<Vec<Option<UserPresence>>, BusError> {
        let users = changes.iter().map(|(user, _)| keys::user_presence(*user));
        // Without a lease nothing is written there.
        let written = keys::presence_of_lease(partition, lease.unwrap_or(NOBODY));
        let mut args = vec![
            lease.map(id).unwrap_or_default(),
            self.living(),
            u8::from(sure).to_string(),
            PRESENCE_KEPT.as_millis().to_string(),
        ];
        args.extend(changes.iter().flat_map(|(user, change)| arguments(*user, change)));
        let keys = std::iter::once(written).chain(users).collect();
        let rows: Vec<String> = self.run(partition, |scripts| &scripts.presence, keys, args).await?;
        if rows.len() != changes.len() {
            return Err(nonsense("presence"));
        }
        let parse = |((user, _), row): (&(UserId, Change), String)| match row.as_str() {
            "unknown" => Ok(None),
            row => codec::parse_presence(*user, row).map(Some).ok_or_else(|| nonsense("presence")),
        };
        changes.iter().zip(rows).map(parse).collect()
    }

    async fn change_all(
        &self,
        lease: Option<LeaseId>,
        changes: Vec<(UserId, Change)>,
        sure: bool,
    ) -> Result<HashMap<UserId, Option<UserPresence>>, BusError> {
        let calls = by_partition(changes, |(user, _)| partition_of_user(*user));
        let answers: Vec<_> = stream::iter(calls)
            .map(|(partition, changes)| async move {
                let found = self.change_some(lease, partition, &changes, sure).await?;
                Ok::<_, BusError>(changes.into_iter().map(|(user, _)| user).zip(found).collect::<Vec<_>>())
            })
            .buffer_unordered(REDIS_CALLS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn hashes<T: Copy>(
        &self,
        things: &[T],
        place: fn(&T) -> Partition,
        key: fn(T) -> String,
    ) -> Result<Vec<(T, Hash)>, BusError> {
        let calls = by_partition(things.to_vec(), place);
        let found: Vec<Vec<(T, Hash)>> = stream::iter(calls)
            .map(|(partition, things)| async move {
                let keys = things.iter().map(|thing| key(*thing)).collect();
                let rows: Vec<Hash> = self.run(partition, |scripts| &scripts.hashes, keys, Vec::new()).await?;
                Ok::<_, BusError>(things.into_iter().zip(rows).collect())
            })
            .buffer_unordered(REDIS_CALLS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Asks about leases where one of the hashes names one that is not known to live.
    async fn know_leases(&self, hashes: impl Iterator<Item = &Hash>) -> Result<(), BusError> {
        let names = hashes.flat_map(|hash| hash.chunks_exact(2)).map(|field| field[0].as_str());
        let mut doubtful = names.filter(|name| name.parse::<LeaseId>().is_ok_and(|_| !self.is_living(name)));
        if doubtful.next().is_some() { self.look_at_leases().await } else { Ok(()) }
    }

    fn read_user(&self, user: UserId, hash: &Hash) -> UserPresence {
        let mut found = UserPresence::unknown(user);
        for field in hash.chunks_exact(2) {
            match field[0].as_str() {
                "s" => found.setting = serde_json::from_str(&field[1]).ok(),
                "seen" => found.seen = field[1].parse().ok().map(UnixMillis),
                lease => found.online |= self.is_living(lease),
            }
        }
        found
    }

    fn read_room(&self, hash: &Hash) -> Vec<Occupancy> {
        let living = hash.chunks_exact(2).filter(|field| self.is_living(&field[0]));
        living.filter_map(|field| serde_json::from_str(&field[1]).ok()).collect()
    }
}

#[async_trait]
impl PresenceStore for RedisBus {
    async fn hold(&self, lease: LeaseId, term: LeaseTerm) -> Result<Leases, BusError> {
        self.ask_leases(Some(lease), term).await
    }

    async fn change(
        &self,
        lease: Option<LeaseId>,
        changes: &[(UserId, Change)],
    ) -> Result<Vec<UserPresence>, BusError> {
        let mut found = self.change_all(lease, changes.to_vec(), false).await?;
        let is_missing = |user: &UserId| found.get(user).is_some_and(Option::is_none);
        let again: Vec<_> = changes.iter().filter(|(user, _)| is_missing(user)).cloned().collect();
        if !again.is_empty() {
            self.look_at_leases().await?;
            found.extend(self.change_all(lease, again, true).await?);
        }
        let answers = changes.iter().map(|(user, _)| found.get(user).cloned().flatten());
        answers.map(|answer| answer.ok_or_else(|| nonsense("presence"))).collect()
    }

    async fn users(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let found = self.hashes(users, |user| partition_of_user(*user), keys::user_presence).await?;
        self.know_leases(found.iter().map(|(_, hash)| hash)).await?;
        let found: HashMap<UserId, Hash> = found.into_iter().collect();
        let read = |user: &UserId| {
            let hash = found.get(user);
            hash.map_or_else(|| UserPresence::unknown(*user), |hash| self.read_user(*user, hash))
        };
        Ok(users.iter().map(read).collect())
    }

    async fn occupy(&self, lease: LeaseId, rooms: &[(RoomId, Option<Occupancy>)]) -> Result<(), BusError> {
        let calls = by_partition(rooms.to_vec(), |(room, _)| partition_of(*room));
        let calls = stream::iter(calls).map(|(partition, rooms)| async move {
            let occupancies = rooms.iter().map(|(room, _)| keys::occupancy(*room));
            let keys = std::iter::once(keys::presence_of_lease(partition, lease)).chain(occupancies).collect();
            let mut args = vec![id(lease), codec::ephemeral(&EphemeralSignal::Occupancy {})];
            args.extend(rooms.iter().flat_map(|(room, who)| {
                // Ids and texts only: nothing in it can fail to serialise.
                let who = who.as_ref().and_then(|who| serde_json::to_string(who).ok());
                [room.as_uuid().simple().to_string(), keys::room_channel(*room), who.unwrap_or_default()]
            }));
            self.run::<u8>(partition, |scripts| &scripts.occupy, keys, args).await.map(drop)
        });
        calls.buffer_unordered(REDIS_CALLS_AT_ONCE).try_collect().await
    }

    async fn occupants(&self, rooms: &[RoomId]) -> Result<Vec<Vec<Occupancy>>, BusError> {
        let found = self.hashes(rooms, |room| partition_of(*room), keys::occupancy).await?;
        self.know_leases(found.iter().map(|(_, hash)| hash)).await?;
        let found: HashMap<RoomId, Hash> = found.into_iter().collect();
        Ok(rooms
            .iter()
            .map(|room| found.get(room).map(|hash| self.read_room(hash)).unwrap_or_default())
            .collect())
    }

    async fn remains(&self, lease: LeaseId, partition: Partition) -> Result<LeaseEntries, BusError> {
        let key = keys::presence_of_lease(partition, lease);
        let count = Some(PRESENCE_CALL_MAX);
        let found: Vec<String> = unless_moved(|| self.commands.srandmember(key.clone(), count)).await?;
        let mut remains = LeaseEntries::default();
        for entry in found {
            match entry.split_once(':') {
                Some(("u", user)) => remains.users.extend(user.parse::<UserId>()),
                Some(("r", room)) => remains.rooms.extend(room.parse::<RoomId>()),
                Some(_) | None => return Err(nonsense("remains")),
            }
        }
        Ok(remains)
    }

    async fn delete_lease(&self, lease: LeaseId) -> Result<(), BusError> {
        let fields = [id(lease), format!("c:{}", id(lease))];
        unless_moved(|| self.commands.hdel(keys::leases(), fields.to_vec())).await
    }
}

/// Stands where no gateway does; no lease has this name.
const NOBODY: LeaseId = LeaseId::from_uuid(uuid::Uuid::nil());

struct Row {
    lease: LeaseId,
    /// None if it has ended.
    rest: Option<Duration>,
    claimed: bool,
}

/// `<lease> <ms> <0 or 1>`
fn parse_lease(text: &str) -> Option<Row> {
    let mut parts = text.split(' ');
    let lease = parts.next()?.parse().ok()?;
    let rest: i64 = parts.next()?.parse().ok()?;
    let rest = u64::try_from(rest).ok().map(Duration::from_millis);
    Some(Row { lease, rest, claimed: parts.next()? == "1" })
}

fn id(lease: LeaseId) -> String {
    lease.as_uuid().simple().to_string()
}

fn arguments(user: UserId, change: &Change) -> [String; 4] {
    // Texts only: nothing in it can fail to serialise.
    let text = |setting: &Setting| serde_json::to_string(setting).unwrap_or_default();
    let (what, setting) = match change {
        Change::Connect(setting) => ("come", setting.as_ref().map(text).unwrap_or_default()),
        Change::Disconnect => ("go", String::new()),
        Change::SetStatus(setting) => ("say", text(setting)),
    };
    [what.to_owned(), user.as_uuid().simple().to_string(), keys::user_channel(user), setting]
}

fn by_partition<T>(things: Vec<T>, place: impl Fn(&T) -> Partition) -> Vec<(Partition, Vec<T>)> {
    let mut sorted: BTreeMap<Partition, Vec<T>> = BTreeMap::new();
    for thing in things {
        sorted.entry(place(&thing)).or_default().push(thing);
    }
    let mut calls = Vec::with_capacity(sorted.len());
    for (partition, mut things) in sorted {
        while things.len() > PRESENCE_CALL_MAX {
            calls.push((partition, things.split_off(things.len() - PRESENCE_CALL_MAX)));
        }
        calls.push((partition, things));
    }
    calls
}

fn nonsense(what: &str) -> BusError {
    BusError::Protocol(what.to_owned())
}
