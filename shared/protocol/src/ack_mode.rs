//! What an `ack` promises in this deployment.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an `ack` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// The message is stored with a majority.
    #[default]
    Stored,
    /// Redis has accepted the message; a failover of Redis may lose it.
    Accepted,
}

impl FromStr for AckMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "stored" => Ok(Self::Stored),
            "accepted" => Ok(Self::Accepted),
            _ => Err("must be stored or accepted"),
        }
    }
}
