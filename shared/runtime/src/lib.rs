//! What every process is made of, whichever it is: configuration, logs, listeners, tokens, shutdown. It knows no web
//! framework, no bus and no database.

pub mod address;
pub mod build;
pub mod config;
pub mod doctor;
pub mod file_mode;
pub mod health;
pub mod limits;
pub mod listener;
pub mod log_throttle;
pub mod metrics;
pub mod origin;
pub mod outgoing;
pub mod probe;
pub mod rate;
pub mod shutdown;
pub mod telemetry;
pub mod terminal;
pub mod tls;
pub mod token;
pub mod trace;
