//! The api's own nouns and their rules. No I/O in here.

pub mod common_password;
pub mod epoch;
pub mod load;
pub mod message;
pub mod message_state;
pub mod reactions;
pub mod renames;
pub mod room;
pub mod sanction;
pub mod session;
pub mod unread;
pub mod user;
