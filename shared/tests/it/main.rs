//! Tests of `rookery-shared` through its public interface only; one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

#[macro_use]
mod contract;

mod asyncapi;
mod bus_contract;
mod fixture;
mod given_up;
mod golden;
mod journal;
mod presence_contract;
mod quota_contract;
mod redis_epochs;
mod redis_log;
mod wrong_types;
