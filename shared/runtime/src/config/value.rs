//! What the text of a setting can be read as.

use std::fmt;
use std::str::FromStr;

use rookery_protocol::ack_mode::AckMode;

/// A type whose errors say what is allowed, so that they can be told to whoever wrote the value.
#[diagnostic::on_unimplemented(
    message = "the errors of `{Self}` may not say what is allowed",
    note = "numbers are read with `Reader::number`, addresses with `Reader::listen`, folders with `Reader::folder`"
)]
pub trait SettingValue: FromStr<Err: fmt::Display> {}

/// A setting that is `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is on.
    On,
    /// It is off.
    Off,
}

/// The text is neither `on` nor `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be on or off")]
pub struct BadSwitch;

impl SettingValue for Switch {}

impl FromStr for Switch {
    type Err = BadSwitch;

    fn from_str(text: &str) -> Result<Self, BadSwitch> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(BadSwitch),
        }
    }
}

/// Any text but an empty one; the reader sees to that.
impl SettingValue for String {}

impl SettingValue for AckMode {}
