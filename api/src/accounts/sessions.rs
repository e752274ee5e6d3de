//! Login sessions: log in, refresh, log out, and be forgotten.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rookery_bus::PubSub;
use rookery_bus::signal::Revoked;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{SessionId, UserId};
use rookery_protocol::limits::SESSIONS_PER_USER_MAX;
use rookery_runtime::listener::Refusals as _;
use rookery_runtime::token::{AUDIENCE, Claims, Signer, SigningKeys};
use rookery_store::account::Registration;
use rookery_store::session::{DeviceName, Lifetimes, Session, forgotten_before};
use rookery_store::user::{PasswordAttempt, User};
use rookery_store::{Rotation, Stores};
use tokio::time::{sleep, timeout};

use crate::accounts::password::Passwords;
use crate::accounts::refresh_token::{RefreshToken, Verdict};
use crate::accounts::token_options::TokenOptions;
use crate::error::ApiError;
use crate::http::limit::{ClientAddress, Limits, TOO_MANY, log_refused_login};
use crate::limits::{REVOKE_PUSH_WAIT, SESSION_PURGE_INTERVAL, SESSION_PURGE_MAX};
use crate::metrics::Metrics;
use crate::random;

/// How often a refresh that lost a race to another one looks again.
const REFRESH_ATTEMPTS: usize = 3;

/// Begins, prolongs and ends login sessions.
#[derive(Clone)]
pub struct Sessions {
    pub(crate) stores: Stores,
    pub(crate) bus: Arc<dyn PubSub>,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) tokens: Arc<TokenOptions>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
}

/// What a client holds after a login or a refresh.
pub struct Granted {
    /// For requests and sockets.
    pub access_token: String,
    /// For the next refresh.
    pub refresh_token: RefreshToken,
    /// The session.
    pub session: SessionId,
    /// How long the access token lives.
    pub access_life: Duration,
    /// User of the session.
    pub user: User,
}

/// Somebody who wants to log in.
pub struct Attempt {
    /// The account that is meant, if there is one.
    pub user: Option<User>,
    /// The registration that is meant, if there is one whose address is not verified.
    pub registration: Option<Registration>,
    /// A code of the second factor.
    pub code: Option<String>,
    /// What the device is called.
    pub device: Option<DeviceName>,
    /// What is said to be its password.
    pub password: PasswordAttempt,
    /// Address of the client.
    pub from: ClientAddress,
}

impl Sessions {
    /// Begins a session. An unknown name and a wrong password are answered alike, after the same work; more is told to who
    /// knows the password only.
    pub async fn login(&self, attempt: Attempt, now: UnixMillis) -> Result<Granted, ApiError> {
        let Attempt { user, registration, code, device, password, from } = attempt;
        let account = user.as_ref().map(|user| user.password_hash.clone());
        let is_pending = account.is_none() && registration.is_some();
        let hash = account.or(registration.map(|pending| pending.password_hash));
        let matches = self.passwords.verify(hash.clone(), password, from.subject()).await?;
        let user = match user {
            None if matches && is_pending => return Err(ApiError::refused(ErrorCode::EmailNotVerified)),
            None => return Err(bad_credentials(from, "no such account")),
            Some(_) if !matches => return Err(bad_credentials(from, "wrong password")),
            Some(user) if user.disabled => return Err(disabled(from)),
            Some(user) => user,
        };
        self.second_factor(&user, code.as_deref(), from, now).await?;
        let token = RefreshToken::new(random::bytes()?, random::bytes()?);
        let session = Session { device, ..begin(&user, &token, self.tokens.lifetimes, now)? };
        self.stores.sessions.insert(&session).await?;
        // Whoever disabled the account meanwhile, or set another password, has not seen this session.
        let looked_up = match self.stores.users.enabled(user.id).await? {
            Some(user) if Some(&user.password_hash) == hash.as_ref() => Ok(user),
            Some(_) => Err(bad_credentials(from, "password changed meanwhile")),
            None => Err(disabled(from)),
        };
        let user = match looked_up {
            Ok(user) => user,
            Err(refused) => {
                self.stores.sessions.revoke(session.id, now).await?;
                return Err(refused);
            }
        };
        self.end_oldest(user.id, now).await?;
        tracing::info!(user_id = %user.id, session_id = %session.id, "logged in");
        self.grant(&session, user, token, now)
    }

    /// Replaces a refresh token by its successor. A token that was replaced long ago ends its whole family.
    pub async fn refresh(&self, text: &str, now: UnixMillis) -> Result<Granted, ApiError> {
        let refused = || ApiError::refused(ErrorCode::BadRefreshToken);
        let token = RefreshToken::parse(text).ok_or_else(refused)?;
        self.limits.refresh(token.lookup()).await?;
        for _ in 0..REFRESH_ATTEMPTS {
            let session = self.stores.sessions.by_lookup(token.lookup()).await?.ok_or_else(refused)?;
            let steps = match token.judge(&session, now) {
                Verdict::Rotate => {
                    if !self
                        .stores
                        .sessions
                        .rotate(session.id, &token.hash(), rotation(&token, &session, self.tokens.lifetimes, now))
                        .await?
                    {
                        continue;
                    }
                    1
                }
                Verdict::Repeat(steps) => steps,
                Verdict::Wait(ms) => return Err(ApiError::later(ErrorCode::RateLimited, ms)),
                Verdict::Reuse => {
                    tracing::warn!(session_id = %session.id, user_id = %session.user_id, "refresh token reused, session revoked");
                    self.end(session.user_id, session.id, now).await?;
                    return Err(refused());
                }
                Verdict::Ended => return Err(refused()),
            };
            let user = self.stores.users.enabled(session.user_id).await?.ok_or_else(refused)?;
            return self.grant(&session, user, token.after(steps, &session.chain_key), now);
        }
        Err(refused())
    }

    /// A user has so many sessions: the oldest make place for the newest.
    async fn end_oldest(&self, user: UserId, now: UnixMillis) -> Result<(), ApiError> {
        let ended = self.stores.sessions.revoke_beyond(user, SESSIONS_PER_USER_MAX, now).await?;
        for session in &ended {
            tracing::info!(session_id = %session, user_id = %user, "too many sessions, the oldest ended");
            self.metrics.refused("user_sessions");
        }
        join_all(ended.into_iter().map(|session| push_revocation(&*self.bus, user, Revoked::One(session)))).await;
        Ok(())
    }

    /// Erases sessions of which nothing can come any more, again and again. Every api does; twice is as good as once.
    pub(crate) async fn purge(&self) {
        loop {
            sleep(SESSION_PURGE_INTERVAL).await;
            let before = forgotten_before(UnixMillis::now());
            loop {
                match self.stores.sessions.purge(before, SESSION_PURGE_MAX).await {
                    Ok(count) => {
                        self.metrics.sessions_purged.inc_by(u64::try_from(count).unwrap_or(0));
                        if count < SESSION_PURGE_MAX {
                            break;
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "sessions not purged");
                        break;
                    }
                }
            }
        }
    }

    /// Ends the session of a refresh token. A text that is no token of ours has no session to end.
    pub async fn logout(&self, text: &str, now: UnixMillis) -> Result<(), ApiError> {
        let Some(token) = RefreshToken::parse(text) else {
            return Ok(());
        };
        let Some(session) = self.stores.sessions.by_lookup(token.lookup()).await? else {
            return Ok(());
        };
        self.end(session.user_id, session.id, now).await?;
        tracing::info!(session_id = %session.id, user_id = %session.user_id, "logged out");
        Ok(())
    }

    /// Whether this is the password of the caller; counted like a login. Gives the account.
    pub async fn confirm(&self, id: UserId, password: PasswordAttempt, from: ClientAddress) -> Result<User, ApiError> {
        let user = self.stores.users.enabled(id).await?;
        let user = user.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
        let counted = self.limits.account(user.id, from).await;
        counted.inspect_err(|_| log_refused_login(from, TOO_MANY))?;
        if self.passwords.verify(Some(user.password_hash.clone()), password, from.subject()).await? {
            return Ok(user);
        }
        log_refused_login(from, "wrong password of a session's owner");
        Err(ApiError::refused(ErrorCode::PasswordWrong))
    }

    /// The open sessions of a user, newest first.
    pub async fn of_user(&self, user: UserId, now: UnixMillis) -> Result<Vec<Session>, ApiError> {
        Ok(self.stores.sessions.of_user(user, now, SESSIONS_PER_USER_MAX).await?)
    }

    /// Ends one session of the user, and its sockets; false if there is no such open one.
    pub async fn end_one(&self, user: UserId, session: SessionId, now: UnixMillis) -> Result<bool, ApiError> {
        let found = self.stores.sessions.by_id(session).await?;
        let is_open = |found: &Session| found.user_id == user && found.revoked_at.is_none() && now < found.ends_at();
        if !found.is_some_and(|found| is_open(&found)) {
            return Ok(false);
        }
        self.end(user, session, now).await?;
        tracing::info!(user_id = %user, session_id = %session, "session ended by its owner");
        Ok(true)
    }

    /// Ends all sessions of the user but this one.
    pub async fn end_others(&self, user: UserId, kept: SessionId, now: UnixMillis) -> Result<(), ApiError> {
        // More than there may be: a login may have begun one beyond, and has not ended the oldest yet.
        let open = self.stores.sessions.of_user(user, now, SESSIONS_PER_USER_MAX * 2).await?;
        let others = open.into_iter().map(|session| session.id).filter(|id| *id != kept);
        let ended = others.map(|session| self.end(user, session, now));
        join_all(ended).await.into_iter().collect()
    }

    /// Ends all sessions of the user, and their sockets; says whether the gateways were told. They find out themselves within
    /// seconds.
    pub async fn end_all(&self, user: UserId, now: UnixMillis) -> Result<bool, ApiError> {
        self.stores.sessions.revoke_all(user, now).await?;
        let told = push_revocation(&*self.bus, user, Revoked::All).await;
        tracing::info!(user_id = %user, "logged out everywhere");
        Ok(told)
    }

    async fn end(&self, user: UserId, session: SessionId, now: UnixMillis) -> Result<(), ApiError> {
        self.stores.sessions.revoke(session, now).await?;
        push_revocation(&*self.bus, user, Revoked::One(session)).await;
        Ok(())
    }

    fn grant(
        &self,
        session: &Session,
        user: User,
        refresh_token: RefreshToken,
        now: UnixMillis,
    ) -> Result<Granted, ApiError> {
        let access_life = session.access_life(now, self.tokens.lifetimes);
        let claims = Claims {
            iss: self.tokens.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user.id,
            sid: session.id,
            name: user.username.as_str().to_owned(),
            iat: now.seconds(),
            exp: now.plus(access_life).seconds(),
            signer: Signer::default(),
            ticket: None,
        };
        Ok(Granted {
            access_token: self.keys.sign(&claims)?,
            refresh_token,
            session: session.id,
            access_life,
            user,
        })
    }
}

fn disabled(from: ClientAddress) -> ApiError {
    log_refused_login(from, "account disabled");
    ApiError::refused(ErrorCode::AccountDisabled)
}

fn bad_credentials(from: ClientAddress, reason: &'static str) -> ApiError {
    log_refused_login(from, reason);
    ApiError::refused(ErrorCode::BadCredentials)
}

fn rotation(token: &RefreshToken, session: &Session, lifetimes: Lifetimes, now: UnixMillis) -> Rotation {
    let mut replaced = session.replaced_lately(now);
    replaced.push(now);
    let current = token.child(&session.chain_key).hash();
    Rotation { current, at: now, expires_at: session.refresh_end(now, lifetimes), replaced }
}

/// Tells the gateways at once; whether the bus took it. What is lost here they find by asking, a few seconds later.
pub async fn push_revocation(bus: &dyn PubSub, user: UserId, revoked: Revoked) -> bool {
    match timeout(REVOKE_PUSH_WAIT, bus.revoke(user, revoked)).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%error, user_id = %user, "revocation not pushed"),
        Err(_) => tracing::warn!(user_id = %user, "revocation not pushed in time"),
    }
    false
}

fn begin(user: &User, token: &RefreshToken, lifetimes: Lifetimes, now: UnixMillis) -> Result<Session, ApiError> {
    Ok(Session {
        id: SessionId::generate(),
        lookup: *token.lookup(),
        user_id: user.id,
        chain_key: random::bytes()?,
        current: token.hash(),
        parent: None,
        rotated_at: now,
        replaced: Vec::new(),
        created_at: now,
        expires_at: now.plus(lifetimes.refresh),
        revoked_at: None,
        device: None,
    })
}
