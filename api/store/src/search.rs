//! The index of what was said: which messages have which terms. What it has may be older than the messages, and is looked at
//! again before anybody is shown anything: it only says where to look.
//!
//! An event with a text, or that takes one away, waits for the index in the same step that stores it. Whoever keeps
//! the index takes such events, writes entries and says that they are done, so nothing is ever left out; twice is as
//! good as once, because an entry of an older text replaces none of a newer one.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::position::Position;
use uuid::Uuid;

use crate::StoreError;
use crate::message_state::MessageState;

pub mod query;
pub mod terms;

pub use query::{BadQuery, Query};

/// What is kept of a message in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Id of the message.
    pub message: MessageId,
    /// Its room.
    pub room: RoomId,
    /// When it was accepted.
    pub at: UnixMillis,
    /// The place of its newest text.
    pub place: Position,
    /// The terms of that text; none once the message is deleted.
    pub terms: Option<Vec<String>>,
}

/// Where a message is among all that may be found, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoundPlace {
    /// When it was accepted.
    pub at: UnixMillis,
    /// Its id.
    pub message: MessageId,
}

/// A message that had the term when the index took it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its room.
    pub room: RoomId,
    /// Its place.
    pub place: FoundPlace,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// In these rooms.
    pub rooms: &'a [RoomId],
    /// This term.
    pub term: &'a str,
    /// In messages that were accepted then or later.
    pub since: Option<UnixMillis>,
    /// And before this place.
    pub before: Option<FoundPlace>,
    /// How many at most.
    pub limit: usize,
}

/// An event that waits for the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The event.
    pub event: SequencedEvent,
    /// Since when it waits, or when it is to be looked at again.
    pub since: UnixMillis,
}

/// How far the index is with what was said before there was one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Building {
    /// Names this building; another one replaces it.
    pub id: Uuid,
    /// By which rules texts become terms.
    pub version: u32,
    /// Where it goes on, in the store's own words; none at the beginning.
    pub next: Option<String>,
    /// Events that were looked at.
    pub done: u64,
    /// Events there were when it began, about.
    pub total: u64,
    /// When it began.
    pub begun_at: UnixMillis,
    /// When it was finished.
    pub finished_at: Option<UnixMillis>,
}

/// Part of all histories, room by room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Its events.
    pub events: Vec<SequencedEvent>,
    /// Where the next one begins; none at the end.
    pub next: Option<String>,
}

/// The term of every message with a link. No word begins with such a character.
pub const LINK_TERM: &str = "\u{1}link";

/// The term of every message with a file.
pub const FILE_TERM: &str = "\u{1}file";

/// The term of every message of a user.
pub fn author_term(user: UserId) -> String {
    format!("\u{1}by {}", user.as_uuid().simple())
}

/// What the index has of a message whose newest text this is.
pub fn terms_of(message: &SequencedEvent, content: &str) -> Vec<String> {
    let words = terms::terms(&terms::tokens(content));
    let link = query::has_link(content).then(|| LINK_TERM.to_owned());
    let file = has_file(message).then(|| FILE_TERM.to_owned());
    words
        .into_iter()
        .chain([author_term(message.event.user_id)])
        .chain(link)
        .chain(file)
        .collect()
}

/// Whether it is a message with a file.
pub const fn has_file(event: &SequencedEvent) -> bool {
    matches!(&event.event.body, EventBody::Message(message) if !message.attachments.is_empty())
}

/// Whether the event brings a text, or takes one away.
pub const fn is_of_texts(event: &SequencedEvent) -> bool {
    match &event.event.body {
        EventBody::Message(_)
        | EventBody::MessageChange(MessageChanged::Edited { .. } | MessageChanged::Deleted { .. }) => true,
        EventBody::MessageChange(
            MessageChanged::ReactionAdded { .. }
            | MessageChanged::ReactionRemoved { .. }
            | MessageChanged::Pinned { .. }
            | MessageChanged::Unpinned { .. },
        )
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => false,
    }
}

/// The index of messages by terms.
#[async_trait]
pub trait Search: Send + Sync {
    /// Events that wait for the index, those first that wait longest, at most `limit`.
    async fn waiting(&self, now: UnixMillis, limit: usize) -> Result<Vec<Waiting>, StoreError>;
    /// These events wait no more.
    async fn done(&self, events: &[MessageId]) -> Result<(), StoreError>;
    /// These events are looked at again at that time.
    async fn postpone(&self, events: &[MessageId], until: UnixMillis) -> Result<(), StoreError>;
    /// The messages with these ids as they are stored, each with its state and the newest reactions of these users; others
    /// are left out, order is not promised.
    async fn messages(
        &self,
        ids: &[MessageId],
        users: &[UserId],
    ) -> Result<Vec<(SequencedEvent, MessageState)>, StoreError>;
    /// Puts entries. One of the same or an older text than the index has changes nothing; of the same with `again`, it is
    /// replaced. That a message is deleted is for ever.
    async fn put(&self, entries: &[Entry], again: bool) -> Result<(), StoreError>;
    /// What has the term, newest first.
    async fn find(&self, question: Question<'_>) -> Result<Vec<Found>, StoreError>;
    /// A stretch of all histories of at most `limit` events.
    async fn stretch(&self, from: Option<&str>, limit: usize) -> Result<Stretch, StoreError>;
    /// About how many events all histories have.
    async fn event_count(&self) -> Result<u64, StoreError>;
    /// The building that goes on, or was the last.
    async fn building(&self) -> Result<Option<Building>, StoreError>;
    /// Begins a building in the place of another one.
    async fn begin(&self, building: &Building) -> Result<(), StoreError>;
    /// Notes how far a building is; false if another one has begun.
    async fn advance(&self, building: &Building) -> Result<bool, StoreError>;
    /// Forgets what the index has of a room, at most `limit` messages; says how many.
    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError>;
    /// Forgets what the index has of these messages of a room.
    async fn forget(&self, room: RoomId, messages: &[MessageId]) -> Result<(), StoreError>;
}
