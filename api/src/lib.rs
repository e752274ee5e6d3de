//! The api: REST, accounts, rooms, history, and the authority that gateways ask.
//!
//! Read in this order: [`router`] lists every route, `routes` has one file per endpoint, [`service`] puts the steps
//! in order, [`rookery_store`] has the rules and the traits of the stores. [`app`] holds what all of them share.

pub mod app;
mod cors;
pub mod cursor;
pub mod demo;
pub mod error;
pub mod extract;
pub mod journal;
mod limit;
pub mod limits;
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
pub mod service;
pub mod stored;
pub mod underway;
pub mod user_command;
