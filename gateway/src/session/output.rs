//! What a session wants done.

use std::collections::BTreeMap;

use rookery_shared::act::Act;
use rookery_shared::event::{NewMessage, Sender};
use rookery_shared::id::{ClientId, RoomId, RoomRef, UserId};
use rookery_shared::presence::Setting;
use rookery_shared::protocol::close::CloseCode;
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::protocol::presence::Watch;
use rookery_shared::protocol::server::{ErrorFrame, ServerFrame};
use rookery_shared::token::Claims;

use crate::position::Position;
use crate::reads::Reading;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Say goodbye. Nothing follows.
    Close(CloseCode),
}

/// Work that needs the bus or the api. Commands of one connection are done one by one, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make rooms live.
    Subscribe(Vec<Target>),
    /// Make the connection's only room live, or end the connection.
    Enter(RoomRef),
    /// Stop rooms.
    Unsubscribe(Vec<RoomRef>),
    /// Say something.
    Send(Box<Outgoing>),
    /// Tell where rooms stand.
    Heads(Vec<Target>),
    /// Do something to a message.
    Act(Box<Deed>),
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
    /// Move a read mark on. The connection gathers these before they are done.
    Read(Reading),
}

/// A room to make live, and where the client stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The room.
    pub room: RoomRef,
    /// The last event the client has; none for a client that starts with history.
    pub position: Option<Position>,
}

/// A message on its way into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The room.
    pub room: RoomRef,
    /// Who says it.
    pub sender: Sender,
    /// What is said.
    pub message: NewMessage,
}

/// Something to be done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The room.
    pub room: RoomRef,
    /// Who does it.
    pub sender: Sender,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// What is done.
    pub act: Act,
}

impl Output {
    /// An error frame with the standard sentence.
    pub fn error(code: ErrorCode) -> Self {
        Self::Send(ServerFrame::Error(ErrorFrame::new(code)))
    }
}
