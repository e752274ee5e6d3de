//! What several rooms have of a term, newest first over all of them: a range of the index for each room, read a few rows at a
//! time as far as it is needed.

use std::collections::VecDeque;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::integer;
use rookery_store::search::{Found, FoundPlace};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{NEWEST, read_place};
use crate::error::Failed;
use crate::sql::many;

/// Rows of one room that are read at a time, at least.
const ROWS_MIN: usize = 4;

/// The rooms, and what was read of each.
pub(super) struct Rooms<'a> {
    db: &'a Connection,
    term: &'a str,
    since: UnixMillis,
    rows: usize,
    parts: Vec<Part>,
}

struct Part {
    room: RoomId,
    read: VecDeque<FoundPlace>,
    /// Where the rest begins; none if there is none.
    rest: Option<FoundPlace>,
}

impl<'a> Rooms<'a> {
    pub(super) fn new(
        db: &'a Connection,
        rooms: &[RoomId],
        term: &'a str,
        (since, before): (UnixMillis, Option<FoundPlace>),
        limit: usize,
    ) -> Result<Self, Failed> {
        let rows = (2 * limit / rooms.len().max(1)).clamp(ROWS_MIN, limit.max(ROWS_MIN));
        let end = FoundPlace { at: UnixMillis(i64::MAX), message: MessageId::from_uuid(Uuid::max()) };
        let part = |room: &RoomId| Part { room: *room, read: VecDeque::new(), rest: Some(before.unwrap_or(end)) };
        let mut all = Self { db, term, since, rows, parts: rooms.iter().map(part).collect() };
        for n in 0..all.parts.len() {
            all.read_on(n)?;
        }
        Ok(all)
    }

    /// The newest of all, at most `limit`.
    pub(super) fn newest(mut self, limit: usize) -> Result<Vec<Found>, Failed> {
        let mut found = Vec::new();
        while found.len() < limit {
            let fronts = self.parts.iter().enumerate().filter_map(|(n, part)| Some((*part.read.front()?, n)));
            let Some((place, n)) = fronts.max() else { break };
            found.push(Found { room: self.parts[n].room, place });
            self.parts[n].read.pop_front();
            if self.parts[n].read.is_empty() {
                self.read_on(n)?;
            }
        }
        Ok(found)
    }

    fn read_on(&mut self, n: usize) -> Result<(), Failed> {
        let part = &mut self.parts[n];
        let Some(FoundPlace { at, message }) = part.rest else { return Ok(()) };
        let limit = integer::limit(self.rows);
        let range = params![part.room.as_uuid(), self.term, self.since.0, at.0, message.as_uuid(), limit];
        part.read = many(self.db, NEWEST, range, read_place)?.into();
        part.rest = part.read.back().copied().filter(|_| part.read.len() == self.rows);
        Ok(())
    }
}
