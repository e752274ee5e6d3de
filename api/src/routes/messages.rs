//! A room's messages.

pub mod list;
pub mod send;
