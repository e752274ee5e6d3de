//! `PUT` and `DELETE /api/v1/rooms/{room}/messages/{message}/pin`, `GET /api/v1/rooms/{room}/pins`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::{Action, RoomKind, decide, decide_on_messages};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::server::UserBrief;
use rookery_store::erasure::DELETED_USER;
use rookery_store::page;
use rookery_store::pin::{Pin, PinPlace, Pinned};
use rookery_store::room::Room;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::history::view::PlacedMessage;
use crate::history::{History, find_message};
use crate::http::extract::{Caller, MessagePath, PageQuery, QueryParams, RoomPath};
use crate::http::openapi::schema;
use crate::limits::PINS_MAX;
use crate::rooms::room_event;

/// A page of a room's pinned messages, those first that were pinned last.
#[derive(Serialize, ToSchema)]
pub struct PinPage {
    /// The messages.
    pins: Vec<PinView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A pinned message.
#[derive(Serialize, ToSchema)]
#[schema(as = PinnedMessage)]
pub struct PinView {
    /// The message as it is now, and its place.
    #[serde(flatten)]
    placed: PlacedMessage,
    /// Who pinned it.
    #[schema(value_type = schema::UserBrief)]
    pinned_by: UserBrief,
    /// When it was pinned.
    #[schema(value_type = String, format = DateTime)]
    pinned_at: UnixMillis,
}

/// Pin a message to its room
///
/// For those who keep order in the room, moderators and admins of the server among them where they may read, and for both in a direct
/// room. It is told by `message_pinned`.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/messages/{message}/pin",
    operation_id = "pin_message",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    responses(
        (status = 204, description = "Pinned, also if it was"),
        (status = 400, description = "`too_many_pins`: the room has 100 others"),
        (status = 403, description = "`not_a_member`, `banned`, `blocked` or `forbidden`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others, or `unknown_message`, also for a \
            deleted one"),
    ),
)]
pub async fn pin(State(history): State<History>, caller: Caller, path: MessagePath) -> Result<StatusCode, ApiError> {
    history.pin(caller, path).await.map(|()| StatusCode::NO_CONTENT)
}

/// Unpin a message
///
/// For those who keep order in the room, moderators and admins of the server among them where they may read, and for both in a direct
/// room. It is told by `message_unpinned`.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/messages/{message}/pin",
    operation_id = "unpin_message",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    responses(
        (status = 204, description = "Not pinned any more, also if it was not"),
        (status = 403, description = "`not_a_member`, `banned`, `blocked` or `forbidden`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn unpin(State(history): State<History>, caller: Caller, path: MessagePath) -> Result<StatusCode, ApiError> {
    history.unpin(caller, path).await.map(|()| StatusCode::NO_CONTENT)
}

/// A room's pinned messages
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/pins",
    operation_id = "list_pins",
    tag = "messages",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), PageQuery),
    responses(
        (status = 200, description = "A page of messages", body = PinPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn list(
    State(history): State<History>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<PinPage>, ApiError> {
    let limit = query.limit()?;
    let (room, _) = history.rooms.find(caller.user_id, &room, Action::Read).await?;
    let before = query.place(|text| history.cursors.read_pins(room.id, text))?;
    let mut found = history.rooms.stores.pins.page(room.id, before, limit + 1).await?;
    let next = page::cut(&mut found, limit).map(|last| history.cursors.pins(room.id, PinPlace::from(last)));
    Ok(Json(PinPage { pins: history.pins(room.id, caller.user_id, found).await?, next_cursor: next }))
}

impl History {
    /// The room, if the user may pin something there: who keeps order, and both in a direct room unless one has blocked the other.
    async fn pinnable(&self, caller: &Caller, room: &RoomRef) -> Result<Room, ApiError> {
        let (room, context) = self.rooms.settings_context(&caller.clone().into(), room).await?;
        let now = UnixMillis::now();
        let decided = if room.kind == RoomKind::Direct {
            match decide(context.access, Action::Read, now) {
                Ok(()) if context.access.blocked => Err(ErrorCode::Blocked),
                decided => decided,
            }
        } else {
            decide_on_messages(context, now)
        };
        decided.map(|()| room).map_err(ApiError::refused)
    }

    async fn pin(&self, caller: Caller, path: MessagePath) -> Result<(), ApiError> {
        let (rooms, message) = (&self.rooms, path.message);
        let room = self.pinnable(&caller, &path.room).await?;
        let found = find_message(&rooms.stores, &*rooms.log, (room.id, message), &[]).await?;
        if found.is_none_or(|found| found.state.deleted) {
            return Err(ApiError::refused(ErrorCode::UnknownMessage));
        }
        let (by, at) = (caller.user_id, UnixMillis::now());
        let body = EventBody::MessageChange(MessageChanged::Pinned { message_id: message });
        rooms.generations.require(&body).await?;
        let event = room_event(caller.into(), body);
        match rooms.stores.pins.pin(room.id, &Pin { message, by, at }, PINS_MAX, &event).await? {
            Pinned::Full => return Err(ApiError::refused(ErrorCode::TooManyPins)),
            Pinned::Done(_) => {
                tracing::info!(room_id = %room.id, %message, user_id = %by, "pinned");
                self.note(&room, by, "message_pinned", message).await?;
            }
            Pinned::Unchanged => {}
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        Ok(rooms.dispatcher.flush(room.id).await?)
    }

    async fn unpin(&self, caller: Caller, path: MessagePath) -> Result<(), ApiError> {
        let (rooms, message) = (&self.rooms, path.message);
        let room = self.pinnable(&caller, &path.room).await?;
        let body = EventBody::MessageChange(MessageChanged::Unpinned { message_id: message });
        rooms.generations.require(&body).await?;
        let (by, event) = (caller.user_id, room_event(caller.into(), body));
        if rooms.stores.pins.unpin(room.id, message, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, %message, user_id = %by, "unpinned");
            self.note(&room, by, "message_unpinned", message).await?;
        }
        Ok(rooms.dispatcher.flush(room.id).await?)
    }

    /// In a direct room nobody keeps order.
    async fn note(&self, room: &Room, by: UserId, action: &'static str, message: MessageId) -> Result<(), ApiError> {
        if room.kind == RoomKind::Direct {
            return Ok(());
        }
        let act = Act { action, user: None, detail: Some(json!({ "message_id": message })) };
        self.rooms.note(room.id, by, act).await
    }

    /// The pinned messages as they are now, in their order.
    async fn pins(&self, room: RoomId, reader: UserId, found: Vec<Pin>) -> Result<Vec<PinView>, ApiError> {
        let stores = &self.rooms.stores;
        let ids: Vec<MessageId> = found.iter().map(|pin| pin.message).collect();
        let users: Vec<UserId> = found.iter().map(|pin| pin.by).collect();
        let (said, users) = tokio::try_join!(stores.messages.by_ids(&ids), stores.users.by_ids(&users))?;
        let said = said.into_iter().filter(|event| event.room == room);
        let mut said: HashMap<MessageId, SequencedEvent> = said.map(|event| (event.event.id, event)).collect();
        let said: Vec<SequencedEvent> = ids.iter().filter_map(|id| said.remove(id)).collect();
        let pins: HashMap<MessageId, Pin> = found.into_iter().map(|pin| (pin.message, pin)).collect();
        let name = |id: UserId| users.iter().find(|user| user.id == id).map(|user| user.username.as_str());
        let view = |placed: PlacedMessage| {
            let Pin { by, at, .. } = *pins.get(&placed.message.message_id)?;
            let username = name(by).unwrap_or(DELETED_USER).to_owned();
            // What was deleted this moment is on its way out.
            let is_there = !placed.message.deleted;
            is_there.then_some(PinView { placed, pinned_by: UserBrief { user_id: by, username }, pinned_at: at })
        };
        Ok(self.shown(said, reader).await?.into_iter().filter_map(view).collect())
    }
}
