//! The api: REST, accounts, rooms, history, and the authority that gateways ask.
//!
//! Read in this order: [`router`] gathers the routes; each feature is a module ([`accounts`], [`rooms`], [`messages`],
//! [`history`], …) whose file has the steps and whose folder has an endpoint a file; [`http`] is what all of them stand on,
//! [`rookery_store`] has the rules and the traits of the stores. [`app`] puts the parts together.

pub mod accounts;
pub mod admin;
pub mod app;
pub mod authority;
mod day_counts;
pub mod demo;
pub mod direct;
pub mod error;
pub mod event_generations;
pub mod files;
pub mod history;
pub mod http;
pub mod idempotency;
pub mod in_flight_writes;
mod invite_code;
pub mod jobs;
pub mod joining;
pub mod journal;
mod key_watch;
pub mod lag;
pub mod limits;
pub mod mail;
mod membership_news;
pub mod messages;
pub mod metrics;
pub mod moderation;
pub mod notices;
pub mod outbox;
mod periodic;
pub mod policy;
pub mod preferences;
pub mod presence;
mod purged;
pub mod purges;
pub mod push;
mod random;
pub mod readiness;
pub mod reports;
pub mod retention;
mod room_heads;
pub mod rooms;
pub mod router;
pub mod schedules;
pub mod search;
pub mod seed;
pub mod server;
pub mod settings;
pub mod stored_waiter;
pub mod unread;
