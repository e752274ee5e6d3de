//! The OpenAPI document: made of the routes themselves, completed with what holds for all of them.

use rookery_shared::protocol::error_code::ErrorCode;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::error::{Problem, status_of};

pub mod schema;

/// The document before the routes are added.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rookery",
        description = "REST interface of a Rookery chat server. Live events come over the WebSocket at `/ws`.\n\n\
            Every error is a problem document (RFC 9457) with a stable `code`. Every answer carries `X-Request-Id`.\n\n\
            How much a user or an address may ask for is limited over all nodes together; answers tell what is left in \
            `RateLimit-*` fields (draft-ietf-httpapi-ratelimit-headers-06).",
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Accounts, sessions, keys"),
        (name = "users", description = "Users"),
        (name = "rooms", description = "Rooms and membership"),
        (name = "messages", description = "Sending, and reading history"),
        (name = "moderation", description = "Keeping order in rooms"),
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
    for (path, item) in &mut document.paths.paths {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
            .into_iter()
            .flatten()
        {
            add_usual_problems(operation);
            if path.starts_with("/api/") {
                add_limits(operation);
            }
            operation.responses.responses.iter_mut().for_each(add_problem_body);
        }
    }
}

fn add_usual_problems(operation: &mut Operation) {
    let with_body = operation.request_body.is_some();
    let with_caller = operation.security.is_some();
    let usual = [
        (with_body, &[ErrorCode::BadJson, ErrorCode::BadField][..]),
        (with_body, &[ErrorCode::BodyTooLarge]),
        (with_body, &[ErrorCode::UnsupportedMediaType]),
        (with_caller, &[ErrorCode::Unauthenticated]),
        (true, &[ErrorCode::RequestTimeout]),
        (true, &[ErrorCode::Internal]),
        (true, &[ErrorCode::Unavailable, ErrorCode::Overloaded]),
    ];
    for (_, codes) in usual.into_iter().filter(|(applies, _)| *applies) {
        let status = status_of(codes[0]).as_u16().to_string();
        let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
        let response = ResponseBuilder::new().description(names.join(" or ")).build();
        operation.responses.responses.entry(status).or_insert(RefOr::T(response));
    }
}

/// Every operation is limited, and every answer but an early failure tells what is left.
fn add_limits(operation: &mut Operation) {
    let refused = "`rate_limited`: wait as long as `Retry-After` says";
    let refused = ResponseBuilder::new().description(refused).build();
    operation.responses.responses.entry("429".to_owned()).or_insert(RefOr::T(refused));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with('2') || status == "429" {
            response
                .headers
                .extend(LIMIT_HEADERS.map(|(name, meaning)| (name.to_owned(), number(meaning))));
        }
        if status == "429" {
            response.headers.insert("Retry-After".to_owned(), number("Seconds, rounded up."));
        }
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers-06.
const LIMIT_HEADERS: [(&str, &str); 3] = [
    ("RateLimit-Limit", "How many requests are allowed at once."),
    ("RateLimit-Remaining", "How many of them are left."),
    ("RateLimit-Reset", "Seconds until all are there again; with 429, until there is one."),
];

fn number(meaning: &str) -> RefOr<Header> {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).build();
    RefOr::T(HeaderBuilder::new().schema(Some(schema)).description(Some(meaning)).build())
}

fn add_problem_body((status, response): (&String, &mut RefOr<Response>)) {
    let RefOr::T(response) = response else { return };
    if status.starts_with(['4', '5']) && response.content.is_empty() {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    }
}
