//! What happens around accounts before and beside them: registrations that wait for a code, names that are kept, links that
//! work once, invites.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::user::{Email, User, Username};

/// SHA-256 of a secret that somebody else has.
pub type SecretHash = [u8; 32];

/// A registration whose address is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its id, which the client keeps.
    pub id: Uuid,
    /// The account that it becomes.
    pub user_id: UserId,
    /// The name, kept for it.
    pub username: Username,
    /// The address that is to be verified.
    pub email: Email,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// Whether the address has an account: no code is ever right then.
    pub is_decoy: bool,
    /// The code that was sent last.
    pub code: CodeState,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it is forgotten.
    pub expires_at: UnixMillis,
}

/// A code that was sent, as the store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeState {
    /// Hash of the code.
    pub hash: SecretHash,
    /// The how manieth of the registration it is.
    pub number: u32,
    /// How often it may still be tried.
    pub attempts_left: u32,
    /// When it ends.
    pub expires_at: UnixMillis,
}

impl Registration {
    /// The account that it becomes.
    pub fn into_user(self, now: UnixMillis) -> User {
        let Self { user_id, username, email, password_hash, .. } = self;
        User { verified: true, ..User::new(user_id, username, email, password_hash, now) }
    }
}

/// What a link that works once is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Sets another password.
    Recovery,
    /// Makes the address that of the account.
    EmailConfirm,
    /// Makes the address that of the account again.
    EmailUndo,
    /// Deletes an account that has no password.
    Deletion,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recovery, Self::EmailConfirm, Self::EmailUndo, Self::Deletion];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::EmailConfirm => "email_confirm",
            Self::EmailUndo => "email_undo",
            Self::Deletion => "deletion",
        }
    }
}

/// A secret that works once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Its id, which no client sees.
    pub id: Uuid,
    /// Hash of the secret.
    pub hash: SecretHash,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub user_id: UserId,
    /// The address that it is about.
    pub email: Email,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// An invite to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInvite {
    /// Its id.
    pub id: Uuid,
    /// Hash of its code.
    pub hash: SecretHash,
    /// How often it was used.
    pub uses: u32,
    /// How often it may be used; none for any number.
    pub max_uses: Option<u32>,
    /// Who made it.
    pub by: UserId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ends; none if it does not end by itself.
    pub expires_at: Option<UnixMillis>,
}

impl ServerInvite {
    /// Whether somebody may register with it.
    pub fn is_open(&self, now: UnixMillis) -> bool {
        self.max_uses.is_none_or(|most| self.uses < most) && self.expires_at.is_none_or(|end| now < end)
    }
}
