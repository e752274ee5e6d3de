//! Harness of the black-box suites: it starts real processes on free ports with throw-away data, speaks to them
//! as a client does, and leaves nothing behind.
//!
//! [`deployment`] is what a test runs against; [`rest`], [`ws`], [`raw`] and [`foreign`] are the clients, and the address that
//! they are given decides their [`dialect`];
//! [`process`] and [`guardian`] own every child process. Waiting is always for a condition with a deadline.
//! The harness panics with a readable text: a test has no better answer to a part that is missing.

#![expect(clippy::expect_used, reason = "a panic is how a test harness reports")]

pub mod certificates;
pub mod cluster;
pub mod deployment;
pub mod dialect;
pub mod dirs;
pub mod exchange;
pub mod faults;
pub mod foreign;
pub mod forge;
pub mod front;
pub mod guardian;
pub mod http_cases;
pub mod mail;
pub mod mailbox;
pub mod metrics;
pub mod mongo;
pub mod names;
pub mod node;
pub mod openapi;
pub mod otlp;
pub mod ports;
pub mod process;
pub mod push;
pub mod raw;
pub mod raw_client;
pub mod readme;
pub mod redis;
pub mod redis_cluster;
pub mod redis_sentinel;
pub mod rest;
pub mod s3;
pub mod sender;
pub mod shared;
pub mod socketio;
pub mod standalone;
pub mod tools;
pub mod traffic;
pub mod view;
pub mod wait;
pub mod ws;
