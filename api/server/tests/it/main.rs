//! Services over both stores, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../../store/tests/it/home.rs"]
#[expect(dead_code, reason = "the contract of the stores uses all of it")]
mod home;
mod many_rooms;
#[path = "../../../store/tests/it/mongo_server.rs"]
mod mongo_server;
#[path = "../../../store/tests/it/samples.rs"]
#[expect(dead_code, reason = "the contract of the stores uses all of it")]
mod samples;
mod search;
mod unread;
