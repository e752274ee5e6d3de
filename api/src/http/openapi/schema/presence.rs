//! Presence.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// As what a user wants to be shown while online.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Here.
    Online,
    /// Somewhere else.
    Away,
    /// Not to be disturbed.
    Dnd,
}

/// As what a user is shown.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Here.
    Online,
    /// Somewhere else.
    Away,
    /// Not to be disturbed.
    Dnd,
    /// Not connected.
    Offline,
}
