//! Tests of the protocol through its public interface only; one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

mod asyncapi;
mod golden;
mod schema;
mod socketio;
mod wrong_types;
