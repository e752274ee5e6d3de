//! Tests of the api through its public surface, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod many_rooms;
mod mongo_server;
mod store_contract;
mod unread;
