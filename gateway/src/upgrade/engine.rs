//! The query of a request to Engine.IO, and how it is refused. Pure.

use axum::Json;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::dialect::socketio::Sid;

/// The revision of Engine.IO that is spoken.
const REVISION: &str = "4";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineRequest {
    /// A new connection.
    Open(Transport),
    /// A connection of before, over this transport from here on.
    Resume(Sid, Transport),
}

/// How packets come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Transport {
    /// In messages of a WebSocket.
    Websocket,
    /// In bodies of HTTP requests.
    Polling,
}

/// Why not; the codes are those of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineRefusal {
    /// No transport that is spoken here.
    Transport,
    /// No such connection, or not the caller's.
    Session,
    /// Another method than the transport has.
    Method,
    /// No request that is understood, or not at this time.
    BadRequest,
    /// More packets than one request may bring.
    TooLarge,
    /// There are too many connections.
    Overloaded,
    /// Another revision of the protocol.
    Revision,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(rename = "EIO")]
    revision: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
}

#[derive(Serialize)]
struct Body {
    code: u8,
    message: &'static str,
}

/// What the query asks for.
///
/// # Errors
/// If it is nothing that there is.
pub(super) fn read(uri: &Uri) -> Result<EngineRequest, EngineRefusal> {
    let Query(Parameters { revision, transport, sid }) =
        Query::try_from_uri(uri).map_err(|_| EngineRefusal::BadRequest)?;
    if revision.as_deref() != Some(REVISION) {
        return Err(EngineRefusal::Revision);
    }
    let transport = match transport.as_deref() {
        Some("websocket") => Transport::Websocket,
        Some("polling") => Transport::Polling,
        _ => return Err(EngineRefusal::Transport),
    };
    match sid {
        None => Ok(EngineRequest::Open(transport)),
        Some(sid) => sid
            .parse()
            .map(|sid| EngineRequest::Resume(sid, transport))
            .map_err(|_| EngineRefusal::Session),
    }
}

impl EngineRefusal {
    const fn row(self) -> (StatusCode, u8, &'static str) {
        match self {
            Self::Transport => (
                StatusCode::BAD_REQUEST,
                0,
                "Transport unknown: this server speaks WebSocket only. Connect with transports: [\"websocket\"], or ask \
                 its operator for the setting socketio_polling.",
            ),
            Self::Session => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::Method => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, 4, "Too many connections by long-polling"),
            Self::Revision => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version: this server speaks EIO=4."),
        }
    }
}

impl IntoResponse for EngineRefusal {
    fn into_response(self) -> Response {
        let (status, code, message) = self.row();
        (status, Json(Body { code, message })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revision_transport_and_session_are_read() {
        let read = |query: &str| read(&format!("/socket.io/?{query}").parse().unwrap());
        let sid = Sid::generate();
        assert_eq!(read("EIO=4&transport=websocket"), Ok(EngineRequest::Open(Transport::Websocket)));
        assert_eq!(read("EIO=4&transport=polling&t=abc"), Ok(EngineRequest::Open(Transport::Polling)));
        assert_eq!(
            read(&format!("EIO=4&transport=polling&sid={sid}")),
            Ok(EngineRequest::Resume(sid, Transport::Polling))
        );
        assert_eq!(read("EIO=3&transport=websocket"), Err(EngineRefusal::Revision));
        assert_eq!(read("transport=websocket"), Err(EngineRefusal::Revision));
        assert_eq!(read("EIO=4"), Err(EngineRefusal::Transport));
        assert_eq!(read("EIO=4&transport=webtransport"), Err(EngineRefusal::Transport));
        assert_eq!(read("EIO=4&transport=websocket&sid=x"), Err(EngineRefusal::Session));
        assert_eq!(read("EIO=4&transport=websocket&sid=__proto__"), Err(EngineRefusal::Session));
        assert_eq!(read("EIO=4&EIO=4&transport=websocket"), Err(EngineRefusal::BadRequest));
    }
}
