//! One request and its answer, the same for every server: the rules that hold for all requests, the request's id, what
//! browsers are told with every answer, and what becomes of a body that nobody has read.
//!
//! # Promise
//! The next request on a connection gets its own answer: either the body of the one before was read to its end, or the
//! answer says `Connection: close`. Nobody is asked for a body that is not wanted.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::timeout;
use tower::{Service, ServiceExt as _};
use uuid::Uuid;

use super::rules::{self, ProtocolError};
use super::stream::{Phase, Progress};
use super::{Peer, headers};
use crate::limits::{DRAIN_BYTES_MAX, DRAIN_WAIT};

/// Finds a request in the logs; every answer has it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The body of a request. What is left of it when it is dropped goes back to the listener.
#[derive(Debug)]
pub struct RequestBody {
    body: Option<Incoming>,
    was_asked_for: bool,
    rest: Rest,
}

/// Where a dropped body goes.
#[derive(Clone, Debug, Default)]
struct Rest(Arc<Mutex<Option<Left>>>);

#[derive(Debug)]
struct Left {
    body: Incoming,
    was_asked_for: bool,
}

/// Who asks, and by which listener.
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    pub(super) progress: Arc<Progress>,
    /// Whether people come by TLS.
    pub(super) is_https: bool,
}

/// Serves one request.
pub(super) async fn exchange<S, B>(
    service: S,
    request: Request<Incoming>,
    Caller { peer, progress, is_https }: Caller,
) -> Result<Response<Either<B, Full<Bytes>>>, Infallible>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    progress.enter(Phase::Serving);
    let (mut parts, body) = request.into_parts();
    let (id, waits) = (request_id(&parts.headers), rules::waits_to_continue(&parts.headers, parts.version));
    parts.headers.insert(REQUEST_ID, id.clone());
    parts.extensions.insert(Peer(peer));
    let rest = Rest::default();
    let checked = rules::check(&mut parts, !body.is_end_stream());
    let body = RequestBody { body: Some(body), was_asked_for: !waits, rest: rest.clone() };
    let request = Request::from_parts(parts, body);
    let (mut response, is_whole) = match checked {
        Ok(()) => (service.oneshot(request).await?.map(Either::Left), true),
        Err(breach) => {
            drop(request);
            // A message whose end depends on what is not understood has no end that both sides know.
            (refusal(breach, &id).map(Either::Right), breach != ProtocolError::TransferCoding)
        }
    };
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::complete(response.headers_mut(), is_https);
    }
    let goes_on = response.status() == StatusCode::SWITCHING_PROTOCOLS || is_whole && rest.is_read().await;
    if !goes_on {
        response.headers_mut().append(CONNECTION, HeaderValue::from_static("close"));
    }
    progress.enter(Phase::Between);
    Ok(response)
}

impl Rest {
    /// Reads what was left of the body, if that is little and comes soon. False if it was not read to its end.
    async fn is_read(&self) -> bool {
        // Whoever still has it may read it or not.
        let Some(Left { body, was_asked_for }) = self.0.lock().take() else { return false };
        if body.is_end_stream() {
            return true;
        }
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        was_asked_for && declared <= DRAIN_BYTES_MAX && timeout(DRAIN_WAIT, drained(body)).await.unwrap_or(false)
    }
}

async fn drained(mut body: Incoming) -> bool {
    let mut left = DRAIN_BYTES_MAX;
    while let Some(frame) = body.frame().await {
        let count = frame.as_ref().ok().map(|frame| frame.data_ref().map_or(0, Bytes::len));
        match count.and_then(|count| left.checked_sub(count)) {
            Some(less) => left = less,
            None => return false,
        }
    }
    true
}

/// A proxy in front may have given the request its id; anything but a UUID is somebody else's idea of one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok());
    let text = given.unwrap_or_else(Uuid::now_v7).hyphenated().to_string();
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none"))
}

/// A problem document (RFC 9457), as the api writes them.
fn refusal(breach: ProtocolError, id: &HeaderValue) -> Response<Full<Bytes>> {
    tracing::debug!(field = breach.field(), "request breaks a rule of HTTP");
    let problem = json!({
        "type": format!("urn:rookery:error:{}", breach.code().as_str()),
        "title": breach.code().message(),
        "status": breach.status().as_u16(),
        "code": breach.code().as_str(),
        "detail": breach.detail(),
        "field": breach.field(),
        "request_id": id.to_str().unwrap_or_default(),
    });
    let mut response = Response::new(Full::from(problem.to_string()));
    *response.status_mut() = breach.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if breach == ProtocolError::ContentCoding {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    response
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.was_asked_for = true;
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            *self.rest.0.lock() = Some(Left { body, was_asked_for: self.was_asked_for });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_of_a_proxy_are_taken_over() {
        let with = |text: &'static str| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(text))]);
        let given = "0190f3a4-0000-7000-8000-000000000001";
        assert_eq!(request_id(&with(given)), given);
        assert_ne!(request_id(&with("\"; drop")), "\"; drop");
    }
}
