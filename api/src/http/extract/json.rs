//! A JSON object as the body. Its type and size are checked first; errors name the field.

use axum::body::{Bytes, HttpBody as _};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use rookery_protocol::error_code::ErrorCode;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::error::ApiError;
use crate::http::extract::field_in;

/// The decoded body of a request with `Content-Type: application/json`.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::refused(ErrorCode::UnsupportedMediaType));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable_body(&rejection))?;
        decode(&bytes).map(Self)
    }
}

/// The same where a request may also have no body at all.
pub struct OptionalBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if request.body().is_end_stream() && !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(Self(T::default()));
        }
        let JsonBody(body) = JsonBody::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// A body that is too large, or did not come to its end.
pub(crate) fn unreadable_body(rejection: &BytesRejection) -> ApiError {
    let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
    ApiError::refused(if too_large { ErrorCode::BodyTooLarge } else { ErrorCode::BadJson })
}

/// A field that may be left out, but is not null.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Whether a body says that it is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// An object of these fields and no others.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // serde would take an array for a struct, field by field.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::refused(ErrorCode::BadJson));
    }
    // Its syntax alone first: a wrong type in an enum's place would be called a syntax error below.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|_| ApiError::refused(ErrorCode::BadJson))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refusal(&error.path().to_string(), &error.inner().to_string()))
}

fn refusal(path: &str, message: &str) -> ApiError {
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    let field = if path == "." { field_in(message).unwrap_or("(body)") } else { path };
    ApiError::field(ErrorCode::BadField, field, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;
    use rookery_store::user::Username;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: Username,
        #[expect(dead_code, reason = "only its decoding is tested")]
        note: Option<String>,
    }

    fn refused(text: &str) -> (ErrorCode, Option<String>) {
        match decode::<Body>(text.as_bytes()) {
            Err(ApiError::Refused(Refusal { code, field, .. })) => (code, field),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn errors_name_the_field() {
        for (text, field) in [
            (r"{}", "name"),
            (r#"{"name":7}"#, "name"),
            (r#"{"name":null}"#, "name"),
            (r#"{"name":"a b"}"#, "name"),
            (r#"{"name":{"$ne":""}}"#, "name"),
            (r#"{"name":"abc","note":1}"#, "note"),
            (r#"{"name":"abc","more":1}"#, "more"),
            (r#"{"name":"abc","name":"abc"}"#, "name"),
        ] {
            assert_eq!(refused(text), (ErrorCode::BadField, Some(field.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_not_json_for_us() {
        for text in [
            "",
            " ",
            "x",
            "[]",
            r#"["abc","x"]"#,
            "null",
            r#"{"name":"#,
            r#"{"name":"abc"}x"#,
            "{\"name\":\"\u{7}\"}",
        ] {
            assert_eq!(refused(text).0, ErrorCode::BadJson, "{text}");
        }
        assert!(decode::<Body>(b"{\"name\":\"\xff\xfe\"}").is_err());
        assert_eq!(decode::<Body>(br#" {"name":"abc"} "#).unwrap().name.as_str(), "abc");
    }

    #[test]
    fn the_media_type_is_strict() {
        let with = |text: &'static str| HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(text))]);
        assert!(is_json(&with("application/json")) && is_json(&with("Application/JSON; charset=utf-8")));
        assert!(!is_json(&HeaderMap::new()) && !is_json(&with("text/plain")) && !is_json(&with("application/jsonp")));
    }
}
