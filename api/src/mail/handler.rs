//! Writes and sends mails: the handler of jobs of the kind `mail`. What a letter is about may be gone or changed by the time
//! it is written; then nothing is sent.

use std::sync::Arc;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{Keep, OneTimeToken, Purpose};
use rookery_store::job::Job;
use rookery_store::user::{Email, User};
use rookery_store::{StoreError, Stores, Unique};
use uuid::Uuid;

use super::letter::Letter;
use super::secrets::{Secrets, hash};
use super::templates::{
    ACCOUNT_EXISTS, CODE, EMAIL_CONFIRM, EMAIL_IN_USE, EMAIL_UNDO, PASSWORD_CHANGED, RECOVERY, Written,
};
use super::transport::{Mailer, SendError};
use crate::jobs::{Handler, JobError, job_payload};
use crate::limits::{EMAIL_UNDO_LIFE, RECOVERIES_MAX, RECOVERY_LIFE};

/// Writes and sends mails.
pub struct MailHandler {
    /// Where what they are about is kept.
    pub stores: Stores,
    /// Derives codes and links.
    pub secrets: Secrets,
    /// Sends them.
    pub mailer: Arc<Mailer>,
}

/// A mail and whom it goes to.
struct Addressed {
    to: Email,
    mail: Written,
}

#[async_trait]
impl Handler for MailHandler {
    fn kind(&self) -> &'static str {
        super::KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let letter: Letter = job_payload(job, "the letter")?;
        let now = UnixMillis::now();
        let written = match letter {
            Letter::Registration { registration, number } => self.registration(registration, number, now).await?,
            Letter::Recovery { user: Some(user) } => self.recovery(job, user, now).await?,
            Letter::Recovery { user: None } => None,
            Letter::EmailConfirm { token } => self.email_confirm(token, now).await?,
            Letter::EmailUndo { token } => self.email_undo(token, now).await?,
            Letter::PasswordChanged { user } => self.password_changed(user).await?,
        };
        let Some(Addressed { to, mail }) = written else { return Ok(()) };
        let sent = self.mailer.send(job.id.as_uuid(), &to.deliverable(), mail).await;
        sent.map_err(|error| match error {
            SendError::Later(why) => JobError::Again(why),
            SendError::Never(why) => JobError::Never(why),
        })
    }
}

impl MailHandler {
    async fn registration(&self, id: Uuid, number: u32, now: UnixMillis) -> Result<Option<Addressed>, JobError> {
        let Some(found) = self.stores.registrations.by_id(id).await? else { return Ok(None) };
        if found.code.number != number || found.code.expires_at <= now {
            return Ok(None);
        }
        if found.is_decoy {
            return Ok(Some(Addressed { to: found.email, mail: ACCOUNT_EXISTS.write(&[]) }));
        }
        let code = self.secrets.code_of(id, number, &found.code.hash).ok_or_else(other_key)?;
        let minutes = minutes_until(found.code.expires_at, now);
        let values = [("username", found.username.as_str()), ("code", &code), ("minutes", &minutes)];
        let mail = CODE.write(&values);
        Ok(Some(Addressed { to: found.email, mail }))
    }

    /// The link begins when its mail is written. The job's id is that of the secret, so that a repeat makes no second one.
    async fn recovery(&self, job: &Job, user: UserId, now: UnixMillis) -> Result<Option<Addressed>, JobError> {
        let Some(user) = self.user(user).await? else { return Ok(None) };
        let id = job.id.as_uuid();
        let secret = self.secrets.token(id, Purpose::Recovery).map_err(StoreError::from)?;
        let new = OneTimeToken {
            id,
            hash: hash(&secret),
            purpose: Purpose::Recovery,
            user_id: user.id,
            email: user.email.clone(),
            created_at: now,
            expires_at: now.plus(RECOVERY_LIFE),
        };
        let token = match self.stores.one_time_tokens.insert(&new, Keep::Newest(RECOVERIES_MAX)).await {
            Ok(()) => Some(new),
            Err(StoreError::Taken(Unique::Id)) => self.stores.one_time_tokens.by_id(id).await?,
            Err(error) => return Err(error.into()),
        };
        let Some(token) = token else { return Ok(None) };
        let (link, minutes) = (self.link("reset", &token)?, minutes_until(token.expires_at, now));
        let values = [("username", user.username.as_str()), ("link", &link), ("minutes", &minutes)];
        let mail = RECOVERY.write(&values);
        Ok(Some(Addressed { to: user.email, mail }))
    }

    async fn email_confirm(&self, id: Uuid, now: UnixMillis) -> Result<Option<Addressed>, JobError> {
        let Some((token, user)) = self.token(id, now).await? else { return Ok(None) };
        let owner = self.stores.users.by_login(token.email.as_str()).await?;
        if owner.is_some_and(|owner| owner.id != user.id) {
            return Ok(Some(Addressed { to: token.email, mail: EMAIL_IN_USE.write(&[]) }));
        }
        let link = self.link("confirm-email", &token)?;
        let mail = EMAIL_CONFIRM.write(&[("username", user.username.as_str()), ("link", &link)]);
        Ok(Some(Addressed { to: token.email, mail }))
    }

    async fn email_undo(&self, id: Uuid, now: UnixMillis) -> Result<Option<Addressed>, JobError> {
        let Some((token, user)) = self.token(id, now).await? else { return Ok(None) };
        let (link, days) = (self.link("confirm-email", &token)?, (EMAIL_UNDO_LIFE.as_secs() / 86_400).to_string());
        let mail = EMAIL_UNDO.write(&[("username", user.username.as_str()), ("link", &link), ("days", &days)]);
        Ok(Some(Addressed { to: token.email, mail }))
    }

    async fn password_changed(&self, user: UserId) -> Result<Option<Addressed>, JobError> {
        let user = self.user(user).await?;
        Ok(user.map(|user| {
            let mail = PASSWORD_CHANGED.write(&[("username", user.username.as_str())]);
            Addressed { to: user.email, mail }
        }))
    }

    async fn token(&self, id: Uuid, now: UnixMillis) -> Result<Option<(OneTimeToken, User)>, JobError> {
        let found = self.stores.one_time_tokens.by_id(id).await?.filter(|token| now < token.expires_at);
        let Some(token) = found else { return Ok(None) };
        Ok(self.user(token.user_id).await?.map(|user| (token, user)))
    }

    fn link(&self, action: &str, token: &OneTimeToken) -> Result<String, JobError> {
        let secret = self.secrets.token_of(token.id, token.purpose, &token.hash).ok_or_else(other_key)?;
        Ok(self.mailer.link(action, &secret))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, JobError> {
        Ok(self.stores.users.enabled(id).await?)
    }
}

/// Another api may have the key; otherwise its owner asks for another mail.
fn other_key() -> JobError {
    JobError::Again("it was made under another signing key".to_owned())
}

fn minutes_until(end: UnixMillis, now: UnixMillis) -> String {
    end.since(now).as_secs().div_ceil(60).to_string()
}
