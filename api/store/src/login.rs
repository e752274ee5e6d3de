//! What somebody types to log in: a name or an address, and the form in which each is unique.

use crate::user::address_key;

/// The unique value that a login text is looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginKey {
    /// The key of a user name; see [`crate::user::Username::key`].
    Username(String),
    /// The key of an address, see [`crate::user::Email::key`], after the one that it had before there were rules:
    /// an account that shares its address with another in another form is found by that.
    Email([String; 2]),
}

impl From<&str> for LoginKey {
    fn from(login: &str) -> Self {
        let login = login.trim();
        if login.contains('@') {
            let before = login.to_lowercase();
            let key = address_key(login).unwrap_or_else(|| before.clone());
            Self::Email([before, key])
        } else {
            Self::Username(login.to_ascii_lowercase())
        }
    }
}
