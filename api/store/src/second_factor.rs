//! The second factor of an account: codes of a device (TOTP, RFC 6238), and codes for who has lost it.

use rookery_protocol::id::UserId;

use crate::account::SecretHash;

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
