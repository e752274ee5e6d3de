//! Tests of the bus over both its implementations, Redis and in-process, under one contract; one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

#[macro_use]
mod contract;

mod bus_contract;
mod counting_wire;
mod fixture;
mod given_up;
mod journal;
mod nodes_contract;
mod presence_contract;
mod quota_contract;
mod redis_epochs;
mod redis_log;
mod silent_redis;
