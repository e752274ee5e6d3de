//! The words that stand for our enums in the file.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_store::StoreError;
use rookery_store::user::ServerRole;

use crate::error::Failed;

/// An enum that the file keeps as a word.
pub(super) trait Word: Copy + Sized + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// The word. Changing one needs a migration.
    fn word(self) -> &'static str;

    /// The value a word stands for.
    fn from_word(word: &str) -> Result<Self, Failed> {
        let found = Self::ALL.iter().copied().find(|value| value.word() == word);
        Ok(found.ok_or_else(|| StoreError::Inconsistent(format!("unknown word {word:?}")))?)
    }
}

impl Word for ServerRole {
    const ALL: &'static [Self] = &[Self::Admin, Self::Moderator, Self::User];

    fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::User => "user",
        }
    }
}

impl Word for RoomRole {
    const ALL: &'static [Self] = &[Self::Owner, Self::Moderator, Self::Member];

    fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Member => "member",
        }
    }
}

impl Word for Visibility {
    const ALL: &'static [Self] = &[Self::Public, Self::Private];

    fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}
