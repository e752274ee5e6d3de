//! The OpenAPI document: made of the routes themselves, completed with what holds for all of them.

use rookery_protocol::error_code::ErrorCode;
use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::error::{Problem, status_of};
use crate::http::bodiless::is_bodiless;

pub mod schema;

/// The document before the routes are added.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rookery",
        description = "REST interface of a Rookery chat server. Live events come over the WebSocket at `/ws`.\n\n\
            Every error is a problem document (RFC 9457) with a stable `code`. Every answer carries `X-Request-Id`.\n\n\
            How much a user or an address may ask for is limited over all nodes together; answers tell what is left in \
            `RateLimit-*` fields (draft-ietf-httpapi-ratelimit-headers-06).\n\n\
            Bodies and queries hold nothing that is not described, no name twice, and ids as 36 characters with hyphens. \
            Where nothing is taken as a body, `{}` is as good as none. \
            In bodies of `POST` and `PUT` a field that may be left out may be null. Some formats are ours: `cursor` is a \
            text that an answer gave for the same list, `emoji` is one emoji, and `visible-text` can be seen and has no \
            control characters (a message may have line breaks).",
    ),
    servers((url = "/", description = "The server that serves this document")),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Accounts, sessions, keys"),
        (name = "users", description = "Users"),
        (name = "rooms", description = "Rooms and membership"),
        (name = "messages", description = "Sending, and reading history"),
        (name = "files", description = "Files of messages"),
        (name = "moderation", description = "Keeping order in rooms"),
        (name = "server", description = "The server itself"),
        (name = "admin", description = "Running the server"),
    ),
)]
pub(crate) struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The `access_token` of a login."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Adds to every operation the problems that any operation of its kind can answer, and to every problem its body.
pub(crate) fn complete(document: &mut Document) {
    exclude(document);
    say_something(document);
    without_body(document);
    for (path, item) in &mut document.paths.paths {
        let changes = [&mut item.post, &mut item.put, &mut item.delete, &mut item.patch];
        for operation in changes.into_iter().flatten().filter(|operation| is_bodiless(operation)) {
            add_problems(operation, &[ErrorCode::BadField, ErrorCode::BadJson]);
            add_problems(operation, &[ErrorCode::BodyTooLarge]);
        }
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
            .into_iter()
            .flatten()
        {
            // Said of every operation, so that none is taken for one that was forgotten.
            operation.security.get_or_insert_default();
            add_usual_problems(operation);
            if path.starts_with("/api/") {
                add_limits(operation);
            }
            operation.responses.responses.iter_mut().for_each(add_problem_body);
            operation.responses.responses.iter_mut().for_each(add_usual_headers);
        }
    }
}

/// A sanction holds until a time or for a while. What is excluded has no place in the derived schema.
fn exclude(document: &mut Document) {
    let both = json!({
        "required": ["until", "duration_s"],
        "properties": {"until": {"type": "string"}, "duration_s": {"type": "integer"}},
    });
    let schemas = document.components.as_mut().map(|components| &mut components.schemas);
    if let Some(RefOr::T(Schema::Object(request))) = schemas.and_then(|schemas| schemas.get_mut("SanctionRequest")) {
        request.extensions = Some(Extensions::from_iter([("not", both)]));
    }
}

/// A message says something, or has a file.
fn say_something(document: &mut Document) {
    let either = json!([
        {"required": ["content"], "properties": {"content": {"type": "string", "minLength": 1, "format": "visible-text"}}},
        {"required": ["attachments"], "properties": {"attachments": {"type": "array", "minItems": 1}}},
    ]);
    for name in ["SendRequest", "ScheduleRequest"] {
        let schemas = document.components.as_mut().map(|components| &mut components.schemas);
        if let Some(RefOr::T(Schema::Object(request))) = schemas.and_then(|schemas| schemas.get_mut(name)) {
            request.extensions = Some(Extensions::from_iter([("anyOf", either.clone())]));
        }
    }
}

/// What may be asked without a body: the session is that of the access token or of the cookie then.
fn without_body(document: &mut Document) {
    for path in [
        "/api/v1/auth/logout",
        "/api/v1/auth/refresh",
        "/api/v1/rooms/{room}/members/{user}/kick",
        "/api/v1/rooms/{room}/members/{user}/ban",
        "/api/v1/rooms/{room}/members/{user}/mute",
        "/api/v1/rooms/{room}/join",
        "/api/v1/rooms/{room}/join-requests/{user}/deny",
    ] {
        let operation = document
            .paths
            .paths
            .get_mut(path)
            .and_then(|item| item.post.as_mut().or(item.put.as_mut()));
        if let Some(RefOr::T(body)) = operation.and_then(|operation| operation.request_body.as_mut()) {
            body.required = Some(Required::False);
        }
    }
}

fn add_usual_problems(operation: &mut Operation) {
    let with_body = operation.request_body.is_some();
    let with_caller = operation.security.as_ref().is_some_and(|security| !security.is_empty());
    let usual = [
        (with_body, &[ErrorCode::BadJson, ErrorCode::BadField][..]),
        (with_body, &[ErrorCode::BodyTooLarge]),
        (with_body, &[ErrorCode::UnsupportedMediaType]),
        (with_caller, &[ErrorCode::Unauthenticated]),
        (true, &[ErrorCode::RequestTimeout]),
        (true, &[ErrorCode::Internal]),
        (true, &[ErrorCode::Unavailable, ErrorCode::Overloaded]),
    ];
    let head = "The head of the request is too large; without a body";
    let head = ResponseBuilder::new().description(head).build();
    operation.responses.responses.entry(HEAD_TOO_LARGE.to_owned()).or_insert(RefOr::T(head));
    for (_, codes) in usual.into_iter().filter(|(applies, _)| *applies) {
        add_problems(operation, codes);
    }
}

/// An answer by these codes, which have one status, unless the operation says itself what that means.
fn add_problems(operation: &mut Operation, codes: &[ErrorCode]) {
    let status = status_of(codes[0]).as_u16().to_string();
    let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
    let response = ResponseBuilder::new().description(names.join(" or ")).build();
    operation.responses.responses.entry(status).or_insert(RefOr::T(response));
}

/// Every operation is limited, and every answer but an early failure has the remaining tokens.
fn add_limits(operation: &mut Operation) {
    let refused = "`rate_limited`: wait as long as `Retry-After` says";
    let refused = ResponseBuilder::new().description(refused).build();
    operation.responses.responses.entry("429".to_owned()).or_insert(RefOr::T(refused));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with('2') || status == "429" {
            response
                .headers
                .extend(LIMIT_HEADERS.map(|(name, kind, meaning)| (name.to_owned(), header(kind, meaning))));
        }
    }
}

/// Answered by the listener.
const HEAD_TOO_LARGE: &str = "431";

/// The fields of draft-ietf-httpapi-ratelimit-headers-06.
const LIMIT_HEADERS: [(&str, Type, &str); 4] = [
    (
        "RateLimit-Limit",
        Type::Integer,
        "How many requests are allowed at once. Absent where nothing is limited.",
    ),
    ("RateLimit-Remaining", Type::Integer, "How many of them are left."),
    ("RateLimit-Reset", Type::Integer, "Seconds until all are there again; with 429, until there is one."),
    (
        "RateLimit-Policy",
        Type::String,
        "The limit, and the seconds in which all of it comes back: `100;w=5`.",
    ),
];

fn header(kind: Type, meaning: &str) -> RefOr<Header> {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    RefOr::T(HeaderBuilder::new().schema(Some(schema)).description(Some(meaning)).build())
}

/// What answers carry beside their bodies.
fn add_usual_headers((status, response): (&String, &mut RefOr<Response>)) {
    let RefOr::T(response) = response else { return };
    if status == HEAD_TOO_LARGE {
        return;
    }
    let mut add = |name: &str, kind, meaning| {
        response.headers.insert(name.to_owned(), header(kind, meaning));
    };
    add("X-Request-Id", Type::String, "Finds the request in the logs.");
    match status.as_str() {
        "401" => add("WWW-Authenticate", Type::String, "With `unauthenticated`: which token is wanted."),
        "429" => add("Retry-After", Type::Integer, "Seconds, rounded up."),
        "503" => add("Retry-After", Type::Integer, "Seconds."),
        _ => {}
    }
}

fn add_problem_body((status, response): (&String, &mut RefOr<Response>)) {
    let RefOr::T(response) = response else { return };
    // The listener refuses what is no request to anything yet.
    if status.starts_with(['4', '5']) && status != HEAD_TOO_LARGE && response.content.is_empty() {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    }
}
