//! The documents around accounts, and their way to and from the domain.

use mongodb::bson::{Binary, DateTime, Uuid};
use rookery_protocol::id::UserId;
use rookery_store::StoreError;
use rookery_store::account::{CodeState, OneTimeToken, Purpose, Registration, ServerInvite};
use rookery_store::user::Email;
use serde::{Deserialize, Serialize};

use crate::fields::{array, binary, date, key, parsed, time, uuid_of};

/// A registration that waits for a code.
#[derive(Serialize, Deserialize)]
pub(super) struct RegistrationDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    user_id: Uuid,
    username: String,
    username_key: String,
    email: String,
    email_key: String,
    password_hash: String,
    is_decoy: bool,
    code_hash: Binary,
    code_number: i64,
    attempts_left: i64,
    code_expires_at: DateTime,
    created_at: DateTime,
    expires_at: DateTime,
}

/// A name that is kept; without an end for ever.
#[derive(Serialize, Deserialize)]
pub(super) struct NameDocument {
    #[serde(rename = "_id")]
    pub(super) key: String,
    pub(super) owner: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<DateTime>,
}

/// A secret that works once.
#[derive(Serialize, Deserialize)]
pub(super) struct OneTimeTokenDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    hash: Binary,
    purpose: Purpose,
    user_id: Uuid,
    email: String,
    created_at: DateTime,
    expires_at: DateTime,
}

/// An invite to the server.
#[derive(Serialize, Deserialize)]
pub(super) struct ServerInviteDocument {
    #[serde(rename = "_id")]
    pub(super) id: Uuid,
    hash: Binary,
    uses: i64,
    /// How often it may still be used; left out where that is not bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<i64>,
    by: Uuid,
    created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
}

/// One of the names that an account is found by.
#[derive(Serialize, Deserialize)]
pub(super) struct UserKeyDocument {
    pub(super) key: String,
    pub(super) user_id: Uuid,
}

/// What changes of rank collide on.
#[derive(Serialize, Deserialize)]
pub(super) struct GuardDocument {
    #[serde(rename = "_id")]
    name: String,
    changes: i64,
}

fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

impl From<&Registration> for RegistrationDocument {
    fn from(registration: &Registration) -> Self {
        let Registration { id, user_id, username, email, code, .. } = registration;
        Self {
            id: key(*id),
            user_id: key(user_id.as_uuid()),
            username: username.as_str().to_owned(),
            username_key: username.key(),
            email: email.as_str().to_owned(),
            email_key: email.key(),
            password_hash: registration.password_hash.clone(),
            is_decoy: registration.is_decoy,
            code_hash: binary(&code.hash),
            code_number: i64::from(code.number),
            attempts_left: i64::from(code.attempts_left),
            code_expires_at: date(code.expires_at),
            created_at: date(registration.created_at),
            expires_at: date(registration.expires_at),
        }
    }
}

impl TryFrom<RegistrationDocument> for Registration {
    type Error = StoreError;

    fn try_from(found: RegistrationDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid_of(found.id),
            user_id: UserId::from_uuid(uuid_of(found.user_id)),
            username: parsed(found.username, "username")?,
            email: Email::kept(found.email),
            password_hash: found.password_hash,
            is_decoy: found.is_decoy,
            code: CodeState {
                hash: array(&found.code_hash)?,
                number: count(found.code_number),
                attempts_left: count(found.attempts_left),
                expires_at: time(found.code_expires_at),
            },
            created_at: time(found.created_at),
            expires_at: time(found.expires_at),
        })
    }
}

impl From<&OneTimeToken> for OneTimeTokenDocument {
    fn from(token: &OneTimeToken) -> Self {
        Self {
            id: key(token.id),
            hash: binary(&token.hash),
            purpose: token.purpose,
            user_id: key(token.user_id.as_uuid()),
            email: token.email.as_str().to_owned(),
            created_at: date(token.created_at),
            expires_at: date(token.expires_at),
        }
    }
}

impl TryFrom<OneTimeTokenDocument> for OneTimeToken {
    type Error = StoreError;

    fn try_from(found: OneTimeTokenDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid_of(found.id),
            hash: array(&found.hash)?,
            purpose: found.purpose,
            user_id: UserId::from_uuid(uuid_of(found.user_id)),
            email: Email::kept(found.email),
            created_at: time(found.created_at),
            expires_at: time(found.expires_at),
        })
    }
}

impl From<&ServerInvite> for ServerInviteDocument {
    fn from(invite: &ServerInvite) -> Self {
        Self {
            id: key(invite.id),
            hash: binary(&invite.hash),
            uses: i64::from(invite.uses),
            left: invite.max_uses.map(|most| i64::from(most) - i64::from(invite.uses)),
            by: key(invite.by.as_uuid()),
            created_at: date(invite.created_at),
            expires_at: invite.expires_at.map(date),
        }
    }
}

impl TryFrom<ServerInviteDocument> for ServerInvite {
    type Error = StoreError;

    fn try_from(found: ServerInviteDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid_of(found.id),
            hash: array(&found.hash)?,
            uses: count(found.uses),
            max_uses: found.left.map(|left| count(found.uses + left)),
            by: UserId::from_uuid(uuid_of(found.by)),
            created_at: time(found.created_at),
            expires_at: found.expires_at.map(time),
        })
    }
}
