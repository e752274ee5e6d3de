//! The api: REST, accounts, rooms, history, and the authority that gateways ask.
//!
//! Read in this order: [`router`] lists every route, `routes` has one file per endpoint, [`service`] puts the steps
//! in order, [`domain`] has the rules, [`store`] keeps the data. [`app`] holds what all of them share.

pub mod app;
pub mod config;
mod cors;
pub mod cursor;
pub mod demo;
pub mod domain;
pub mod error;
pub mod extract;
pub mod ingest;
pub mod journal;
mod limit;
pub mod metrics;
mod observe;
pub mod openapi;
pub mod password;
mod random;
pub mod refresh_token;
pub mod registration;
pub mod router;
pub mod routes;
pub mod seed;
pub mod server;
pub mod service;
pub mod store;
pub mod stored;
pub mod timeline;
pub mod user_command;
