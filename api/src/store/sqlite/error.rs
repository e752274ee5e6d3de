//! SQLite's errors in the store's words.

use rusqlite::Error;
use rusqlite::ffi::{self, ErrorCode};

use crate::store::{StoreError, Unique};

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, text) = &error else {
            return Self::Inconsistent(error.to_string());
        };
        if is_unique(failure.extended_code) {
            Self::Taken(unique_of(text.as_deref().unwrap_or_default()))
        } else if is_unavailable(failure.code) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Inconsistent(error.to_string())
        }
    }
}

fn is_unique(extended_code: i32) -> bool {
    [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID]
        .contains(&extended_code)
}

/// What time, space or an operator can cure. A broken rule, type or file cannot be cured by trying again.
fn is_unavailable(code: ErrorCode) -> bool {
    !matches!(
        code,
        ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ApiMisuse
            | ErrorCode::ParameterOutOfRange
            | ErrorCode::TooBig
    )
}

/// SQLite names the columns: `UNIQUE constraint failed: users.username_key`.
fn unique_of(text: &str) -> Unique {
    match text.rsplit_once(": ").map(|(_, column)| column) {
        Some("users.username_key") => Unique::Username,
        Some("users.email_key") => Unique::Email,
        Some("rooms.slug") => Unique::Slug,
        Some("rooms.name_key") => Unique::RoomName,
        Some(_) | None => Unique::Id,
    }
}
