//! The server's half of the opening handshake (RFC 6455 §4.2).

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use rookery_protocol::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::refusal::Refusal;

/// A request that may become a WebSocket.
#[derive(Debug)]
pub(super) struct Accepted {
    accept: String,
    subprotocol: bool,
}

/// Everything but origin and token.
pub(super) fn check(request: &Request) -> Result<Accepted, Refusal> {
    let headers = request.headers();
    let asks = has_token(headers, &UPGRADE, "websocket") && has_token(headers, &CONNECTION, "upgrade");
    if !asks || request.version() != Version::HTTP_11 {
        return Err(Refusal::NoUpgrade);
    }
    // What follows the head of a handshake are frames.
    if !request.body().is_end_stream() {
        return Err(Refusal::Body);
    }
    if single(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::Version);
    }
    let key = single(headers, &SEC_WEBSOCKET_KEY)
        .filter(|key| is_key(key.as_bytes()))
        .ok_or(Refusal::Key)?;
    let accept = derive_accept_key(key.as_bytes());
    Ok(Accepted { accept, subprotocol: has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) })
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let fixed =
            [(UPGRADE, HeaderValue::from_static("websocket")), (CONNECTION, HeaderValue::from_static("Upgrade"))];
        let subprotocol = self.subprotocol.then_some([(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)]);
        let mut response =
            (StatusCode::SWITCHING_PROTOCOLS, fixed, [(SEC_WEBSOCKET_ACCEPT, self.accept)]).into_response();
        for (name, value) in subprotocol.into_iter().flatten() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        // A 101 has no body, so it has no type either.
        response.headers_mut().remove(http::header::CONTENT_TYPE);
        response
    }
}

/// The header's value, if there is exactly one.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The comma-separated entries of all lines of a header.
pub(super) fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    entries(headers, name).any(|entry| entry.eq_ignore_ascii_case(token))
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else { return false };
    let last_is_whole = digits.last().is_some_and(|last| matches!(last, b'A' | b'Q' | b'g' | b'w'));
    let valid = |digit: &u8| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/');
    digits.len() == 22 && last_is_whole && digits.iter().all(valid)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(change: impl FnOnce(&mut HeaderMap)) -> Request {
        let mut request = Request::builder()
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "bearer.x, chat.v1")
            .body(Body::empty())
            .unwrap();
        change(request.headers_mut());
        request
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        let response = check(&request(|_| {})).unwrap().into_response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
    }

    #[test]
    fn what_is_missing_or_twice_is_refused() {
        let refused = |change: fn(&mut HeaderMap)| check(&request(change)).unwrap_err().status().as_u16();
        assert_eq!(refused(|headers| drop(headers.remove("upgrade"))), 426);
        assert_eq!(refused(|headers| drop(headers.remove("connection"))), 426);
        assert_eq!(refused(|headers| drop(headers.insert("sec-websocket-version", "8".parse().unwrap()))), 426);
        assert_eq!(refused(|headers| drop(headers.remove("sec-websocket-key"))), 400);
        assert_eq!(refused(|headers| drop(headers.insert("sec-websocket-key", "short".parse().unwrap()))), 400);
        let twice = |headers: &mut HeaderMap| {
            headers.append("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
        };
        assert_eq!(refused(twice), 400);
    }

    #[test]
    fn no_subprotocol_is_chosen_that_was_not_offered() {
        let request = request(|headers| drop(headers.remove("sec-websocket-protocol")));
        let response = check(&request).unwrap().into_response();
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
    }
}
