//! Errors of requests and their form: RFC 9457 problem documents with stable codes.
//!
//! An [`ApiError`] becomes a response without a body that carries its problem as an extension; `observe` adds the
//! request's id and writes the body. Causes go to the log here, once; clients get a code and a sentence.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use rookery_bus::AppendError;
use rookery_bus::authority::AuthorityError;
use rookery_bus::error::BusError;
use rookery_bus::limiter::Verdict;
use rookery_bus::pace::TooEarly;
use rookery_media::objects::ObjectError;
use rookery_media::picture::PictureError;
use rookery_protocol::access::Until;
use rookery_protocol::bounds;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_runtime::token::KeyError;
use rookery_store::{StoreError, Unique};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::password::PasswordError;
use crate::random::NoRandomness;

/// Every way a request can fail.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be served; the answer has the reason.
    #[error("{}", .0.code.as_str())]
    Refused(Refusal),
    /// The store was not prepared since the process started.
    #[error("the store is not prepared yet")]
    Starting,
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// From hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// From signing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// From the operating system.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// From the object store.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A defect.
    #[error("panic: {0}")]
    Panic(String),
    /// More was asked for than may be.
    #[error("over the limit {}", .0.limit.as_str())]
    Limited(Verdict),
}

/// A definite no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// The field at fault.
    pub field: Option<String>,
    /// What is wrong, if there is more to say than the code's sentence.
    pub detail: Option<String>,
    /// When to try again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The body of every error (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:rookery:error:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:rookery:error:bad_field")]
    pub kind: String,
    /// The kind of problem for people.
    #[schema(example = "A field is missing or has a wrong value.")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// The kind of problem for programs; stable.
    #[schema(example = "bad_field")]
    pub code: String,
    /// This problem for people.
    pub detail: String,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// When to try again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
    /// Finds the request in the logs.
    pub request_id: String,
}

/// A refusal on its way to `observe`, as a response extension.
#[derive(Clone)]
struct Pending(Refusal);

/// The bound that a refusal is about, on the same way.
#[derive(Clone, Copy)]
pub(crate) struct Bound(pub(crate) &'static str);

impl Refusal {
    /// That of the code. A message that a body names is at fault there, one that the path names does not exist.
    fn status(&self) -> StatusCode {
        match (self.code, &self.field) {
            (ErrorCode::UnknownMessage, Some(_)) => StatusCode::BAD_REQUEST,
            (code, _) => status_of(code),
        }
    }
}

impl ApiError {
    /// A refusal with its standard sentence.
    pub const fn refused(code: ErrorCode) -> Self {
        Self::Refused(Refusal { code, field: None, detail: None, retry_after_ms: None })
    }

    /// A refusal of what may be tried again in so many milliseconds.
    pub const fn later(code: ErrorCode, ms: u64) -> Self {
        Self::Refused(Refusal { code, field: None, detail: None, retry_after_ms: Some(ms) })
    }

    /// A refusal; if it is for being muted, it says when that ends.
    pub fn refused_until(code: ErrorCode, muted: Option<Until>, now: UnixMillis) -> Self {
        let muted = muted.filter(|_| code == ErrorCode::Muted);
        let retry_after_ms = muted.and_then(|until| until.rest_ms(now));
        Self::Refused(Refusal { code, field: None, detail: None, retry_after_ms })
    }

    /// A refusal for sending too much.
    pub const fn too_early(early: TooEarly) -> Self {
        let (code, ms) = match early {
            TooEarly::RateLimit(ms) => (ErrorCode::RateLimited, ms),
            TooEarly::SlowMode(ms) => (ErrorCode::SlowMode, ms),
        };
        Self::Refused(Refusal { code, field: None, detail: None, retry_after_ms: Some(ms) })
    }

    /// A name has a word that is not welcome.
    pub fn unwelcome(field: &str) -> Self {
        Self::field(ErrorCode::Filtered, field, "has a word that is not welcome here")
    }

    /// A refusal that names a field and says what is wrong with it.
    pub fn field(code: ErrorCode, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal { code, field: Some(field.into()), detail: Some(detail.into()), retry_after_ms: None })
    }

    /// Whether what was asked for was not done and will not be: trying again is another matter.
    pub const fn is_for_good(&self) -> bool {
        match self {
            Self::Refused(Refusal { code, .. }) => !matches!(
                code,
                ErrorCode::Unavailable | ErrorCode::Overloaded | ErrorCode::Internal | ErrorCode::RequestTimeout
            ),
            Self::Authority(error) => matches!(error, AuthorityError::Refused(_) | AuthorityError::Muted(_)),
            Self::Starting
            | Self::Store(_)
            | Self::Bus(_)
            | Self::Password(_)
            | Self::Key(_)
            | Self::Random(_)
            | Self::Object(_)
            | Self::Panic(_)
            | Self::Limited(_) => false,
        }
    }

    /// The machine-readable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(Refusal { code, .. }) | Self::Authority(AuthorityError::Refused(code)) => *code,
            Self::Store(StoreError::Taken(Unique::Username)) => ErrorCode::UsernameTaken,
            Self::Store(StoreError::Taken(Unique::Email)) => ErrorCode::AccountExists,
            Self::Store(StoreError::Taken(Unique::Slug | Unique::RoomName)) => ErrorCode::RoomNameTaken,
            Self::Store(StoreError::Banned) => ErrorCode::Banned,
            Self::Store(StoreError::OwnerStays) => ErrorCode::OwnerMustTransfer,
            Self::Store(StoreError::NoMember) => ErrorCode::NotFound,
            Self::Store(StoreError::Full) => ErrorCode::RoomFull,
            Self::Store(StoreError::InviteOver) => ErrorCode::InviteInvalid,
            Self::Store(StoreError::Decided) => ErrorCode::AlreadyDecided,
            Self::Store(StoreError::Closed) => ErrorCode::UnknownRoom,
            Self::Store(StoreError::Outranked) => ErrorCode::Forbidden,
            Self::Store(StoreError::LastAdmin) => ErrorCode::LastAdmin,
            Self::Authority(AuthorityError::Muted(_)) => ErrorCode::Muted,
            Self::Password(PasswordError::Busy) => ErrorCode::Overloaded,
            Self::Limited(_) => ErrorCode::RateLimited,
            Self::Starting
            | Self::Store(StoreError::Unavailable(_) | StoreError::NotTheWriter(_) | StoreError::Newer { .. })
            | Self::Bus(BusError::Unavailable(_) | BusError::Protocol(_))
            | Self::Authority(AuthorityError::Unavailable(_))
            | Self::Object(ObjectError::Nowhere | ObjectError::Unavailable(_)) => ErrorCode::Unavailable,
            Self::Object(ObjectError::Full) => ErrorCode::StorageFull,
            Self::Store(StoreError::Inconsistent(_) | StoreError::Taken(Unique::Id) | StoreError::Collision { .. })
            | Self::Password(PasswordError::Failed(_))
            | Self::Key(_)
            | Self::Random(_)
            | Self::Object(ObjectError::Name)
            | Self::Panic(_) => ErrorCode::Internal,
        }
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        if let Self::Refused(refusal) = self {
            refusal.status()
        } else {
            status_of(self.code())
        }
    }

    fn into_refusal(self) -> Refusal {
        let code = self.code();
        match self {
            Self::Refused(refusal) => refusal,
            Self::Limited(Verdict { retry_ms, .. }) => {
                Refusal { code, field: None, detail: None, retry_after_ms: Some(retry_ms) }
            }
            Self::Starting
            | Self::Store(_)
            | Self::Bus(_)
            | Self::Authority(_)
            | Self::Password(_)
            | Self::Key(_)
            | Self::Random(_)
            | Self::Object(_)
            | Self::Panic(_) => Refusal { code, field: None, detail: None, retry_after_ms: None },
        }
    }

    fn limited(&self) -> Option<Verdict> {
        if let Self::Limited(verdict) = self { Some(*verdict) } else { None }
    }

    fn bound(&self) -> Option<Bound> {
        let limit = self.limited().map(|verdict| verdict.limit.as_str());
        limit.or_else(|| bounds::of_code(self.code())).map(Bound)
    }

    fn log(&self) {
        let code = self.code();
        if code == ErrorCode::Internal {
            tracing::error!(error = %self, "request failed");
        } else if status_of(code).is_server_error() {
            tracing::warn!(error = %self, "request not served");
        } else {
            tracing::debug!(code = code.as_str(), "request refused");
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (limited, bound) = (self.limited(), self.bound());
        let refusal = self.into_refusal();
        let code = refusal.code;
        let mut response = refusal.status().into_response();
        if let Some(verdict) = limited {
            verdict.write(response.headers_mut());
        }
        if let Some(bound) = bound {
            response.extensions_mut().insert(bound);
        }
        if matches!(code, ErrorCode::Unavailable | ErrorCode::Overloaded | ErrorCode::TooManyUploads) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(ms) = refusal.retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        if code == ErrorCode::Unauthenticated {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rookery\""));
        }
        response.extensions_mut().insert(Pending(refusal));
        response
    }
}

/// What a response refuses, if it does.
pub(crate) fn refusal_of(response: &Response) -> Option<&Refusal> {
    response.extensions().get::<Pending>().map(|pending| &pending.0)
}

/// Whether a response says that somebody talks too fast in a room.
pub(crate) fn is_pace(response: &Response) -> bool {
    response
        .extensions()
        .get::<Pending>()
        .is_some_and(|pending| pending.0.code == ErrorCode::RateLimited)
}

/// Writes the problem that a response carries, if it carries one.
pub(crate) fn write_problem(mut response: Response, request_id: &str) -> Response {
    let Some(Pending(refusal)) = response.extensions_mut().remove::<Pending>() else {
        return response;
    };
    let (parts, _) = response.into_parts();
    let problem = Problem::new(refusal, parts.status, request_id);
    let mut written = (parts.status, parts.headers, Json(problem)).into_response();
    written
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    written
}

impl Problem {
    fn new(refusal: Refusal, status: StatusCode, request_id: &str) -> Self {
        let Refusal { code, field, detail, retry_after_ms } = refusal;
        Self {
            kind: format!("urn:rookery:error:{}", code.as_str()),
            title: code.message().to_owned(),
            status: status.as_u16(),
            code: code.as_str().to_owned(),
            detail: detail.unwrap_or_else(|| code.message().to_owned()),
            field,
            retry_after_ms,
            request_id: request_id.to_owned(),
        }
    }
}

/// The status of each code.
pub const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadJson
        | ErrorCode::UnknownType
        | ErrorCode::BadField
        | ErrorCode::EmptyContent
        | ErrorCode::ContentTooLong
        | ErrorCode::RoomRequired
        | ErrorCode::TooManyRooms
        | ErrorCode::TooManyReactions
        | ErrorCode::TooManyPins
        | ErrorCode::TooManySaved
        | ErrorCode::PasswordTooCommon
        | ErrorCode::CodeInvalid
        | ErrorCode::TokenInvalid
        | ErrorCode::BadImage
        | ErrorCode::BadQuery
        | ErrorCode::BadAttachment
        | ErrorCode::Filtered => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthenticated
        | ErrorCode::BadCredentials
        | ErrorCode::BadRefreshToken
        | ErrorCode::SecondFactorRequired => StatusCode::UNAUTHORIZED,
        ErrorCode::NotAMember
        | ErrorCode::Forbidden
        | ErrorCode::Muted
        | ErrorCode::Banned
        | ErrorCode::Frozen
        | ErrorCode::Archived
        | ErrorCode::PostingRestricted
        | ErrorCode::ProtectedRoom
        | ErrorCode::RegistrationClosed
        | ErrorCode::RegistrationInviteOnly
        | ErrorCode::EmailNotVerified
        | ErrorCode::AccountDisabled
        | ErrorCode::PasswordWrong
        | ErrorCode::InviteRequired
        | ErrorCode::RoomFull
        | ErrorCode::JoinDenied
        | ErrorCode::DirectRoom
        | ErrorCode::DirectRefused
        | ErrorCode::QuotaExceeded
        | ErrorCode::Blocked => StatusCode::FORBIDDEN,
        ErrorCode::RateLimited | ErrorCode::SlowMode | ErrorCode::TooManyUploads => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::BadRange => StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorCode::FileInfected => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::UnknownRoom | ErrorCode::NotFound | ErrorCode::UnknownMessage | ErrorCode::InviteInvalid => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::UsernameTaken
        | ErrorCode::AccountExists
        | ErrorCode::RoomNameTaken
        | ErrorCode::ClientIdReused
        | ErrorCode::IdempotencyKeyReused
        | ErrorCode::OwnerMustTransfer
        | ErrorCode::AlreadyDecided
        | ErrorCode::TooManyJoinRequests
        | ErrorCode::TooManyScheduled
        | ErrorCode::AlreadySent
        | ErrorCode::FileAttached
        | ErrorCode::LastAdmin => StatusCode::CONFLICT,
        ErrorCode::BodyTooLarge | ErrorCode::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType | ErrorCode::FileTypeRefused => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::Overloaded | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        tracing::debug!(%error, "picture refused");
        Self::refused(match error {
            PictureError::Kind => ErrorCode::FileTypeRefused,
            PictureError::Pixels | PictureError::Broken(_) => ErrorCode::BadImage,
            PictureError::Busy => ErrorCode::Overloaded,
        })
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        let unavailable = |what: &str| BusError::Unavailable(what.to_owned()).into();
        match error {
            AppendError::Overloaded => Self::refused(ErrorCode::Overloaded),
            AppendError::StaleRights | AppendError::AttemptsExhausted => unavailable("the room's rights do not settle"),
            AppendError::NotOpen => unavailable("the room does not open"),
            AppendError::Bus(error) => error.into(),
            AppendError::Reused => Self::refused(ErrorCode::ClientIdReused),
            AppendError::Refused(code) => Self::refused(code),
            AppendError::TooEarly(early) => Self::too_early(early),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_inside() {
        let refusal = ApiError::Store(StoreError::Inconsistent("user 7 has no name".to_owned())).into_refusal();
        let problem = Problem::new(refusal, StatusCode::INTERNAL_SERVER_ERROR, "r-1");
        assert!(!serde_json::to_string(&problem).unwrap().contains("user 7"));
    }

    #[test]
    fn waiting_helps_where_it_is_said() {
        let response = ApiError::Bus(BusError::Unavailable("gone".to_owned())).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}
