//! Where rooms stand, on the bus or else in the store.

use futures_util::{StreamExt, TryStreamExt, stream};
use rookery_bus::{Head, RoomLog};
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::RoomId;
use rookery_protocol::limits::HEADS_PER_READ_MAX;
use rookery_protocol::position::Position;
use rookery_store::limits::COUNTS_AT_ONCE;
use rookery_store::message::Window;
use rookery_store::{PageQuestion, StoreError, Stores};
use tokio::time::timeout;

use crate::limits::HISTORY_BUS_WAIT;

/// The place of its newest event.
pub(crate) const fn newest(head: Head) -> Position {
    Position { epoch: head.epoch, seq: head.seq }
}

/// Where the user comes in: nothing of before will be unread.
pub(crate) async fn here(stores: &Stores, log: &dyn RoomLog, room: RoomId) -> Result<Position, StoreError> {
    let heads = heads(stores, log, &[room]).await?;
    Ok(heads.first().map_or(Position::START, |head| newest(*head)))
}

/// The heads of rooms in the order asked. Where the bus does not know a room, or does not answer, the store says.
pub(crate) async fn heads(stores: &Stores, log: &dyn RoomLog, rooms: &[RoomId]) -> Result<Vec<Head>, StoreError> {
    let known = stream::iter(rooms.chunks(HEADS_PER_READ_MAX)).then(|rooms| on_the_bus(log, rooms));
    let known: Vec<Vec<Option<Head>>> = known.collect().await;
    let heads = stream::iter(rooms.iter().copied().zip(known.concat()).map(|(room, head)| async move {
        match head {
            Some(head) => Ok(head),
            None => in_the_store(stores, room).await,
        }
    }));
    heads.buffered(COUNTS_AT_ONCE).try_collect().await
}

async fn on_the_bus(log: &dyn RoomLog, rooms: &[RoomId]) -> Vec<Option<Head>> {
    match timeout(HISTORY_BUS_WAIT, log.heads(rooms)).await {
        Ok(Ok(heads)) => heads,
        Ok(Err(error)) => {
            tracing::debug!(%error, "heads read from the store");
            vec![None; rooms.len()]
        }
        Err(_) => vec![None; rooms.len()],
    }
}

async fn in_the_store(stores: &Stores, room: RoomId) -> Result<Head, StoreError> {
    let newest = stores.messages.page(room, PageQuestion::all(Window::Latest, 1)).await?;
    let Position { epoch, seq } = newest.first().map_or(Position::START, SequencedEvent::position);
    Ok(Head { epoch, seq, stored: seq, began: None })
}
