//! `GET` and `PATCH /api/v1/admin/settings`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::integer;
use rookery_store::change::Change;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::registration::{Registration, Verification};
use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::extract::{Admin, JsonBody, present};
use crate::moderation::filter::WordFilterRequest;
use crate::rooms::fields::retention_days;
use crate::settings::{Banner, ServerSettings, SettingsChange};

/// The settings of the server that admins may change.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerSettings)]
pub struct ServerSettingsView {
    /// Who may register.
    registration: Registration,
    /// Whether an address has to be verified.
    verification: Verification,
    /// How many minutes the code for that is valid.
    verification_minutes: u64,
    /// A line that pages show to everybody; null for none.
    banner: Option<String>,
    /// How many days rooms keep what was said that do not say so themselves; null for ever.
    retention_days: Option<u32>,
    /// Bytes of a file that may be uploaded.
    file_bytes_max: u64,
    /// Bytes of all files of one user together.
    user_quota_bytes: u64,
    /// The server's word filter, as `GET /admin/filter` has it.
    filter: WordFilterRequest,
}

impl From<&ServerSettings> for ServerSettingsView {
    fn from(settings: &ServerSettings) -> Self {
        Self {
            registration: settings.registration,
            verification: settings.verification,
            verification_minutes: settings.verification_minutes,
            banner: settings.banner.as_ref().map(|banner| banner.as_str().to_owned()),
            retention_days: settings.retention_days,
            file_bytes_max: settings.file_bytes_max,
            user_quota_bytes: settings.user_quota_bytes,
            filter: settings.filter.clone().into(),
        }
    }
}

/// What is to be different. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSettingsRequest {
    /// Who may register.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    registration: Option<Registration>,
    /// Whether an address has to be verified; that takes mail.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    verification: Option<Verification>,
    /// How many minutes the code for that is valid.
    #[serde(default, deserialize_with = "whole")]
    #[schema(nullable = false, minimum = 1, maximum = 1440)]
    verification_minutes: Option<u64>,
    /// A line that pages show to everybody; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, format = "visible-text")]
    banner: Change<Banner>,
    /// How many days rooms keep what was said that do not say so themselves; null for ever. Older events are erased within
    /// minutes.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 36_500)]
    retention_days: Change<DefaultRetention>,
    /// Bytes of a file that may be uploaded. Pictures have at most 33554432 in any case.
    #[serde(default, deserialize_with = "whole")]
    #[schema(nullable = false, minimum = 1, maximum = 17_179_869_184_i64)]
    file_bytes_max: Option<u64>,
    /// Bytes of all files of one user together. Who has more keeps it and uploads nothing.
    #[serde(default, deserialize_with = "whole")]
    #[schema(nullable = false, maximum = 1_099_511_627_776_i64)]
    user_quota_bytes: Option<u64>,
    /// The server's word filter, as a whole, as `PUT /admin/filter` takes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    filter: Option<WordFilterRequest>,
}

/// Days by which rooms go that do not say how long they keep what was said.
#[derive(Clone, Copy, Debug)]
struct DefaultRetention(u32);

impl<'de> Deserialize<'de> for DefaultRetention {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = integer::whole(deserializer)?;
        retention_days(days)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("must be from 1 to 36500"))
    }
}

fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    integer::whole(deserializer).map(Some)
}

impl From<ServerSettingsRequest> for SettingsChange {
    fn from(request: ServerSettingsRequest) -> Self {
        let ServerSettingsRequest {
            registration,
            verification,
            verification_minutes,
            banner,
            retention_days,
            file_bytes_max,
            user_quota_bytes,
            filter,
        } = request;
        Self {
            registration,
            verification,
            verification_minutes,
            banner,
            filter: filter.map(FilterRules::from),
            retention_days: retention_days.map(|days| days.0),
            file_bytes_max,
            user_quota_bytes,
        }
    }
}

/// Settings of the server
///
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/settings",
    operation_id = "server_settings",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The settings", body = ServerSettingsView),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn read(
    State(administration): State<Administration>,
    _admin: Admin,
) -> Result<Json<ServerSettingsView>, ApiError> {
    Ok(Json(ServerSettingsView::from(&*administration.settings.now())))
}

/// Change settings of the server
///
/// For admins. They hold on every process within five seconds, over restarts, and whatever the configuration says.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/settings",
    operation_id = "change_server_settings",
    tag = "admin",
    security(("bearer" = [])),
    request_body = ServerSettingsRequest,
    responses(
        (status = 200, description = "The settings", body = ServerSettingsView),
        (status = 400, description = "`bad_field`, also for `verification` where there is no mail"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn change(
    State(administration): State<Administration>,
    Admin(admin): Admin,
    JsonBody(request): JsonBody<ServerSettingsRequest>,
) -> Result<Json<ServerSettingsView>, ApiError> {
    let changed = administration.settings.change(request.into(), admin.user_id, UnixMillis::now()).await?;
    Ok(Json(ServerSettingsView::from(&*changed)))
}
