//! Who does what only one process is to do.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;

use crate::StoreError;
use crate::job::Lease;

/// Leases by name. What is done under one is harmless if two do it: clocks differ, and a slow process may not know that its
/// lease has ended.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the lease, or prolongs it for its holder; false if somebody else has it.
    async fn hold(&self, name: &str, lease: Lease, now: UnixMillis) -> Result<bool, StoreError>;
    /// Gives it back. Idempotent.
    async fn release(&self, name: &str, lease: Lease) -> Result<(), StoreError>;
}
