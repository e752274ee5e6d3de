//! What was decided against a user in a room, beside membership.

use rookery_protocol::access::Until;

/// What holds, or held, against one user in one room. It stays when the user leaves and comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sanction {
    /// Until when the user may not say anything.
    pub muted: Option<Until>,
    /// Until when the user is shut out.
    pub banned: Option<Until>,
}

/// An action of a moderator on a user in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanctionAction {
    /// Ends the membership.
    Kick,
    /// Ends the membership, if there is one, and keeps the user out.
    Ban(Until),
    /// Ends a ban.
    Unban,
    /// Keeps the user from sending.
    Mute(Until),
    /// Gives it back.
    Unmute,
}

impl SanctionAction {
    /// The sanction after it.
    pub const fn apply(self, sanction: Sanction) -> Sanction {
        match self {
            Self::Kick => sanction,
            Self::Ban(until) => Sanction { banned: Some(until), ..sanction },
            Self::Unban => Sanction { banned: None, ..sanction },
            Self::Mute(until) => Sanction { muted: Some(until), ..sanction },
            Self::Unmute => Sanction { muted: None, ..sanction },
        }
    }

    /// Whether it ends the membership.
    pub const fn expels(self) -> bool {
        match self {
            Self::Kick | Self::Ban(_) => true,
            Self::Unban | Self::Mute(_) | Self::Unmute => false,
        }
    }
}
