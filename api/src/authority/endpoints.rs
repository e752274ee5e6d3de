//! What gateways ask, over the internal listener. Never published.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::post;

use crate::authority::LocalAuthority;
use crate::limits::AUTHORIZE_BYTES_MAX;

pub mod authorize;
pub mod direct;
pub mod events;
pub mod filters;
pub mod look;
pub mod open_room;
pub mod prepare;
pub mod revocations;
pub mod unread;

/// The routes.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<LocalAuthority>: FromRef<S>,
{
    Router::new()
        .route("/internal/v1/authorize", post(authorize::authorize))
        .route("/internal/v1/rooms/{room}/open", post(open_room::open_room))
        .route("/internal/v1/direct", post(direct::direct))
        .route("/internal/v1/changes", post(revocations::changes))
        .route("/internal/v1/sessions/open", post(revocations::open_sessions))
        .route("/internal/v1/sessions/revoked", post(revocations::ended_sessions))
        .route("/internal/v1/acl", post(revocations::acl))
        .route("/internal/v1/readers", post(revocations::readers))
        .route("/internal/v1/acquainted", post(revocations::visible_users))
        .route("/internal/v1/typing", post(revocations::shows_typing))
        .route("/internal/v1/rooms/{room}/events", post(events::events))
        .route("/internal/v1/messages/look", post(look::look))
        .route("/internal/v1/filter", post(filters::server))
        .route("/internal/v1/rooms/{room}/filter", post(filters::room))
        .route("/internal/v1/messages/prepare", post(prepare::prepare))
        .route("/internal/v1/messages/withdraw", post(prepare::withdraw))
        .route("/internal/v1/read", post(unread::read))
        .route("/internal/v1/unread", post(unread::unread))
        .route(
            "/internal/v1/authorize/many",
            post(authorize::many).layer(DefaultBodyLimit::max(AUTHORIZE_BYTES_MAX)),
        )
}
