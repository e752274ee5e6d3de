//! Requests that name themselves by an `Idempotency-Key`: whoever repeats one is answered what the first was, and nothing is
//! done twice.
//!
//! # Promise
//! * A key is claimed before its request is carried out; of requests at the same time one is, the others wait for its answer.
//! * A request goes on when its client has gone, so that a repeat finds its answer.
//! * Whatever becomes of a request, its key is free again 45 s after the last sign of it.
//! * What is kept are answers that would be the same tomorrow: neither failures of ours nor those that say when to try again.
//! * Stores have neither keys, nor bodies, nor answers in clear.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, FromRequestParts as _, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use moka::sync::Cache;
use ring::digest::{Context, SHA256};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, UserId};
use rookery_runtime::token::Claims;
use rookery_store::kept_answer::{KeyClaim, KeyHash, KeyState};
use rookery_store::{KeptAnswers, StoreError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller, unreadable_body};
use crate::http::observe::panicked;
use crate::limits::{
    IDEMPOTENCY_KEY_BYTES_MAX, IDEMPOTENCY_KEYS_MAX, KEPT_ANSWER_BYTES_MAX, KEY_CLAIM_LIFE, KEY_KEPT, KEY_POLL_MAX,
    KEY_POLL_MIN, KEY_PURGE_INTERVAL, KEY_PURGE_MAX, KEY_RELEASE_PAUSE, KEY_RELEASES_MAX, KEY_RENEW_INTERVAL,
    KEY_TRIM_INTERVAL, KEY_TRIMS_MAX, KEY_WAIT, REQUEST_DEADLINE,
};
use crate::mail::Secrets;
use crate::periodic::every;

mod document;
mod kept;

pub(crate) use self::document::describe;

/// The header.
pub(crate) const HEADER: &str = "Idempotency-Key";
/// Where files are uploaded: the handler knows when the bytes are there, and what they are.
const FILES: &str = "/api/v1/files";
/// Where messages are sent.
const MESSAGES: &str = "/api/v1/rooms/{room}/messages";

/// What takes a key: every `POST` that makes something for whoever is logged in.
pub(crate) const OPERATIONS: &[&str] = &[
    FILES,
    MESSAGES,
    "/api/v1/admin/announcements",
    "/api/v1/admin/invites",
    "/api/v1/admin/rooms/{room}/export",
    "/api/v1/admin/users/{user}/export",
    "/api/v1/direct",
    "/api/v1/invites/{code}/accept",
    "/api/v1/rooms",
    "/api/v1/rooms/{room}/invites",
    "/api/v1/rooms/{room}/join",
    "/api/v1/rooms/{room}/members/{user}/purge",
    "/api/v1/rooms/{room}/messages/{message}/report",
    "/api/v1/rooms/{room}/scheduled",
    "/api/v1/users/me/export",
];

/// Gives answers again. Cheap to clone.
#[derive(Clone)]
pub struct Idempotency {
    answers: Arc<dyn KeptAnswers>,
    secrets: Secrets,
    /// Whose keys were cut to the bound lately.
    trims: Cache<UserId, ()>,
    releases: Arc<Semaphore>,
}

/// What the layer stands on.
#[derive(Clone)]
pub struct Once {
    pub(crate) authentication: Authentication,
    pub(crate) idempotency: Idempotency,
}

/// A key of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    user: UserId,
    hash: KeyHash,
}

impl Key {
    /// That of a request, if it has one.
    pub(crate) fn of(user: UserId, headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(text) = values.next() else { return Ok(None) };
        let text = text.as_bytes();
        let is_well_formed = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len())
            && text.iter().all(u8::is_ascii_graphic)
            && values.next().is_none();
        if !is_well_formed {
            return Err(ApiError::field(
                ErrorCode::BadField,
                HEADER,
                "must be 1 to 255 visible ASCII characters, once",
            ));
        }
        let mut hashing = Context::new(&SHA256);
        for part in [&b"rookery key 1\0"[..], user.as_uuid().as_bytes(), text] {
            hashing.update(part);
        }
        let mut hash = KeyHash::default();
        hash.copy_from_slice(hashing.finish().as_ref());
        Ok(Some(Self { user, hash }))
    }

    /// The name of the message that a request with this key sends, if it has no other: also what was broken off and is done
    /// again is the same message.
    pub(crate) fn client_id(&self) -> ClientId {
        let mut first = [0; 16];
        first.copy_from_slice(&self.hash[..16]);
        let name = format!("key-{:032x}", u128::from_be_bytes(first));
        ClientId::try_from(name).unwrap_or_else(|_| ClientId::generate())
    }
}

/// The layer around the operations that take a key.
pub(crate) async fn once(State(keys): State<Once>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let Some(route) = route.filter(|route| {
        let path = route.as_str();
        request.method() == Method::POST && path != FILES && OPERATIONS.contains(&path)
    }) else {
        return next.run(request).await;
    };
    if !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    keys.keyed(route.as_str(), request, next).await.unwrap_or_else(ApiError::into_response)
}

impl Once {
    async fn keyed(self, route: &str, request: Request, next: Next) -> Result<Response, ApiError> {
        let (mut parts, body) = request.into_parts();
        // Asked for here and once more by the handler.
        let claims = parts.extensions.get::<Claims>().cloned();
        let caller = Caller::from_request_parts(&mut parts, &self.authentication).await?;
        if let Some(claims) = claims {
            parts.extensions.insert(claims);
        }
        let Some(key) = Key::of(caller.user_id, &parts.headers)? else {
            return Ok(next.run(Request::from_parts(parts, body)).await);
        };
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
        let bytes = bytes.map_err(|rejection| unreadable_body(&rejection))?;
        let address = parts.uri.path_and_query().map_or("", |address| address.as_str()).to_owned();
        parts.extensions.insert(key);
        let (again, is_message) = (bytes.clone(), route == MESSAGES);
        let work = next.run(Request::from_parts(parts, Body::from(bytes)));
        // A message that is not stored yet may be by the next time.
        let work = async move { (work.await, if is_message { Accepted::Provisional } else { Accepted::Final }) };
        let what = [address.as_bytes(), b"\0", &again];
        self.idempotency.once(key, &what, REQUEST_DEADLINE, work).await
    }
}

/// What a status of 202 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It will be done in any case, and the answer would be the same tomorrow.
    Final,
    /// The same request may be answered otherwise later.
    Provisional,
}

impl Idempotency {
    pub(crate) fn new(answers: Arc<dyn KeptAnswers>, secrets: Secrets) -> Self {
        let trims = Cache::builder().max_capacity(KEY_TRIMS_MAX).time_to_live(KEY_TRIM_INTERVAL).build();
        Self { answers, secrets, trims, releases: Arc::new(Semaphore::new(KEY_RELEASES_MAX)) }
    }

    /// Carries a request out, or gives the answer that it had. The request is what its parts say.
    pub(crate) async fn once(
        &self,
        key: Key,
        request: &[&[u8]],
        deadline: Duration,
        work: impl Future<Output = (Response, Accepted)> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let tags = self.secrets.request_tags(&key.hash, request);
        let request = *tags.first().ok_or(crate::mail::secrets::NoKey).map_err(StoreError::from)?;
        let (begun, mut pause) = (Instant::now(), KEY_POLL_MIN);
        loop {
            let at = UnixMillis::now();
            let claim = KeyClaim {
                key: key.hash,
                user: key.user,
                request,
                holder: Uuid::new_v4(),
                at,
                until: at.plus(KEY_CLAIM_LIFE),
                expires_at: at.plus(KEY_KEPT),
            };
            // Whether the store has it is not known after an error.
            let state = self.answers.claim(&claim).await.inspect_err(|_| self.release(&claim))?;
            match state {
                KeyState::Claimed => return Ok(self.carry_out(claim, deadline, work).await),
                KeyState::Underway(other) | KeyState::Answered(other, _) if !tags.contains(&other) => {
                    return Err(ApiError::refused(ErrorCode::IdempotencyKeyReused));
                }
                KeyState::Answered(_, kept) => return kept::opened(&self.secrets, &key.hash, &kept),
                KeyState::Underway(_) if begun.elapsed() >= KEY_WAIT => {
                    return Err(ApiError::refused(ErrorCode::Unavailable));
                }
                KeyState::Underway(_) => sleep(pause).await,
            }
            pause = (pause * 2).min(KEY_POLL_MAX);
        }
    }

    /// In a task of its own: a client that has lost its connection is one that repeats.
    async fn carry_out(
        &self,
        claim: KeyClaim,
        deadline: Duration,
        work: impl Future<Output = (Response, Accepted)> + Send + 'static,
    ) -> Response {
        let this = self.clone();
        let task = async move {
            let work = timeout(deadline, AssertUnwindSafe(work).catch_unwind());
            let done = tokio::select! {
                done = work => done,
                never = this.renew(&claim) => match never {},
            };
            let response = match done {
                Ok(Ok((response, accepted))) => this.settle(&claim, response, accepted).await,
                Ok(Err(panic)) => this.settle(&claim, panicked(panic), Accepted::Provisional).await,
                Err(_) => {
                    let late = ApiError::refused(ErrorCode::RequestTimeout).into_response();
                    this.settle(&claim, late, Accepted::Provisional).await
                }
            };
            this.trim(claim.user).await;
            response
        };
        let task = tokio::spawn(task.instrument(Span::current()));
        task.await.unwrap_or_else(|_| ApiError::refused(ErrorCode::Unavailable).into_response())
    }

    /// Renews a claim again and again.
    async fn renew(&self, claim: &KeyClaim) -> Infallible {
        loop {
            sleep(KEY_RENEW_INTERVAL).await;
            let until = UnixMillis::now().plus(KEY_CLAIM_LIFE);
            match self.answers.renew(&claim.key, claim.holder, until).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!("a key has passed on while its request was carried out"),
                Err(error) => tracing::debug!(%error, "a key was not renewed this time"),
            }
        }
    }

    /// Frees a key as soon as the store answers, in a task of its own. It is free without that when the claim is over.
    fn release(&self, claim: &KeyClaim) {
        let Ok(permit) = Arc::clone(&self.releases).try_acquire_owned() else {
            tracing::debug!("too many keys are being freed; one stays claimed until its time is over");
            return;
        };
        let (answers, key, holder, until) = (Arc::clone(&self.answers), claim.key, claim.holder, claim.until);
        tokio::spawn(async move {
            let _permit = permit;
            while let Err(error) = answers.give_up(&key, holder).await {
                if until <= UnixMillis::now() {
                    tracing::debug!(%error, "a key stayed claimed until its time was over");
                    return;
                }
                sleep(KEY_RELEASE_PAUSE).await;
            }
        });
    }

    /// Keeps an answer that is one for good, and frees the key of any other.
    async fn settle(&self, claim: &KeyClaim, response: Response, accepted: Accepted) -> Response {
        if !is_final(&response, accepted) {
            if self.answers.give_up(&claim.key, claim.holder).await.is_err() {
                self.release(claim);
            }
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, KEPT_ANSWER_BYTES_MAX).await else {
            return ApiError::Panic("an answer to be kept was not read".to_owned()).into_response();
        };
        let response = Response::from_parts(parts, Body::from(body.clone()));
        let kept = match kept::sealed(&self.secrets, &claim.key, &response, &body) {
            Ok(sealed) => self.answers.keep(&claim.key, claim.holder, &sealed).await.map_err(ApiError::from),
            Err(error) => Err(error),
        };
        match kept {
            Ok(true) => {}
            Ok(false) => tracing::warn!("an answer came after the time of its key; a repeat may have been carried out"),
            Err(error) => tracing::warn!(%error, "an answer was not kept; a repeat will be carried out after a while"),
        }
        response
    }

    /// Now and then erases the oldest keys of somebody who has too many.
    async fn trim(&self, user: UserId) {
        if self.trims.contains_key(&user) {
            return;
        }
        self.trims.insert(user, ());
        if let Err(error) = self.answers.trim(user, IDEMPOTENCY_KEYS_MAX, KEY_PURGE_MAX).await {
            tracing::debug!(%error, "keys not trimmed this time");
        }
    }

    /// Forgets keys that are over, again and again. Every api does; twice is as good as once.
    pub(crate) async fn purge(&self) {
        let purge = || self.answers.purge(UnixMillis::now(), KEY_PURGE_MAX);
        every(KEY_PURGE_INTERVAL, "key purge", purge).await;
    }
}

/// Whether the same request would be answered so tomorrow, too.
fn is_final(response: &Response, accepted: Accepted) -> bool {
    match response.status() {
        StatusCode::ACCEPTED => accepted == Accepted::Final,
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => false,
        status => !status.is_server_error() && !response.headers().contains_key(RETRY_AFTER),
    }
}

/// The type of every answer that has a body.
fn json() -> (http::HeaderName, HeaderValue) {
    (CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use parking_lot::Mutex;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let header = http::HeaderName::from_static("idempotency-key");
        values
            .iter()
            .map(|value| (header.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn a_key_is_visible_ascii_and_belongs_to_its_user() {
        let (user, other) = (UserId::generate(), UserId::generate());
        let key = Key::of(user, &headers(&["a"])).unwrap().unwrap();
        assert_eq!(Key::of(user, &headers(&["a"])).unwrap(), Some(key));
        assert_ne!(Key::of(other, &headers(&["a"])).unwrap(), Some(key));
        assert!(Key::of(user, &headers(&[&"~".repeat(255)])).is_ok());
        assert_eq!(Key::of(user, &headers(&[])).unwrap(), None);
        for bad in [&[""][..], &["a b"], &["ä"], &["a", "a"], &["a", "b"], &[&"x".repeat(256)]] {
            assert!(Key::of(user, &headers(bad)).is_err(), "{bad:?}");
        }
        assert!(key.client_id().as_str().starts_with("key-"));
    }

    #[test]
    fn only_what_would_be_the_same_tomorrow_is_final() {
        let of = |code| ApiError::refused(code).into_response();
        for code in [ErrorCode::BadField, ErrorCode::Forbidden, ErrorCode::UnknownRoom, ErrorCode::RoomNameTaken] {
            assert!(is_final(&of(code), Accepted::Provisional), "{code:?}");
        }
        for code in [ErrorCode::Unauthenticated, ErrorCode::RateLimited, ErrorCode::Unavailable, ErrorCode::Internal] {
            assert!(!is_final(&of(code), Accepted::Final), "{code:?}");
        }
        let muted = ApiError::later(ErrorCode::Muted, 5).into_response();
        assert!(!is_final(&muted, Accepted::Final));
        let accepted = StatusCode::ACCEPTED.into_response();
        assert!(is_final(&accepted, Accepted::Final) && !is_final(&accepted, Accepted::Provisional));
    }

    /// A store of one key that carries its first claim out and loses the answer, and is away for some calls after that.
    #[derive(Default)]
    struct LosingStore {
        held: Mutex<Option<KeyClaim>>,
        claims: AtomicUsize,
        away: AtomicUsize,
        renewals: AtomicUsize,
    }

    fn lost<T>() -> Result<T, StoreError> {
        Err(StoreError::Unavailable("no answer in time".to_owned()))
    }

    #[async_trait]
    impl KeptAnswers for LosingStore {
        async fn claim(&self, claim: &KeyClaim) -> Result<KeyState, StoreError> {
            let mut held = self.held.lock();
            if let Some(other) = held.as_ref() {
                return Ok(KeyState::Underway(other.request));
            }
            *held = Some(claim.clone());
            if self.claims.fetch_add(1, Ordering::Relaxed) == 0 {
                lost()
            } else {
                Ok(KeyState::Claimed)
            }
        }

        async fn renew(&self, _key: &KeyHash, holder: Uuid, _until: UnixMillis) -> Result<bool, StoreError> {
            self.renewals.fetch_add(1, Ordering::Relaxed);
            Ok(self.held.lock().as_ref().is_some_and(|held| held.holder == holder))
        }

        async fn keep(&self, _key: &KeyHash, _holder: Uuid, _answer: &[u8]) -> Result<bool, StoreError> {
            Ok(true)
        }

        async fn give_up(&self, _key: &KeyHash, holder: Uuid) -> Result<(), StoreError> {
            if self
                .away
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_ok()
            {
                return lost();
            }
            self.held.lock().take_if(|held| held.holder == holder);
            Ok(())
        }

        async fn trim(&self, _user: UserId, _keep: usize, _limit: usize) -> Result<usize, StoreError> {
            Ok(0)
        }

        async fn purge(&self, _before: UnixMillis, _limit: usize) -> Result<usize, StoreError> {
            Ok(0)
        }
    }

    fn over(store: &Arc<LosingStore>) -> Idempotency {
        let secrets = Secrets::default();
        secrets.replace(&[[1; 32]]);
        Idempotency::new(store.clone(), secrets)
    }

    async fn answered(keys: &Idempotency, work: Duration) -> Result<StatusCode, ErrorCode> {
        let key = Key { user: UserId::from_uuid(Uuid::nil()), hash: [1; 32] };
        let work = async move {
            sleep(work).await;
            (StatusCode::CREATED.into_response(), Accepted::Final)
        };
        let response = keys.once(key, &[b"request"], Duration::from_hours(1), work).await;
        response.map(|response| response.status()).map_err(|error| error.code())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_whose_claim_was_not_answered_is_freed_when_the_store_is_back() {
        let store = Arc::new(LosingStore { away: AtomicUsize::new(3), ..LosingStore::default() });
        let keys = over(&store);
        assert_eq!(answered(&keys, Duration::ZERO).await, Err(ErrorCode::Unavailable));
        assert!(store.held.lock().is_some(), "the store has it");
        assert_eq!(answered(&keys, Duration::ZERO).await, Ok(StatusCode::CREATED));
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_renews_its_claim() {
        let store = Arc::new(LosingStore { claims: AtomicUsize::new(1), ..LosingStore::default() });
        let keys = over(&store);
        assert_eq!(answered(&keys, KEY_CLAIM_LIFE * 2).await, Ok(StatusCode::CREATED));
        assert!(store.renewals.load(Ordering::Relaxed) >= 5);
    }
}
