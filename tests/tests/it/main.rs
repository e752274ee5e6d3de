//! Black-box suites over real processes. One module per promise of the project; `rookery_tests` is the harness.
//!
//! Tests that harm nobody share one cluster and one standalone process, with users and rooms of their own; tests
//! that kill or restart something start their own processes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod acts;
mod bad_frames;
mod bad_requests;
mod bad_text;
mod beginner;
mod changes;
mod cold_rooms;
mod costs;
mod crowd;
mod data_folder;
mod doctor;
mod document;
mod drain;
mod ended_logins;
mod faults;
mod floods;
mod foreign_clients;
mod frame_attacks;
mod health;
mod hostile_addresses;
mod http_cases;
mod limits_of_http;
mod limits_of_rooms;
mod load;
mod name_rules;
mod operations;
mod owners;
mod permissions;
mod presence;
mod presence_at_scale;
mod proxies;
mod restored;
mod resume;
mod rights;
mod rotation;
mod scenario;
mod sessions;
mod settings;
mod short_faults;
mod slow_readers;
mod socketio_attacks;
mod socketio_clients;
mod socketio_cluster;
mod socketio_polling;
mod talk;
mod timelines;
mod tls;
mod tokens;
mod topologies;
mod unread;
mod user_command;
mod websocket_attacks;
