//! The gateway: it owns the clients' sockets and nothing that has to survive it.
//!
//! Read in this order: [`upgrade`] turns a request into a connection; [`connection`] is the loop that owns its
//! socket; [`session`] has its rules, without any waiting; [`commands`] does what a session decides. [`hub`] and
//! [`relay`] bring room events from the bus to the connections' [`outbox`]es; [`acks`] tell senders what is stored.
//! [`gateway`] puts the parts together; `gateway/server` makes a process of them. There is no database in here.

pub mod acks;
pub mod authorize;
pub mod commands;
pub mod connection;
pub mod crowd;
pub mod drain;
pub mod error;
pub mod frame;
pub mod gateway;
mod health;
pub mod heartbeat;
pub mod hub;
pub mod keys;
pub mod limits;
mod logins;
pub mod member;
pub mod metrics;
pub mod node;
pub mod outbox;
mod presence;
mod questions;
pub mod reads;
pub mod relay;
pub mod replies;
pub mod session;
pub mod socket;
#[cfg(test)]
mod testing;
mod thrift;
pub mod upgrade;
pub mod wire;

pub use gateway::{Gateway, GatewayParts};
