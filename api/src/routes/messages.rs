//! A room's messages.

pub mod acts;
pub mod edits;
pub mod list;
pub mod reactions;
pub mod send;
