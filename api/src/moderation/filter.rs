//! `GET` and `PUT /api/v1/rooms/{room}/filter`

use axum::Json;
use axum::extract::State;
use rookery_protocol::event::Sender;
use rookery_protocol::filter::{FilterMode, FilterRules, FilterWords};
use rookery_protocol::id::RoomRef;
use rookery_store::room::SettingsChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::http::openapi::schema;
use crate::moderation::Moderation;
use crate::rooms::settings::RoomUpdate;

/// A word filter. Words are found alone and in the forms that people hide them in, not inside of other words.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WordFilterRequest {
    /// What becomes of a text with an unwelcome word. Names that have one are refused unless it is off.
    #[schema(value_type = schema::FilterMode)]
    mode: FilterMode,
    /// Words and phrases. A `*` at the end stands for any ending.
    #[serde(default)]
    #[schema(value_type = Vec<schema::FilterWord>, max_items = 1000)]
    words: FilterWords,
    /// Words and phrases that are welcome though they contain one.
    #[serde(default)]
    #[schema(value_type = Vec<schema::FilterWord>, max_items = 1000)]
    allow: FilterWords,
    /// Whether the words that come with the server are unwelcome, too.
    #[serde(default)]
    builtin: bool,
}

impl From<WordFilterRequest> for FilterRules {
    fn from(request: WordFilterRequest) -> Self {
        let WordFilterRequest { mode, words, allow, builtin } = request;
        Self { mode, words, allow, builtin }
    }
}

impl From<FilterRules> for WordFilterRequest {
    fn from(rules: FilterRules) -> Self {
        let FilterRules { mode, words, allow, builtin } = rules;
        Self { mode, words, allow, builtin }
    }
}

/// A room's word filter
///
/// For its owner and moderators, and for staff.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/filter",
    operation_id = "room_filter",
    tag = "moderation",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "The filter; `off` where nobody set one", body = WordFilterRequest),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn read(
    State(moderation): State<Moderation>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<WordFilterRequest>, ApiError> {
    Ok(Json(moderation.filter(&caller.into(), &room).await?.into()))
}

/// Set a room's word filter
///
/// For its owner and moderators, and for staff. It holds beside that of the server, for messages and edits from the answer
/// on, and for the room's name, topic and description. 503 means that it is kept but may not hold yet; sending the same again
/// is safe.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/filter",
    operation_id = "set_room_filter",
    tag = "moderation",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = WordFilterRequest,
    responses(
        (status = 200, description = "The filter", body = WordFilterRequest),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn set(
    State(moderation): State<Moderation>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<WordFilterRequest>,
) -> Result<Json<WordFilterRequest>, ApiError> {
    let rules = FilterRules::from(request);
    moderation.set_filter(caller.into(), &room, &rules).await?;
    Ok(Json(rules.into()))
}

impl Moderation {
    async fn filter(&self, caller: &Sender, room: &RoomRef) -> Result<FilterRules, ApiError> {
        let room = self.rooms.moderated(caller, room).await?;
        Ok(self.rooms.stores.room_filters.get(room.id).await?.unwrap_or_default().1)
    }

    /// Keeps the rules, then makes them hold with a change of the room's rights.
    async fn set_filter(&self, actor: Sender, room: &RoomRef, rules: &FilterRules) -> Result<(), ApiError> {
        let found = self.rooms.moderated(&actor, room).await?;
        let stores = &self.rooms.stores;
        let known = stores.room_filters.get(found.id).await?;
        let version = match known {
            Some((version, known)) if known == *rules => version,
            Some(_) | None => {
                let act = Act { action: "room_filter_changed", user: None, detail: None };
                self.rooms.note(found.id, actor.user_id, act).await?;
                stores.room_filters.replace(found.id, rules).await?
            }
        };
        let filter = Some(Some(version).filter(|_| rules.mode != FilterMode::Off));
        let change = SettingsChange { filter, ..SettingsChange::default() };
        let update = RoomUpdate { change, password: None, from: 0 };
        self.rooms.change(actor, &RoomRef::Id(found.id), update).await.map(drop)
    }
}
