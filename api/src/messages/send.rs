//! `POST /api/v1/rooms/{room}/messages`

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use rookery_protocol::attachment::{self, Attachment};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::content;
use rookery_protocol::event::NewMessage;
use rookery_protocol::id::{ClientId, Epoch, FileId, MessageId, Seq};
use rookery_protocol::named_message;
use rookery_protocol::position::StoredPosition;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::idempotency::Key;
use crate::messages::{Messages, Sent};

/// The files that a request names.
pub(crate) fn named(files: &[FileId]) -> Result<Vec<Attachment>, ApiError> {
    attachment::named(files).map_err(|code| ApiError::field(code, "attachments", "must be at most 10 files, each once"))
}

/// A message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// The text: at most 4,000 characters and 12,000 bytes, and something of it visible.
    /// It may be left out, or empty, if there are attachments.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 4000, example = "hi")]
    content: String,
    /// Your name for the message, unique among yours. Sending it again is safe: it gives the first answer again.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "c-1")]
    client_id: Option<ClientId>,
    /// The message this one answers, of the same room.
    #[serde(default, deserialize_with = "named_message")]
    #[schema(value_type = Option<Uuid>)]
    reply_to: Option<MessageId>,
    /// Files that you have uploaded and not attached to anything yet, each once.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false, max_items = 10)]
    attachments: Vec<FileId>,
}

/// The place a message got.
#[derive(Serialize, ToSchema)]
pub struct SentMessage {
    /// Id of the message.
    message_id: Uuid,
    /// Its room.
    room: Uuid,
    /// Epoch of its number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// Its number in the room.
    #[schema(value_type = u64)]
    seq: Seq,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    timestamp: UnixMillis,
    /// Your name for it.
    #[schema(value_type = String)]
    client_id: ClientId,
    /// Whether it is stored. If not, repeat it under the same `client_id` until it is.
    stored: bool,
}

/// Send a message
///
/// 201 once it is stored. 202 if the store takes longer than 5 seconds: the message is ordered and delivered, and
/// will be stored.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/messages",
    operation_id = "send_message",
    tag = "messages",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = SendRequest,
    responses(
        (status = 201, description = "Delivered and stored", body = SentMessage),
        (status = 202, description = "Delivered, not stored yet", body = SentMessage),
        (status = 400, description = "`bad_json`, `bad_field`, `empty_content`, `content_too_long`, `unknown_message`: \
            what it answers is no message of the room, or `bad_attachment`: one of the files is none of yours, is attached \
            to something else, or is gone"),
        (status = 409, description = "`client_id_reused`: you gave the name to something else in this room"),
        (status = 403, description = "`not_a_member`, `muted`, `banned` or `frozen`"),
        (status = 429, description = "`rate_limited` or `slow_mode`: wait as long as `Retry-After` says"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn send(
    State(messages): State<Messages>,
    caller: Caller,
    key: Option<Extension<Key>>,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<SendRequest>,
) -> Result<(StatusCode, Json<SentMessage>), ApiError> {
    let SendRequest { content, client_id, reply_to, attachments } = request;
    content::check_with(&content, !attachments.is_empty())
        .map_err(|code| ApiError::field(code, "content", code.message()))?;
    let attachments = named(&attachments)?;
    let client_id = client_id.or(key.map(|key| key.client_id())).unwrap_or_else(ClientId::generate);
    let message = NewMessage { content, client_id: client_id.clone(), reply_to, attachments };
    let Sent { room, id, first: StoredPosition { epoch, seq, timestamp }, stored } =
        messages.send(caller.into(), &room, message).await?;
    let status = if stored { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let sent = SentMessage { message_id: id.as_uuid(), room: room.as_uuid(), epoch, seq, timestamp, client_id, stored };
    Ok((status, Json(sent)))
}
