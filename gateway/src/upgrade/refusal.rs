//! Requests that do not become a WebSocket, as RFC 9457 problem documents.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, StatusCode};
use rookery_bus::limiter::Verdict;
use rookery_protocol::error_code::ErrorCode;
use serde::Serialize;

/// Why an upgrade is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request asks for no WebSocket.
    #[error("This address speaks WebSocket (RFC 6455) over HTTP/1.1 only.")]
    NoUpgrade,
    /// The request asks for another version.
    #[error("Sec-WebSocket-Version must be 13.")]
    Version,
    /// The handshake's key is missing or no key.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64, once.")]
    Key,
    /// The handshake has a body.
    #[error("A handshake has no body.")]
    Body,
    /// A page of another origin asks.
    #[error("Pages of this origin may not connect: it is neither in public_url nor in allowed_origins.")]
    Origin,
    /// The path names no possible room.
    #[error("A room is named by its id or its slug.")]
    NoSuchRoom,
    /// No such address.
    #[error("The addresses here are /ws, /ws/{{room}}, /ws/chat/{{room}}, /ws/dm/{{user}} and /socket.io/.")]
    NotFound,
    /// Another method than GET.
    #[error("Use GET.")]
    Method,
    /// Another method than Engine.IO has.
    #[error("Use GET or POST.")]
    EngineMethod,
    /// The node takes no new connections.
    #[error("This node is stopping. Connect again.")]
    Draining,
    /// As many sockets from one address as may be wait for their token.
    #[error("Too many sockets from this address have brought no token yet.")]
    TooManyPending,
    /// More sockets were opened from one address than may be.
    #[error("Too many sockets were opened from this address.")]
    TooMany(Verdict),
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: ErrorCode,
    detail: String,
}

impl Refusal {
    /// Its HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().0
    }

    const fn row(self) -> (StatusCode, ErrorCode) {
        match self {
            Self::NoUpgrade | Self::Version => (StatusCode::UPGRADE_REQUIRED, ErrorCode::BadField),
            Self::Key | Self::Body => (StatusCode::BAD_REQUEST, ErrorCode::BadField),
            Self::Origin => (StatusCode::FORBIDDEN, ErrorCode::Forbidden),
            Self::NoSuchRoom => (StatusCode::NOT_FOUND, ErrorCode::UnknownRoom),
            Self::NotFound => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
            Self::Method | Self::EngineMethod => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed),
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
            Self::TooManyPending | Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited),
        }
    }

    const fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::NoUpgrade => Some((UPGRADE, "websocket")),
            Self::Version => Some((SEC_WEBSOCKET_VERSION, "13")),
            Self::Method => Some((ALLOW, "GET")),
            Self::EngineMethod => Some((ALLOW, "GET, POST")),
            Self::Draining => Some((RETRY_AFTER, "1")),
            // By then whoever waited has brought its token or is gone.
            Self::TooManyPending => Some((RETRY_AFTER, "10")),
            Self::TooMany(_) | Self::Key | Self::Body | Self::Origin | Self::NoSuchRoom | Self::NotFound => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.row();
        let title = status.canonical_reason().unwrap_or_default();
        let detail = self.to_string();
        let problem = Problem { r#type: "about:blank", title, status: status.as_u16(), code, detail };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.header() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Self::TooMany(verdict) = self {
            verdict.write(headers);
        }
        if headers.contains_key(UPGRADE) {
            // RFC 9110 §7.8 wants the two together.
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        response
    }
}
