//! The driver's errors in the store's words. Values never enter the text: they may be addresses or messages.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use rookery_store::{StoreError, Unique};

/// "A unique value exists already."
const DUPLICATE_KEY: i32 = 11_000;

/// What went wrong inside this crate; at the store's traits it becomes a [`StoreError`].
#[derive(Debug)]
pub(super) struct Failed(pub(super) StoreError);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(if let Some(text) = duplicate(&error) {
            StoreError::Taken(unique_of(text))
        } else if let Some(cause) = broken_rule(&error) {
            StoreError::Inconsistent(cause)
        } else {
            StoreError::Unavailable(brief(&error))
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

/// Positions of the documents that an unordered insert left out, if each of them was there already and the rest is
/// durable.
pub(super) fn left_out(error: &Error) -> Option<Vec<usize>> {
    let ErrorKind::InsertMany(failed) = error.kind.as_ref() else { return None };
    // The write concern is reported beside the duplicates, and it covers them: for a write that changed nothing, too,
    // the server waits until all before it is durable.
    if failed.write_concern_error.is_some() {
        return None;
    }
    let all = failed.write_errors.as_ref()?;
    all.iter().map(|one| (one.code == DUPLICATE_KEY).then_some(one.index)).collect()
}

/// Whether a unique value exists already.
pub(super) fn is_duplicate(error: &Error) -> bool {
    duplicate(error).is_some()
}

/// The server's text on a duplicate key.
fn duplicate(error: &Error) -> Option<&str> {
    if let ErrorKind::Write(WriteFailure::WriteError(failed)) = error.kind.as_ref()
        && failed.code == DUPLICATE_KEY
    {
        return Some(&failed.message);
    }
    if let ErrorKind::Command(failed) = error.kind.as_ref()
        && failed.code == DUPLICATE_KEY
    {
        return Some(&failed.message);
    }
    None
}

/// The server names the index: `E11000 duplicate key error collection: … index: NAME dup key: { … }`. The first
/// match counts, because the values at the end are what somebody typed.
fn unique_of(text: &str) -> Unique {
    let index = text.split_once(" index: ").and_then(|(_, rest)| rest.split_whitespace().next());
    match index {
        Some("users_username_key") => Unique::Username,
        Some("users_email_key") => Unique::Email,
        Some("rooms_slug") => Unique::Slug,
        Some("rooms_name_key") => Unique::RoomName,
        Some(_) | None => Unique::Id,
    }
}

/// What trying again cannot cure.
fn broken_rule(error: &Error) -> Option<String> {
    if let ErrorKind::Write(WriteFailure::WriteError(failed)) = error.kind.as_ref() {
        return Some(format!("a write was refused with code {}", failed.code));
    }
    if let ErrorKind::InvalidArgument { message, .. } = error.kind.as_ref() {
        return Some(message.clone());
    }
    let form = matches!(
        error.kind.as_ref(),
        ErrorKind::BsonDeserialization(_) | ErrorKind::BsonSerialization(_) | ErrorKind::Bson(_)
    );
    form.then(|| "a document does not have the expected form".to_owned())
}

/// What kind of failure it is.
fn brief(error: &Error) -> String {
    if let ErrorKind::Command(failed) = error.kind.as_ref() {
        return format!("a command failed with {} ({})", failed.code_name, failed.code);
    }
    if matches!(error.kind.as_ref(), ErrorKind::InsertMany(_)) {
        return "some documents were not written".to_owned();
    }
    error.kind.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_found_whatever_the_value_says() {
        let text = |index: &str, value: &str| {
            format!("E11000 duplicate key error collection: rookery.users index: {index} dup key: {{ k: \"{value}\" }}")
        };
        assert_eq!(unique_of(&text("users_username_key", "ada")), Unique::Username);
        assert_eq!(unique_of(&text("users_email_key", "a index: users_username_key @b")), Unique::Email);
        assert_eq!(unique_of(&text("_id_", " index: rooms_slug ")), Unique::Id);
    }
}
