//! Who may do what: one pure table for REST, socket and every later dialect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::error_code::ErrorCode;
use crate::event::RoomSettings;
use crate::id::AclVersion;
pub use crate::room::{JoinRule, Posting, RoomKind, Visibility};

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
    pub kind: RoomKind,
    /// Of the room.
    pub visibility: Visibility,
    /// Of the user; none for outsiders.
    pub role: Option<RoomRole>,
    /// Until when the user may not say anything.
    pub muted: Option<Until>,
    /// Until when the user is shut out.
    pub banned: Option<Until>,
    /// Whether one of the two of a direct room has blocked the other.
    pub blocked: bool,
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
        // Both are in it, for ever.
        (Some(_), _, Action::Leave | Action::Moderate) if access.kind == RoomKind::Direct => Err(ErrorCode::DirectRoom),
        (Some(_), _, Action::Send) if access.blocked => Err(ErrorCode::Blocked),
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

/// Decides about handing a room over, about deleting it and about its moderators: for its owner, and for admins of the server.
///
/// # Errors
/// The code to answer with.
pub fn decide_on_transfer(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    if context.server == ServerRank::Admin {
        return decide_for_staff(context.access);
    }
    decide(context.access, Action::Moderate, now)?;
    if context.access.role == Some(RoomRole::Owner) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden)
    }
}

/// How high somebody stands in a room: by the role there and by that on the server, whichever is higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// No member.
    Outsider,
    /// A member.
    Member,
    /// Keeps order, in this room or in all.
    Moderator,
    /// Owns the room.
    Owner,
    /// Runs the server.
    Admin,
}

impl Rank {
    /// Of somebody with these roles.
    pub fn new(role: Option<RoomRole>, server: ServerRank) -> Self {
        let here = match role {
            None => Self::Outsider,
            Some(RoomRole::Member) => Self::Member,
            Some(RoomRole::Moderator) => Self::Moderator,
            Some(RoomRole::Owner) => Self::Owner,
        };
        here.max(match server {
            ServerRank::User => Self::Outsider,
            ServerRank::Moderator => Self::Moderator,
            ServerRank::Admin => Self::Admin,
        })
    }

    /// Whether the room is in the user's hands: who hands it over, deletes it and names moderators.
    pub fn owns(self) -> bool {
        self >= Self::Owner
    }
}

/// Whether one may kick, ban or mute the other: moderators and above those below them. Nobody is above an equal, so nobody
/// is above oneself.
pub fn outranks(actor: Rank, target: Rank) -> bool {
    actor >= Rank::Moderator && actor > target
}

/// Whether somebody of that rank may invite others to a room, and the invites of that one hold: who keeps order there, and
/// members where they may.
pub fn may_invite(rank: Rank, members_may: bool) -> bool {
    rank >= Rank::Moderator || (members_may && rank == Rank::Member)
}

/// Decides about keeping order in a room: for its owner and moderators, and for those of the server.
///
/// # Errors
/// The code to answer with, as for [`Action::Moderate`].
pub fn decide_on_moderation(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    decide_on_settings(context, SettingsScope::Talk, now)
}

/// Decides about letting somebody into a room without being asked for it by its join rule: for those who keep order in it. Those
/// of the server do that without reading what is said, so whom a private room has is up to its members.
///
/// # Errors
/// The code to answer with, as for [`decide_on_moderation`].
pub fn decide_on_admission(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    decide_on_moderation(context, now)?;
    match (context.access.visibility, context.access.role) {
        (Visibility::Private, None) => Err(ErrorCode::NotAMember),
        (Visibility::Private, Some(_)) | (Visibility::Public, _) => Ok(()),
    }
}

/// Decides about keeping order among the messages of a room: for its owner and moderators, and for those of the server where anybody
/// may read, or where they are members.
///
/// # Errors
/// The code to answer with.
pub fn decide_on_messages(context: SettingsContext, now: UnixMillis) -> Result<(), ErrorCode> {
    let SettingsContext { access, server } = context;
    if server == ServerRank::User {
        return decide(access, Action::Moderate, now);
    }
    match decide(access, Action::Read, now) {
        Ok(()) | Err(ErrorCode::NotAMember) => decide_for_staff(access),
        refused => refused,
    }
}

/// Decides about another role of a member with this one: an owner is made by handing the room over.
///
/// # Errors
/// The code to answer with.
pub fn decide_on_role(actor: Rank, target: RoomRole) -> Result<(), ErrorCode> {
    match target {
        RoomRole::Moderator | RoomRole::Member if actor.owns() => Ok(()),
        RoomRole::Owner | RoomRole::Moderator | RoomRole::Member => Err(ErrorCode::Forbidden),
    }
}

/// Whether the role moderates: a frozen room and slow mode do not restrict it.
pub const fn is_moderator(role: RoomRole) -> bool {
    match role {
        RoomRole::Owner | RoomRole::Moderator => true,
        RoomRole::Member => false,
    }
}

/// What somebody says in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speech {
    /// A message, or another text of one.
    Text,
    /// A reaction.
    Reaction,
}

/// Decides whether something may be said in a room with these settings. `append.lua` says the same, in the same order.
///
/// # Errors
/// The code to answer with.
pub const fn decide_on_speech(settings: RoomSettings, speech: Speech, is_moderator: bool) -> Result<(), ErrorCode> {
    let RoomSettings { frozen, posting, archived, .. } = settings;
    match (posting, speech) {
        _ if archived => Err(ErrorCode::Archived),
        _ if is_moderator => Ok(()),
        _ if frozen => Err(ErrorCode::Frozen),
        (Posting::Moderators, Speech::Text) => Err(ErrorCode::PostingRestricted),
        (Posting::Moderators, Speech::Reaction) | (Posting::Members, Speech::Text | Speech::Reaction) => Ok(()),
    }
}

/// What somebody is on the whole server. It counts in every room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerRank {
    /// Nothing but a user.
    #[default]
    User,
    /// Moderates every room.
    Moderator,
    /// Runs the server.
    Admin,
}

/// Who wants to change the settings of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingsContext {
    /// Access of the user to the room.
    pub access: AccessContext,
    /// What the user is on the server.
    pub server: ServerRank,
}

/// Which settings of a room somebody wants to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingsScope {
    /// What keeping order takes: topic, slow mode, frozen or not.
    Talk,
    /// Any.
    All,
}

/// Decides about the settings of a room: its moderators and those of the server keep order, its owner and admins of the
/// server may do all.
///
/// # Errors
/// The code to answer with, as for [`Action::Moderate`].
pub fn decide_on_settings(context: SettingsContext, scope: SettingsScope, now: UnixMillis) -> Result<(), ErrorCode> {
    let SettingsContext { access, server } = context;
    match (server, scope) {
        (ServerRank::Admin, _) | (ServerRank::Moderator, SettingsScope::Talk) => return decide_for_staff(access),
        (ServerRank::User, _) | (ServerRank::Moderator, SettingsScope::All) => decide(access, Action::Moderate, now)?,
    }
    match (access.role, scope) {
        (Some(RoomRole::Owner), _) | (_, SettingsScope::Talk) => Ok(()),
        (Some(RoomRole::Moderator | RoomRole::Member) | None, SettingsScope::All) => Err(ErrorCode::Forbidden),
    }
}

/// What two people have between them is not run by anybody.
const fn decide_for_staff(access: AccessContext) -> Result<(), ErrorCode> {
    match access.kind {
        RoomKind::Direct => Err(ErrorCode::DirectRoom),
        RoomKind::Room | RoomKind::Group => Ok(()),
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
        AccessContext { kind: RoomKind::Room, visibility, role: None, muted: None, banned: None, blocked: false }
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
    fn those_of_the_server_keep_order_among_messages_where_they_may_read() {
        let may = |access, server| decide_on_messages(SettingsContext { access, server }, NOW);
        for server in [ServerRank::Moderator, ServerRank::Admin] {
            assert_eq!(may(member(RoomRole::Member), server), Ok(()));
            assert_eq!(may(outsider(Visibility::Public), server), Ok(()));
            assert_eq!(may(outsider(Visibility::Private), server), Err(ErrorCode::UnknownRoom));
            let banned = AccessContext { banned: LATER, ..outsider(Visibility::Public) };
            assert_eq!(may(banned, server), Err(ErrorCode::Banned));
            let direct = AccessContext { kind: RoomKind::Direct, ..member(RoomRole::Member) };
            assert_eq!(may(direct, server), Err(ErrorCode::DirectRoom));
        }
        for (role, expected) in [
            (RoomRole::Owner, Ok(())),
            (RoomRole::Moderator, Ok(())),
            (RoomRole::Member, Err(ErrorCode::Forbidden)),
        ] {
            assert_eq!(may(member(role), ServerRank::User), expected);
        }
        assert_eq!(may(outsider(Visibility::Public), ServerRank::User), Err(ErrorCode::NotAMember));
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
            let context = SettingsContext { access: member(role), server: ServerRank::User };
            assert_eq!(decide_on_transfer(context, NOW).is_ok(), role == RoomRole::Owner);
        }
        let admin = SettingsContext { access: outsider(Visibility::Private), server: ServerRank::Admin };
        assert_eq!(decide_on_transfer(admin, NOW), Ok(()));
        let stranger = SettingsContext { server: ServerRank::User, ..admin };
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
    fn a_direct_room_is_run_by_nobody_and_left_by_nobody() {
        let two =
            AccessContext { kind: RoomKind::Direct, role: Some(RoomRole::Member), ..outsider(Visibility::Private) };
        for action in [Action::Leave, Action::Moderate] {
            assert_eq!(decide(two, action, NOW), Err(ErrorCode::DirectRoom));
        }
        for action in [Action::See, Action::Read, Action::Send, Action::SeeMembers] {
            assert_eq!(decide(two, action, NOW), Ok(()));
            let blocked = AccessContext { blocked: true, ..two };
            assert_eq!(decide(blocked, action, NOW).is_err(), action == Action::Send);
        }
        assert_eq!(decide(AccessContext { blocked: true, ..two }, Action::Send, NOW), Err(ErrorCode::Blocked));
        for server in [ServerRank::User, ServerRank::Moderator, ServerRank::Admin] {
            let context = SettingsContext { access: two, server };
            assert_eq!(decide_on_settings(context, SettingsScope::Talk, NOW), Err(ErrorCode::DirectRoom));
            assert_eq!(decide_on_transfer(context, NOW), Err(ErrorCode::DirectRoom));
        }
        let stranger = AccessContext { role: None, ..two };
        assert_eq!(decide(stranger, Action::Moderate, NOW), Err(ErrorCode::UnknownRoom));
    }

    #[test]
    fn settings_are_for_those_who_keep_order() {
        use SettingsScope::{All, Talk};
        for role in [RoomRole::Owner, RoomRole::Moderator, RoomRole::Member] {
            let may = |server, scope| {
                decide_on_settings(SettingsContext { access: member(role), server }, scope, NOW).is_ok()
            };
            assert_eq!(may(ServerRank::User, Talk), role != RoomRole::Member);
            assert_eq!(may(ServerRank::User, All), role == RoomRole::Owner);
            assert_eq!(may(ServerRank::Moderator, All), role == RoomRole::Owner);
            assert!(may(ServerRank::Moderator, Talk) && may(ServerRank::Admin, All));
            assert_eq!(is_moderator(role), role != RoomRole::Member);
        }
        let visitor = |visibility, server, scope| {
            decide_on_settings(SettingsContext { access: outsider(visibility), server }, scope, NOW)
        };
        for visibility in [Visibility::Public, Visibility::Private] {
            assert_eq!(visitor(visibility, ServerRank::Admin, All), Ok(()));
            assert_eq!(visitor(visibility, ServerRank::Moderator, Talk), Ok(()));
            assert!(visitor(visibility, ServerRank::Moderator, All).is_err());
        }
        assert_eq!(visitor(Visibility::Public, ServerRank::User, Talk), Err(ErrorCode::NotAMember));
        assert_eq!(visitor(Visibility::Private, ServerRank::User, Talk), Err(ErrorCode::UnknownRoom));
    }

    #[test]
    fn what_may_be_said_depends_on_the_room() {
        let open = RoomSettings::default();
        let archived = RoomSettings { archived: true, frozen: true, ..open };
        let frozen = RoomSettings { frozen: true, posting: Posting::Moderators, ..open };
        let restricted = RoomSettings { posting: Posting::Moderators, ..open };
        for (settings, member_says, moderator_says) in [
            (open, Ok(()), Ok(())),
            (archived, Err(ErrorCode::Archived), Err(ErrorCode::Archived)),
            (frozen, Err(ErrorCode::Frozen), Ok(())),
            (restricted, Err(ErrorCode::PostingRestricted), Ok(())),
        ] {
            assert_eq!(decide_on_speech(settings, Speech::Text, false), member_says);
            assert_eq!(decide_on_speech(settings, Speech::Text, true), moderator_says);
        }
        assert_eq!(decide_on_speech(restricted, Speech::Reaction, false), Ok(()));
    }

    #[test]
    fn z09_nobody_acts_on_equals_or_betters() {
        use Rank::{Admin, Member, Moderator, Outsider, Owner};
        assert_eq!(decide(member(RoomRole::Member), Action::Moderate, NOW), Err(ErrorCode::Forbidden));
        for (actor, below) in [
            (Outsider, vec![]),
            (Member, vec![]),
            (Moderator, vec![Outsider, Member]),
            (Owner, vec![Outsider, Member, Moderator]),
            (Admin, vec![Outsider, Member, Moderator, Owner]),
        ] {
            for target in [Outsider, Member, Moderator, Owner, Admin] {
                assert_eq!(outranks(actor, target), below.contains(&target), "{actor:?} {target:?}");
            }
        }
        let rank = |role, server| Rank::new(role, server);
        assert_eq!(rank(None, ServerRank::Moderator), Moderator, "the server's roles count");
        assert_eq!(rank(Some(RoomRole::Owner), ServerRank::Moderator), Owner);
        assert_eq!(rank(Some(RoomRole::Member), ServerRank::Admin), Admin);
    }

    #[test]
    fn moderators_are_named_by_who_owns_the_room() {
        for actor in [Rank::Outsider, Rank::Member, Rank::Moderator, Rank::Owner, Rank::Admin] {
            for target in [RoomRole::Moderator, RoomRole::Member] {
                assert_eq!(decide_on_role(actor, target).is_ok(), actor.owns(), "{actor:?} {target:?}");
            }
            assert!(decide_on_role(actor, RoomRole::Owner).is_err(), "a room keeps its owner");
        }
    }
}
