//! What somebody types to log in: a name or an address, and the form in which each is unique.

/// The unique value that a login text is looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginKey {
    /// The key of a user name; see [`crate::domain::user::Username::key`].
    Username(String),
    /// The key of an address; see [`crate::domain::user::Email::key`].
    Email(String),
}

impl From<&str> for LoginKey {
    fn from(login: &str) -> Self {
        if login.contains('@') {
            Self::Email(login.to_lowercase())
        } else {
            Self::Username(login.to_ascii_lowercase())
        }
    }
}
