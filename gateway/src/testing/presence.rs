//! A presence store that remembers nothing.

use async_trait::async_trait;
use rookery_bus::error::BusError;
use rookery_bus::presence::{Change, LeaseEntries, LeaseTerm, Leases, Occupancy, PresenceStore, UserPresence};
use rookery_protocol::id::{LeaseId, Partition, RoomId, UserId};

pub(crate) struct Nobody;

#[async_trait]
impl PresenceStore for Nobody {
    async fn hold(&self, _lease: LeaseId, _term: LeaseTerm) -> Result<Leases, BusError> {
        Ok(Leases { held: true, claimed: Vec::new(), next_end: None })
    }

    async fn change(
        &self,
        _lease: Option<LeaseId>,
        changes: &[(UserId, Change)],
    ) -> Result<Vec<UserPresence>, BusError> {
        Ok(changes.iter().map(|(user, _)| UserPresence::unknown(*user)).collect())
    }

    async fn users(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        Ok(users.iter().copied().map(UserPresence::unknown).collect())
    }

    async fn occupy(&self, _lease: LeaseId, _rooms: &[(RoomId, Option<Occupancy>)]) -> Result<(), BusError> {
        Ok(())
    }

    async fn occupants(&self, rooms: &[RoomId]) -> Result<Vec<Vec<Occupancy>>, BusError> {
        Ok(vec![Vec::new(); rooms.len()])
    }

    async fn remains(&self, _lease: LeaseId, _partition: Partition) -> Result<LeaseEntries, BusError> {
        Ok(LeaseEntries::default())
    }

    async fn delete_lease(&self, _lease: LeaseId) -> Result<(), BusError> {
        Ok(())
    }
}
