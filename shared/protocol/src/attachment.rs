//! The files of a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error_code::ErrorCode;
use crate::id::FileId;
use crate::limits::{ATTACHMENTS_MAX, FILE_NAME_CHARS_MAX, MEDIA_TYPE_BYTES_MAX};

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Id of the file.
    pub file_id: FileId,
    /// Name of the file.
    #[schemars(length(max = FILE_NAME_CHARS_MAX))]
    pub name: String,
    /// Media type of the file.
    #[serde(rename = "type")]
    #[schemars(length(max = MEDIA_TYPE_BYTES_MAX))]
    pub media_type: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// Width in pixels; null if the file is no picture.
    pub width: Option<u32>,
    /// Height in pixels; null if the file is no picture.
    pub height: Option<u32>,
}

impl Attachment {
    /// What a sender says of one: only which file it is. The rest is known once it is claimed.
    pub const fn unclaimed(file_id: FileId) -> Self {
        Self {
            file_id,
            name: String::new(),
            media_type: String::new(),
            size: 0,
            width: None,
            height: None,
        }
    }
}

/// The files that a sender names, in order.
///
/// # Errors
/// [`ErrorCode::BadField`] if they are more than [`ATTACHMENTS_MAX`], or one of them is there twice.
pub fn named(files: &[FileId]) -> Result<Vec<Attachment>, ErrorCode> {
    let is_twice = |(at, file): (usize, &FileId)| files[..at].contains(file);
    if files.len() > ATTACHMENTS_MAX || files.iter().enumerate().any(is_twice) {
        return Err(ErrorCode::BadField);
    }
    Ok(files.iter().copied().map(Attachment::unclaimed).collect())
}

/// Schema of a message that names no files, for the condition of [`with_text`].
pub(crate) fn without_files() -> Value {
    json!({ "not": { "required": ["attachments"], "properties": { "attachments": { "type": "array", "minItems": 1 } } } })
}

/// Schema of a message that says something.
pub(crate) fn with_text() -> Value {
    json!({ "required": ["content"], "properties": { "content": { "type": "string", "minLength": 1 } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_once_and_not_too_many_of_them() {
        let files: Vec<FileId> = (0..=ATTACHMENTS_MAX).map(|_| FileId::generate()).collect();
        assert_eq!(named(&files[..ATTACHMENTS_MAX]).unwrap().len(), ATTACHMENTS_MAX);
        assert_eq!(named(&files), Err(ErrorCode::BadField));
        assert_eq!(named(&[files[0], files[1], files[0]]), Err(ErrorCode::BadField));
    }
}
