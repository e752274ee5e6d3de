//! What anybody may know of the server, also before logging in.

use axum::Json;
use axum::extract::{FromRef, State};
use rookery_protocol::limits::{ATTACHMENTS_MAX, CONTENT_BYTES_MAX, CONTENT_CHARS_MAX};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::registration::{Registration, Verification};
use crate::error::ApiError;
use crate::http::limit::ClientAddress;
use crate::push::Push;
use crate::settings::LiveSettings;

/// The routes about the server itself.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    LiveSettings: FromRef<S>,
    Push: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(server))
}

/// What anybody may know of the server.
#[derive(Serialize, ToSchema)]
#[schema(as = Server)]
pub struct ServerView {
    /// Who may register.
    registration: Registration,
    /// Whether an address has to be verified.
    verification: Verification,
    /// What fits.
    limits: ServerLimits,
    /// A line that pages show to everybody.
    banner: Option<String>,
    /// The public key that devices subscribe to pushes with, base64url; null while the server starts.
    push_key: Option<String>,
    /// The address that the server takes you for. Limits by address count it.
    #[schema(example = "203.0.113.7")]
    your_address: String,
    /// The version of the server.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// What fits.
#[derive(Serialize, ToSchema)]
pub struct ServerLimits {
    /// Characters of a message.
    content_chars_max: usize,
    /// Bytes of a message.
    content_bytes_max: usize,
    /// Characters of a password, at least.
    password_chars_min: usize,
    /// Characters of a password, at most.
    password_chars_max: usize,
    /// Files of a message.
    attachments_max: usize,
    /// Bytes of a file.
    file_bytes_max: u64,
    /// Bytes of all files of a user together.
    user_quota_bytes: u64,
}

/// The server
///
/// Without login.
#[utoipa::path(
    get,
    path = "/api/v1/server",
    operation_id = "get_server",
    tag = "server",
    responses((status = 200, description = "The server", body = ServerView)),
)]
pub async fn server(
    State(settings): State<LiveSettings>,
    State(push): State<Push>,
    from: ClientAddress,
) -> Result<Json<ServerView>, ApiError> {
    let settings = settings.now();
    Ok(Json(ServerView {
        registration: settings.registration,
        verification: settings.verification,
        limits: ServerLimits {
            content_chars_max: CONTENT_CHARS_MAX,
            content_bytes_max: CONTENT_BYTES_MAX,
            password_chars_min: rookery_store::user::PASSWORD_CHARS_MIN,
            password_chars_max: rookery_store::user::PASSWORD_CHARS_MAX,
            attachments_max: ATTACHMENTS_MAX,
            file_bytes_max: settings.file_bytes_max,
            user_quota_bytes: settings.user_quota_bytes,
        },
        banner: settings.banner.as_ref().map(|banner| banner.as_str().to_owned()),
        push_key: push.public_key(),
        your_address: from.0.to_canonical().to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }))
}
