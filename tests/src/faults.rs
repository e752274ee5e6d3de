//! Faults under load, judged by ledgers: what senders were told, what receivers were shown, what history says.
//!
//! [`rows`] says which faults there are, [`plan`] which of them are played how often, [`run`] plays one on a [`field`] of
//! real processes while a [`load`] of [`client`]s talks and `operations` are done, and [`ledger`] compares. [`proxy`] is the faulty wire, [`slowdown`]
//! the slow database, [`results`] what is kept of every play, [`report`] the document.

pub mod caller;
pub mod client;
pub mod field;
pub mod frame;
pub mod holds;
pub mod idle;
pub mod ledger;
pub mod load;
pub mod machine;
mod operations;
pub mod outcome;
pub mod pager;
pub mod plan;
pub mod proxy;
pub mod report;
pub mod results;
pub mod rows;
pub mod run;
pub mod slowdown;
pub mod socket;
pub mod sources;
pub mod talk;
pub mod time_left;
pub mod timeline;
pub mod turn;
