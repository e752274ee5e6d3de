//! Signals that the bus pushes to a process.

use std::sync::Arc;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Sender, SequencedEvent};
use rookery_protocol::id::{Partition, RoomId, SessionId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::position::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Mark;
use crate::presence::UserPresence;

/// Signals that the bus pushes to a process.
#[derive(Clone, Debug)]
pub enum Signal {
    /// An event of a room this process is subscribed to.
    Event(Arc<SequencedEvent>),
    /// More of the partition's log is stored.
    Stored {
        /// The partition.
        partition: Partition,
        /// How far.
        mark: Arc<Mark>,
    },
    /// Something may have been lost (reconnect, overflow): compare heads and marks.
    Suspect,
    /// Logins of a user this process is subscribed to are over.
    Session {
        /// Id of the user.
        user: UserId,
        /// Sessions that ended.
        revoked: Revoked,
    },
    /// Something of a room this process is subscribed to that is neither numbered nor kept.
    Ephemeral {
        /// Id of the room.
        room: RoomId,
        /// The signal.
        signal: Arc<EphemeralSignal>,
    },
    /// The presence of a user this process is subscribed to changed.
    Presence(Arc<UserPresence>),
    /// News for the connections of a user this process is subscribed to.
    User {
        /// Id of the user.
        user: UserId,
        /// The news.
        news: Arc<UserNews>,
    },
}

/// What is said in a room for the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EphemeralSignal {
    /// Somebody is typing.
    Typing {
        /// The user who is typing.
        user: Sender,
    },
    /// A member has read on.
    ReadBy {
        /// Id of the user.
        user: UserId,
        /// Up to where.
        to: Position,
        /// When.
        at: UnixMillis,
        /// Who is not told: those who show nobody what they have read.
        except: Vec<UserId>,
    },
    /// The occupancy of the room changed; [`crate::presence::PresenceStore::occupants`] says who is there.
    Occupancy {},
    /// Somebody wants to know where each node stands in the room; they answer with [`crate::node::Nodes::answer_head`].
    HeadAsked {
        /// Names the question.
        ask: Uuid,
    },
}

/// Which login sessions of a user are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One session.
    One(SessionId),
    /// All that there were.
    All,
}
