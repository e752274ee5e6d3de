//! The second factor of an account: codes of a device (TOTP, RFC 6238), and codes for who has lost it.

use async_trait::async_trait;
use rookery_protocol::id::UserId;

use crate::account::SecretHash;
use crate::error::StoreError;

/// The second factor of an account.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose it is.
    pub user_id: UserId,
    /// What the device derives its codes from.
    pub secret: Vec<u8>,
    /// Whether the device has shown a code; logins ask for none before.
    pub is_confirmed: bool,
    /// The step of the last code that was taken; no code of it or of one before is taken again.
    pub last_step: u64,
    /// Hashes of the codes for who has lost the device; each works once.
    pub recovery: Vec<SecretHash>,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user_id, is_confirmed, last_step, .. } = self;
        f.debug_struct("SecondFactor")
            .field("user_id", user_id)
            .field("is_confirmed", is_confirmed)
            .field("last_step", last_step)
            .finish_non_exhaustive()
    }
}

/// Second factors of accounts.
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// That of the account. Its recovery codes are in order of their hashes.
    async fn get(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError>;
    /// Adds one, or replaces that of the account.
    async fn put(&self, factor: &SecondFactor) -> Result<(), StoreError>;
    /// Puts a factor that was begun in force, with its step and recovery codes; false if none with its secret is begun. Of two
    /// at once one wins.
    async fn confirm(&self, factor: &SecondFactor) -> Result<bool, StoreError>;
    /// Notes that a code of this step was taken; false if one of it or of a later one was. Of two at once one wins.
    async fn advance(&self, user: UserId, step: u64) -> Result<bool, StoreError>;
    /// Removes a recovery code; false if there is no such. Of two at once one wins.
    async fn spend(&self, user: UserId, code: &SecretHash) -> Result<bool, StoreError>;
    /// Replaces the recovery codes. Without effect if there is no second factor.
    async fn replace_recovery(&self, user: UserId, codes: &[SecretHash]) -> Result<(), StoreError>;
    /// Removes that of the account. Idempotent.
    async fn remove(&self, user: UserId) -> Result<(), StoreError>;
}
