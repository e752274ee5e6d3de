//! From an HTTP request to a WebSocket: who may connect from where, and how the token comes.
//!
//! What is wrong with the request itself is answered by HTTP status. What is wrong with the token is told on the
//! open socket, since browsers show scripts no status. Addresses are never logged: a token may be in them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rookery_bus::quota::Limit;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_runtime::address;
use rookery_runtime::listener::{self, Peer};
use rookery_runtime::stage_span;
use rookery_runtime::trace::{self, Parent};
use tracing::Span;
use tracing::field::Empty;

use crate::connection::{self, Opening};
use crate::connection_trace::ConnectionTrace;
use crate::credential::Credential;
use crate::dialect::Translator;
use crate::limits::SEND_BUFFER_BYTES;
use crate::node::Node;
use crate::pending_sockets::Pending;
use crate::session::Place;
use crate::socket::{Bounds, Socket};

mod engine;
mod handshake;
mod refusal;
mod socketio;
mod token;

pub use refusal::Refusal;
pub use socketio::routes as socketio_routes;

/// `GET /ws`: any number of rooms.
pub async fn upgrade_multi_room(State(node): State<Arc<Node>>, request: Request) -> Response {
    answer(&node, request, None, Translator::Native).await
}

/// `GET /ws/{room}`: one room.
pub async fn upgrade_single_room(
    State(node): State<Arc<Node>>,
    room: Result<Path<RoomRef>, PathRejection>,
    request: Request,
) -> Response {
    match room {
        Ok(Path(room)) => answer(&node, request, Some(Place::Room(room)), Translator::Native).await,
        Err(_) => refuse(&node, Refusal::NoSuchRoom),
    }
}

/// `GET /ws/dm/{user}`: the direct room with that user.
pub async fn upgrade_direct(
    State(node): State<Arc<Node>>,
    user: Result<Path<UserId>, PathRejection>,
    request: Request,
) -> Response {
    match user {
        Ok(Path(user)) => answer(&node, request, Some(Place::Direct(user)), Translator::Native).await,
        Err(_) => refuse(&node, Refusal::NoSuchRoom),
    }
}

/// Any other address.
pub(crate) async fn elsewhere() -> Refusal {
    Refusal::NotFound
}

/// Any other method.
pub async fn other_method() -> Refusal {
    Refusal::Method
}

/// A connection that is being taken out of HTTP's hands.
#[derive(Debug)]
pub struct Upgrading(OnUpgrade);

/// The server's half of the handshake (RFC 6455 §4.2) and nothing else: who asks is not looked at.
pub fn shake_hands(request: &mut Request) -> Result<(Response, Upgrading), Refusal> {
    let accepted = handshake::check(request)?;
    Ok((accepted.into_response(), Upgrading(hyper::upgrade::on(request))))
}

async fn answer(node: &Arc<Node>, mut request: Request, place: Option<Place>, translator: Translator) -> Response {
    let caller = trace::of_headers(request.headers());
    let span = if trace::is_sampled(caller) {
        let parent = caller.map_or(Parent::None, Parent::Remote);
        trace::begin(stage_span!("upgrade", "server", http.response.status_code = Empty), parent)
    } else {
        Span::none()
    };
    let checked = check(node, &mut request);
    let (token, client) = (token::find(&request), client(node, &request));
    drop(request);
    let admitted = match checked {
        Ok(shaken) => admit(node, client, token.as_ref()).await.map(|pending| (shaken, pending)),
        Err(refusal) => Err(refusal),
    };
    match admitted {
        Ok(((response, upgrading), pending)) => {
            node.metrics.upgrades.inc();
            let trace =
                caller.map(|caller| ConnectionTrace::new(trace::traceparent(&span).unwrap_or(caller.unsampled())));
            let opening = Opening { credential: token, place, translator, pending, trace };
            node.shutdown.spawn_work("upgrade", take_over(Arc::clone(node), upgrading, opening));
            span.record("http.response.status_code", response.status().as_u16());
            response
        }
        Err(refusal) => {
            span.record("http.response.status_code", refusal.status().as_u16());
            refuse(node, refusal)
        }
    }
}

fn check(node: &Node, request: &mut Request) -> Result<(Response, Upgrading), Refusal> {
    if node.shutdown.drain.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let shaken = shake_hands(request)?;
    if !node.origins.may_connect(request.headers()) {
        return Err(Refusal::Origin);
    }
    Ok(shaken)
}

/// What stands for the client's address.
fn client(node: &Node, request: &Request) -> u128 {
    // Every request came through our listener, which knows the other end.
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
    address::subject(node.limiter.client(peer, request.headers()))
}

/// A place for one more socket from there. Who brings a good token needs none, so that a crowd without tokens keeps
/// nobody out who shares its address.
async fn admit(node: &Node, client: u128, credential: Option<&Credential>) -> Result<Option<Pending>, Refusal> {
    let pending = node.pending_sockets.enter(client);
    let is_bad = |credential: &Credential| credential.verify(&node.verifier, UnixMillis::now()).is_err();
    if pending.is_none() && credential.is_none_or(is_bad) {
        node.metrics.limit("pending_sockets");
        return Err(Refusal::TooManyPending);
    }
    let verdict = node.limiter.take(Limit::AddressConnects, client).await;
    if verdict.allowed {
        return Ok(pending);
    }
    node.metrics.limit(verdict.limit.as_str());
    Err(Refusal::TooMany(verdict))
}

fn refuse(node: &Node, refusal: impl IntoResponse) -> Response {
    let response = refusal.into_response();
    node.metrics.upgrades_refused.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn take_over(node: Arc<Node>, upgrading: Upgrading, opening: Opening) {
    let Some((stream, read_before)) = upgrading.finish().await else { return };
    let socket = Socket::new(Arc::new(stream), read_before, Bounds::default());
    // A task of its own, so that nothing of the upgrade is kept, and boxed, because a future that is handed on is
    // kept once per hand.
    let serving = Box::pin(connection::serve(Arc::clone(&node), socket, opening));
    node.shutdown.spawn_work("connection", serving);
}

impl Upgrading {
    /// The stream itself, without the HTTP connection around it, and what was read of the first frames, without the
    /// buffer it lay in. None if the client has left.
    pub async fn finish(self) -> Option<(listener::Connection, Vec<u8>)> {
        let upgraded = match self.0.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(%error, "upgrade not finished");
                return None;
            }
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<listener::HttpStream>>() else {
            tracing::error!("the listener hands out streams of another type");
            return None;
        };
        let connection = parts.io.into_inner().into_connection();
        if let Err(error) = connection.bound_unread(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "the kernel keeps its own bound");
        }
        Some((connection, parts.read_buf.to_vec()))
    }
}
