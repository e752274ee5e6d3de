//! `GET` and `PATCH /api/v1/users/me/settings`

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::object::Object;
use rookery_store::change::Change;
use rookery_store::user::{DirectFrom, NotificationLevel, QuietHours, SettingsChange, Theme, UserChange, UserSettings};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::accounts::Accounts;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, present};

/// What a user has chosen, as it is answered.
#[derive(Serialize)]
pub struct SettingsView(pub(super) UserSettings);

/// What you have chosen.
#[derive(ToSchema)]
#[schema(as = Settings)]
#[expect(dead_code, reason = "describes what `UserSettings` is written as")]
struct SettingsShape {
    /// Whether others see what you have read, and you what they have.
    read_receipts: bool,
    /// Whether others see that you are typing.
    typing: bool,
    /// Who may write to you directly, and add you to rooms.
    direct_from: DirectFrom,
    /// When you are notified.
    notifications: NotificationShape,
    /// What pages should look like.
    #[schema(nullable = false)]
    theme: Option<String>,
}

/// When you are notified.
#[derive(ToSchema)]
#[schema(as = NotificationSettings)]
#[expect(dead_code, reason = "describes what `NotificationSettings` is written as")]
struct NotificationShape {
    /// Of what.
    level: NotificationLevel,
    /// When not.
    #[schema(nullable = false)]
    quiet_hours: Option<QuietHours>,
    /// Whether a push has the text.
    push_text: bool,
}

impl PartialSchema for SettingsView {
    fn schema() -> RefOr<Schema> {
        SettingsShape::schema()
    }
}

impl ToSchema for SettingsView {
    fn name() -> std::borrow::Cow<'static, str> {
        "Settings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        SettingsShape::schemas(schemas);
    }
}

/// What is to be different. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsRequest {
    /// Whether others see what you have read, and you what they have.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    read_receipts: Option<bool>,
    /// Whether others see that you are typing.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    typing: Option<bool>,
    /// Who may write to you directly, and add you to rooms.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    direct_from: Option<DirectFrom>,
    /// When you are notified.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NotificationRequest>, nullable = false)]
    notifications: Option<Object<NotificationRequest>>,
    /// What pages should look like; null for nothing special.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 32, pattern = "^[a-z0-9-]+$")]
    theme: Change<Theme>,
}

/// When you are to be notified. What is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationRequest {
    /// Of what.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    level: Option<NotificationLevel>,
    /// When not; null for never.
    #[serde(default)]
    #[schema(value_type = Option<QuietHours>)]
    quiet_hours: Change<QuietHours>,
    /// Whether a push has the text.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    push_text: Option<bool>,
}

impl From<SettingsRequest> for SettingsChange {
    fn from(request: SettingsRequest) -> Self {
        let SettingsRequest { read_receipts, typing, direct_from, notifications, theme } = request;
        let NotificationRequest { level, quiet_hours, push_text } = notifications.unwrap_or_default().0;
        Self { read_receipts, typing, direct_from, level, quiet_hours, push_text, theme }
    }
}

/// Your settings
#[utoipa::path(
    get,
    path = "/api/v1/users/me/settings",
    operation_id = "my_settings",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings", body = SettingsView)),
)]
pub async fn read(State(accounts): State<Accounts>, caller: Caller) -> Result<Json<SettingsView>, ApiError> {
    Ok(Json(SettingsView(accounts.me(caller.user_id).await?.settings)))
}

/// Change your settings
#[utoipa::path(
    patch,
    path = "/api/v1/users/me/settings",
    operation_id = "change_my_settings",
    tag = "users",
    security(("bearer" = [])),
    request_body = SettingsRequest,
    responses(
        (status = 200, description = "The settings", body = SettingsView),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn change(
    State(accounts): State<Accounts>,
    caller: Caller,
    JsonBody(request): JsonBody<SettingsRequest>,
) -> Result<Json<SettingsView>, ApiError> {
    let before = accounts.me(caller.user_id).await?.settings;
    let change = UserChange { settings: request.into(), ..UserChange::default() };
    let user = accounts.stores.users.change(caller.user_id, &change).await?;
    let user = user.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
    if user.settings != before {
        accounts.tell_of_settings(&user).await;
    }
    Ok(Json(SettingsView(user.settings)))
}
