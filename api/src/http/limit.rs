//! How much may be asked for over REST: by a user, over all nodes and sockets together; by an address, where nobody says
//! who asks, and wherever somebody asks who need not be logged in. Every answer of such a route has the remaining tokens
//! in its headers.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use rookery_bus::limiter::{Limiter, Verdict, headers};
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::quota::Limit;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::id::{RoomId, UserId};
use rookery_runtime::address;
use rookery_runtime::listener::Peer;
use rookery_runtime::token::{Claims, Verifier};
use rookery_store::user::{Email, Login};

use crate::error::{ApiError, is_pace};
use crate::http::extract::bearer;

/// The pictures that pages show.
const AVATAR_PICTURE: &str = "/api/v1/avatars/{avatar}/{size}";

/// The files that pages show.
const LINKED_FILE: &str = "/api/v1/linked-files/{file}";
const ROOM_AVATAR: &str = "/api/v1/rooms/{room}/avatar/{avatar}/{size}";
const LINKED_THUMBNAIL: &str = "/api/v1/linked-files/{file}/thumbnail";

/// How much one user or one address may ask for.
#[derive(Clone)]
pub struct Limits {
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) verifier: Arc<Verifier>,
    /// Rate limit of one user in one room; only announced here, the bus enforces it.
    pub(crate) pace: RoomRateLimit,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub(crate) IpAddr);

/// Why a login is refused without being tried.
pub(crate) const TOO_MANY: &str = "too many tries";

/// The one line that names the address of somebody: for programs that shut out who tries passwords. It never has the name
/// that was tried, which may be a password in the wrong field.
pub(crate) fn log_refused_login(from: ClientAddress, reason: &'static str) {
    tracing::warn!(client = %from.0, reason, "login refused");
}

impl ClientAddress {
    /// What stands for it where it is counted.
    pub(crate) fn subject(self) -> u128 {
        address::subject(self.0)
    }
}

/// Counts a request before anything is done for it.
pub(crate) async fn limited(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    let from = ClientAddress(limits.client(&request));
    request.extensions_mut().insert(from);
    let own = request.extensions().get::<MatchedPath>().and_then(|path| limit_of(path.as_str()));
    let token = own.is_none().then(|| limits.claims(request.headers())).flatten();
    let verdict = if let Some(claims) = token {
        let user = claims.sub.as_uuid().as_u128();
        request.extensions_mut().insert(claims);
        limits.limiter.take(Limit::UserCommands, user).await
    } else {
        limits.stranger(own, from.subject()).await
    };
    if !verdict.allowed {
        if own == Some(Limit::AddressLogins) {
            log_refused_login(from, TOO_MANY);
        }
        return ApiError::Limited(verdict).into_response();
    }
    let mut response = next.run(request).await;
    write_headers(&mut response, &verdict, limits.pace.burst);
    response
}

/// Counts a file or a document. A page of them is many requests, so they have a limit of their own.
pub(crate) async fn file(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let address = address::subject(limits.client(&request));
    let verdict = limits.limiter.take(Limit::AddressFiles, address).await;
    if verdict.allowed {
        next.run(request).await
    } else {
        ApiError::Limited(verdict).into_response()
    }
}

impl Limits {
    /// Counts a request to nowhere, and gives the answer that it gets.
    pub(crate) async fn nowhere(&self, request: Request, answer: ApiError) -> Response {
        let address = address::subject(self.client(&request));
        let verdict = self.limiter.take(Limit::AddressRequests, address).await;
        let answer = if verdict.allowed { answer } else { ApiError::Limited(verdict) };
        answer.into_response()
    }

    /// Counts a login to an account, by whichever of its names, and whether there is such an account or not. Only who tries
    /// from the same address is slowed down by it: nobody can lock somebody else out.
    pub(crate) async fn login(
        &self,
        account: Option<UserId>,
        login: &Login,
        from: ClientAddress,
    ) -> Result<(), ApiError> {
        let name =
            account.map_or_else(|| login.as_str().trim().to_lowercase(), |id| format!("account {}", id.as_uuid()));
        self.take(Limit::AccountLogins, address::account(&name, from.0)).await
    }

    /// Counts a password that is asked for once more, as a login to the account.
    pub(crate) async fn account(&self, account: UserId, from: ClientAddress) -> Result<(), ApiError> {
        let name = format!("account {}", account.as_uuid());
        self.take(Limit::AccountLogins, address::account(&name, from.0)).await
    }

    /// Counts a second factor that is tried after the right password, before it is checked, so that parallel tries count as many.
    pub(crate) async fn code(&self, account: UserId) -> Result<(), ApiError> {
        self.take(Limit::AccountCodes, account.as_uuid().as_u128()).await
    }

    /// A code that was counted was right: only wrong ones count.
    pub(crate) fn right_code(&self, account: UserId) {
        self.limiter.give_back(Limit::AccountCodes, account.as_uuid().as_u128());
    }

    /// Counts a mail to an address; whether it may be sent.
    pub(crate) async fn mail(&self, to: &Email) -> bool {
        self.take(Limit::RecipientMails, address::named(&to.key())).await.is_ok()
    }

    /// Counts a mail that is sent once more; whether it may be.
    pub(crate) async fn repeat_mail(&self, to: &Email) -> bool {
        self.take(Limit::RecipientRepeats, address::named(&to.key())).await.is_ok() && self.mail(to).await
    }

    /// Counts a registration with an e-mail address.
    pub(crate) async fn registration(&self, email: &Email) -> Result<(), ApiError> {
        self.take(Limit::AccountRegistrations, address::named(&email.key())).await
    }

    /// Counts a refresh of a session.
    pub(crate) async fn refresh(&self, lookup: &[u8; 16]) -> Result<(), ApiError> {
        self.take(Limit::SessionRefreshes, u128::from_be_bytes(*lookup)).await
    }

    /// Counts a direct room, or a group, that a user makes.
    pub(crate) async fn direct(&self, user: UserId) -> Result<(), ApiError> {
        self.take(Limit::UserDirects, user.as_uuid().as_u128()).await
    }

    /// Counts a password that a user tries at a room.
    pub(crate) async fn room_password(&self, user: UserId, room: RoomId) -> Result<(), ApiError> {
        self.take(Limit::UserRoomPasswords, user.as_uuid().as_u128()).await?;
        self.take(Limit::RoomPasswords, room.as_uuid().as_u128()).await
    }

    /// The password was right: only wrong ones count.
    pub(crate) fn right_room_password(&self, user: UserId, room: RoomId) {
        self.limiter.give_back(Limit::UserRoomPasswords, user.as_uuid().as_u128());
        self.limiter.give_back(Limit::RoomPasswords, room.as_uuid().as_u128());
    }

    async fn take(&self, limit: Limit, subject: u128) -> Result<(), ApiError> {
        let verdict = self.limiter.take(limit, subject).await;
        if verdict.allowed { Ok(()) } else { Err(ApiError::Limited(verdict)) }
    }

    /// Counts what a request makes the servers do beyond what every request costs.
    pub(crate) async fn spend(&self, user: UserId, work: Work) -> Result<(), ApiError> {
        let tokens = work.tokens().saturating_sub(Work::Plain.tokens());
        let verdict = self.limiter.take_many(Limit::UserCommands, user.as_uuid().as_u128(), tokens).await;
        if verdict.allowed { Ok(()) } else { Err(ApiError::Limited(verdict)) }
    }

    /// What an address may ask for in general, and then this in particular.
    async fn stranger(&self, own: Option<Limit>, address: u128) -> Verdict {
        // A page shows many pictures.
        if own == Some(Limit::AddressFiles) {
            return self.limiter.take(Limit::AddressFiles, address).await;
        }
        let verdict = self.limiter.take(Limit::AddressRequests, address).await;
        match own {
            Some(own) if verdict.allowed => self.limiter.take(own, address).await,
            Some(_) | None => verdict,
        }
    }

    fn claims(&self, headers: &HeaderMap) -> Option<Claims> {
        self.verifier.verify(bearer(headers)?, UnixMillis::now()).ok()
    }

    fn client(&self, request: &Request) -> IpAddr {
        // Every request came through our listener, which knows the other end.
        let peer = request
            .extensions()
            .get::<Peer>()
            .map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
        self.limiter.client(peer, request.headers())
    }
}

/// What people ask who need not be logged in. A token that comes along says nothing about who asks.
fn limit_of(path: &str) -> Option<Limit> {
    match path {
        "/api/v1/auth/login"
        | "/api/v1/auth/password/forgot"
        | "/api/v1/auth/password/reset"
        | "/api/v1/users/me/email/confirm" => Some(Limit::AddressLogins),
        "/api/v1/auth/register" | "/api/v1/auth/verify" | "/api/v1/auth/verify/resend" => {
            Some(Limit::AddressRegistrations)
        }
        "/api/v1/auth/refresh" | "/api/v1/auth/logout" => Some(Limit::AddressRefreshes),
        AVATAR_PICTURE | ROOM_AVATAR | LINKED_FILE | LINKED_THUMBNAIL => Some(Limit::AddressFiles),
        _ => None,
    }
}

/// Adds the rate limit headers, unless the answer has those of another limit. The rate limit of a room adds its own.
fn write_headers(response: &mut Response, verdict: &Verdict, pace_burst: u32) {
    if response.headers().contains_key(headers::LIMIT) {
        return;
    }
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let burst = if is_pace(response) { pace_burst } else { 1 };
        write_empty_bucket(response.headers_mut(), burst);
    } else {
        verdict.write(response.headers_mut());
    }
}

fn write_empty_bucket(map: &mut HeaderMap, burst: u32) {
    let reset = map.get(RETRY_AFTER).cloned().unwrap_or(HeaderValue::from_static("1"));
    map.insert(headers::LIMIT, HeaderValue::from(burst));
    map.insert(headers::REMAINING, HeaderValue::from(0_u32));
    map.insert(headers::RESET, reset);
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or(Self(Ipv4Addr::UNSPECIFIED.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{OPERATIONS, Rule};

    #[test]
    fn b2_whatever_is_done_without_a_login_is_counted_by_address() {
        let public = OPERATIONS.iter().filter(|row| row.rule == Rule::Anyone);
        for (method, path) in public.filter_map(|row| row.what.split_once(' ')) {
            assert!(method == "GET" || limit_of(path).is_some(), "{method} {path} has no limit of its own");
        }
    }
}
