//! The api's internal listener as the gateway's [`rookery_bus::authority::Authority`].

use axum::body::Bytes;
use http::StatusCode;
use moka::future::Cache;
use rookery_bus::authority::batch::{Answers, Questions};
use rookery_bus::authority::{
    Answer, AuthorityError, Changes, DirectRooms, HistorySource, Look, MessageFacts, MessagePreparer, OpenSession,
    Permission, PermissionSource, Preparation, Prepared, Question, ReadMarks, RoomOpener, SessionSource, Withdrawal,
};
use rookery_bus::authority::{FilterSource, VersionedFilter};
use rookery_bus::limits::ROOM_OPEN_DEADLINE;
use rookery_gateway::limits::SLUGS_MAX;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, SessionId, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_runtime::token::JwkSet;
use rustls::ClientConfig;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use crate::limits::{
    AUTHORITY_ANSWER_BYTES_MAX, AUTHORIZE_ANSWER_BYTES_MAX, EVENTS_ANSWER_BYTES_MAX, FILTER_ANSWER_BYTES_MAX,
};

mod client;

use client::{Call, Client};

/// Where the api listens for gateways.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityOptions {
    /// Base address, such as `http://127.0.0.1:9080`.
    pub url: Url,
    /// How to speak TLS, where the address is one of `https`.
    pub tls: ClientConfig,
    /// Shared by gateways and api.
    pub secret: SecretString,
}

/// The api, asked over HTTP.
pub(crate) struct HttpAuthority {
    client: Client,
    options: AuthorityOptions,
    /// Rooms that are being opened: many ask for the same room at once, one asks the api.
    opening: Cache<RoomId, ()>,
}

/// What became of a direct room that was asked for.
#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    refused: Option<ErrorCode>,
}

#[derive(Deserialize)]
struct Problem {
    code: ErrorCode,
}

impl HttpAuthority {
    /// Connects when first asked.
    pub(crate) fn new(options: AuthorityOptions) -> Self {
        let client = Client::new(options.tls.clone());
        Self { client, options, opening: Cache::new(SLUGS_MAX) }
    }

    fn url(&self, path: &[&str]) -> Result<Url, AuthorityError> {
        let mut url = self.options.url.clone();
        // Only addresses like `data:` have no path to extend, and the configuration refuses them.
        let mut segments = url.path_segments_mut().map_err(|()| unavailable("the address has no path"))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        Ok(url)
    }

    async fn ask(&self, call: Call<'_>) -> Result<Bytes, AuthorityError> {
        self.ask_for(call, AUTHORITY_ANSWER_BYTES_MAX).await
    }

    async fn ask_for(&self, call: Call<'_>, bytes_max: usize) -> Result<Bytes, AuthorityError> {
        let (status, body) = call.send(&self.options.secret, bytes_max).await?;
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }

    async fn open(&self, room: RoomId) -> Result<(), AuthorityError> {
        let url = self.url(&["internal", "v1", "rooms", &room.to_string(), "open"])?;
        // All who want the room wait for this one call; the api opens rooms of a partition one after another.
        self.ask(self.client.post(url).within(ROOM_OPEN_DEADLINE)).await.map(drop)
    }
}

#[async_trait::async_trait]
impl PermissionSource for HttpAuthority {
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError> {
        let url = self.url(&["internal", "v1", "authorize"])?;
        let body = json!({ "user": user, "room": room });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }

    async fn authorize_many(&self, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        let url = self.url(&["internal", "v1", "authorize", "many"])?;
        let questions = Questions::new(questions);
        let body = self.ask_for(self.client.post(url).json(&questions), AUTHORIZE_ANSWER_BYTES_MAX).await?;
        let answers: Answers = decode(&body)?;
        questions.read(&answers).ok_or_else(|| unavailable("answers that do not fit"))
    }

    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError> {
        let url = self.url(&["internal", "v1", "acl"])?;
        let body = json!({ "rooms": rooms });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }

    async fn readers(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        let url = self.url(&["internal", "v1", "readers"])?;
        let body = json!({ "room": room, "users": users });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }

    async fn shows_typing(&self, user: UserId) -> Result<bool, AuthorityError> {
        let url = self.url(&["internal", "v1", "typing"])?;
        decode(&self.ask(self.client.post(url).json(&json!({ "user": user }))).await?)
    }

    async fn visible_users(&self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        let url = self.url(&["internal", "v1", "acquainted"])?;
        let body = json!({ "user": user, "others": others });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }
}

#[async_trait::async_trait]
impl SessionSource for HttpAuthority {
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError> {
        let url = self.url(&[".well-known", "jwks.json"])?;
        decode(&self.ask(self.client.get(url)).await?)
    }

    async fn changes(&self, since: Option<UnixMillis>) -> Result<Changes, AuthorityError> {
        let url = self.url(&["internal", "v1", "changes"])?;
        decode(&self.ask(self.client.post(url).json(&json!({ "since": since }))).await?)
    }

    async fn open_sessions(&self, sessions: &[SessionId]) -> Result<Vec<OpenSession>, AuthorityError> {
        let url = self.url(&["internal", "v1", "sessions", "open"])?;
        let body = json!({ "sessions": sessions });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }
}

#[async_trait::async_trait]
impl RoomOpener for HttpAuthority {
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError> {
        let opened = self.opening.try_get_with(room, self.open(room)).await;
        // An answer is good for those who waited for it, not for a later question.
        self.opening.invalidate(&room).await;
        opened.map_err(|error| AuthorityError::clone(&error))
    }
}

#[async_trait::async_trait]
impl HistorySource for HttpAuthority {
    async fn message(&self, look: Look) -> Result<MessageFacts, AuthorityError> {
        let url = self.url(&["internal", "v1", "messages", "look"])?;
        decode(&self.ask(self.client.post(url).json(&look)).await?)
    }

    async fn events(&self, room: RoomId, place: Position, limit: usize) -> Result<Vec<SequencedEvent>, AuthorityError> {
        let url = self.url(&["internal", "v1", "rooms", &room.to_string(), "events"])?;
        let body = json!({ "epoch": place.epoch, "after": place.seq, "limit": limit });
        decode(&self.ask_for(self.client.post(url).json(&body), EVENTS_ANSWER_BYTES_MAX).await?)
    }
}

#[async_trait::async_trait]
impl MessagePreparer for HttpAuthority {
    async fn prepare(&self, preparation: Preparation) -> Result<Prepared, AuthorityError> {
        let url = self.url(&["internal", "v1", "messages", "prepare"])?;
        let call = self.client.post(url).json(&preparation);
        let (status, body) = call.send(&self.options.secret, AUTHORITY_ANSWER_BYTES_MAX).await?;
        if status.is_success() {
            return decode(&body);
        }
        // An api of before has no such call, and answers what there was to ask about then.
        let is_older = status == StatusCode::NOT_FOUND && code_of(&body) == Some(ErrorCode::NotFound);
        match preparation.reply_to.filter(|_| is_older && preparation.files.is_empty()) {
            Some(message) => {
                let look = Look { room: preparation.room, message, before: None };
                self.message(look).await.map(|_| Prepared::default())
            }
            None => Err(refusal(status, &body)),
        }
    }

    async fn withdraw(&self, withdrawal: Withdrawal) -> Result<(), AuthorityError> {
        let url = self.url(&["internal", "v1", "messages", "withdraw"])?;
        self.ask(self.client.post(url).json(&withdrawal)).await.map(drop)
    }
}

#[async_trait::async_trait]
impl ReadMarks for HttpAuthority {
    async fn mark_read(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<(), AuthorityError> {
        let url = self.url(&["internal", "v1", "read"])?;
        let body = json!({ "user": user, "room": room, "to": to });
        self.ask(self.client.post(url).json(&body)).await.map(drop)
    }

    async fn read_states(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError> {
        let url = self.url(&["internal", "v1", "unread"])?;
        let body = json!({ "user": user, "rooms": rooms });
        decode(&self.ask(self.client.post(url).json(&body)).await?)
    }
}

#[async_trait::async_trait]
impl FilterSource for HttpAuthority {
    async fn server_filter(&self, known: u64) -> Result<Option<VersionedFilter>, AuthorityError> {
        let url = self.url(&["internal", "v1", "filter"])?;
        let body = json!({ "known": known });
        decode(&self.ask_for(self.client.post(url).json(&body), FILTER_ANSWER_BYTES_MAX).await?)
    }

    async fn room_filter(&self, room: RoomId) -> Result<VersionedFilter, AuthorityError> {
        let url = self.url(&["internal", "v1", "rooms", &room.to_string(), "filter"])?;
        decode(&self.ask_for(self.client.post(url).json(&json!({})), FILTER_ANSWER_BYTES_MAX).await?)
    }
}

#[async_trait::async_trait]
impl DirectRooms for HttpAuthority {
    async fn open_direct(&self, user: UserId, with: UserId) -> Result<(), AuthorityError> {
        let url = self.url(&["internal", "v1", "direct"])?;
        let body = json!({ "user": user, "with": with });
        let Opened { refused } = decode(&self.ask(self.client.post(url).json(&body)).await?)?;
        refused.map_or(Ok(()), |code| Err(AuthorityError::Refused(code)))
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, AuthorityError> {
    serde_json::from_slice(body).map_err(unavailable)
}

/// Only a 404 with a code is the api's word about a room or a message, and a 400 about files; anything else is a fault on the way.
fn refusal(status: StatusCode, body: &[u8]) -> AuthorityError {
    match code_of(body) {
        Some(code @ (ErrorCode::UnknownRoom | ErrorCode::UnknownMessage)) if status == StatusCode::NOT_FOUND => {
            AuthorityError::Refused(code)
        }
        Some(code @ ErrorCode::BadAttachment) if status == StatusCode::BAD_REQUEST => AuthorityError::Refused(code),
        Some(code) => unavailable(format!("{status} {}", code.as_str())),
        None => unavailable(status),
    }
}

fn code_of(body: &[u8]) -> Option<ErrorCode> {
    serde_json::from_slice::<Problem>(body).ok().map(|problem| problem.code)
}

fn unavailable(cause: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Unavailable(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apis_own_404_is_a_refusal() {
        let unknown = br#"{"code":"unknown_room","status":404}"#;
        let refused = AuthorityError::Refused(ErrorCode::UnknownRoom);
        assert_eq!(refusal(StatusCode::NOT_FOUND, unknown), refused);
        for (status, body) in [
            (StatusCode::NOT_FOUND, &b"<html>"[..]),
            (StatusCode::NOT_FOUND, br#"{"code":"not_found"}"#),
            (StatusCode::SERVICE_UNAVAILABLE, unknown),
            (StatusCode::UNAUTHORIZED, br#"{"code":"unauthenticated"}"#),
        ] {
            assert!(matches!(refusal(status, body), AuthorityError::Unavailable(_)), "{status}");
        }
    }

    #[test]
    fn a_base_address_with_a_path_is_kept() {
        for base in ["http://api:9080", "http://api:9080/", "http://api:9080/x/"] {
            let url = base.parse().unwrap();
            let tls = rookery_runtime::tls::without_authorities().unwrap();
            let authority = HttpAuthority::new(AuthorityOptions { url, tls, secret: "0123456789abcdef".into() });
            let url = authority.url(&["internal", "v1", "authorize"]).unwrap();
            assert!(url.path().ends_with("/internal/v1/authorize") && !url.path().contains("//"), "{url}");
        }
    }
}
