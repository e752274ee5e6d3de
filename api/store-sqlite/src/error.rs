//! SQLite's errors in the store's words.

use rookery_store::{StoreError, Unique};
use rusqlite::Error;
use rusqlite::ffi::{self, ErrorCode};

/// What went wrong inside this crate; at the store's traits it becomes a [`StoreError`].
#[derive(Debug)]
pub(super) struct Failed(pub(super) StoreError);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, text) = &error else {
            return Self(StoreError::Inconsistent(error.to_string()));
        };
        Self(if is_unique(failure.extended_code) {
            StoreError::Taken(unique_of(text.as_deref().unwrap_or_default()))
        } else if is_unavailable(failure.code) {
            StoreError::Unavailable(error.to_string())
        } else {
            StoreError::Inconsistent(error.to_string())
        })
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Failed> for StoreError {
    fn from(Failed(error): Failed) -> Self {
        error
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
