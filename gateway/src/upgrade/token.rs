//! Where an upgrade request carries its token or ticket.

use axum::extract::{Query, Request};
use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use rookery_protocol::BEARER_PREFIX;
use serde::Deserialize;

use super::handshake::entries;
use crate::credential::Credential;

#[derive(Deserialize)]
struct Parameters {
    token: Option<String>,
    ticket: Option<String>,
}

/// The token: in the `Authorization` header, else as subprotocol `bearer.<token>`, else as `?token=`; or else the ticket
/// of `?ticket=`.
pub(super) fn find(request: &Request) -> Option<Credential> {
    let headers = request.headers();
    let token = authorization(headers).or_else(|| subprotocol(headers)).map(Credential::Token);
    token.or_else(|| query(request))
}

fn authorization(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn subprotocol(headers: &HeaderMap) -> Option<String> {
    entries(headers, &SEC_WEBSOCKET_PROTOCOL)
        .find_map(|entry| entry.strip_prefix(BEARER_PREFIX))
        .map(str::to_owned)
}

fn query(request: &Request) -> Option<Credential> {
    let Parameters { token, ticket } = Query::<Parameters>::try_from_uri(request.uri()).ok()?.0;
    token.map(Credential::Token).or_else(|| ticket.map(Credential::Ticket))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn found(uri: &str, headers: &[(&str, &str)]) -> Option<Credential> {
        let builder = Request::builder().uri(uri);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        find(&builder.body(Body::empty()).unwrap())
    }

    #[test]
    fn header_then_subprotocol_then_query() {
        let token = |text: &str| Some(Credential::Token(text.to_owned()));
        let ticket = |text: &str| Some(Credential::Ticket(text.to_owned()));
        let (header, offer) = (("authorization", "bearer a"), ("sec-websocket-protocol", "chat.v1, bearer.b"));
        assert_eq!(found("/ws?token=c", &[header, offer]), token("a"));
        assert_eq!(found("/ws?token=c", &[offer]), token("b"));
        assert_eq!(found("/ws?x=1&token=c", &[]), token("c"));
        assert_eq!(found("/ws?token=", &[]), token(""), "given, but not valid");
        assert_eq!(found("/ws?ticket=d", &[]), ticket("d"));
        assert_eq!(found("/ws?ticket=d&token=c", &[]), token("c"));
        assert_eq!(found("/ws", &[("authorization", "Basic a")]), None);
    }
}
