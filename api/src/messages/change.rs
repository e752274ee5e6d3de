//! `PUT` and `DELETE /api/v1/rooms/{room}/messages/{message}`, and the same of `…/reactions/{emoji}`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::content;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, Epoch, MessageId, Seq};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::position::StoredPosition;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, MessagePath, ReactionPath};
use crate::messages::changes::MessageChangeRequest;
use crate::messages::{Messages, Sent};

/// A new text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// The text: at most 4,000 characters and 12,000 bytes, and something of it visible.
    #[schema(min_length = 1, max_length = 4000, format = "visible-text", example = "hi there")]
    content: String,
    /// Your name for the change, unique among yours. Sending it again is safe: it gives the first answer again.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "c-2")]
    client_id: Option<ClientId>,
}

/// The place that something done to a message got.
#[derive(Serialize, ToSchema)]
pub struct DoneAct {
    /// Id of the event.
    event_id: Uuid,
    /// Id of the message.
    message_id: Uuid,
    /// Its room.
    room: Uuid,
    /// Epoch of the event's number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// The event's number in the room.
    #[schema(value_type = u64)]
    seq: Seq,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    timestamp: UnixMillis,
    /// Your name for it.
    #[schema(value_type = String)]
    client_id: ClientId,
    /// Whether it is stored. If not, it will be.
    stored: bool,
}

/// Change a message of yours
///
/// Earlier texts stay readable in its history of edits.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/messages/{message}",
    operation_id = "edit_message",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    request_body = EditRequest,
    responses(
        (status = 200, description = "Delivered and stored", body = DoneAct),
        (status = 202, description = "Delivered, not stored yet", body = DoneAct),
        (status = 204, description = "It says that already: nothing changed"),
        (status = 409, description = "`client_id_reused`: you gave the name to something else in this room"),
        (status = 400, description = "`bad_json`, `bad_field`, `empty_content` or `content_too_long`"),
        (status = 403, description = "`not_a_member`, `muted`, `banned` or `frozen`"),
        (status = 429, description = "`rate_limited` or `slow_mode`: wait as long as `Retry-After` says"),
        (status = 404, description = "`unknown_room`, or `unknown_message`: there is none, or you may not do this to it"),
    ),
)]
pub async fn edit(
    State(messages): State<Messages>,
    caller: Caller,
    path: MessagePath,
    JsonBody(request): JsonBody<EditRequest>,
) -> Result<Response, ApiError> {
    let EditRequest { content, client_id } = request;
    content::check(&content).map_err(|code| ApiError::field(code, "content", code.message()))?;
    change(&messages, caller, path, ChangeKind::Edit(content), client_id).await
}

/// Delete a message
///
/// One of yours, or any as owner or moderator of the room, or as moderator or admin of the server where you may read. Its texts are gone; its place in the history stays. 204 if
/// it is deleted already.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/messages/{message}",
    operation_id = "delete_message",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    responses(
        (status = 200, description = "Delivered and stored", body = DoneAct),
        (status = 202, description = "Delivered, not stored yet", body = DoneAct),
        (status = 204, description = "It was deleted before"),
        (status = 403, description = "`not_a_member`, `muted`, `banned` or `frozen`"),
        (status = 429, description = "`rate_limited` or `slow_mode`: wait as long as `Retry-After` says"),
        (status = 404, description = "`unknown_room`, or `unknown_message`: there is none, or you may not do this to it"),
    ),
)]
pub async fn delete(State(messages): State<Messages>, caller: Caller, path: MessagePath) -> Result<Response, ApiError> {
    let (by, room, message, client_id) = (caller.clone(), path.room.clone(), path.message, ClientId::generate());
    match change(&messages, caller, path, ChangeKind::Delete, Some(client_id.clone())).await {
        Err(error) if is_for_staff(error.code()) => {
            match messages.remove_as_staff(by.into(), &room, message, &client_id).await? {
                Some(removed) => Ok(answer(message, client_id, removed.as_ref())),
                None => Err(error),
            }
        }
        answered => answered,
    }
}

/// What keeps a member from deleting what somebody else has said, but nobody who keeps order on the server.
const fn is_for_staff(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::UnknownMessage | ErrorCode::NotAMember | ErrorCode::Frozen)
}

/// React to a message
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
    operation_id = "add_reaction",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
        ("emoji" = String, Path, description = "The reaction: one emoji", format = "emoji", example = "👍"),
    ),
    responses(
        (status = 200, description = "Delivered and stored", body = DoneAct),
        (status = 202, description = "Delivered, not stored yet", body = DoneAct),
        (status = 204, description = "You reacted so before: nothing changed"),
        (status = 400, description = "`bad_field`: not one emoji; `too_many_reactions`"),
        (status = 403, description = "`not_a_member`, `muted`, `banned` or `frozen`"),
        (status = 429, description = "`rate_limited` or `slow_mode`: wait as long as `Retry-After` says"),
        (status = 404, description = "`unknown_room`, or `unknown_message`: there is none, or you may not do this to it"),
    ),
)]
pub async fn react(State(messages): State<Messages>, caller: Caller, path: ReactionPath) -> Result<Response, ApiError> {
    change(&messages, caller, path.message, ChangeKind::React(path.emoji), None).await
}

/// Take a reaction back
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
    operation_id = "remove_reaction",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
        ("emoji" = String, Path, description = "The reaction: one emoji", format = "emoji", example = "👍"),
    ),
    responses(
        (status = 200, description = "Delivered and stored", body = DoneAct),
        (status = 202, description = "Delivered, not stored yet", body = DoneAct),
        (status = 204, description = "You had not reacted so: nothing changed"),
        (status = 400, description = "`bad_field`: not one emoji"),
        (status = 403, description = "`not_a_member`, `muted`, `banned` or `frozen`"),
        (status = 429, description = "`rate_limited` or `slow_mode`: wait as long as `Retry-After` says"),
        (status = 404, description = "`unknown_room`, or `unknown_message`: there is none, or you may not do this to it"),
    ),
)]
pub async fn unreact(
    State(messages): State<Messages>,
    caller: Caller,
    path: ReactionPath,
) -> Result<Response, ApiError> {
    change(&messages, caller, path.message, ChangeKind::Unreact(path.emoji), None).await
}

async fn change(
    messages: &Messages,
    caller: Caller,
    path: MessagePath,
    kind: ChangeKind,
    client_id: Option<ClientId>,
) -> Result<Response, ApiError> {
    let MessagePath { room, message: message_id } = path;
    let client_id = client_id.unwrap_or_else(ClientId::generate);
    let request = MessageChangeRequest {
        sender: caller.into(),
        client_id: client_id.clone(),
        change: MessageChange { message_id, kind },
    };
    let changed = messages.change(&room, request).await?;
    Ok(answer(message_id, client_id, changed.as_ref()))
}

/// The place of what was done, if anything was.
fn answer(message: MessageId, client_id: ClientId, changed: Option<&Sent>) -> Response {
    let Some(&Sent { room, id, first: StoredPosition { epoch, seq, timestamp }, stored }) = changed else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let done = DoneAct {
        event_id: id.as_uuid(),
        message_id: message.as_uuid(),
        room: room.as_uuid(),
        epoch,
        seq,
        timestamp,
        client_id,
        stored,
    };
    let status = if stored { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(done)).into_response()
}
