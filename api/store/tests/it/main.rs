//! The contract of the stores, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod home;
mod mongo_server;
mod samples;
mod store_contract;
