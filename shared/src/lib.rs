//! What every Rookery process agrees on: ids, frames, events, tokens, the bus and its Redis keys,
//! configuration, logs, limits and shutdown. It knows no web framework and no database.
//!
//! Read in this order: [`id`] and [`event`] name the things, [`protocol`] is what clients say and hear,
//! [`bus`] carries events between processes, [`authority`] is what a gateway asks the api.

pub mod access;
pub mod acks;
pub mod act;
pub mod address;
pub mod asyncapi;
pub mod authority;
pub mod bounds;
pub mod bus;
pub mod clock;
pub mod config;
pub mod cost;
pub mod event;
pub mod id;
pub mod integer;
pub mod keys;
pub mod limiter;
pub mod limits;
pub mod listener;
pub mod log_throttle;
pub mod mention;
pub mod origin;
pub mod pace;
pub mod presence;
pub mod protocol;
pub mod quota;
pub mod reserved;
pub mod shutdown;
pub mod telemetry;
pub mod terminal;
pub mod text;
pub mod tls;
pub mod token;
pub mod unread;
