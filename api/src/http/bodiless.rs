//! Operations that take no body. An empty object, or null, is as good as none; what would be ignored otherwise is refused, as an unknown
//! field is anywhere.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest as _, FromRequestParts as _, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller, decode_json, is_json, unreadable_body};

/// What the layer stands on.
#[derive(Clone)]
pub(crate) struct Bodiless {
    authentication: Authentication,
    /// Method and path of each.
    operations: Arc<HashSet<String>>,
}

/// Nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Bodiless {
    /// Those of a document that are for whoever is logged in.
    pub(crate) fn of(document: &OpenApi, authentication: Authentication) -> Self {
        let mut operations = HashSet::new();
        for (path, item) in &document.paths.paths {
            let changes = [("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete), ("PATCH", &item.patch)];
            let bodiless = changes.into_iter().filter(|(_, operation)| operation.as_ref().is_some_and(is_bodiless));
            operations.extend(bodiless.map(|(method, _)| format!("{method} {path}")));
        }
        Self { authentication, operations: Arc::new(operations) }
    }
}

/// Whether an operation is for whoever is logged in, and takes no body.
pub(crate) fn is_bodiless(operation: &Operation) -> bool {
    let with_caller = operation.security.as_ref().is_some_and(|security| !security.is_empty());
    with_caller && operation.request_body.is_none()
}

/// The layer around all operations.
pub(crate) async fn bodiless(State(known): State<Bodiless>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || !is_json(request.headers()) {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>();
    let name = route.map(|route| format!("{} {}", request.method(), route.as_str()));
    if name.is_none_or(|name| !known.operations.contains(&name)) {
        return next.run(request).await;
    }
    match checked(request, &known.authentication).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The request without its body. That a token is missing is said first, as where a body is taken.
async fn checked(request: Request, authentication: &Authentication) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let nothing = bytes
        .map_err(|rejection| unreadable_body(&rejection))
        .and_then(|bytes| match bytes.trim_ascii() {
            b"" | b"null" => Ok(Nothing {}),
            _ => decode_json::<Nothing>(&bytes),
        });
    if let Err(refusal) = nothing {
        Caller::from_request_parts(&mut parts, authentication).await?;
        return Err(refusal);
    }
    Ok(Request::from_parts(parts, Body::empty()))
}
