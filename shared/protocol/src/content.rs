//! The text of a message: bounds and what counts as empty. The text itself is kept as it was sent.

use crate::error_code::ErrorCode;
use crate::limits::{CONTENT_BYTES_MAX, CONTENT_CHARS_MAX};
use crate::text::is_blank;

/// Checks a message text.
///
/// # Errors
/// [`ErrorCode::EmptyContent`] if nothing of it can be seen, [`ErrorCode::ContentTooLong`] if it has more than
/// 4,000 characters or 12,000 bytes.
pub fn check(content: &str) -> Result<(), ErrorCode> {
    if content.len() > CONTENT_BYTES_MAX || content.chars().count() > CONTENT_CHARS_MAX {
        return Err(ErrorCode::ContentTooLong);
    }
    if is_blank(content) { Err(ErrorCode::EmptyContent) } else { Ok(()) }
}

/// Checks the text of a message, which may be empty if it has files.
///
/// # Errors
/// As [`check`].
pub fn check_with(content: &str, has_files: bool) -> Result<(), ErrorCode> {
    match check(content) {
        Err(ErrorCode::EmptyContent) if has_files => Ok(()),
        checked => checked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_characters_and_bytes() {
        assert_eq!(check(&"x".repeat(CONTENT_CHARS_MAX)), Ok(()));
        assert_eq!(check(&"x".repeat(CONTENT_CHARS_MAX + 1)), Err(ErrorCode::ContentTooLong));
        assert_eq!(check(&"日".repeat(CONTENT_CHARS_MAX)), Ok(()));
        assert_eq!(check(&"👍".repeat(CONTENT_BYTES_MAX / 4 + 1)), Err(ErrorCode::ContentTooLong));
    }

    #[test]
    fn what_cannot_be_seen_is_empty() {
        for empty in
            ["", " ", "\n\t", "\u{200b}\u{200d}\u{feff}", "\0", "\u{202e}", "\u{1d173}", "\u{fffc}", "\u{e000}"]
        {
            assert_eq!(check(empty), Err(ErrorCode::EmptyContent), "{empty:?}");
        }
        for seen in ["👨\u{200d}👩", "❤\u{fe0f}", "x\u{1d173}"] {
            assert_eq!(check(seen), Ok(()), "{seen:?}");
        }
    }
}
