//! `POST /api/v1/rooms/{room}/scheduled`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::content;
use rookery_protocol::id::{FileId, MessageId};
use rookery_protocol::named_message;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::messages::send::named;
use crate::schedules::view::ScheduleView;
use crate::schedules::{NewSchedule, Scheduling};

/// A message for later.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// The text: at most 4,000 characters and 12,000 bytes, and something of it visible.
    /// It may be left out, or empty, if there are attachments.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 4000, example = "good morning")]
    content: String,
    /// When to send it: 10 seconds to 366 days ahead.
    #[schema(value_type = String, format = DateTime)]
    send_at: UnixMillis,
    /// The message this one answers, of the same room.
    #[serde(default, deserialize_with = "named_message")]
    #[schema(value_type = Option<Uuid>)]
    reply_to: Option<MessageId>,
    /// Files that you have uploaded and not attached to anything yet, each once. They are kept for the message.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false, max_items = 10)]
    attachments: Vec<FileId>,
}

/// Send a message later
///
/// It is sent within a second of its time, under your rights of then. At most 100 of yours can wait.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/scheduled",
    operation_id = "schedule_message",
    tag = "messages",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = ScheduleRequest,
    responses(
        (status = 201, description = "It waits", body = ScheduleView),
        (status = 400, description = "`bad_json`, `bad_field`, `empty_content`, `content_too_long`, `unknown_message`: \
            what it answers is no message of the room, or `bad_attachment`"),
        (status = 403, description = "`not_a_member`, `muted` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
        (status = 409, description = "`too_many_scheduled`"),
    ),
)]
pub async fn create(
    State(scheduling): State<Scheduling>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<ScheduleRequest>,
) -> Result<(StatusCode, Json<ScheduleView>), ApiError> {
    let ScheduleRequest { content, send_at, reply_to, attachments: files } = request;
    content::check_with(&content, !files.is_empty())
        .map_err(|code| ApiError::field(code, "content", code.message()))?;
    let _each_once = named(&files)?;
    let new = NewSchedule { content, send_at, reply_to, files };
    let schedule = scheduling.add(caller.user_id, &room, new, UnixMillis::now()).await?;
    Ok((StatusCode::CREATED, Json(schedule.into())))
}
