//! The browser client: the files of `web/static`, embedded when the program is built.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY};
use http::{HeaderMap, StatusCode};
use rookery_protocol::error_code::ErrorCode;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;
use crate::http::matches_etag;

const INDEX: &str = "index.html";
/// The page runs its own scripts, talks to its own host, shows pictures, sound and films from where files are, and is shown in
/// nobody's frame.
fn policy(files_origin: Option<&str>) -> String {
    let files = files_origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{files}; media-src 'self'{files}; \
         font-src 'self'; manifest-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

#[derive(RustEmbed)]
#[folder = "../web/static"]
struct Files;

/// What is served, and what its page may do.
#[derive(Clone)]
struct Served {
    name: Arc<str>,
    policy: Arc<str>,
}

/// One route per file; `index.html` is at `/`.
pub fn router(files_origin: Option<&str>) -> axum::Router {
    let policy: Arc<str> = policy(files_origin).into();
    Files::iter().fold(axum::Router::new(), |router, name| {
        let path = if name == INDEX { "/".to_owned() } else { format!("/{name}") };
        router.route(&path, get(file).with_state(Served { name: name.into(), policy: Arc::clone(&policy) }))
    })
}

async fn file(State(Served { name, policy }): State<Served>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&name) else {
        return ApiError::refused(ErrorCode::NotFound).into_response();
    };
    let tag = etag(&file);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| matches_etag(known, &tag));
    // Also with "not modified": a browser takes over the headers of that answer.
    let shared = [
        (ETAG, tag.as_str()),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, &*policy),
        (REFERRER_POLICY, "no-referrer"),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, shared).into_response();
    }
    let kind = content_type(&file);
    (shared, [(CONTENT_TYPE, kind.as_str())], file.data).into_response()
}

fn etag(file: &EmbeddedFile) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]))
}

fn content_type(file: &EmbeddedFile) -> String {
    let kind = file.metadata.mimetype();
    if kind.starts_with("text/") {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}
