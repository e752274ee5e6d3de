//! The api: REST, accounts, rooms, history, and the authority that gateways ask.
//!
//! Read in this order: [`router`] gathers the routes; each feature is a module ([`accounts`], [`rooms`], [`messages`],
//! [`history`], …) whose file has the steps and whose folder has an endpoint a file; [`http`] is what all of them stand on,
//! [`rookery_store`] has the rules and the traits of the stores. [`app`] puts the parts together.

pub mod accounts;
pub mod app;
pub mod authority;
pub mod demo;
pub mod error;
pub mod history;
pub mod http;
pub mod in_flight_writes;
pub mod journal;
mod key_watch;
pub mod limits;
pub mod messages;
pub mod metrics;
pub mod moderation;
pub mod outbox;
pub mod presence;
mod random;
pub mod readiness;
mod room_heads;
pub mod rooms;
pub mod router;
pub mod seed;
pub mod server;
pub mod stored_waiter;
pub mod unread;
