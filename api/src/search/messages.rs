//! `GET /api/v1/search/messages`

use std::collections::HashMap;
use std::ops::Range;

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, Seq, UserId};
use rookery_protocol::server::{Message, Replies};
use rookery_store::search::Query;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::ApiError;
use crate::history::{names, replies};
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, QueryParams, bad_cursor, page_limit};
use crate::http::openapi::schema;
use crate::search::{Hit, HitPage, Searching, Wanted};

/// What is searched for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words, `"phrases"`, and either with a `-` before it for what must not be there: 1 to 8 of them, one at least without
    /// the `-`. Case and accents make no difference.
    #[serde(default)]
    #[param(value_type = String, required = true, min_length = 1, max_length = 256, example = "lunch \"at noon\" -friday")]
    q: String,
    /// Only messages of this room: its id or slug.
    #[param(example = "general")]
    room: Option<String>,
    /// Only messages of this user: an id.
    #[param(value_type = Option<Uuid>)]
    from: Option<String>,
    /// Only messages with this: `link` or `file`.
    #[param(pattern = "^(link|file)$", example = "link")]
    has: Option<String>,
    /// Only messages of this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    sent_after: Option<String>,
    /// Only messages of before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    sent_before: Option<String>,
    /// Hits of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

/// A page of messages that were found, newest first.
#[derive(Serialize, ToSchema)]
pub struct SearchPage {
    /// The messages.
    hits: Vec<SearchHit>,
    /// Where the next page begins; absent on the last one. A page that would take too long is short, or empty, and has one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A message that was found.
#[derive(Serialize, ToSchema)]
pub struct SearchHit {
    /// The message as it is now.
    #[schema(value_type = schema::Message)]
    message: Message,
    /// Its room.
    room: Uuid,
    /// Epoch of its number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// Its number in the room.
    #[schema(value_type = u64)]
    seq: Seq,
    /// What of its text matches, in order; at most 50.
    highlights: Vec<Highlight>,
}

/// A part of a text, counted in characters (Unicode code points).
#[derive(Serialize, ToSchema)]
pub struct Highlight {
    /// Number of its first character, from 0.
    start: usize,
    /// Number of the character after it.
    end: usize,
}

impl From<Range<usize>> for Highlight {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start, end }
    }
}

impl SearchHit {
    fn new(mut hit: Hit, reader: UserId, replies: &mut HashMap<MessageId, Replies>) -> Option<Self> {
        let highlights = std::mem::take(&mut hit.highlights).into_iter().map(Highlight::from).collect();
        let (room, epoch, seq) = (hit.said.room.as_uuid(), hit.said.epoch, hit.said.seq);
        let mut message = hit.message(reader)?;
        message.replies = Some(replies.remove(&message.message_id).unwrap_or_default());
        Some(Self { message, room, epoch, seq, highlights })
    }
}

impl SearchQuery {
    fn wanted(&self, reader: UserId, cursors: &Cursors) -> Result<Wanted, ApiError> {
        let bad = |field: &'static str, what: &'static str| ApiError::field(ErrorCode::BadField, field, what);
        let query =
            Query::parse(&self.q).map_err(|wrong| ApiError::field(ErrorCode::BadQuery, "q", wrong.to_string()))?;
        let has = self.has.as_deref();
        if has.is_some_and(|has| !matches!(has, "link" | "file")) {
            return Err(bad("has", "must be link or file"));
        }
        let room = self.room.as_deref().map(str::parse).transpose();
        let from = self.from.as_deref().map(UserId::from_hyphenated).transpose();
        let before = self
            .cursor
            .as_deref()
            .map(|text| cursors.read_search(reader, &self.q, text).ok_or_else(|| bad_cursor("cursor")));
        Ok(Wanted {
            query,
            room: room.map_err(|_| ApiError::refused(ErrorCode::UnknownRoom))?,
            from: from.map_err(|_| bad("from", "must be an id"))?,
            has_link: has == Some("link"),
            has_file: has == Some("file"),
            sent_after: time("sent_after", self.sent_after.as_deref())?,
            sent_before: time("sent_before", self.sent_before.as_deref())?,
            before: before.transpose()?,
            limit: page_limit(self.limit.as_deref())?,
        })
    }
}

fn time(field: &'static str, text: Option<&str>) -> Result<Option<UnixMillis>, ApiError> {
    let read = |text: &str| serde_json::from_value(Value::String(text.to_owned()));
    let time = text.map(read).transpose();
    time.map_err(|_| ApiError::field(ErrorCode::BadField, field, "must be an RFC 3339 time"))
}

/// Search what was said
///
/// In one room, or in all rooms of yours. Words are found whole, those of scripts without spaces between words inside a
/// sentence, too. A message is found about a second after it was said, and not any more a second after it was deleted or says
/// something else.
#[utoipa::path(
    get,
    path = "/api/v1/search/messages",
    operation_id = "search_messages",
    tag = "messages",
    security(("bearer" = [])),
    params(SearchQuery),
    responses(
        (status = 200, description = "A page of hits", body = SearchPage),
        (status = 400, description = "`bad_query`: `q` has nothing to search for, or too much; `bad_field`"),
        (status = 403, description = "`not_a_member` or `banned`, if a room is named"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn search(
    State(searching): State<Searching>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<SearchQuery>,
) -> Result<Json<SearchPage>, ApiError> {
    let wanted = query.wanted(caller.user_id, &cursors)?;
    let HitPage { mut hits, next } = searching.page(caller.user_id, &wanted).await?;
    let mut said: Vec<SequencedEvent> = hits.iter().map(|hit| hit.said.clone()).collect();
    names::make_current(&searching.rooms.stores, &mut said).await?;
    let mut replies = replies::of(&searching.rooms.stores, &said).await?;
    for (hit, said) in hits.iter_mut().zip(said) {
        hit.said = said;
    }
    let next_cursor = next.map(|place| cursors.search(caller.user_id, &query.q, place));
    let hits = hits
        .into_iter()
        .filter_map(|hit| SearchHit::new(hit, caller.user_id, &mut replies))
        .collect();
    Ok(Json(SearchPage { hits, next_cursor }))
}
