//! What the api does, as the order of steps: decide, store, announce. No HTTP in here beyond the error type.

pub mod accounts;
pub mod acting;
pub mod announce;
pub mod authority;
pub mod history;
pub mod members;
mod missed;
pub mod moderation;
pub mod presence;
pub mod rooms;
pub mod sending;
pub mod sessions;
pub mod settings;
pub mod unread;
