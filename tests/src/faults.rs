//! Faults under load, judged by ledgers: what senders were told, what receivers were shown, what history says.
//!
//! [`rows`] says which faults there are, [`run`] plays one on a [`field`] of real processes while a [`load`] of
//! [`client`]s talks, and [`ledger`] compares. [`proxy`] is the faulty wire, [`report`] the document.

pub mod caller;
pub mod client;
pub mod field;
pub mod frame;
pub mod holds;
pub mod idle;
pub mod ledger;
pub mod load;
pub mod machine;
pub mod outcome;
pub mod pager;
pub mod proxy;
pub mod report;
pub mod rows;
pub mod run;
pub mod socket;
pub mod timeline;
