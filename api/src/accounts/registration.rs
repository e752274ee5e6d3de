//! Who may register, and what an address has to show.

use std::str::FromStr;

use rookery_runtime::config::{Setting, SettingValue};
use serde::{Deserialize, Serialize};

/// The setting of [`Registration`].
pub const SETTING: Setting = Setting {
    key: "registration",
    default: Some("open"),
    secret: false,
    help: "`open`: everybody may register; `invite`: who has an invite to the server; `closed`: accounts are made by `user add` only.",
};

/// The setting of [`Verification`].
pub const VERIFICATION: Setting = Setting {
    key: "verification",
    default: Some("none"),
    secret: false,
    help: "`none`: an account exists at once; `required`: it begins when the code is given that is sent to its address, see `mail_url`.",
};

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Who has an invite.
    Invite,
    /// Nobody.
    Closed,
}

/// Whether an account begins before its address is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// It begins at once.
    None,
    /// It begins with the code.
    Required,
}

impl SettingValue for Registration {}
impl SettingValue for Verification {}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "invite" => Ok(Self::Invite),
            "closed" => Ok(Self::Closed),
            _ => Err("must be `open`, `invite` or `closed`"),
        }
    }
}

impl FromStr for Verification {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "required" => Ok(Self::Required),
            _ => Err("must be `none` or `required`"),
        }
    }
}
