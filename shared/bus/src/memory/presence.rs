//! Presence inside one process, for as long as it lives.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{LeaseId, Partition, RoomId, UserId};
use rookery_protocol::partition::{partition_of, partition_of_user};

use super::MemoryBus;
use crate::error::BusError;
use crate::limits::{PRESENCE_CALL_MAX, REAP_CLAIM};
use crate::presence::{Change, LeaseEntries, LeaseTerm, Leases, Occupancy, PresenceStore, Setting, UserPresence};
use crate::signal::{EphemeralSignal, Signal};

/// All that is known.
#[derive(Default)]
pub(super) struct Presences {
    leases: HashMap<LeaseId, Lease>,
    users: HashMap<UserId, Known>,
    rooms: HashMap<RoomId, BTreeMap<LeaseId, Occupancy>>,
}

struct Lease {
    ends: Instant,
    claimed_until: Instant,
}

#[derive(Default)]
struct Known {
    by: HashSet<LeaseId>,
    setting: Option<Setting>,
    seen: Option<UnixMillis>,
}

impl Presences {
    fn is_living(&self, lease: LeaseId) -> bool {
        self.leases.get(&lease).is_some_and(|known| known.ends >= Instant::now())
    }

    fn hold(&mut self, lease: LeaseId, term: LeaseTerm) -> Leases {
        let now = Instant::now();
        let held = term.first || self.is_living(lease);
        if held {
            self.leases.insert(lease, Lease { ends: now + term.life, claimed_until: now });
        }
        let mut claimed = Vec::new();
        for (dead, known) in self.leases.iter_mut().filter(|(_, known)| known.ends < now) {
            if known.claimed_until <= now {
                known.claimed_until = now + REAP_CLAIM;
                claimed.push(*dead);
            }
        }
        let others = self.leases.iter().filter(|(other, known)| **other != lease && known.ends >= now);
        Leases { held, claimed, next_end: others.map(|(_, known)| known.ends - now).min() }
    }

    fn is_online(&self, user: UserId) -> bool {
        let by = self.users.get(&user).into_iter().flat_map(|known| &known.by);
        by.into_iter().any(|lease| self.is_living(*lease))
    }

    fn get(&self, user: UserId) -> UserPresence {
        let online = self.is_online(user);
        let Some(known) = self.users.get(&user) else { return UserPresence::unknown(user) };
        UserPresence { user, online, setting: known.setting.clone(), seen: known.seen }
    }

    /// How the user then stands, and whether others are to be notified. A user of a dead gateway was online until it is
    /// cleaned up.
    fn change(&mut self, lease: Option<LeaseId>, user: UserId, change: &Change) -> (UserPresence, bool) {
        let by_lease = |known: &Known| lease.is_some_and(|lease| known.by.contains(&lease));
        let before = self.is_online(user) || self.users.get(&user).is_some_and(by_lease);
        let known = self.users.entry(user).or_default();
        match (change, lease) {
            (Change::Connect(setting), Some(lease)) => {
                known.by.insert(lease);
                known.setting = known.setting.take().or_else(|| setting.clone());
            }
            (Change::Disconnect, Some(lease)) => {
                known.by.remove(&lease);
            }
            (Change::SetStatus(setting), _) => known.setting = Some(setting.clone()),
            (Change::Connect(_) | Change::Disconnect, None) => {}
        }
        let online = self.is_online(user);
        if let (Change::Disconnect, false, Some(known)) = (change, online, self.users.get_mut(&user)) {
            known.seen = Some(UnixMillis::now());
        }
        (self.get(user), online != before || matches!(change, Change::SetStatus(_)))
    }
}

#[async_trait]
impl PresenceStore for MemoryBus {
    async fn hold(&self, lease: LeaseId, term: LeaseTerm) -> Result<Leases, BusError> {
        Ok(self.presences.lock().hold(lease, term))
    }

    async fn change(
        &self,
        lease: Option<LeaseId>,
        changes: &[(UserId, Change)],
    ) -> Result<Vec<UserPresence>, BusError> {
        let mut presences = self.presences.lock();
        let outcomes: Vec<(UserPresence, bool)> =
            changes.iter().map(|(user, change)| presences.change(lease, *user, change)).collect();
        drop(presences);
        let subscribed = self.users.lock();
        for (found, is_news) in &outcomes {
            if *is_news && subscribed.contains(&found.user) {
                self.emit(Signal::Presence(Arc::new(found.clone())));
            }
        }
        Ok(outcomes.into_iter().map(|(found, _)| found).collect())
    }

    async fn users(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let presences = self.presences.lock();
        Ok(users.iter().map(|user| presences.get(*user)).collect())
    }

    async fn occupy(&self, lease: LeaseId, rooms: &[(RoomId, Option<Occupancy>)]) -> Result<(), BusError> {
        let mut presences = self.presences.lock();
        for (room, who) in rooms {
            let by_lease = presences.rooms.entry(*room).or_default();
            match who {
                Some(who) => by_lease.insert(lease, who.clone()),
                None => by_lease.remove(&lease),
            };
            if by_lease.is_empty() {
                presences.rooms.remove(room);
            }
        }
        drop(presences);
        for (room, _) in rooms {
            self.emit_ephemeral(*room, EphemeralSignal::Occupancy {});
        }
        Ok(())
    }

    async fn occupants(&self, rooms: &[RoomId]) -> Result<Vec<Vec<Occupancy>>, BusError> {
        let presences = self.presences.lock();
        let of_room = |room| {
            let by_lease = presences.rooms.get(room).into_iter().flatten();
            by_lease
                .filter(|(lease, _)| presences.is_living(**lease))
                .map(|(_, who)| who.clone())
                .collect()
        };
        Ok(rooms.iter().map(of_room).collect())
    }

    async fn remains(&self, lease: LeaseId, partition: Partition) -> Result<LeaseEntries, BusError> {
        let presences = self.presences.lock();
        let users = presences
            .users
            .iter()
            .filter(|(user, known)| known.by.contains(&lease) && partition_of_user(**user) == partition);
        let rooms = presences
            .rooms
            .iter()
            .filter(|(room, by_lease)| by_lease.contains_key(&lease) && partition_of(**room) == partition);
        Ok(LeaseEntries {
            users: users.map(|(user, _)| *user).take(PRESENCE_CALL_MAX).collect(),
            rooms: rooms.map(|(room, _)| *room).take(PRESENCE_CALL_MAX).collect(),
        })
    }

    async fn delete_lease(&self, lease: LeaseId) -> Result<(), BusError> {
        self.presences.lock().leases.remove(&lease);
        Ok(())
    }
}
