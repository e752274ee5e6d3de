//! What counts as unread, and where it lies.
//!
//! A message counts for everybody but its author as long as it is not deleted, and mentions those whom its newest text
//! names. Joins, edits, reactions and whatever else has a number never count. Counts are taken from history each time
//! they are asked for, so nothing can make them drift; only the mark is kept.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::mention;
use rookery_protocol::position::Position;

use crate::message_state::MessageState;
use crate::user::Username;

/// Whose counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The account: its own messages are never unread.
    pub user: UserId,
    /// The name that mentions it, in the form that is unique.
    pub name: String,
}

/// How far a member of a room has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The member.
    pub user: UserId,
    /// Up to where.
    pub read: Position,
    /// When that was said; none if the mark is still where the membership began, or older than this was kept.
    pub at: Option<UnixMillis>,
}

/// A part of a room's history: after one place, up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Id of the room.
    pub room: RoomId,
    /// The read mark.
    pub after: Position,
    /// The last place that is counted.
    pub upto: Position,
}

/// What is unread in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages.
    pub unread: u64,
    /// Those that mention the reader.
    pub mentions: u64,
    /// Whether there may be more.
    pub capped: bool,
}

impl Reader {
    /// The reader of this name.
    pub fn new(user: UserId, name: &Username) -> Self {
        Self { user, name: name.key() }
    }
}

impl Span {
    /// Whether nothing lies in it, so that nobody needs to be asked.
    pub fn is_empty(&self) -> bool {
        self.upto <= self.after
    }
}

impl Counts {
    /// What was found when one more than `most` was looked for.
    pub fn new(unread: usize, mentions: usize, most: usize) -> Self {
        let number = |count: usize| u64::try_from(count.min(most)).unwrap_or(u64::MAX);
        Self {
            unread: number(unread),
            mentions: number(mentions),
            capped: unread > most || mentions > most,
        }
    }
}

/// The author of a message that counts; none for any other event, and for a message whose text is gone.
pub fn unread_author(event: &SequencedEvent) -> Option<UserId> {
    match &event.event.body {
        EventBody::Message(message) if !message.content.is_empty() || !message.attachments.is_empty() => {
            Some(event.event.user_id)
        }
        EventBody::Message(_)
        | EventBody::MessageChange(_)
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => None,
    }
}

/// A name in one text of a message. Stores keep one for each text, whatever came after, and ask [`Mention::holds`] when
/// they count: in whatever order a message and its edits are applied, and however often, the answer is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The edit that brought the text; none for the first one.
    pub edit: Option<Position>,
}

impl Mention {
    /// Whether the text is still the one that is current.
    pub fn holds(edit: Option<Position>, state: Option<&MessageState>) -> bool {
        let Some(state) = state else { return edit.is_none() };
        !state.deleted && state.edit.as_ref().map(|edit| edit.place) == edit
    }
}

/// The names in what a message says first, and in its newest edit.
pub fn mentions_of(message: &SequencedEvent, state: Option<&MessageState>) -> Vec<Mention> {
    let EventBody::Message(said) = &message.event.body else { return Vec::new() };
    let first = mention::names(&said.content);
    let edit = state.and_then(|state| state.edit.as_ref());
    let edited = edit.map(|edit| (edit.place, mention::names(&edit.content)));
    let first = first.into_iter().map(|name| Mention { name, edit: None });
    let edited = edited
        .into_iter()
        .flat_map(|(place, names)| names.into_iter().map(move |name| Mention { name, edit: Some(place) }));
    first.chain(edited).collect()
}
