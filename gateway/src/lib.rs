//! The gateway: it owns the clients' sockets and nothing that has to survive it.
//!
//! Read in this order: [`upgrade`] turns a request into a connection; [`connection`] is the loop that owns its
//! socket; [`session`] has its rules, without any waiting; [`commands`] does what a session decides. [`hub`] and
//! [`relay`] bring room events from the bus to the connections' [`send_queue`]es, which take their bytes in the
//! connection's [`dialect`]; [`acks`] tell senders what is stored.
//! [`gateway`] puts the parts together; `gateway/server` makes a process of them. There is no database in here.

pub mod acks;
pub mod authorize;
pub mod byte_stream;
pub mod commands;
mod compact_vec;
pub mod connection;
pub mod connection_trace;
pub mod credential;
pub mod dialect;
pub mod drain_schedule;
pub mod error;
pub mod frame;
pub mod gateway;
mod health;
pub mod heartbeat;
pub mod hub;
pub mod jwks;
pub mod limits;
pub mod metrics;
pub mod node;
pub mod pending_sockets;
pub mod polling;
mod presence;
mod question_batcher;
pub mod reads;
pub mod relay;
pub mod replies;
pub mod send_queue;
pub mod session;
mod session_registry;
pub mod socket;
pub mod subscriber;
#[cfg(test)]
mod testing;
pub mod upgrade;

pub use gateway::{Gateway, GatewayParts};
