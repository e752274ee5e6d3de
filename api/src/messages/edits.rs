//! `GET /api/v1/rooms/{room}/messages/{message}/edits`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, Seq};
use rookery_store::message_state::Version;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, MessagePath};
use crate::messages::Messages;
use crate::rooms::Rooms;

/// All texts of a message.
#[derive(Serialize, ToSchema)]
pub struct EditHistory {
    /// Oldest first: what was said, then the newest 100 edits.
    versions: Vec<EditVersion>,
}

/// One text of a message.
#[derive(Serialize, ToSchema)]
pub struct EditVersion {
    /// Text of the message.
    content: String,
    /// Time at which the text was sent.
    #[schema(value_type = String, format = DateTime)]
    timestamp: UnixMillis,
    /// Epoch of the event's number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// The event's number in the room.
    #[schema(value_type = u64)]
    seq: Seq,
}

/// The texts that a message had
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/messages/{message}/edits",
    operation_id = "list_edits",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    responses(
        (status = 200, description = "Its versions", body = EditHistory),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, or `unknown_message`, also for a deleted one"),
    ),
)]
pub async fn edits(
    State(rooms): State<Rooms>,
    State(messages): State<Messages>,
    caller: Caller,
    path: MessagePath,
) -> Result<Json<EditHistory>, ApiError> {
    let (room, _) = rooms.find(caller.user_id, &path.room, Action::Read).await?;
    let versions = messages.versions(room.id, path.message).await?;
    Ok(Json(EditHistory { versions: versions.into_iter().map(EditVersion::from).collect() }))
}

impl From<Version> for EditVersion {
    fn from(version: Version) -> Self {
        let Version { place, content, at } = version;
        Self { content, timestamp: at, epoch: place.epoch, seq: place.seq }
    }
}
