//! Reading a room's history: what the store has, and what only the bus has so far.
//!
//! A message can be read as soon as it was echoed. A page never hides a gap: where events are missing between the
//! store and the hot tail, the page ends there, or the answer is "not possible right now".

mod access;
pub mod by_id;
pub mod jump;
pub mod list;
pub mod mentions;
mod merge;
pub mod message;
pub(crate) mod names;
pub mod pins;
pub(crate) mod replies;
pub mod saved;
mod single_flight;
mod states;
pub mod thread;
pub mod view;

/// The routes of histories.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    History: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(message::get))
        .routes(routes!(thread::thread))
        .routes(routes!(by_id::by_id))
        .routes(routes!(saved::save, saved::unsave))
        .routes(routes!(saved::list))
        .routes(routes!(pins::pin, pins::unpin))
        .routes(routes!(pins::list))
        .routes(routes!(mentions::list))
}

use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::metrics::Metrics;
use crate::rooms::Rooms;
use axum::extract::FromRef;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::history::single_flight::{Full, SingleFlight};
use merge::{Merged, SequenceGap, Tail, merge};
use rookery_bus::RoomLog;
use rookery_bus::error::BusError;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::limits::TAIL_EVENTS_MAX;
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
use rookery_protocol::server::{EventFrame, Replies};
use rookery_store::message::target_of;
use rookery_store::message::{Window, is_message_of};
use rookery_store::message_state::MessageState;
use rookery_store::{PageQuestion, StoreError, Stores};
use tokio::time::timeout;

use crate::error::ApiError;
use crate::history::view::PlacedMessage;
use crate::limits::HISTORY_BUS_WAIT;
use crate::purged::hide_purged;

/// Which page is read, and its outcome. A failure is shared by all who waited.
pub type Reads = SingleFlight<(RoomId, PageQuestion), Result<Arc<Page>, Arc<StoreError>>>;

/// Reads pages of histories.
#[derive(Clone)]
pub struct History {
    pub(crate) rooms: Rooms,
    pub(crate) cursors: Cursors,
    pub(crate) reads: Arc<Reads>,
    pub(crate) metrics: Metrics,
}

/// A page of a history, oldest first.
#[derive(Clone, Default)]
pub struct Page {
    events: Vec<SequencedEvent>,
    /// States of the messages of the page.
    states: HashMap<MessageId, MessageState>,
    /// What answers the messages of the page.
    replies: HashMap<MessageId, Replies>,
    /// Where the page before this one ends; none at the beginning of the history.
    pub previous: Option<Position>,
    /// Where the page after this one begins, also where it is yet to be written; none for an empty page.
    pub next: Option<Position>,
    /// For the newest page: it covers everything up to here, as far as that is known.
    pub upto: Option<Position>,
    /// Of a page around something: where that is.
    pub anchor: Option<Position>,
}

impl Page {
    /// The events as clients get them, messages as they are now.
    pub fn frames(self) -> Vec<EventFrame> {
        let Self { events, states, mut replies, .. } = self;
        events
            .into_iter()
            .map(|event| answered(states::show(event, &states), &mut replies))
            .collect()
    }

    fn first(&self) -> Option<Position> {
        self.events.first().map(SequencedEvent::position)
    }

    /// Says which reactions are the reader's among those of more users than are named.
    pub async fn for_reader(mut self, history: &History, reader: UserId) -> Result<Self, ApiError> {
        let many = self.states.iter().filter(|(_, state)| state.reactions.are_many());
        let many: Vec<MessageId> = many.map(|(id, _)| *id).collect();
        if many.is_empty() {
            return Ok(self);
        }
        for (id, own) in history.rooms.stores.messages.states(&many, &[reader]).await? {
            if let Some(state) = self.states.get_mut(&id) {
                state.reactions.read_by(reader, &own.reactions);
            }
        }
        Ok(self)
    }
}

impl History {
    /// The events of a window. Many who ask for the same are served by one read.
    pub async fn page(&self, room: RoomId, question: PageQuestion) -> Result<Page, ApiError> {
        let read = async {
            self.metrics.history_reads.inc();
            self.read(room, question).await.map(Arc::new).map_err(|error| Arc::new(cause(error)))
        };
        match self.reads.get((room, question), read).await {
            Ok(Ok(page)) => Ok(Arc::unwrap_or_clone(page)),
            Ok(Err(error)) => Err(ApiError::Store(shared_error(&error))),
            Err(Full) => {
                self.metrics.history_refused.inc();
                Err(ApiError::refused(ErrorCode::Overloaded))
            }
        }
    }

    async fn read(&self, room: RoomId, question: PageQuestion) -> Result<Page, ApiError> {
        // The bus before the store: an event that moves from one to the other in between is then seen twice, not never.
        let Known { newest, tail } = self.known(room).await;
        let changes = tail.as_ref().map(|tail| states::message_changes(&tail.events)).unwrap_or_default();
        let one_more = PageQuestion { limit: question.limit + 1, ..question };
        let stored = self.rooms.stores.messages.page(room, one_more).await?;
        let (newest, tail) = match tail {
            Some(tail) if self.is_over(room, &tail).await? => (None, None),
            tail => (newest, tail),
        };
        let merged = merge(stored, tail, question.window);
        let merged = merged.map_err(|SequenceGap| BusError::Unavailable("events wait to be stored".to_owned()))?;
        let is_whole = question.window == Window::Latest && !merged.after_gap;
        let mut page = cut(merged, question);
        let (states, replies) = tokio::try_join!(
            states::of(&self.rooms.stores, &page.events, &changes),
            replies::of(&self.rooms.stores, &page.events),
        )?;
        (page.states, page.replies) = (states, replies);
        hide_purged(&self.rooms.stores, &page.events, &mut page.states).await?;
        names::make_current(&self.rooms.stores, &mut page.events).await?;
        page.upto = newest.filter(|_| is_whole);
        Ok(page)
    }

    /// One message of the room as it is now.
    pub(crate) async fn one(&self, room: RoomId, id: MessageId, reader: UserId) -> Result<PlacedMessage, ApiError> {
        let stores = &self.rooms.stores;
        let found = find_message(stores, &*self.rooms.log, (room, id), &[reader]).await?;
        let MessageLookup { said, state, .. } = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))?;
        let mut said = vec![said];
        let replies = replies::of(stores, &said).await?;
        names::make_current(stores, &mut said).await?;
        let shown = placed(said, [(id, state)].into(), replies, reader).pop();
        shown.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))
    }

    /// Stored messages of any rooms as they are now, in their order.
    pub(crate) async fn shown(
        &self,
        mut said: Vec<SequencedEvent>,
        reader: UserId,
    ) -> Result<Vec<PlacedMessage>, ApiError> {
        let (stores, ids) = (&self.rooms.stores, said.iter().map(|said| said.event.id).collect::<Vec<_>>());
        let states = async { Ok::<_, ApiError>(stores.messages.states(&ids, &[reader]).await?) };
        let (mut states, replies) = tokio::try_join!(states, replies::of(stores, &said))?;
        hide_purged(stores, &said, &mut states).await?;
        names::make_current(stores, &mut said).await?;
        Ok(placed(said, states, replies, reader))
    }

    /// What the bus knows beyond the store. Without an answer the store alone is served.
    async fn known(&self, room: RoomId) -> Known {
        let asked = timeout(HISTORY_BUS_WAIT, unstored(&*self.rooms.log, room)).await;
        let late = |_| Err(BusError::Unavailable("no answer in time for a page".to_owned()));
        match asked.unwrap_or_else(late) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, room_id = %room, "history served from the store alone");
                self.metrics.history_without_bus.inc();
                Known::default()
            }
        }
    }

    /// What a server has numbered that was replaced meanwhile will never be stored.
    async fn is_over(&self, room: RoomId, tail: &Tail) -> Result<bool, StoreError> {
        if tail.events.is_empty() {
            return Ok(false);
        }
        let partition = partition_of(room);
        let begun = self.rooms.stores.epochs.begun(&[partition]).await?;
        Ok(begun.get(&partition).is_some_and(|begun| begun.epoch > tail.epoch))
    }
}

/// A message of the frame says what answers it.
fn answered(mut frame: EventFrame, replies: &mut HashMap<MessageId, Replies>) -> EventFrame {
    if let EventFrame::NewMessage { message, .. } = &mut frame {
        message.replies = Some(replies.remove(&message.message_id).unwrap_or_default());
    }
    frame
}

/// Messages as the reader sees them. The states have the reader's last words about reactions.
fn placed(
    said: Vec<SequencedEvent>,
    mut states: HashMap<MessageId, MessageState>,
    mut replies: HashMap<MessageId, Replies>,
    reader: UserId,
) -> Vec<PlacedMessage> {
    for state in states.values_mut().filter(|state| state.reactions.are_many()) {
        let own = state.reactions.clone();
        state.reactions.read_by(reader, &own);
    }
    let frames = said.into_iter().map(|event| answered(states::show(event, &states), &mut replies));
    frames.filter_map(PlacedMessage::of).collect()
}

/// Why a page could not be read, as an error that all who waited can share.
fn cause(error: ApiError) -> StoreError {
    if let ApiError::Store(error) = error {
        error
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

fn shared_error(error: &StoreError) -> StoreError {
    if let StoreError::Inconsistent(what) = error {
        StoreError::Inconsistent(what.clone())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

/// What the bus says of a room.
#[derive(Default)]
struct Known {
    /// Where its newest event is.
    newest: Option<Position>,
    /// The events that may not be stored yet; none where all are.
    tail: Option<Tail>,
}

async fn unstored(log: &dyn RoomLog, room: RoomId) -> Result<Known, BusError> {
    let heads = log.heads(&[room]).await?;
    let Some(head) = heads.first().copied().flatten() else { return Ok(Known::default()) };
    let newest = Some(Position { epoch: head.epoch, seq: head.seq });
    if head.seq <= head.stored {
        return Ok(Known { newest, tail: None });
    }
    let mut events = log.range(room, head.stored, TAIL_EVENTS_MAX).await?;
    // An epoch that began between the two questions has its own heads; the next request sees them.
    events.retain(|event| event.epoch == head.epoch);
    let last = events.last().map_or(head.seq, |event| event.seq);
    Ok(Known { newest, tail: Some(Tail { epoch: head.epoch, stored: head.stored, last, events }) })
}

/// Leaves out what was not asked for, cuts one event too many off the far end and remembers that it was there.
fn cut(merged: Merged, question: PageQuestion) -> Page {
    let Merged { mut events, after_gap } = merged;
    let (begins, ends) = (events.first().map(SequencedEvent::position), events.last().map(SequencedEvent::position));
    events.retain(|event| question.kinds.include(event));
    let surplus = events.len().saturating_sub(question.limit);
    let (older, cut_short) = match question.window {
        Window::Latest | Window::Before(_) => {
            events.drain(..surplus);
            (surplus > 0 || after_gap, false)
        }
        Window::After(_) => {
            events.truncate(question.limit);
            (true, surplus > 0)
        }
    };
    let previous = events.first().map(SequencedEvent::position).or(begins).filter(|_| older);
    let last = events.last().map(SequencedEvent::position);
    let next = last.and(if cut_short { last } else { ends });
    Page { events, previous, next, ..Page::default() }
}

/// One message of a room: what was said, what became of it, and what the store does not have of that yet.
pub(super) struct MessageLookup {
    pub(super) said: SequencedEvent,
    pub(super) state: MessageState,
    /// Events of the room that may not be stored yet.
    pub(super) unstored: Vec<SequencedEvent>,
    /// Whether the message is stored.
    pub(super) is_stored: bool,
}

/// Looks for a message in the store and, beyond it, in the hot tail; with the last words of these users about its
/// reactions.
pub(crate) async fn find_message(
    stores: &Stores,
    log: &dyn RoomLog,
    (room, id): (RoomId, MessageId),
    users: &[UserId],
) -> Result<Option<MessageLookup>, ApiError> {
    // The bus before the store, as for a page.
    let unstored = unstored(log, room).await?.tail.map(|tail| tail.events).unwrap_or_default();
    let known = stores.messages.message(room, id).await?;
    let is_stored = known.is_some();
    let in_tail = || unstored.iter().find(|event| event.event.id == id && is_message_of(event, room)).cloned();
    let Some(said) = known.or_else(in_tail) else { return Ok(None) };
    let changes: Vec<&SequencedEvent> =
        unstored.iter().filter(|event| target_of(&event.event.body) == Some(id)).collect();
    let users: Vec<UserId> = users.iter().copied().chain(changes.iter().map(|change| change.event.user_id)).collect();
    let mut state = stores.messages.states(&[id], &users).await?.remove(&id).unwrap_or_default();
    for change in changes {
        state.apply(change);
    }
    let mut hidden = HashMap::new();
    hide_purged(stores, std::slice::from_ref(&said), &mut hidden).await?;
    if let Some(purged) = hidden.remove(&id) {
        state = purged;
    }
    Ok(Some(MessageLookup { said, state, unstored, is_stored }))
}
