//! Text encoding of enums in the file.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_store::StoreError;
use rookery_store::user::ServerRole;

use crate::error::Failed;

/// An enum that is stored as text.
pub(super) trait EnumCodec: Copy + Sized + 'static {
    /// All values.
    const ALL: &'static [Self];
    /// The stored text. Changing one needs a migration.
    fn encode(self) -> &'static str;

    /// The value of a stored text.
    fn decode(text: &str) -> Result<Self, Failed> {
        let found = Self::ALL.iter().copied().find(|value| value.encode() == text);
        Ok(found.ok_or_else(|| StoreError::Inconsistent(format!("unknown word {text:?}")))?)
    }
}

impl EnumCodec for ServerRole {
    const ALL: &'static [Self] = &[Self::Admin, Self::Moderator, Self::User];

    fn encode(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::User => "user",
        }
    }
}

impl EnumCodec for RoomRole {
    const ALL: &'static [Self] = &[Self::Owner, Self::Moderator, Self::Member];

    fn encode(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Member => "member",
        }
    }
}

impl EnumCodec for Visibility {
    const ALL: &'static [Self] = &[Self::Public, Self::Private];

    fn encode(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}
