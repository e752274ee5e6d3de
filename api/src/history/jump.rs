//! Pages around something: a message, a time, the first message that is unread. Each is two ranges of the index that all
//! pages of a history are read from, found by one look at another.

use std::collections::HashMap;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::PageQuestion;
use rookery_store::message::{Kinds, Window};

use super::{History, Page, find_message, unstored};
use crate::error::ApiError;
use crate::http::extract::Jump;

/// What a page is to have.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Around what.
    pub jump: Jump,
    /// Of what.
    pub kinds: Kinds,
    /// How many events at most.
    pub limit: usize,
}

impl History {
    /// The page around something, of which half lies before it; the newest page, if that is where it leads.
    pub async fn around(&self, room: RoomId, reader: UserId, asked: Asked) -> Result<Page, ApiError> {
        let Asked { jump, kinds, limit } = asked;
        let question = |window, limit| PageQuestion { window, kinds, limit };
        let Some(after) = self.just_before(room, reader, jump).await? else {
            return self.page(room, question(Window::Latest, limit)).await;
        };
        let half = limit / 2;
        let newer = self.page(room, question(Window::After(after), limit - half)).await?;
        if newer.events.is_empty() {
            return self.page(room, question(Window::Latest, limit)).await;
        }
        if half == 0 {
            return Ok(joined(Page { previous: newer.first(), ..Page::default() }, newer));
        }
        let end = Position { seq: after.seq.next(), ..after };
        let older = self.page(room, question(Window::Before(end), half)).await?;
        Ok(joined(older, newer))
    }

    /// The place just before what is looked for; none if that is newer than everything.
    async fn just_before(&self, room: RoomId, reader: UserId, jump: Jump) -> Result<Option<Position>, ApiError> {
        let stores = &self.rooms.stores;
        let found = match jump {
            Jump::Message(message) => {
                let found = find_message(stores, &*self.rooms.log, (room, message), &[]).await?;
                let found = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))?;
                Some(found.said.position())
            }
            Jump::Time(time) => match stores.messages.first_since(room, time).await? {
                Some(place) => Some(place),
                None => self.unstored_since(room, time).await?,
            },
            Jump::Unread => {
                let marks = stores.unread.marks(reader, &[room]).await?;
                return Ok(marks.first().map(|member| member.read));
            }
        };
        Ok(found.map(|place| Position { seq: Seq::new(place.seq.get().saturating_sub(1)), ..place }))
    }

    async fn unstored_since(&self, room: RoomId, time: UnixMillis) -> Result<Option<Position>, ApiError> {
        let tail = unstored(&*self.rooms.log, room).await?.tail;
        let events = tail.map(|tail| tail.events).unwrap_or_default();
        Ok(events
            .iter()
            .find(|event| event.timestamp >= time)
            .map(rookery_protocol::event::SequencedEvent::position))
    }
}

/// Both pages as one. What is looked for is the first event of the second.
fn joined(older: Page, newer: Page) -> Page {
    let anchor = newer.first();
    let mut states: HashMap<_, _> = older.states;
    states.extend(newer.states);
    let mut replies = older.replies;
    replies.extend(newer.replies);
    let events = older.events.into_iter().chain(newer.events).collect();
    Page { events, states, replies, previous: older.previous, next: newer.next, upto: None, anchor }
}
