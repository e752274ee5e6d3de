//! The request that opens an Engine.IO connection: what its query has to say, and how it is refused.

use axum::Json;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

/// The revision of Engine.IO that is spoken.
const REVISION: &str = "4";

/// Why not; the codes are those of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineRefusal {
    /// Another transport than WebSocket.
    Transport,
    /// A connection of before, which this transport would go on with.
    Session,
    /// No query that is understood.
    BadRequest,
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

/// Whether the query asks for a new connection over WebSocket.
///
/// # Errors
/// What it asks for instead.
pub(super) fn check(uri: &Uri) -> Result<(), EngineRefusal> {
    let Query(Parameters { revision, transport, sid }) =
        Query::try_from_uri(uri).map_err(|_| EngineRefusal::BadRequest)?;
    if revision.as_deref() != Some(REVISION) {
        return Err(EngineRefusal::Revision);
    }
    match (transport.as_deref(), sid) {
        (Some("websocket"), None) => Ok(()),
        (Some("websocket"), Some(_)) => Err(EngineRefusal::Session),
        _ => Err(EngineRefusal::Transport),
    }
}

impl EngineRefusal {
    const fn row(self) -> (u8, &'static str) {
        match self {
            Self::Transport => (
                0,
                "Transport unknown: this server speaks WebSocket only. Connect with transports: [\"websocket\"], or ask \
                 its operator for the setting socketio_polling.",
            ),
            Self::Session => (1, "Session ID unknown: a connection over WebSocket begins anew."),
            Self::BadRequest => (3, "Bad request"),
            Self::Revision => (5, "Unsupported protocol version: this server speaks EIO=4."),
        }
    }
}

impl IntoResponse for EngineRefusal {
    fn into_response(self) -> Response {
        let (code, message) = self.row();
        (StatusCode::BAD_REQUEST, Json(Body { code, message })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_connection_over_websocket_of_revision_4_is_opened() {
        let check = |query: &str| check(&format!("/socket.io/?{query}").parse().unwrap());
        assert_eq!(check("EIO=4&transport=websocket"), Ok(()));
        assert_eq!(check("EIO=4&transport=websocket&t=abc"), Ok(()));
        assert_eq!(check("EIO=3&transport=websocket"), Err(EngineRefusal::Revision));
        assert_eq!(check("transport=websocket"), Err(EngineRefusal::Revision));
        assert_eq!(check("EIO=4&transport=polling"), Err(EngineRefusal::Transport));
        assert_eq!(check("EIO=4"), Err(EngineRefusal::Transport));
        assert_eq!(check("EIO=4&transport=websocket&sid=x"), Err(EngineRefusal::Session));
        assert_eq!(check("EIO=4&EIO=4&transport=websocket"), Err(EngineRefusal::BadRequest));
    }
}
