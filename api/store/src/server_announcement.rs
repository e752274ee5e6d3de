//! What those who run the server tell everybody.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_protocol::text;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;

/// Characters of one.
const CONTENT_CHARS_MAX: usize = 2_000;

/// 1 to 2,000 characters, by the rule of [`text::lines`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AnnouncementText(String);

impl AnnouncementText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One from a store.
    pub fn kept(text: &str) -> Self {
        Self(text::mended_lines(text, CONTENT_CHARS_MAX))
    }
}

impl TryFrom<String> for AnnouncementText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let lines = text::lines(&text, CONTENT_CHARS_MAX).filter(|lines| !lines.is_empty());
        lines.map(Self).ok_or("must have 1 to 2,000 visible characters")
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAnnouncement {
    /// Its id, which sorts by when it was made.
    pub id: Uuid,
    /// What it says.
    pub content: AnnouncementText,
    /// Who made it.
    pub by: UserId,
    /// When.
    pub created_at: UnixMillis,
}

/// What those who run the server tell everybody.
#[async_trait]
pub trait ServerAnnouncements: Send + Sync {
    /// Adds one.
    async fn insert(&self, announcement: &ServerAnnouncement) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<ServerAnnouncement>, StoreError>;
    /// Newest first, before `before`, at most `limit`.
    async fn page(&self, before: Option<Uuid>, limit: usize) -> Result<Vec<ServerAnnouncement>, StoreError>;
    /// Removes one; false if there was none.
    async fn remove(&self, id: Uuid) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_something() {
        assert!(AnnouncementText::try_from("two\nlines".to_owned()).is_ok());
        for bad in [String::new(), " \n ".to_owned(), "x".repeat(CONTENT_CHARS_MAX + 1)] {
            assert!(AnnouncementText::try_from(bad).is_err());
        }
    }
}
