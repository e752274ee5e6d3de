//! The steps of a registration: the name is kept, the account begins at once or with the code that its address was sent.
//!
//! Nothing here tells whether an address has an account: both cases do the same work and have the same answer.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::reserved::is_reserved;
use rookery_store::account::{CodeState, Registration as Pending};
use rookery_store::user::User;
use rookery_store::{StoreError, Unique};
use uuid::Uuid;

use super::password::common::look;
use super::registration::{Registration, Verification};
use super::{Accounts, NewAccount};
use crate::error::ApiError;
use crate::http::limit::{ClientAddress, Limits};
use crate::limits::{CODE_ATTEMPTS_MAX, NAME_CLAIM_LIFE, REGISTRATION_LIFE};
use crate::mail::Letter;
use crate::mail::secrets::{fits, hash};

/// What a registration has become.
pub enum Begun {
    /// The account exists.
    Account(Box<User>),
    /// It begins with the code.
    Pending(Uuid),
}

impl Accounts {
    /// Whether somebody with this invite may register at all.
    pub async fn may_register(&self, invite: Option<&str>, now: UnixMillis) -> Result<(), ApiError> {
        match self.settings.now().registration {
            Registration::Open => Ok(()),
            Registration::Closed => Err(ApiError::refused(ErrorCode::RegistrationClosed)),
            Registration::Invite => {
                let found = match invite {
                    Some(code) => self.stores.server_invites.by_hash(&hash(code)).await?,
                    None => None,
                };
                if found.is_some_and(|invite| invite.is_open(now)) {
                    Ok(())
                } else {
                    Err(invite_only())
                }
            }
        }
    }

    /// Registers an account of somebody who chose the name and the password. `from` is the address that asks.
    pub async fn register(
        &self,
        new: NewAccount,
        invite: Option<&str>,
        (limits, from): (&Limits, ClientAddress),
        now: UnixMillis,
    ) -> Result<Begun, ApiError> {
        if is_reserved(&new.username.key()) {
            return Err(ApiError::field(ErrorCode::UsernameTaken, "username", "is reserved"));
        }
        self.check_name("username", new.username.as_str()).await?;
        let NewAccount { username, email, password } = new;
        let password = look(password, &username, &email).await?;
        let settings = self.settings.now();
        let (id, key) = (Uuid::now_v7(), username.key());
        let invite = invite.filter(|_| settings.registration == Registration::Invite).map(hash);
        // Hashed before the name is looked at: a taken name costs the time of a free one.
        let password_hash = self.passwords.hash(password, from.subject()).await?;
        let life = match settings.verification {
            Verification::None => NAME_CLAIM_LIFE,
            Verification::Required => REGISTRATION_LIFE,
        };
        if !self.stores.names.claim(&key, id, Some(now.plus(life)), now).await? {
            return Err(ApiError::refused(ErrorCode::UsernameTaken));
        }
        let begun = async {
            if self.stores.users.by_login(&key).await?.is_some() {
                return Err(ApiError::refused(ErrorCode::UsernameTaken));
            }
            if let Some(invite) = &invite
                && !self.stores.server_invites.spend(invite, now).await?
            {
                return Err(invite_only());
            }
            let begun = match settings.verification {
                Verification::None => {
                    let user = User::new(UserId::generate(), username, email, password_hash, now);
                    self.begin(user, now).await.map(|user| Begun::Account(Box::new(user)))
                }
                Verification::Required => {
                    let pending = Pending {
                        id,
                        user_id: UserId::generate(),
                        username,
                        email,
                        password_hash,
                        is_decoy: false,
                        code: self.code(id, 1, false, now)?,
                        created_at: now,
                        expires_at: now.plus(REGISTRATION_LIFE),
                    };
                    self.ask(pending, limits, now).await
                }
            };
            if let (Err(_), Some(invite)) = (&begun, &invite) {
                self.stores.server_invites.give_back(invite).await?;
            }
            begun
        };
        let begun = begun.await;
        if !matches!(begun, Ok(Begun::Pending(_))) {
            self.stores.names.release(&key, id).await?;
        }
        begun
    }

    /// The account begins, if this is the code that its address was sent.
    pub async fn verify(&self, id: Uuid, code: &str, now: UnixMillis) -> Result<(), ApiError> {
        let bad = || ApiError::refused(ErrorCode::CodeInvalid);
        let tried = self.stores.registrations.attempt(id, now).await?.ok_or_else(bad)?;
        if !fits(code, &tried.code.hash) || tried.is_decoy {
            return Err(bad());
        }
        let key = tried.username.key();
        match self.begin(tried.into_user(now), now).await {
            // The answer to a try before this one was lost.
            Ok(_) | Err(ApiError::Store(StoreError::Taken(Unique::Id))) => {}
            // The first registration of an address that is verified wins.
            Err(ApiError::Store(StoreError::Taken(_))) => return Err(bad()),
            Err(error) => return Err(error),
        }
        self.stores.registrations.remove(id).await?;
        self.stores.names.release(&key, id).await?;
        Ok(())
    }

    /// Sends the next code; it ends the one before. Says nothing about whether there was anything to send.
    pub async fn resend(&self, id: Uuid, limits: &Limits, now: UnixMillis) -> Result<(), ApiError> {
        let found = self.stores.registrations.by_id(id).await?.filter(|found| now < found.expires_at);
        let Some(pending) = found else { return Ok(()) };
        if !limits.repeat_mail(&pending.email).await {
            return Ok(());
        }
        let number = pending.code.number + 1;
        let code = self.code(id, number, pending.is_decoy, now)?;
        if self.stores.registrations.replace_code(id, &code).await? {
            self.send_code(id, number, now).await?;
        }
        Ok(())
    }

    /// Keeps the registration and has its address written to, whoever has it, unless that was written to too often.
    async fn ask(&self, pending: Pending, limits: &Limits, now: UnixMillis) -> Result<Begun, ApiError> {
        let is_decoy = self.stores.users.by_login(pending.email.as_str()).await?.is_some();
        let code = if is_decoy {
            CodeState { hash: [0; 32], ..pending.code }
        } else {
            pending.code
        };
        let (id, number) = (pending.id, code.number);
        let may_be_sent = limits.mail(&pending.email).await;
        self.stores.registrations.insert(&Pending { is_decoy, code, ..pending }).await?;
        if may_be_sent {
            self.send_code(id, number, now).await?;
        }
        Ok(Begun::Pending(id))
    }

    fn code(&self, id: Uuid, number: u32, is_decoy: bool, now: UnixMillis) -> Result<CodeState, StoreError> {
        // No text has this hash.
        let hash = if is_decoy { [0; 32] } else { hash(&self.secrets.code(id, number)?) };
        let expires_at = now.plus(Duration::from_mins(self.settings.now().verification_minutes));
        Ok(CodeState { hash, number, attempts_left: CODE_ATTEMPTS_MAX, expires_at })
    }

    async fn send_code(&self, registration: Uuid, number: u32, now: UnixMillis) -> Result<(), StoreError> {
        let letter = Letter::Registration { registration, number };
        let key = format!("registration {registration} {number}");
        self.post.send(&letter, &key, None, now).await
    }
}

fn invite_only() -> ApiError {
    ApiError::refused(ErrorCode::RegistrationInviteOnly)
}
