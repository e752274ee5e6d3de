//! The code of an invite, to the server or to a room, as somebody gives it.

use serde::Deserialize;

/// More than any of ours has.
const CHARS_MAX: usize = 64;

/// A code that may be one of ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct InviteCode(String);

impl InviteCode {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InviteCode {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        if code.chars().count() > CHARS_MAX {
            return Err("must have at most 64 characters");
        }
        Ok(Self(code))
    }
}
