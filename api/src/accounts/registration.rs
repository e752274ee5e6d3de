//! Who may register.

use std::str::FromStr;

use rookery_runtime::config::{Setting, SettingValue};

/// The setting.
pub const SETTING: Setting = Setting {
    key: "registration",
    default: Some("open"),
    secret: false,
    help: "`open`: everybody may register; `closed`: accounts are made by `user add` only.",
};

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
}

impl Registration {
    /// As the setting spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl SettingValue for Registration {}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("must be `open` or `closed`"),
        }
    }
}
