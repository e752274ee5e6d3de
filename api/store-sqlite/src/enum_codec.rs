//! Text encoding of enums in the file.

use rookery_protocol::access::{JoinRule, Posting, RoomKind, RoomRole, Visibility};
use rookery_store::StoreError;
use rookery_store::account::Purpose;
use rookery_store::file::FileState;
use rookery_store::job::JobState;
use rookery_store::joining::RequestState;
use rookery_store::report::{ReportAction, ReportReason, ReportState};
use rookery_store::schedule::ScheduleState;
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
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
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

impl EnumCodec for JoinRule {
    const ALL: &'static [Self] = &[Self::Open, Self::Password, Self::Approval, Self::Invite];

    fn encode(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Password => "password",
            Self::Approval => "approval",
            Self::Invite => "invite",
        }
    }
}

impl EnumCodec for Posting {
    const ALL: &'static [Self] = &[Self::Members, Self::Moderators];

    fn encode(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Moderators => "moderators",
        }
    }
}

impl EnumCodec for RoomKind {
    const ALL: &'static [Self] = &[Self::Room, Self::Direct, Self::Group];

    fn encode(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }
}

impl EnumCodec for JobState {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for FileState {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for ScheduleState {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for ReportReason {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for ReportState {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for ReportAction {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for RequestState {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

impl EnumCodec for Purpose {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}
