//! Searching what was said.
//!
//! # Promise
//! * What a search shows is checked against the text that the store has at that moment, and lies in rooms that the
//!   caller reads at that moment. The index says only where to look.
//! * A page takes about [`SEARCH_PAGE_TIME`]; where that is not enough it is short, and has a cursor with which it goes on.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Instant;

use axum::extract::FromRef;
use rookery_protocol::access::Action;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::server::{EventFrame, Message};
use rookery_store::limits::ROOMS_OF_USER_MAX;
use rookery_store::message_state::MessageState;
use rookery_store::search::query::has_link;
use rookery_store::search::{FILE_TERM, Found, FoundPlace, LINK_TERM, Query, Question, author_term, has_file};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::limits::{SEARCH_CANDIDATES, SEARCH_PAGE_TIME};
use crate::metrics::Metrics;
use crate::purged::hide_purged;
use crate::rooms::Rooms;

pub mod command;
pub mod index;
pub mod indexer;
pub mod messages;

/// The routes of searches.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Searching: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(messages::search)).routes(routes!(index::show))
}

/// Searches messages.
#[derive(Clone)]
pub struct Searching {
    pub(crate) rooms: Rooms,
    pub(crate) metrics: Metrics,
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What the text says.
    pub query: Query,
    /// Where; in all rooms of the reader if not given.
    pub room: Option<RoomRef>,
    /// Whose message it is.
    pub from: Option<UserId>,
    /// Whether it has to have a link.
    pub has_link: bool,
    /// Whether it has to have a file.
    pub has_file: bool,
    /// It was accepted then or later.
    pub sent_after: Option<UnixMillis>,
    /// It was accepted before then.
    pub sent_before: Option<UnixMillis>,
    /// Where the page begins.
    pub before: Option<FoundPlace>,
    /// Hits of the page at most.
    pub limit: usize,
}

/// A message that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// As it was said.
    pub said: SequencedEvent,
    /// What became of it.
    pub state: MessageState,
    /// What matches, as ranges of the characters of its text.
    pub highlights: Vec<Range<usize>>,
}

/// Hits, newest first.
#[derive(Clone, Debug, Default)]
pub struct HitPage {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Where the next page begins, which may have none.
    pub next: Option<FoundPlace>,
}

impl Wanted {
    /// The term by which candidates are found.
    fn term(&self) -> String {
        match self.from {
            Some(user) if self.query.is_common() => author_term(user),
            None if self.has_file && self.query.is_common() => FILE_TERM.to_owned(),
            None if self.has_link && self.query.is_common() => LINK_TERM.to_owned(),
            Some(_) | None => self.query.rarest_term(),
        }
    }

    /// The place before which everything of the page lies.
    fn end(&self) -> Option<FoundPlace> {
        // Nothing has an id before this one: what was accepted at that time is left out.
        let nil = MessageId::from_uuid(uuid::Uuid::nil());
        let end = self.sent_before.map(|at| FoundPlace { at, message: nil });
        [self.before, end].into_iter().flatten().min()
    }

    /// What of a message matches.
    fn hit(&self, said: SequencedEvent, state: MessageState) -> Option<Hit> {
        let is_theirs = self.from.is_none_or(|user| said.event.user_id == user);
        let content = current(&said, &state).filter(|_| is_theirs)?;
        if self.has_link && !has_link(content) || self.has_file && !has_file(&said) {
            return None;
        }
        let highlights = self.query.find(content)?;
        Some(Hit { said, state, highlights })
    }
}

/// The newest text of a message; none once it is deleted.
pub(crate) fn current<'a>(said: &'a SequencedEvent, state: &'a MessageState) -> Option<&'a str> {
    match (&state.edit, &said.event.body) {
        _ if state.deleted => None,
        (Some(edit), _) => Some(&edit.content),
        (None, EventBody::Message(message)) => Some(&message.content),
        (None, EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_)) => {
            None
        }
    }
}

impl Hit {
    /// The message as the reader sees it.
    pub fn message(self, reader: UserId) -> Option<Message> {
        let Self { said, mut state, .. } = self;
        let EventFrame::NewMessage { mut message, .. } = EventFrame::from(said) else { return None };
        if state.reactions.are_many() {
            let own = state.reactions.clone();
            state.reactions.read_by(reader, &own);
        }
        state.show(&mut message);
        Some(message)
    }
}

impl Searching {
    /// A page of what the reader may read and has searched for.
    pub async fn page(&self, reader: UserId, wanted: &Wanted) -> Result<HitPage, ApiError> {
        let begun = Instant::now();
        self.rooms.limits.spend(reader, Work::Search).await?;
        let rooms = self.readable(reader, wanted.room.as_ref()).await?;
        let page = self.walk(reader, wanted, &rooms, begun).await;
        self.metrics.search_seconds.observe(begun.elapsed().as_secs_f64());
        page
    }

    /// The rooms that are searched.
    async fn readable(&self, reader: UserId, room: Option<&RoomRef>) -> Result<Vec<RoomId>, ApiError> {
        if let Some(room) = room {
            let (room, _) = self.rooms.find(reader, room, Action::Read).await?;
            return Ok(vec![room.id]);
        }
        let members = self.rooms.stores.members.of_user(reader, ROOMS_OF_USER_MAX).await?;
        Ok(members.into_iter().map(|member| member.room_id).collect())
    }

    async fn walk(
        &self,
        reader: UserId,
        wanted: &Wanted,
        rooms: &[RoomId],
        begun: Instant,
    ) -> Result<HitPage, ApiError> {
        let (term, mut page, mut before) = (wanted.term(), HitPage::default(), wanted.end());
        if rooms.is_empty() {
            return Ok(page);
        }
        loop {
            let question = Question { rooms, term: &term, since: wanted.sent_after, before, limit: SEARCH_CANDIDATES };
            let found = self.rooms.stores.search.find(question).await?;
            let is_end = found.len() < SEARCH_CANDIDATES;
            let mut checked = self.look(reader, &found).await?;
            let mut examined = 0;
            for candidate in &found {
                (before, examined) = (Some(candidate.place), examined + 1);
                let message = checked.remove(&candidate.place.message);
                let message = message.filter(|(said, _)| said.room == candidate.room);
                page.hits.extend(message.and_then(|(said, state)| wanted.hit(said, state)));
                if page.hits.len() == wanted.limit {
                    break;
                }
            }
            if is_end && examined == found.len() {
                return Ok(page);
            }
            if page.hits.len() == wanted.limit || begun.elapsed() >= SEARCH_PAGE_TIME {
                page.next = before;
                return Ok(page);
            }
        }
    }

    /// The candidates as they are stored.
    async fn look(
        &self,
        reader: UserId,
        found: &[Found],
    ) -> Result<HashMap<MessageId, (SequencedEvent, MessageState)>, ApiError> {
        let ids: Vec<MessageId> = found.iter().map(|found| found.place.message).collect();
        let messages = self.rooms.stores.search.messages(&ids, &[reader]).await?;
        let said: Vec<SequencedEvent> = messages.iter().map(|(said, _)| said.clone()).collect();
        let mut hidden = HashMap::new();
        hide_purged(&self.rooms.stores, &said, &mut hidden).await?;
        let shown = messages.into_iter().filter(|(said, _)| !hidden.contains_key(&said.event.id));
        Ok(shown.map(|(said, state)| (said.event.id, (said, state))).collect())
    }
}
