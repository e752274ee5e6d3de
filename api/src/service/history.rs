//! Reading a room's history: what the store has, and what only the bus has so far.
//!
//! A message can be read as soon as it was echoed. A page never hides a hole: where events are missing between the
//! store and the hot tail, the page ends there, or the answer is "not possible right now".

mod flights;
mod merge;
mod states;

use std::collections::HashMap;
use std::sync::Arc;

use rookery_shared::bus::{Bus, BusError};
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::{MessageId, RoomId};
use rookery_shared::limits::{HISTORY_BUS_WAIT, TAIL_EVENTS_MAX};
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::protocol::server::ServerFrame;
use tokio::time::timeout;

use crate::app::App;
use crate::domain::message::{Place, Window, edit_of, is_message_of, place_of};
use crate::domain::message_state::{MessageState, target_of};
use crate::error::ApiError;
use crate::store::{StoreError, Stores};
use flights::{Flights, Full};
use merge::{Hole, Merged, Tail, merge};

/// Which page is read, and what became of it. A failure is told to all who waited.
pub type Reads = Flights<(RoomId, Window, usize), Result<Arc<Page>, Arc<StoreError>>>;

/// A page of a history, oldest first.
#[derive(Clone)]
pub struct Page {
    events: Vec<SequencedEvent>,
    /// What acts have made of the messages of the page.
    states: HashMap<MessageId, MessageState>,
    /// Where the page before this one ends; none at the beginning of the history.
    pub previous: Option<Place>,
    /// Where the page after this one begins, also where it is yet to be written; none for an empty page.
    pub next: Option<Place>,
}

impl Page {
    /// The events as clients get them, messages as they are now.
    pub fn frames(self) -> Vec<ServerFrame> {
        let Self { events, states, .. } = self;
        events.into_iter().map(|event| states::show(event, &states)).collect()
    }
}

/// The events of a window, `limit` at most. Many who ask for the same are served by one read.
pub async fn page(app: &App, room: RoomId, window: Window, limit: usize) -> Result<Page, ApiError> {
    let read = async {
        app.metrics.history_reads.inc();
        read(app, room, window, limit).await.map(Arc::new).map_err(|error| Arc::new(cause(error)))
    };
    match app.history.get((room, window, limit), read).await {
        Ok(Ok(page)) => Ok(Arc::unwrap_or_clone(page)),
        Ok(Err(error)) => Err(ApiError::Store(told(&error))),
        Err(Full) => {
            app.metrics.history_refused.inc();
            Err(ApiError::refused(ErrorCode::Overloaded))
        }
    }
}

/// Why a page could not be read, in words that can be told to many.
fn cause(error: ApiError) -> StoreError {
    if let ApiError::Store(error) = error {
        error
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

fn told(error: &StoreError) -> StoreError {
    if let StoreError::Inconsistent(what) = error {
        StoreError::Inconsistent(what.clone())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

async fn read(app: &App, room: RoomId, window: Window, limit: usize) -> Result<Page, ApiError> {
    // The bus before the store: an event that moves from one to the other in between is then seen twice, not never.
    let tail = tail(app, room).await;
    let acts = tail.as_ref().map(|tail| states::acts(&tail.events)).unwrap_or_default();
    let stored = app.stores.messages.page(room, window, limit + 1).await?;
    let merged = merge(stored, tail, window);
    let merged = merged.map_err(|Hole| BusError::Unavailable("events wait to be stored".to_owned()))?;
    let mut page = cut(merged, window, limit);
    page.states = states::of(app, &page.events, &acts).await?;
    Ok(page)
}

/// What the bus knows beyond the store. Without an answer the store alone is served.
async fn tail(app: &App, room: RoomId) -> Option<Tail> {
    let asked = timeout(HISTORY_BUS_WAIT, unstored(&*app.bus, room)).await;
    let late = |_| Err(BusError::Unavailable("no answer in time for a page".to_owned()));
    match asked.unwrap_or_else(late) {
        Ok(tail) => tail,
        Err(error) => {
            tracing::warn!(%error, room_id = %room, "history served from the store alone");
            app.metrics.history_without_bus.inc();
            None
        }
    }
}

/// The events that may not be stored yet.
async fn unstored(bus: &dyn Bus, room: RoomId) -> Result<Option<Tail>, BusError> {
    let heads = bus.heads(&[room]).await?;
    let Some(head) = heads.first().copied().flatten().filter(|head| head.seq > head.stored) else {
        return Ok(None);
    };
    let mut events = bus.range(room, head.stored, TAIL_EVENTS_MAX).await?;
    // An epoch that began between the two questions has its own heads; the next request sees them.
    events.retain(|event| event.epoch == head.epoch);
    Ok(Some(Tail { epoch: head.epoch, stored: head.stored, events }))
}

/// Cuts one event too many off the far end and remembers that it was there.
fn cut(merged: Merged, window: Window, limit: usize) -> Page {
    let Merged { mut events, after_hole } = merged;
    let surplus = events.len().saturating_sub(limit);
    let older = match window {
        Window::Latest | Window::Before(_) => {
            events.drain(..surplus);
            surplus > 0 || after_hole
        }
        Window::After(_) => {
            events.truncate(limit);
            true
        }
    };
    let previous = events.first().map(place_of).filter(|_| older);
    let next = events.last().map(place_of);
    Page { events, states: HashMap::new(), previous, next }
}

/// One message of a room: what was said, what became of it, and its edits.
pub(super) struct Looked {
    pub(super) said: SequencedEvent,
    pub(super) state: MessageState,
    /// Edits that may not be stored yet.
    pub(super) edits: Vec<SequencedEvent>,
}

/// Looks for a message in the store and, beyond it, in the hot tail.
pub(super) async fn look(
    stores: &Stores,
    bus: &dyn Bus,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Looked>, ApiError> {
    // The bus before the store, as for a page.
    let tail = unstored(bus, room).await?.map(|tail| tail.events).unwrap_or_default();
    let known = stores.messages.message(room, id).await?;
    let in_tail = || tail.iter().find(|event| event.event.id == id && is_message_of(event, room)).cloned();
    let Some(said) = known.or_else(in_tail) else { return Ok(None) };
    let mut state = stores.messages.states(&[id]).await?.remove(&id).unwrap_or_default();
    let acts = tail.iter().filter(|event| target_of(&event.event.body) == Some(id));
    acts.for_each(|act| state.apply(act));
    let edits = tail.iter().filter(|event| edit_of(&event.event.body) == Some(id)).cloned().collect();
    Ok(Some(Looked { said, state, edits }))
}
