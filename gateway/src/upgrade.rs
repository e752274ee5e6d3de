//! From an HTTP request to a WebSocket: who may connect from where, and how the token comes.
//!
//! What is wrong with the request itself is answered by HTTP status. What is wrong with the token is told on the
//! open socket, since browsers show scripts no status. Addresses are never logged: a token may be in them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rookery_shared::id::RoomRef;
use rookery_shared::listener;

use crate::connection::{self, Opening};
use crate::gateway::Node;
use crate::socket::Socket;

mod handshake;
mod origin;
mod refusal;
mod token;

pub use origin::{BadOrigin, Origins};
pub use refusal::Refusal;

/// `GET /ws`: any number of rooms.
pub async fn many(State(node): State<Arc<Node>>, request: Request) -> Response {
    answer(&node, request, None)
}

/// `GET /ws/{room}`: one room.
pub async fn one(
    State(node): State<Arc<Node>>,
    room: Result<Path<RoomRef>, PathRejection>,
    request: Request,
) -> Response {
    match room {
        Ok(Path(room)) => answer(&node, request, Some(room)),
        Err(_) => refuse(&node, Refusal::NoSuchRoom),
    }
}

/// Any other address.
pub async fn elsewhere() -> Refusal {
    Refusal::NotFound
}

/// Any other method.
pub async fn other_method() -> Refusal {
    Refusal::Method
}

fn answer(node: &Arc<Node>, mut request: Request, room: Option<RoomRef>) -> Response {
    match check(node, &request) {
        Ok(accepted) => {
            let opening = Opening { token: token::find(&request), room };
            let upgrade = hyper::upgrade::on(&mut request);
            node.shutdown.spawn_work("upgrade", take_over(Arc::clone(node), upgrade, opening));
            accepted.into_response()
        }
        Err(refusal) => refuse(node, refusal),
    }
}

fn check(node: &Node, request: &Request) -> Result<handshake::Accepted, Refusal> {
    if node.shutdown.drain.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let accepted = handshake::check(request)?;
    node.origins.check(request.headers())?;
    Ok(accepted)
}

fn refuse(node: &Node, refusal: Refusal) -> Response {
    node.metrics.upgrades_refused.with_label_values(&[refusal.status().as_str()]).inc();
    refusal.into_response()
}

async fn take_over(node: Arc<Node>, upgrade: OnUpgrade, opening: Opening) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "upgrade not finished");
            return;
        }
    };
    // The stream itself, without the HTTP connection around it; only what was read of the first frames is kept, not
    // the buffer it lies in.
    let Ok(parts) = upgraded.downcast::<TokioIo<listener::Connection>>() else {
        tracing::error!("the listener hands out streams of another type");
        return;
    };
    let read_before = parts.read_buf.to_vec();
    drop(parts.read_buf);
    let socket = Socket::new(Arc::new(parts.io.into_inner()), read_before);
    // A task of its own, so that nothing of the upgrade is kept, and boxed, because a future that is handed on is
    // kept once per hand.
    let serving = Box::pin(connection::serve(Arc::clone(&node), socket, opening));
    node.shutdown.spawn_work("connection", serving);
}
