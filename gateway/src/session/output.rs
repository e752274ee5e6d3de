//! What a session wants done.

use std::collections::BTreeMap;
use std::fmt;

use rookery_bus::presence::Setting;
use rookery_protocol::close::CloseCode;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{NewMessage, Sender};
use rookery_protocol::id::{ClientId, RoomId, RoomRef, UserId};
use rookery_protocol::message_change::MessageChange;
use rookery_protocol::position::Position;
use rookery_protocol::presence::Watch;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use rookery_runtime::token::Claims;

use crate::dialect::Asked;
use crate::reads::Reading;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "few at a time, and what is large is what there is most of"
)]
pub enum Output {
    /// Ask whether the login of this token is open, and give the answer as [`super::Input::Checked`]. Nothing is read from
    /// the client until then.
    Check(Box<Claims>),
    /// From now on the connection belongs to this user. Comes once, before any command.
    Welcome(UserId),
    /// Tell the client.
    Send(ServerFrame),
    /// Do this after everything that was to be done before.
    Run(Command),
    /// Close the connection. Nothing follows.
    Close(CloseCode),
}

/// Work that needs the bus or the api. Commands of one connection are done one by one, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make rooms live.
    Subscribe(Vec<Target>),
    /// Make the connection's only room live, or end the connection.
    Enter(RoomRef),
    /// The same for the direct room with this user, which is made if there is none.
    EnterDirect(UserId),
    /// Stop rooms.
    Unsubscribe(Vec<RoomRef>),
    /// Send a message.
    Send(Box<Outgoing>),
    /// Tell where rooms stand.
    Heads(Vec<Target>),
    /// Do something to a message.
    MessageChange(Box<MessageChangeRequest>),
    /// Tell of the rooms that the client read too slowly for, from where it stands in each.
    CatchUp(BTreeMap<RoomId, Position>),
    /// Let the user's connection in, or end it: the first of all.
    Admit,
    /// Say something of the user.
    Say(Setting),
    /// Tell of these users and rooms from now on.
    Watch(Watch),
    /// Tell others that the user is typing.
    Type(RoomRef, Sender),
    /// The client has read on. The connection gathers these before a mark is moved.
    Read(Reading),
    /// Move a read mark on.
    Mark(Reading),
    /// Hold back what is said in rooms, or no longer.
    Background(bool),
    /// Look at a newer token.
    Renew(Renewal),
    /// Nothing: the frame was answered already, and counts all the same.
    Count,
}

/// A command in its turn, and what it costs the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// What is to be done.
    pub command: Command,
    /// Tokens of the user; see [`rookery_protocol::cost`].
    pub tokens: u32,
    /// The request that it does, if the client wants to be told what has come of that.
    pub asked: Option<Asked>,
}

/// The token of an `auth` frame. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Renewal(pub String);

/// What is left to do for a connection when a command was run.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    /// Nothing.
    Done,
    /// End it.
    Close(CloseCode),
    /// Gather what the client has read.
    Gather(Reading),
    /// Look at the token.
    Renew(Renewal),
}

/// A room to make live, and where the client stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// The last event the client has; none for a client that starts with history.
    pub position: Option<Position>,
}

/// A message on its way into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// The author.
    pub sender: Sender,
    /// The message.
    pub message: NewMessage,
}

/// An edit, deletion or reaction to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChangeRequest {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// The author of the change.
    pub sender: Sender,
    /// The sender's client id for it.
    pub client_id: ClientId,
    /// The change.
    pub change: MessageChange,
}

impl From<Command> for Queued {
    /// What the server does by itself costs the user nothing.
    fn from(command: Command) -> Self {
        Self { command, tokens: Work::Free.tokens(), asked: None }
    }
}

impl From<Option<CloseCode>> for Ran {
    fn from(code: Option<CloseCode>) -> Self {
        code.map_or(Self::Done, Self::Close)
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal(…)")
    }
}

impl Output {
    /// An error frame with the standard sentence.
    pub fn error(code: ErrorCode) -> Self {
        Self::Send(ServerFrame::Error(ErrorFrame::new(code)))
    }
}

/// The answer to a token that does not hold, or to none in time. Browsers cannot see why an upgrade fails, so they
/// are told here.
pub(super) fn refuse() -> Vec<Output> {
    vec![Output::error(ErrorCode::Unauthenticated), Output::Close(CloseCode::Unauthenticated)]
}

/// The answer to a token whose login is over.
pub(super) fn ended() -> Vec<Output> {
    vec![Output::error(ErrorCode::Unauthenticated), Output::Close(CloseCode::SessionRevoked)]
}
