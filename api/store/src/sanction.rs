//! What was decided against a user in a room, beside membership.

use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::text;
use serde::Deserialize;

/// What holds, or held, against one user in one room. It stays when the user leaves and comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sanction {
    /// Until when the user may not say anything.
    pub muted: Option<Until>,
    /// Until when the user is shut out.
    pub banned: Option<Until>,
}

/// Why something was decided: 1 to 500 characters that can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let reason = text::lines(&text, 500).filter(|reason| !text::is_blank(reason));
        reason.map(Self).ok_or("must have 1 to 500 characters that can be seen")
    }
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
    /// Ends a ban whose time is over then; one that was prolonged meanwhile stays.
    BanOver(UnixMillis),
    /// The same of a mute.
    MuteOver(UnixMillis),
}

impl SanctionAction {
    /// The sanction after it.
    pub const fn apply(self, sanction: Sanction) -> Sanction {
        match self {
            Self::Ban(until) => Sanction { banned: Some(until), ..sanction },
            Self::Unban => Sanction { banned: None, ..sanction },
            Self::Mute(until) => Sanction { muted: Some(until), ..sanction },
            Self::Unmute => Sanction { muted: None, ..sanction },
            Self::BanOver(now) if is_over(sanction.banned, now) => Sanction { banned: None, ..sanction },
            Self::MuteOver(now) if is_over(sanction.muted, now) => Sanction { muted: None, ..sanction },
            Self::Kick | Self::BanOver(_) | Self::MuteOver(_) => sanction,
        }
    }

    /// Whether it ends the membership.
    pub const fn expels(self) -> bool {
        match self {
            Self::Kick | Self::Ban(_) => true,
            Self::Unban | Self::Mute(_) | Self::Unmute | Self::BanOver(_) | Self::MuteOver(_) => false,
        }
    }
}

/// Whether it held until a time that has come.
pub const fn is_over(until: Option<Until>, now: UnixMillis) -> bool {
    match until {
        Some(Until::Time(end)) => end.0 <= now.0,
        Some(Until::Revoked) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_ends_and_what_was_prolonged_stays() {
        let now = UnixMillis(10);
        for (until, wanted) in
            [(Until::Time(now), None), (Until::Time(UnixMillis(11)), Some(())), (Until::Revoked, Some(()))]
        {
            let both = Sanction { muted: Some(until), banned: Some(until) };
            let muted = SanctionAction::MuteOver(now).apply(both);
            assert_eq!((muted.muted.map(drop), muted.banned), (wanted, Some(until)));
            let banned = SanctionAction::BanOver(now).apply(both);
            assert_eq!((banned.banned.map(drop), banned.muted), (wanted, Some(until)));
        }
    }
}
