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

/// Any text but an empty one; the reader sees to that.
impl SettingValue for String {}

impl SettingValue for AckMode {}
