//! The endpoints, one per file: its request, its response, its documentation, and the call of a service.

pub mod auth;
pub mod internal;
pub mod jwks;
pub mod messages;
pub mod moderation;
pub mod page;
pub mod presence;
pub mod rooms;
pub mod users;
