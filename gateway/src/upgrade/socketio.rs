//! `/socket.io/`: connections of Socket.IO over a WebSocket, or over HTTP requests where that is allowed.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::FRAME_BYTES_MAX;
use tokio::time::timeout;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::engine::{self, EngineRefusal, EngineRequest, Transport};
use super::{Refusal, Upgrading, admit, answer, check, client, refuse, token};
use crate::byte_stream::write_all;
use crate::connection::{self, Opening};
use crate::credential::Credential;
use crate::dialect::Translator;
use crate::dialect::socketio::{Sid, SocketIo};
use crate::frame::Frame;
use crate::limits::{POLLING_BODY_DEADLINE, POLLING_UPGRADE_DEADLINE};
use crate::node::Node;
use crate::polling::{BadRequest, Owner, PollingConnection};
use crate::socket::{Bounds, Incoming, Socket};

/// The routes, with what pages of other origins may ask by long-polling.
pub fn routes(node: &Arc<Node>) -> Router<Arc<Node>> {
    let origins = node.origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| origins.are_asked_by(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE]);
    let served = get(receive_get).post(receive_post);
    Router::new()
        .route("/socket.io/", served.clone())
        .route("/socket.io", served)
        // Inside of what answers the questions of browsers, whose method is another one.
        .method_not_allowed_fallback(async || Refusal::EngineMethod)
        .layer(cors)
}

async fn receive_get(State(node): State<Arc<Node>>, request: Request) -> Response {
    match engine::read(request.uri()) {
        Ok(EngineRequest::Open(Transport::Websocket)) => {
            answer(&node, request, None, Translator::SocketIo(Box::default())).await
        }
        Ok(EngineRequest::Open(Transport::Polling)) => open(&node, request).await,
        Ok(EngineRequest::Resume(sid, Transport::Polling)) => match find(&node, sid, &request) {
            Ok(connection) => poll(&node, &connection).await,
            Err(refusal) => refuse(&node, refusal),
        },
        Ok(EngineRequest::Resume(sid, Transport::Websocket)) => match find(&node, sid, &request) {
            Ok(connection) if connection.has_moved() => refuse(&node, EngineRefusal::BadRequest),
            Ok(connection) => upgrade(&node, connection, request),
            Err(refusal) => refuse(&node, refusal),
        },
        Err(refusal) => refuse(&node, refusal),
    }
}

async fn receive_post(State(node): State<Arc<Node>>, request: Request) -> Response {
    let connection = match engine::read(request.uri()) {
        Ok(EngineRequest::Resume(sid, Transport::Polling)) => find(&node, sid, &request),
        Ok(EngineRequest::Open(_) | EngineRequest::Resume(_, Transport::Websocket)) => Err(EngineRefusal::Method),
        Err(refusal) => Err(refusal),
    };
    let posted = match connection {
        Ok(connection) => post(&connection, request.into_body()).await,
        Err(refusal) => Err(refusal),
    };
    match posted {
        Ok(()) => packets("ok".to_owned()),
        Err(refusal) => refuse(&node, refusal),
    }
}

/// A new connection by long-polling, answered with its first packet.
async fn open(node: &Arc<Node>, request: Request) -> Response {
    if !node.polling.are_allowed() {
        return refuse(node, EngineRefusal::Transport);
    }
    if node.shutdown.drain.is_cancelled() {
        return refuse(node, Refusal::Draining);
    }
    if !node.origins.may_connect(request.headers()) {
        return refuse(node, Refusal::Origin);
    }
    let (token, owner) = (token::find(&request), owner(node, &request));
    drop(request);
    let pending = match admit(node, owner.address, token.as_ref()).await {
        Ok(pending) => pending,
        Err(refusal) => return refuse(node, refusal),
    };
    let Some((sid, polled, registration)) = node.polling.open(owner) else {
        node.metrics.limit("polling_connections");
        return refuse(node, EngineRefusal::Overloaded);
    };
    let socket = Socket::new(polled.stream(), Vec::new(), Bounds::default());
    let translator = Translator::SocketIo(Box::new(SocketIo::polling(sid)));
    let serving = connection::serve(
        Arc::clone(node),
        socket,
        Opening { credential: token, place: None, translator, pending, trace: None },
    );
    node.shutdown.spawn_work("connection", async move {
        serving.await;
        drop(registration);
    });
    poll(node, &polled).await
}

async fn poll(node: &Node, connection: &PollingConnection) -> Response {
    match connection.poll().await {
        Ok(body) => packets(body),
        Err(why) => refuse(node, EngineRefusal::from(why)),
    }
}

async fn post(connection: &PollingConnection, body: Body) -> Result<(), EngineRefusal> {
    let collected = timeout(POLLING_BODY_DEADLINE, Limited::new(body, FRAME_BYTES_MAX).collect()).await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(EngineRefusal::TooLarge),
        Ok(Err(_)) | Err(_) => return Err(EngineRefusal::BadRequest),
    };
    let body = std::str::from_utf8(&body).map_err(|_| EngineRefusal::BadRequest)?;
    connection.post(body).await.map_err(EngineRefusal::from)
}

/// Moves a connection to a WebSocket, once its client has probed that.
fn upgrade(node: &Arc<Node>, connection: Arc<PollingConnection>, mut request: Request) -> Response {
    match check(node, &mut request) {
        Ok((response, upgrading)) => {
            node.shutdown.spawn_work("upgrade", async move {
                if timeout(POLLING_UPGRADE_DEADLINE, move_over(&connection, upgrading)).await.is_err() {
                    tracing::debug!("connection goes on by long-polling");
                }
            });
            response
        }
        Err(refusal) => refuse(node, refusal),
    }
}

async fn move_over(connection: &PollingConnection, upgrading: Upgrading) {
    let Some((stream, read_before)) = upgrading.finish().await else { return };
    let mut socket = Socket::new(Arc::new(stream), read_before, Bounds::default());
    if socket.next().await != Incoming::Text("2probe".to_owned()) {
        return;
    }
    let Some(upgrade) = connection.upgrade() else { return };
    let wire = Arc::clone(socket.wire());
    if write_all(wire.as_ref(), Frame::text("3probe").bytes()).await.is_err()
        || socket.next().await != Incoming::Text("5".to_owned())
    {
        return;
    }
    if let Err(error) = upgrade.finish(wire, &socket.into_unread()).await {
        tracing::debug!(%error, "upgrade not finished");
    }
}

fn find(node: &Node, sid: Sid, request: &Request) -> Result<Arc<PollingConnection>, EngineRefusal> {
    node.polling.find(sid, owner(node, request)).ok_or(EngineRefusal::Session)
}

fn owner(node: &Node, request: &Request) -> Owner {
    // A ticket does not outlive the first requests of a connection, so it names nobody here.
    let token = token::find(request).filter(|found| matches!(found, Credential::Token(_)));
    let claims = token.and_then(|token| token.verify(&node.verifier, UnixMillis::now()).ok());
    Owner { address: client(node, request), user: claims.map(|claims| claims.sub) }
}

fn packets(body: String) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=UTF-8"), (CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

impl From<BadRequest> for EngineRefusal {
    fn from(why: BadRequest) -> Self {
        match why {
            BadRequest::Overlap | BadRequest::Payload | BadRequest::Upgraded => Self::BadRequest,
        }
    }
}
