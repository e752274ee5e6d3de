//! What Socket.IO clients say and are told: the events of `docs/socketio.md`, their payloads, and how they stand for the
//! protocol's own frames. How events are put into packets is the gateway's matter.
//!
//! Names are those that chat back ends in Node and Python use: `joinRoom`, `chatroomMessage`, `newMessage`, fields in camel
//! case. Whatever has no event of its own comes and goes as the event `frame`, whose payload is the frame itself.

mod acknowledgement;
pub mod asyncapi;
mod event;
mod request;

pub use acknowledgement::{Acknowledgement, Done, Failure, GapRange, Joined, Refused, Sent, Survived};
pub use event::{Actor, Event};
pub use request::{
    AuthRequest, JoinRequest, LeaveRequest, MessageRequest, ReadRequest, Request, TypingRequest, bare_token,
};

/// The namespace of clients that give none.
pub const ROOT_NAMESPACE: &str = "/";
/// Its other name: some clients are given the path of the server as an address, and take it for a namespace.
pub const PATH_NAMESPACE: &str = "/socket.io";
