//! Answers to requests that name themselves by an `Idempotency-Key`: whoever repeats one gets the answer of the first, and
//! nothing is done twice. A key is claimed before its request is carried out, and has the answer after that.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use uuid::Uuid;

use crate::StoreError;

/// A hash over the user and the key.
pub type KeyHash = [u8; 32];
/// What tells one request from another.
pub type RequestTag = [u8; 32];

/// Somebody wants to carry a request out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// Which key.
    pub key: KeyHash,
    /// Whose.
    pub user: UserId,
    /// Which request.
    pub request: RequestTag,
    /// Who wants to; another one with every claim.
    pub holder: Uuid,
    /// When.
    pub at: UnixMillis,
    /// After that somebody else may, if there is no answer.
    pub until: UnixMillis,
    /// When the key is forgotten.
    pub expires_at: UnixMillis,
}

/// A key as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The claim holds.
    Claimed,
    /// Somebody else carries this request out.
    Underway(RequestTag),
    /// This request has an answer.
    Answered(RequestTag, Vec<u8>),
}

/// Keys and what was answered. Their times are those of the callers.
#[async_trait]
pub trait KeptAnswers: Send + Sync {
    /// Claims a key that is free, was claimed until before, or is over. Of any number at once one gets it.
    async fn claim(&self, claim: &KeyClaim) -> Result<KeyState, StoreError>;
    /// Prolongs a claim; false if it has passed to somebody else.
    async fn renew(&self, key: &KeyHash, holder: Uuid, until: UnixMillis) -> Result<bool, StoreError>;
    /// Keeps the answer of the holder's request; false if the claim has passed to somebody else.
    async fn keep(&self, key: &KeyHash, holder: Uuid, answer: &[u8]) -> Result<bool, StoreError>;
    /// Frees a key whose request has no answer that may be kept. Idempotent.
    async fn give_up(&self, key: &KeyHash, holder: Uuid) -> Result<(), StoreError>;
    /// Erases the user's keys but for the newest `keep`, at most `limit`; says how many.
    async fn trim(&self, user: UserId, keep: usize, limit: usize) -> Result<usize, StoreError>;
    /// Erases those that were over before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}
