//! What the OpenAPI document says of keys.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi as Document, RefOr, Required, ResponseBuilder};

use super::{HEADER, OPERATIONS};
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;

const MEANING: &str = "Your name for the request, a random UUID for example. Repeat the request under it if its answer was \
    lost: within 24 hours you get the answer that it had, and nothing is done twice.";

/// Adds the header to every operation that takes it.
pub(crate) fn describe(document: &mut Document) {
    for path in OPERATIONS {
        let item = document.paths.paths.get_mut(*path);
        let Some(operation) = item.and_then(|item| item.post.as_mut()) else { continue };
        operation.parameters.get_or_insert_default().push(RefOr::T(header()));
        for (status, code) in
            [("400", "`bad_field`"), ("409", "`idempotency_key_reused`: the key was that of another request")]
        {
            let other = ResponseBuilder::new().description(code).build();
            let response = operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(other));
            if let RefOr::T(response) = response
                && !response.description.contains(code)
            {
                response.description = format!("{}; {code}", response.description);
            }
        }
    }
}

fn header() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(IDEMPOTENCY_KEY_BYTES_MAX))
        .pattern(Some("^[!-~]+$"))
        .build();
    ParameterBuilder::new()
        .name(HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(MEANING))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What makes nothing, or makes it for somebody who is not logged in, or answers with secrets of a login.
    const OTHERS: &[&str] = &[
        "/api/v1/admin/jobs/{job}/retry",
        "/api/v1/admin/users/{user}/logout",
        "/api/v1/auth/login",
        "/api/v1/auth/logout",
        "/api/v1/auth/logout-all",
        "/api/v1/auth/password/forgot",
        "/api/v1/auth/password/reset",
        "/api/v1/auth/refresh",
        "/api/v1/auth/register",
        "/api/v1/auth/ticket",
        "/api/v1/auth/verify",
        "/api/v1/auth/verify/resend",
        "/api/v1/files/links",
        "/api/v1/moderation/reports/{report}/claim",
        "/api/v1/moderation/reports/{report}/resolve",
        "/api/v1/notifications/read",
        "/api/v1/rooms/{room}/join-requests/{user}/approve",
        "/api/v1/rooms/{room}/join-requests/{user}/deny",
        "/api/v1/rooms/{room}/leave",
        "/api/v1/rooms/{room}/members/{user}/kick",
        "/api/v1/rooms/{room}/transfer",
        "/api/v1/users/me/delete",
        "/api/v1/users/me/email/confirm",
        "/api/v1/users/me/totp",
        "/api/v1/users/me/totp/confirm",
        "/api/v1/users/me/totp/disable",
        "/api/v1/users/me/totp/recovery-codes",
    ];

    #[test]
    fn every_post_takes_a_key_or_is_known_not_to() {
        let document = crate::router::document();
        let posts = document.paths.paths.iter().filter(|(_, item)| item.post.is_some());
        for (path, item) in posts {
            let parameters = item.post.as_ref().unwrap().parameters.iter().flatten();
            let takes_one = parameters
                .filter(|parameter| matches!(parameter, RefOr::T(one) if one.name == HEADER))
                .count();
            let (known, other) = (OPERATIONS.contains(&path.as_str()), OTHERS.contains(&path.as_str()));
            assert_eq!((takes_one, other), (usize::from(known), !known), "{path}");
        }
    }
}
