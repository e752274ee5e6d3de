//! Events that a gateway's resume or repair misses and its hot tail no longer has. Many clients come back to the same
//! place at once: one read serves them all.

use std::sync::Arc;

use moka::future::Cache;
use rookery_bus::authority::AuthorityError;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::RoomId;
use rookery_protocol::limits::{EVENTS_PER_READ_MAX, TAIL_EVENTS_MAX};
use rookery_protocol::position::Position;
use rookery_store::PageQuestion;
use rookery_store::message::Window;

use crate::authority::{LocalAuthorityParts, store_error};
use crate::limits::{EVENT_READS_MAX, EVENTS_BYTES_MAX};
use crate::purged::clear_purged;

type Question = (RoomId, Position, usize);

/// The reads that are under way.
pub(super) struct Reads(Cache<Question, Arc<Vec<SequencedEvent>>>);

impl Default for Reads {
    fn default() -> Self {
        Self(Cache::new(EVENT_READS_MAX))
    }
}

impl Reads {
    /// What follows the place without a gap.
    pub(super) async fn events(
        &self,
        parts: &LocalAuthorityParts,
        room: RoomId,
        place: Position,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, AuthorityError> {
        let limit = limit.min(EVENTS_PER_READ_MAX);
        let question = (room, place, limit);
        let read = async { read(parts, room, place, limit).await.map(Arc::new) };
        let events = self.0.try_get_with(question, read).await;
        // An answer is good for those who waited for it: a later question may find more.
        self.0.invalidate(&question).await;
        events.map(Arc::unwrap_or_clone).map_err(|error| AuthorityError::clone(&error))
    }
}

async fn read(
    parts: &LocalAuthorityParts,
    room: RoomId,
    place: Position,
    limit: usize,
) -> Result<Vec<SequencedEvent>, AuthorityError> {
    // The tail before the store: what moves from one to the other in between is then seen twice, not never.
    let tail = parts.bus.range(room, place.seq, TAIL_EVENTS_MAX).await.unwrap_or_else(|error| {
        tracing::debug!(%room, %error, "missed events read from the store alone");
        Vec::new()
    });
    let stored = stored(parts, room, place, limit).await?;
    let mut run = run(place, stored, tail, limit);
    clear_purged(&parts.stores, &mut run).await.map_err(store_error)?;
    Ok(run)
}

async fn stored(
    parts: &LocalAuthorityParts,
    room: RoomId,
    place: Position,
    limit: usize,
) -> Result<Vec<SequencedEvent>, AuthorityError> {
    parts.metrics.missed_reads.inc();
    let window = Window::After(Position { epoch: place.epoch, seq: place.seq });
    parts
        .stores
        .messages
        .page(room, PageQuestion::all(window, limit))
        .await
        .map_err(store_error)
}

/// The unbroken run of the epoch's events that begins after the place, bounded in number and bytes.
fn run(place: Position, stored: Vec<SequencedEvent>, tail: Vec<SequencedEvent>, limit: usize) -> Vec<SequencedEvent> {
    let (mut run, mut bytes, mut next) = (Vec::new(), 0, place.seq.next());
    for event in stored.into_iter().chain(tail) {
        if event.epoch != place.epoch || event.seq != next || run.len() == limit {
            continue;
        }
        bytes += event.event.to_json().len();
        if bytes > EVENTS_BYTES_MAX && !run.is_empty() {
            break;
        }
        next = next.next();
        run.push(event);
    }
    run
}

#[cfg(test)]
mod tests {
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::event::{Event, EventBody, NewMessage, Sender};
    use rookery_protocol::id::{ClientId, Epoch, MessageId, Seq, UserId};

    use super::*;

    fn events(epoch: u64, seqs: impl IntoIterator<Item = u64>, content: &str) -> Vec<SequencedEvent> {
        let room = RoomId::generate();
        let body = EventBody::Message(NewMessage {
            content: content.into(),
            client_id: ClientId::generate(),
            reply_to: None,
            attachments: Vec::new(),
        });
        let sender = Sender { user_id: UserId::generate(), username: "abc".into() };
        let event = Event::new(MessageId::generate(), sender, body);
        let place = |seq| (Epoch(epoch), Seq::new(seq), UnixMillis(0));
        let sequenced = seqs.into_iter().map(place).map(|(epoch, seq, timestamp)| SequencedEvent {
            room,
            epoch,
            seq,
            timestamp,
            event: event.clone(),
        });
        sequenced.collect()
    }

    fn run_after(after: u64, stored: Vec<SequencedEvent>, tail: Vec<SequencedEvent>) -> Vec<u64> {
        let place = Position { epoch: Epoch(2), seq: Seq::new(after) };
        run(place, stored, tail, 5).iter().map(|event| event.seq.get()).collect()
    }

    #[test]
    fn store_and_tail_make_one_run() {
        assert_eq!(run_after(3, events(2, 4..7, "x"), events(2, 5..9, "x")), [4, 5, 6, 7, 8]);
        assert_eq!(run_after(3, events(2, 4..7, "x"), events(2, 8..9, "x")), [4, 5, 6]);
        assert_eq!(run_after(3, events(2, 4..20, "x"), vec![]), [4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_run_never_jumps_a_hole_or_an_epoch() {
        assert_eq!(run_after(3, events(2, [5, 6], "x"), vec![]), [0; 0]);
        assert_eq!(run_after(3, events(2, [4, 6], "x"), vec![]), [4]);
        assert_eq!(run_after(3, events(3, 4..7, "x"), events(3, 4..7, "x")), [0; 0]);
    }

    #[test]
    fn a_run_is_bounded_in_bytes() {
        let large = "x".repeat(EVENTS_BYTES_MAX / 2);
        assert_eq!(run_after(3, events(2, 4..9, &large), vec![]), [4]);
        let huge = "x".repeat(EVENTS_BYTES_MAX + 1);
        assert_eq!(run_after(3, events(2, 4..9, &huge), vec![]), [4], "one is always told");
    }
}
