//! Where devices of users are told of notices while nobody looks: subscriptions of Web Push (RFC 8030), and the key that this
//! server is known by to push services (RFC 8292).

use async_trait::async_trait;
use ring::digest::{SHA256, digest};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use uuid::{Builder, Uuid};

use crate::StoreError;

/// Bytes of the address of a subscription.
pub const ENDPOINT_BYTES_MAX: usize = 2_048;
/// Bytes of the public key of a device: an uncompressed point of P-256.
pub const P256DH_BYTES: usize = 65;
/// Bytes of the secret that a device shares with who pushes to it.
pub const PUSH_AUTH_BYTES: usize = 16;

/// One device that wants to be told. A device has one address, whoever is logged in there.
#[derive(Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Made of the address, see [`PushSubscription::id_of`].
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// The login that it ends with.
    pub session: SessionId,
    /// Where pushes go.
    pub endpoint: String,
    /// The device's public key.
    pub p256dh: [u8; P256DH_BYTES],
    /// Its secret.
    pub auth: [u8; PUSH_AUTH_BYTES],
    /// When it was made, or made anew.
    pub created_at: UnixMillis,
}

impl std::fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, user, session, created_at, .. } = self;
        // Whoever knows the rest can write to the device.
        write!(f, "PushSubscription({id} of {user}, {session}, {created_at:?})")
    }
}

impl PushSubscription {
    /// The id of what goes to this address (UUID version 8 over SHA-256).
    pub fn id_of(endpoint: &str) -> Uuid {
        let hash = digest(&SHA256, endpoint.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// The subscriptions of all users, and the server's own key. They go with their accounts.
#[async_trait]
pub trait Pushes: Send + Sync {
    /// Adds a subscription, in place of the one with its address, whosever that was. Of the user's only the `keep` newest
    /// stay.
    async fn subscribe(&self, subscription: &PushSubscription, keep: usize) -> Result<(), StoreError>;
    /// By id.
    async fn subscription(&self, id: Uuid) -> Result<Option<PushSubscription>, StoreError>;
    /// All of these users, at most `limit`. The order is not promised.
    async fn subscriptions(&self, users: &[UserId], limit: usize) -> Result<Vec<PushSubscription>, StoreError>;
    /// Forgets one, if it is that user's; says whether it did.
    async fn unsubscribe(&self, user: UserId, id: Uuid) -> Result<bool, StoreError>;
    /// Notes that something about this topic is on the device, and forgets what was put there before `older`.
    async fn note_shown(
        &self,
        subscription: &PushSubscription,
        topic: &str,
        at: UnixMillis,
        older: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Forgets that something about this topic, or about any, is on devices of the user, at most `limit`; gives the
    /// subscriptions of those, each once.
    async fn take_shown(&self, user: UserId, topic: Option<&str>, limit: usize) -> Result<Vec<Uuid>, StoreError>;
    /// The server's private key; if there is none, this one is it from now on, on whichever process it was made.
    async fn push_key(&self, new: &[u8]) -> Result<Vec<u8>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_id() {
        let id = PushSubscription::id_of("https://push.example/a");
        assert_eq!(id, PushSubscription::id_of("https://push.example/a"));
        assert_ne!(id, PushSubscription::id_of("https://push.example/b"));
        assert_eq!(id.get_version_num(), 8);
    }
}
