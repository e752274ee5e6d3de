//! What happens around accounts before and beside them: registrations that wait for a code, names that are kept, links that
//! work once, invites.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StoreError;
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

/// Which secrets of a user for one purpose stay when there are more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest.
    Newest(usize),
    /// So many of the oldest: whoever makes many cannot push out what somebody else was sent before.
    Oldest(usize),
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

/// Registrations whose addresses are not verified yet.
#[async_trait]
pub trait Registrations: Send + Sync {
    /// Adds one.
    async fn insert(&self, registration: &Registration) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<Registration>, StoreError>;
    /// The newest one with this name or, if the text has an `@`, with this address; both without regard to case.
    async fn by_login(&self, login: &str) -> Result<Option<Registration>, StoreError>;
    /// Replaces its code by the next one, whose number says which it follows; says whether it did.
    async fn replace_code(&self, id: Uuid, code: &CodeState) -> Result<bool, StoreError>;
    /// Takes one of its attempts and gives it as it is then; none if it has none left, or its code or itself has ended.
    async fn attempt(&self, id: Uuid, now: UnixMillis) -> Result<Option<Registration>, StoreError>;
    /// Removes one. Idempotent.
    async fn remove(&self, id: Uuid) -> Result<(), StoreError>;
    /// Erases those that ended before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

/// Names of users that are kept for somebody, though no account has them.
#[async_trait]
pub trait Names: Send + Sync {
    /// Keeps a name, in the form that is unique, until that time or for ever; false if it is kept for somebody else, or was
    /// that of somebody who was erased. What its owner keeps already is kept no shorter than before.
    async fn claim(
        &self,
        key: &str,
        owner: Uuid,
        until: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Gives a name back that was kept for this owner. Idempotent.
    async fn release(&self, key: &str, owner: Uuid) -> Result<(), StoreError>;
    /// Erases names that were kept until before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

/// Secrets that work once.
#[async_trait]
pub trait OneTimeTokens: Send + Sync {
    /// Adds one. Of those of the user for the same purpose, only those stay that are to be kept.
    async fn insert(&self, token: &OneTimeToken, keep: Keep) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<OneTimeToken>, StoreError>;
    /// By its secret, if it has not ended.
    async fn find(
        &self,
        hash: &SecretHash,
        purpose: Purpose,
        now: UnixMillis,
    ) -> Result<Option<OneTimeToken>, StoreError>;
    /// Removes one, so that it works for nobody else; false if somebody was faster.
    async fn take(&self, id: Uuid) -> Result<bool, StoreError>;
    /// Removes all of a user for this purpose.
    async fn remove_all(&self, user: UserId, purpose: Purpose) -> Result<(), StoreError>;
    /// Removes those of a user for this purpose that were made after that one.
    async fn remove_later(&self, token: &OneTimeToken) -> Result<(), StoreError>;
    /// Erases those that ended before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

/// Invites to the server.
#[async_trait]
pub trait ServerInvites: Send + Sync {
    /// Adds one.
    async fn insert(&self, invite: &ServerInvite) -> Result<(), StoreError>;
    /// By its code.
    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<ServerInvite>, StoreError>;
    /// Uses it once, if it may be; says whether it did. Users at once never exceed its number.
    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError>;
    /// Undoes one use.
    async fn give_back(&self, hash: &SecretHash) -> Result<(), StoreError>;
    /// In the order of their ids, after `after`, at most `limit`.
    async fn page(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<ServerInvite>, StoreError>;
    /// Removes one; false if there was none.
    async fn remove(&self, id: Uuid) -> Result<bool, StoreError>;
    /// Erases those that ended before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}
