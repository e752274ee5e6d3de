//! The internal listener: what gateways ask, and what probes and Prometheus read. Never published.

pub mod authorize;
pub mod events;
pub mod health;
pub mod look;
pub mod open_room;
pub mod revocations;
pub mod unread;
