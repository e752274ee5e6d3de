//! Generations of kinds of events: which nodes understand what.
//!
//! A node of an older release can neither deliver nor store a kind that it does not know. So every process announces the
//! generation it knows (`EVENT_GENERATION`), and a kind is written only once all that live know its generation
//! ([`crate::event::EventBody::generation`]). To add kinds, raise [`LATEST`] and name the new number here.

/// The kinds of the first releases; also that of a node that announces none.
pub const FIRST: u32 = 1;

/// `room_updated` with `changed`, `room_deleted`, `owner_changed`, `member_role_changed`, `member_added`, `message_pinned`,
/// `message_unpinned` and `messages_purged`.
pub const ROOMS_AND_PEOPLE: u32 = 2;

/// Messages with files. An older node would store them without.
pub const ATTACHMENTS: u32 = 3;

/// What this release knows.
pub const LATEST: u32 = ATTACHMENTS;
