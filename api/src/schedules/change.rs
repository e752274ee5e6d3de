//! `PATCH` and `DELETE /api/v1/rooms/{room}/scheduled/{schedule}`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId};
use rookery_protocol::named_message;
use rookery_store::change::Change;
use rookery_store::schedule::ScheduleChange;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, SchedulePath, present};
use crate::messages::send::named;
use crate::schedules::Scheduling;
use crate::schedules::view::ScheduleView;

/// What is to be different; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleChangeRequest {
    /// Another text; it may be empty if there are attachments.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 4000, nullable = false)]
    content: Option<String>,
    /// Another time: 10 seconds to 366 days ahead.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    send_at: Option<UnixMillis>,
    /// What it answers; null for nothing.
    #[serde(default, deserialize_with = "answered")]
    #[schema(value_type = Option<Uuid>)]
    reply_to: Change<MessageId>,
    /// Its files instead of those that it has: of the latter, and such that are not attached to anything yet, each once. What is
    /// not among them any more is attached to nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false, max_items = 10)]
    attachments: Option<Vec<FileId>>,
}

fn answered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<MessageId>, D::Error> {
    Ok(named_message(deserializer)?.map_or(Change::Clear, Change::Set))
}

/// Change a message for later
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/scheduled/{schedule}",
    operation_id = "change_scheduled",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("schedule" = Uuid, Path, description = "Id of the message for later"),
    ),
    request_body = ScheduleChangeRequest,
    responses(
        (status = 200, description = "As it is now", body = ScheduleView),
        (status = 400, description = "`bad_json`, `bad_field`, `empty_content`, `content_too_long` or `unknown_message`: \
            what it answers is no message of the room, or `bad_attachment`"),
        (status = 403, description = "`not_a_member`, `muted` or `banned`"),
        (status = 404, description = "`unknown_room`, or `not_found`: no such message of yours"),
        (status = 409, description = "`already_sent`: it is being sent, or is over"),
    ),
)]
pub async fn change(
    State(scheduling): State<Scheduling>,
    caller: Caller,
    path: SchedulePath,
    JsonBody(request): JsonBody<ScheduleChangeRequest>,
) -> Result<Json<ScheduleView>, ApiError> {
    let ScheduleChangeRequest { content, send_at, reply_to, attachments: files } = request;
    let _each_once = files.as_deref().map(named).transpose()?;
    let change = ScheduleChange { content, send_at, reply_to, files };
    let changed = scheduling.change(caller.user_id, &path, change, UnixMillis::now()).await?;
    Ok(Json(changed.into()))
}

/// Cancel a message for later
///
/// Of one that was sent, or failed, only the record goes.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/scheduled/{schedule}",
    operation_id = "cancel_scheduled",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("schedule" = Uuid, Path, description = "Id of the message for later"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`unknown_room`, or `not_found`: no such message of yours"),
        (status = 409, description = "`already_sent`: it is being sent this moment"),
    ),
)]
pub async fn remove(
    State(scheduling): State<Scheduling>,
    caller: Caller,
    path: SchedulePath,
) -> Result<StatusCode, ApiError> {
    scheduling.remove(caller.user_id, &path).await?;
    Ok(StatusCode::NO_CONTENT)
}
