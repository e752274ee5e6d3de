//! Who may do what: one pure table for REST, socket and every later dialect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::error_code::ErrorCode;
use crate::id::AclVersion;

/// What a member is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Made the room.
    Owner,
    /// Keeps order in it.
    Moderator,
    /// Reads and sends messages.
    Member,
}

/// Who may find and join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed; everybody may join.
    Public,
    /// Known to its members only.
    Private,
}

/// How an append relates to the room's ACL version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Sent under a snapshot; refused when the room has moved on.
    At(AclVersion),
    /// Takes rights away: the room's version becomes at least this, so that older snapshots no longer count.
    Raise(AclVersion),
    /// Neither needs nor takes away any right, such as somebody joining.
    Keep,
    /// Like [`Rights::At`], of somebody who keeps order: neither a frozen room nor slow mode is in the way.
    Moderator(AclVersion),
}

/// How long a sanction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Until somebody takes it back.
    Revoked,
    /// Until this time.
    Time(UnixMillis),
}

impl Until {
    /// From an event or a request: none means for good.
    pub const fn new(until: Option<UnixMillis>) -> Self {
        match until {
            Some(time) => Self::Time(time),
            None => Self::Revoked,
        }
    }

    /// When it ends by itself.
    pub const fn time(self) -> Option<UnixMillis> {
        match self {
            Self::Time(time) => Some(time),
            Self::Revoked => None,
        }
    }

    /// Whether it holds now.
    pub fn holds(self, now: UnixMillis) -> bool {
        self.time().is_none_or(|time| now < time)
    }

    /// Milliseconds until it ends by itself.
    pub fn rest_ms(self, now: UnixMillis) -> Option<u64> {
        let rest = self.time()?.since(now);
        Some(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What somebody wants to do with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See that it exists and what it is called.
    See,
    /// Become a member.
    Join,
    /// Read events, past and live.
    Read,
    /// Send a message.
    Send,
    /// Stop being a member.
    Leave,
    /// Kick, ban or mute somebody; [`outranks`] says whom.
    Moderate,
    /// See who the members are, and not only how many.
    SeeMembers,
}

/// The state of one user in one room, as far as rights depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessContext {
    /// Of the room.
    pub visibility: Visibility,
    /// Of the user; none for outsiders.
    pub role: Option<RoomRole>,
    /// Until when the user may not say anything.
    pub muted: Option<Until>,
    /// Until when the user is shut out.
    pub banned: Option<Until>,
}

/// Decides whether an action is allowed.
///
/// # Errors
/// The code to answer with: an outsider of a private room is told what anybody is told of a room that does not
/// exist, also if it was shut out.
pub fn decide(access: AccessContext, action: Action, now: UnixMillis) -> Result<(), ErrorCode> {
    let holds = |until: Option<Until>| until.is_some_and(|until| until.holds(now));
    let banned = holds(access.banned);
    match (access.role.filter(|_| !banned), access.visibility, action) {
        (Some(_), _, Action::Send) if holds(access.muted) => Err(ErrorCode::Muted),
        (Some(RoomRole::Member), _, Action::Moderate) => Err(ErrorCode::Forbidden),
        (None, Visibility::Private, _) => Err(ErrorCode::UnknownRoom),
        // A banned user does not learn that there is anybody.
        (None, Visibility::Public, Action::SeeMembers) if banned => Err(ErrorCode::UnknownRoom),
        (None, Visibility::Public, Action::Join | Action::Read | Action::Send | Action::Moderate) if banned => {
            Err(ErrorCode::Banned)
        }
        (Some(_), _, _) | (None, Visibility::Public, Action::See | Action::Join) => Ok(()),
        (
            None,
            Visibility::Public,
            Action::Read | Action::Send | Action::Leave | Action::Moderate | Action::SeeMembers,
        ) => Err(ErrorCode::NotAMember),
    }
}

/// Decides whether a member may leave a room of so many members: an owner hands it over first, unless nobody is there to
/// take it.
///
/// # Errors
/// The code to answer with.
pub const fn decide_on_leaving(role: RoomRole, members: usize) -> Result<(), ErrorCode> {
    match role {
        RoomRole::Owner if members > 1 => Err(ErrorCode::OwnerMustTransfer),
        RoomRole::Owner | RoomRole::Moderator | RoomRole::Member => Ok(()),
    }
}

/// Decides about handing a room over: for its owner, and for admins of the server.
///
/// # Errors
/// The code to answer with.
pub fn decide_on_transfer(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    if context.is_admin {
        return Ok(());
    }
    decide(context.access, Action::Moderate, now)?;
    if context.access.role == Some(RoomRole::Owner) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden)
    }
}

/// Whether one may kick, ban or mute the other: owners everybody but owners, moderators members and outsiders.
/// Nobody is above an equal, so nobody is above oneself.
pub const fn outranks(actor: RoomRole, target: Option<RoomRole>) -> bool {
    match (actor, target) {
        (RoomRole::Owner, Some(RoomRole::Moderator | RoomRole::Member) | None)
        | (RoomRole::Moderator, Some(RoomRole::Member) | None) => true,
        (RoomRole::Owner, Some(RoomRole::Owner))
        | (RoomRole::Moderator, Some(RoomRole::Owner | RoomRole::Moderator))
        | (RoomRole::Member, _) => false,
    }
}

/// Whether the role moderates: a frozen room and slow mode do not restrict it.
pub const fn is_moderator(role: RoomRole) -> bool {
    match role {
        RoomRole::Owner | RoomRole::Moderator => true,
        RoomRole::Member => false,
    }
}

/// Who wants to change the settings of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingsContext {
    /// Access of the user to the room.
    pub access: AccessContext,
    /// Whether the user is an admin of the server, who may in every room.
    pub is_admin: bool,
}

/// Decides about the settings of a room.
///
/// # Errors
/// The code to answer with, as for [`Action::Moderate`].
pub fn decide_on_settings(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    if context.is_admin {
        Ok(())
    } else {
        decide(context.access, Action::Moderate, now)
    }
}

/// Changes of a message that need a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageAction {
    /// Change its text.
    Edit,
    /// Delete it.
    Delete,
    /// Add or remove a reaction.
    React,
}

/// What a decision about a message depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageContext {
    /// The user's role in the message's room; none for outsiders.
    pub role: Option<RoomRole>,
    /// Whether the user is its author.
    pub own: bool,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// Decides about a message of a room that the user may send to.
///
/// # Errors
/// Always [`ErrorCode::UnknownMessage`]: what may not be done is answered like what does not exist.
pub const fn decide_on_message(context: MessageContext, action: MessageAction) -> Result<(), ErrorCode> {
    let MessageContext { role, own, deleted } = context;
    let allowed = match (role, action) {
        (Some(_), MessageAction::React) | (Some(RoomRole::Owner | RoomRole::Moderator), MessageAction::Delete) => true,
        (Some(_), MessageAction::Edit) | (Some(RoomRole::Member), MessageAction::Delete) => own,
        (None, MessageAction::Edit | MessageAction::Delete | MessageAction::React) => false,
    };
    if allowed && !deleted { Ok(()) } else { Err(ErrorCode::UnknownMessage) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);
    const EARLIER: Option<Until> = Some(Until::Time(NOW));
    const LATER: Option<Until> = Some(Until::Time(UnixMillis(1_001)));
    const ALL: [Action; 7] = [
        Action::See,
        Action::Join,
        Action::Read,
        Action::Send,
        Action::Leave,
        Action::Moderate,
        Action::SeeMembers,
    ];

    fn outsider(visibility: Visibility) -> AccessContext {
        AccessContext { visibility, role: None, muted: None, banned: None }
    }

    fn member(role: RoomRole) -> AccessContext {
        AccessContext { role: Some(role), ..outsider(Visibility::Public) }
    }

    #[test]
    fn messages_are_edited_by_their_authors_and_deleted_also_by_those_who_keep_order() {
        let may = |role, own, action| decide_on_message(MessageContext { role, own, deleted: false }, action).is_ok();
        for role in [RoomRole::Owner, RoomRole::Moderator, RoomRole::Member] {
            for action in [MessageAction::Edit, MessageAction::Delete, MessageAction::React] {
                assert!(may(Some(role), true, action));
                let gone = MessageContext { role: Some(role), own: true, deleted: true };
                assert_eq!(decide_on_message(gone, action), Err(ErrorCode::UnknownMessage));
                assert!(!may(None, true, action), "an outsider");
            }
            assert!(!may(Some(role), false, MessageAction::Edit));
            assert!(may(Some(role), false, MessageAction::React));
            assert_eq!(may(Some(role), false, MessageAction::Delete), role != RoomRole::Member);
        }
    }

    #[test]
    fn outsiders_learn_nothing_of_private_rooms() {
        for action in ALL {
            for banned in [None, EARLIER, LATER, Some(Until::Revoked)] {
                let access = AccessContext { banned, ..outsider(Visibility::Private) };
                assert_eq!(decide(access, action, NOW), Err(ErrorCode::UnknownRoom));
            }
        }
    }

    #[test]
    fn outsiders_of_public_rooms_may_see_and_join_only() {
        let access = outsider(Visibility::Public);
        assert_eq!(decide(access, Action::See, NOW), Ok(()));
        assert_eq!(decide(access, Action::Join, NOW), Ok(()));
        for action in [Action::Read, Action::Send, Action::Leave, Action::Moderate] {
            assert_eq!(decide(access, action, NOW), Err(ErrorCode::NotAMember));
        }
    }

    #[test]
    fn a_ban_shuts_out_until_it_ends() {
        for action in [Action::Join, Action::Read, Action::Send, Action::Moderate] {
            for role in [None, Some(RoomRole::Owner)] {
                for banned in [LATER, Some(Until::Revoked)] {
                    let access = AccessContext { role, banned, ..outsider(Visibility::Public) };
                    assert_eq!(decide(access, action, NOW), Err(ErrorCode::Banned));
                }
            }
        }
        let over = AccessContext { banned: EARLIER, ..outsider(Visibility::Public) };
        assert_eq!(decide(over, Action::Join, NOW), Ok(()));
    }

    #[test]
    fn b16_members_are_for_members() {
        let see = |access| decide(access, Action::SeeMembers, NOW);
        assert_eq!(see(member(RoomRole::Member)), Ok(()));
        assert_eq!(see(outsider(Visibility::Public)), Err(ErrorCode::NotAMember));
        for role in [None, Some(RoomRole::Member)] {
            let banned = AccessContext { role, banned: LATER, ..outsider(Visibility::Public) };
            assert_eq!(see(banned), Err(ErrorCode::UnknownRoom));
        }
    }

    #[test]
    fn d13_an_owner_hands_the_room_over_first() {
        for role in [RoomRole::Owner, RoomRole::Moderator, RoomRole::Member] {
            assert_eq!(decide_on_leaving(role, 1), Ok(()), "the last one may");
            assert_eq!(decide_on_leaving(role, 2).is_ok(), role != RoomRole::Owner);
            let context = SettingsContext { access: member(role), is_admin: false };
            assert_eq!(decide_on_transfer(context, NOW).is_ok(), role == RoomRole::Owner);
        }
        let admin = SettingsContext { access: outsider(Visibility::Private), is_admin: true };
        assert_eq!(decide_on_transfer(admin, NOW), Ok(()));
        let stranger = SettingsContext { is_admin: false, ..admin };
        assert_eq!(decide_on_transfer(stranger, NOW), Err(ErrorCode::UnknownRoom));
    }

    #[test]
    fn a_mute_takes_the_word_and_nothing_else() {
        for muted in [LATER, Some(Until::Revoked)] {
            let access = AccessContext { muted, ..member(RoomRole::Member) };
            assert_eq!(decide(access, Action::Send, NOW), Err(ErrorCode::Muted));
            assert_eq!(decide(access, Action::Read, NOW), Ok(()));
        }
        assert_eq!(decide(AccessContext { muted: EARLIER, ..member(RoomRole::Member) }, Action::Send, NOW), Ok(()));
    }

    #[test]
    fn settings_are_for_those_who_keep_order() {
        for role in [RoomRole::Owner, RoomRole::Moderator, RoomRole::Member] {
            let context = SettingsContext { access: member(role), is_admin: false };
            let allowed = decide_on_settings(context, NOW).is_ok();
            assert_eq!((allowed, is_moderator(role)), (role != RoomRole::Member, role != RoomRole::Member));
        }
        let visitor = |visibility, is_admin| SettingsContext { access: outsider(visibility), is_admin };
        for visibility in [Visibility::Public, Visibility::Private] {
            assert_eq!(decide_on_settings(visitor(visibility, true), NOW), Ok(()));
        }
        assert_eq!(decide_on_settings(visitor(Visibility::Public, false), NOW), Err(ErrorCode::NotAMember));
        assert_eq!(decide_on_settings(visitor(Visibility::Private, false), NOW), Err(ErrorCode::UnknownRoom));
    }

    #[test]
    fn z09_nobody_acts_on_equals_or_betters() {
        use RoomRole::{Member, Moderator, Owner};
        assert_eq!(decide(member(Member), Action::Moderate, NOW), Err(ErrorCode::Forbidden));
        for (actor, target, allowed) in [
            (Owner, Some(Owner), false),
            (Owner, Some(Moderator), true),
            (Owner, Some(Member), true),
            (Owner, None, true),
            (Moderator, Some(Owner), false),
            (Moderator, Some(Moderator), false),
            (Moderator, Some(Member), true),
            (Moderator, None, true),
            (Member, Some(Member), false),
            (Member, None, false),
        ] {
            assert_eq!(outranks(actor, target), allowed, "{actor:?} {target:?}");
        }
    }
}
