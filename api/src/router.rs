//! Every route, and the layers around them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::limits::BODY_BYTES_MAX;
use rookery_protocol::{asyncapi, socketio};
use rookery_runtime::listener::VerifiedClient;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use subtle::ConstantTimeEq;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::{App, AppState};
use crate::error::ApiError;
use crate::http::bodiless::{Bodiless, bodiless};
use crate::http::cors::cors;
use crate::http::extract::{Authentication, bearer};
use crate::http::limit::{self, Limits, limited};
use crate::http::observe::{deadline, observe, panicked, prepared, sized};
use crate::http::openapi::{Base, complete};
use crate::http::{files as pages, health, jwks};
use crate::idempotency::{self, Once, once};
use crate::{
    accounts, admin, authority, direct, files, history, jobs, joining, messages, moderation, notices, preferences,
    presence, purges, push, reports, rooms, schedules, search, server, unread,
};

const DOCUMENT: &str = "/openapi.json";
/// The same for the sockets.
const SOCKET_DOCUMENT: &str = "/asyncapi.json";
/// Where the AsyncAPI document of Socket.IO is.
const SOCKETIO_DOCUMENT: &str = "/asyncapi-socketio.json";
/// Swagger UI sets styles from its script and draws its icons from `data:` addresses.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the world may ask: REST, keys, the document with its browser, and the web page.
pub fn public(app: &Arc<App>) -> Router {
    let (rest, document) = documented();
    let without_body = Bodiless::of(&document, Authentication::from_ref(&app.state()));
    let rest = rest
        .route_layer(from_fn_with_state(without_body, bodiless))
        .route_layer(from_fn_with_state(Once::from_ref(&app.state()), once))
        .route_layer(from_fn(sized))
        .route_layer(from_fn_with_state(app.state(), limited))
        .route_layer(from_fn_with_state(app.state(), prepared));
    let files = docs(&document)
        .merge(pages::router(app.files_origin()))
        .merge(keys().with_state(app.state()))
        .route_layer(from_fn_with_state(app.state(), limit::file));
    let (no_path, no_method) = (Limits::from_ref(&app.state()), Limits::from_ref(&app.state()));
    let router = rest
        .with_state(app.state())
        .merge(files)
        .fallback(async move |request: Request| no_path.nowhere(request, ApiError::refused(ErrorCode::NotFound)).await)
        .method_not_allowed_fallback(async move |request: Request| {
            no_method.nowhere(request, ApiError::refused(ErrorCode::MethodNotAllowed)).await
        });
    // Around everything: a browser asks before with a method that no route has.
    let router = router.layer(from_fn_with_state(app.state(), cors));
    around(router.layer(from_fn_with_state(app.state(), files::linked::by_name)), app)
}

/// What gateways, probes and Prometheus ask. Calls of gateways carry the secret, and where certificates are asked for, what
/// gateways ask needs one, too.
pub fn internal(app: &Arc<App>, secret: SecretString, asks_clients: bool) -> Router {
    let secret = Arc::new(secret);
    let calls = authority::endpoints::routes()
        .route_layer(from_fn_with_state(app.state(), prepared))
        .route_layer(from_fn_with_state(Arc::clone(&secret), require_internal_secret));
    // Anybody may have the keys; a gateway with another secret learns from them that it is of no use.
    let keys = keys().route_layer(from_fn_with_state(secret, refuse_wrong_secret));
    let asked_by_gateways = calls.merge(keys).route_layer(from_fn_with_state(asks_clients, certified));
    let router = asked_by_gateways.merge(health());
    around(with_fallbacks(router.with_state(app.state())), app)
}

/// What probes and Prometheus ask, where no gateway calls.
pub fn operations(app: &Arc<App>) -> Router {
    around(with_fallbacks(health().with_state(app.state())), app)
}

/// Answers unknown paths and methods with a problem document.
fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(async || ApiError::refused(ErrorCode::NotFound))
        .method_not_allowed_fallback(async || ApiError::refused(ErrorCode::MethodNotAllowed))
}

/// The OpenAPI document.
pub fn document() -> Document {
    documented().1
}

fn documented() -> (Router<AppState>, Document) {
    let router = OpenApiRouter::with_openapi(Base::openapi())
        .merge(accounts::routes())
        .merge(rooms::routes())
        .merge(direct::routes())
        .merge(joining::routes())
        .merge(messages::routes())
        .merge(history::routes())
        .merge(moderation::routes())
        .merge(reports::routes())
        .merge(purges::routes())
        .merge(presence::routes())
        .merge(unread::routes())
        .merge(notices::routes())
        .merge(preferences::routes())
        .merge(push::routes())
        .merge(jobs::routes())
        .merge(search::routes())
        .merge(schedules::routes())
        .merge(files::routes())
        .merge(admin::routes())
        .merge(server::routes());
    let (router, mut document) = router.split_for_parts();
    document.merge(OpenApiRouter::<AppState>::new().routes(routes!(jwks::jwks)).into_openapi());
    idempotency::describe(&mut document);
    complete(&mut document);
    (router, document)
}

fn health() -> Router<AppState> {
    Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
}

/// The keys are served from the first moment: they depend on nothing that could be down.
fn keys() -> Router<AppState> {
    Router::new().route("/.well-known/jwks.json", get(jwks::jwks))
}

fn docs(document: &Document) -> Router {
    let browser: Router = SwaggerUi::new("/docs").config(Config::new([DOCUMENT])).into();
    let policy = SetResponseHeaderLayer::if_not_present(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    let (document, sockets) = (written(document), written(&asyncapi::document()));
    let socketio = written(&socketio::asyncapi::document());
    browser
        .layer(policy)
        .route(DOCUMENT, get(async move || document))
        .route(SOCKET_DOCUMENT, get(async move || sockets))
        .route(SOCKETIO_DOCUMENT, get(async move || socketio))
}

/// A document, written once and not for everybody who asks.
fn written(document: &impl Serialize) -> ([(HeaderName, &'static str); 1], Bytes) {
    let text = serde_json::to_vec(document).inspect_err(|error| tracing::error!(%error, "document not written"));
    ([(CONTENT_TYPE, "application/json")], text.unwrap_or_default().into())
}

/// Layers, the innermost first.
fn around(router: Router, app: &Arc<App>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(deadline))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.state(), observe))
}

/// Lets in who has shown a certificate, if one is asked for.
async fn certified(State(is_asked_for): State<bool>, request: Request, next: Next) -> Response {
    if is_asked_for && request.extensions().get::<VerifiedClient>().is_none() {
        return ApiError::refused(ErrorCode::Unauthenticated).into_response();
    }
    next.run(request).await
}

/// Lets in who knows the secret of the cluster.
async fn require_internal_secret(State(secret): State<Arc<SecretString>>, request: Request, next: Next) -> Response {
    if is_secret(&secret, bearer(request.headers()).unwrap_or_default()) {
        next.run(request).await
    } else {
        ApiError::refused(ErrorCode::Unauthenticated).into_response()
    }
}

async fn refuse_wrong_secret(State(secret): State<Arc<SecretString>>, request: Request, next: Next) -> Response {
    if bearer(request.headers()).is_none_or(|given| is_secret(&secret, given)) {
        next.run(request).await
    } else {
        ApiError::refused(ErrorCode::Unauthenticated).into_response()
    }
}

fn is_secret(secret: &SecretString, given: &str) -> bool {
    given.as_bytes().ct_eq(secret.expose_secret().as_bytes()).into()
}

/// The document as text for a file.
pub fn text() -> String {
    // Strings and numbers only: nothing in it can fail to serialise.
    document().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The route table, for people. A route that is missing in the document, or the other way round, shows here.
    const TABLE: &[&str] = &[
        "DELETE /api/v1/rooms/{room}/messages/{message}",
        "DELETE /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
        "GET /.well-known/jwks.json",
        "GET /api/v1/rooms",
        "GET /api/v1/rooms/mine",
        "GET /api/v1/rooms/{room}",
        "GET /api/v1/rooms/{room}/messages",
        "GET /api/v1/messages/{message}",
        "GET /api/v1/users/me/mentions",
        "GET /api/v1/rooms/{room}/pins",
        "PUT /api/v1/rooms/{room}/messages/{message}/pin",
        "DELETE /api/v1/rooms/{room}/messages/{message}/pin",
        "GET /api/v1/users/me/saved",
        "PUT /api/v1/users/me/saved/{message}",
        "DELETE /api/v1/users/me/saved/{message}",
        "GET /api/v1/rooms/{room}/messages/{message}",
        "GET /api/v1/rooms/{room}/messages/{message}/thread",
        "GET /api/v1/rooms/{room}/messages/{message}/edits",
        "GET /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
        "GET /api/v1/users/me",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/logout",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/register",
        "POST /api/v1/rooms",
        "POST /api/v1/rooms/{room}/join",
        "POST /api/v1/rooms/{room}/leave",
        "POST /api/v1/rooms/{room}/transfer",
        "DELETE /api/v1/rooms/{room}",
        "PUT /api/v1/rooms/{room}/members/{user}/role",
        "GET /api/v1/rooms/{room}/sanctions",
        "POST /api/v1/rooms/{room}/messages",
        "POST /api/v1/auth/logout-all",
        "POST /api/v1/auth/ticket",
        "POST /api/v1/rooms/{room}/members/{user}/kick",
        "PUT /api/v1/rooms/{room}/members/{user}/ban",
        "DELETE /api/v1/rooms/{room}/members/{user}/ban",
        "PUT /api/v1/rooms/{room}/members/{user}/mute",
        "DELETE /api/v1/rooms/{room}/members/{user}/mute",
        "PATCH /api/v1/rooms/{room}",
        "GET /api/v1/rooms/{room}/members",
        "PUT /api/v1/rooms/{room}/messages/{message}",
        "PUT /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
        "PUT /api/v1/rooms/{room}/members/{user}",
        "POST /api/v1/rooms/{room}/invites",
        "GET /api/v1/rooms/{room}/invites",
        "DELETE /api/v1/rooms/{room}/invites/{invite}",
        "GET /api/v1/invites/{code}",
        "POST /api/v1/invites/{code}/accept",
        "GET /api/v1/rooms/{room}/join-requests",
        "POST /api/v1/rooms/{room}/join-requests/{user}/approve",
        "POST /api/v1/rooms/{room}/join-requests/{user}/deny",
        "GET /api/v1/users/me/join-requests",
        "DELETE /api/v1/users/me/join-requests/{room}",
        "POST /api/v1/direct",
        "PUT /api/v1/direct/{user}",
        "GET /api/v1/users/presence",
        "PUT /api/v1/users/me/presence",
        "GET /api/v1/rooms/{room}/presence",
        "GET /api/v1/rooms/{room}/read",
        "PUT /api/v1/rooms/{room}/read",
        "GET /api/v1/users/me/rooms",
        "GET /api/v1/users/me/unread",
        "GET /api/v1/notifications",
        "POST /api/v1/notifications/read",
        "PATCH /api/v1/users/me/rooms/{room}",
        "PUT /api/v1/push/subscriptions",
        "DELETE /api/v1/push/subscriptions",
        "GET /api/v1/rooms/{room}/reads",
        "GET /api/v1/admin/announcements",
        "POST /api/v1/admin/announcements",
        "DELETE /api/v1/admin/announcements/{announcement}",
        "GET /api/v1/server",
        "POST /api/v1/auth/verify",
        "POST /api/v1/auth/verify/resend",
        "POST /api/v1/auth/password/forgot",
        "POST /api/v1/auth/password/reset",
        "POST /api/v1/users/me/email/confirm",
        "GET /api/v1/users",
        "GET /api/v1/users/{user}",
        "PATCH /api/v1/users/me",
        "PUT /api/v1/users/me/avatar",
        "DELETE /api/v1/users/me/avatar",
        "GET /api/v1/users/{user}/avatar",
        "GET /api/v1/avatars/{avatar}/{size}",
        "PUT /api/v1/users/me/email",
        "PUT /api/v1/users/me/password",
        "PUT /api/v1/users/me/username",
        "GET /api/v1/users/me/sessions",
        "DELETE /api/v1/users/me/sessions/{session}",
        "GET /api/v1/users/me/settings",
        "PATCH /api/v1/users/me/settings",
        "GET /api/v1/users/me/blocks",
        "PUT /api/v1/users/me/blocks/{user}",
        "DELETE /api/v1/users/me/blocks/{user}",
        "POST /api/v1/users/me/totp",
        "POST /api/v1/users/me/totp/confirm",
        "POST /api/v1/users/me/totp/disable",
        "POST /api/v1/users/me/totp/recovery-codes",
        "POST /api/v1/users/me/delete",
        "POST /api/v1/users/me/export",
        "GET /api/v1/users/me/export",
        "GET /api/v1/exports/{export}",
        "GET /api/v1/moderation/audit",
        "POST /api/v1/rooms/{room}/messages/{message}/report",
        "GET /api/v1/moderation/reports",
        "POST /api/v1/rooms/{room}/members/{user}/purge",
        "GET /api/v1/admin/rooms",
        "POST /api/v1/admin/rooms/{room}/export",
        "GET /api/v1/admin/lookup/message/{message}",
        "GET /api/v1/admin/stats",
        "POST /api/v1/moderation/reports/{report}/claim",
        "POST /api/v1/moderation/reports/{report}/resolve",
        "GET /api/v1/admin/users",
        "PATCH /api/v1/admin/users/{user}",
        "POST /api/v1/admin/users/{user}/logout",
        "DELETE /api/v1/admin/users/{user}",
        "POST /api/v1/admin/users/{user}/export",
        "GET /api/v1/admin/settings",
        "GET /api/v1/admin/filter",
        "PUT /api/v1/admin/filter",
        "GET /api/v1/rooms/{room}/filter",
        "GET /api/v1/rooms/{room}/audit",
        "PUT /api/v1/rooms/{room}/filter",
        "PATCH /api/v1/admin/settings",
        "GET /api/v1/admin/invites",
        "POST /api/v1/admin/invites",
        "DELETE /api/v1/admin/invites/{invite}",
        "GET /api/v1/admin/jobs",
        "GET /api/v1/admin/nodes",
        "GET /api/v1/admin/search",
        "GET /api/v1/search/messages",
        "POST /api/v1/rooms/{room}/scheduled",
        "GET /api/v1/rooms/{room}/scheduled",
        "PATCH /api/v1/rooms/{room}/scheduled/{schedule}",
        "DELETE /api/v1/rooms/{room}/scheduled/{schedule}",
        "POST /api/v1/admin/jobs/{job}/retry",
        "PUT /api/v1/rooms/{room}/avatar",
        "DELETE /api/v1/rooms/{room}/avatar",
        "GET /api/v1/rooms/{room}/avatar/{avatar}/{size}",
        "POST /api/v1/files",
        "POST /api/v1/files/links",
        "GET /api/v1/files/{file}",
        "DELETE /api/v1/files/{file}",
        "GET /api/v1/files/{file}/thumbnail",
        "GET /api/v1/linked-files/{file}",
        "GET /api/v1/linked-files/{file}/thumbnail",
    ];

    #[test]
    fn the_document_lists_every_route() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let listed = paths.flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        assert_eq!(listed.collect::<BTreeSet<_>>(), TABLE.iter().map(|row| (*row).to_owned()).collect());
    }

    #[test]
    fn the_document_is_complete() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} is used twice");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let problem = &response["content"]["application/problem+json"];
                    let is_problem = status.starts_with(['4', '5']) && status != "431";
                    assert_eq!(is_problem, problem.is_object(), "{method} {path} {status}");
                }
            }
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas.iter().filter(|(name, _)| name.ends_with("Request")) {
            assert_eq!(schema["additionalProperties"], false, "{name} takes unknown fields");
        }
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }
}
