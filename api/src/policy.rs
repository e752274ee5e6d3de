//! The one table of who may do what: a row for every operation of REST and every frame of a socket, and what each rule means
//! for every kind of user in every kind of room. `docs/permissions.md` is printed from it, a test fails where an operation
//! or frame has no row, and the black-box suite walks it.
//!
//! The table says what is decided by who asks; what a request says, and what it is about, is decided after that.

use std::fmt::Write as _;

use rookery_protocol::access::{
    AccessContext, Action, RoomKind, RoomRole, SettingsContext, SettingsScope, Until, Visibility, decide,
    decide_on_admission, decide_on_messages, decide_on_moderation, decide_on_settings, decide_on_transfer,
    is_moderator,
};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::user::ServerRole;

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Everybody, without a login.
    Anyone,
    /// Whoever is logged in; it is about the caller's own things, or about what everybody may see.
    User,
    /// Moderators and admins of the server.
    Staff,
    /// Admins of the server.
    Admin,
    /// As the room's rules say of this action.
    Room(Action),
    /// Who may see how many are in a room; its members also see who.
    RoomMembers,
    /// Who may change a room's settings.
    RoomSettings,
    /// Who may hand a room over, delete it and name its moderators.
    RoomTransfer,
    /// Who may keep order in a room.
    RoomModeration,
    /// Who may let others into a room.
    RoomAdmission,
    /// Who keeps order among a room's messages.
    RoomMessages,
    /// Who may write in a room, and who keeps order among its messages.
    RoomDeletion,
    /// Who keeps order anywhere: staff, and owners and moderators of rooms.
    Keepers,
}

/// An operation or a frame, and who may.
pub struct Row {
    /// `METHOD path` of an operation, `type` of a frame.
    pub what: &'static str,
    /// Who may.
    pub rule: Rule,
}

const fn row(what: &'static str, rule: Rule) -> Row {
    Row { what, rule }
}

/// Every operation of REST.
pub const OPERATIONS: &[Row] = &[
    row("GET /.well-known/jwks.json", Rule::Anyone),
    row("GET /api/v1/server", Rule::Anyone),
    row("POST /api/v1/auth/register", Rule::Anyone),
    row("POST /api/v1/auth/verify", Rule::Anyone),
    row("POST /api/v1/auth/verify/resend", Rule::Anyone),
    row("POST /api/v1/auth/login", Rule::Anyone),
    row("POST /api/v1/auth/refresh", Rule::Anyone),
    row("POST /api/v1/auth/logout", Rule::Anyone),
    row("POST /api/v1/auth/password/forgot", Rule::Anyone),
    row("POST /api/v1/auth/password/reset", Rule::Anyone),
    row("POST /api/v1/users/me/email/confirm", Rule::Anyone),
    row("POST /api/v1/auth/logout-all", Rule::User),
    row("POST /api/v1/auth/ticket", Rule::User),
    row("GET /api/v1/users", Rule::User),
    row("GET /api/v1/users/presence", Rule::User),
    row("GET /api/v1/users/{user}", Rule::User),
    row("GET /api/v1/users/me", Rule::User),
    row("PATCH /api/v1/users/me", Rule::User),
    row("PUT /api/v1/users/me/avatar", Rule::User),
    row("DELETE /api/v1/users/me/avatar", Rule::User),
    row("GET /api/v1/users/{user}/avatar", Rule::User),
    row("GET /api/v1/avatars/{avatar}/{size}", Rule::Anyone),
    row("PUT /api/v1/users/me/email", Rule::User),
    row("PUT /api/v1/users/me/password", Rule::User),
    row("PUT /api/v1/users/me/username", Rule::User),
    row("PUT /api/v1/users/me/presence", Rule::User),
    row("GET /api/v1/users/me/rooms", Rule::User),
    row("GET /api/v1/users/me/unread", Rule::User),
    row("GET /api/v1/notifications", Rule::User),
    row("POST /api/v1/notifications/read", Rule::User),
    row("PUT /api/v1/push/subscriptions", Rule::User),
    row("DELETE /api/v1/push/subscriptions", Rule::User),
    row("PATCH /api/v1/users/me/rooms/{room}", Rule::Room(Action::Read)),
    row("GET /api/v1/users/me/sessions", Rule::User),
    row("DELETE /api/v1/users/me/sessions/{session}", Rule::User),
    row("GET /api/v1/users/me/settings", Rule::User),
    row("PATCH /api/v1/users/me/settings", Rule::User),
    row("GET /api/v1/users/me/blocks", Rule::User),
    row("PUT /api/v1/users/me/blocks/{user}", Rule::User),
    row("DELETE /api/v1/users/me/blocks/{user}", Rule::User),
    row("GET /api/v1/users/me/mentions", Rule::User),
    row("GET /api/v1/users/me/saved", Rule::User),
    row("PUT /api/v1/users/me/saved/{message}", Rule::User),
    row("DELETE /api/v1/users/me/saved/{message}", Rule::User),
    row("POST /api/v1/users/me/totp", Rule::User),
    row("POST /api/v1/users/me/totp/confirm", Rule::User),
    row("POST /api/v1/users/me/totp/disable", Rule::User),
    row("POST /api/v1/users/me/totp/recovery-codes", Rule::User),
    row("POST /api/v1/users/me/delete", Rule::User),
    row("POST /api/v1/users/me/export", Rule::User),
    row("GET /api/v1/users/me/export", Rule::User),
    row("GET /api/v1/exports/{export}", Rule::User),
    row("GET /api/v1/rooms", Rule::User),
    row("POST /api/v1/rooms", Rule::User),
    row("GET /api/v1/rooms/mine", Rule::User),
    row("PUT /api/v1/rooms/{room}/members/{user}", Rule::RoomAdmission),
    // Members where the room says so, too.
    row("POST /api/v1/rooms/{room}/invites", Rule::RoomAdmission),
    row("GET /api/v1/rooms/{room}/invites", Rule::RoomAdmission),
    row("DELETE /api/v1/rooms/{room}/invites/{invite}", Rule::RoomAdmission),
    row("GET /api/v1/invites/{code}", Rule::User),
    row("POST /api/v1/invites/{code}/accept", Rule::User),
    row("GET /api/v1/rooms/{room}/join-requests", Rule::RoomModeration),
    row("POST /api/v1/rooms/{room}/join-requests/{user}/approve", Rule::RoomAdmission),
    row("POST /api/v1/rooms/{room}/join-requests/{user}/deny", Rule::RoomModeration),
    row("GET /api/v1/users/me/join-requests", Rule::User),
    row("DELETE /api/v1/users/me/join-requests/{room}", Rule::User),
    row("POST /api/v1/direct", Rule::User),
    row("PUT /api/v1/direct/{user}", Rule::User),
    row("GET /api/v1/rooms/{room}", Rule::Room(Action::See)),
    row("PATCH /api/v1/rooms/{room}", Rule::RoomSettings),
    row("DELETE /api/v1/rooms/{room}", Rule::RoomTransfer),
    row("POST /api/v1/rooms/{room}/transfer", Rule::RoomTransfer),
    row("POST /api/v1/rooms/{room}/join", Rule::Room(Action::Join)),
    row("POST /api/v1/rooms/{room}/leave", Rule::Room(Action::See)),
    row("GET /api/v1/rooms/{room}/members", Rule::RoomMembers),
    row("PUT /api/v1/rooms/{room}/members/{user}/role", Rule::RoomTransfer),
    row("GET /api/v1/rooms/{room}/sanctions", Rule::RoomModeration),
    row("GET /api/v1/rooms/{room}/presence", Rule::Room(Action::Read)),
    row("GET /api/v1/rooms/{room}/messages", Rule::Room(Action::Read)),
    row("POST /api/v1/rooms/{room}/messages", Rule::Room(Action::Send)),
    row("PUT /api/v1/rooms/{room}/messages/{message}", Rule::Room(Action::Send)),
    row("DELETE /api/v1/rooms/{room}/messages/{message}", Rule::RoomDeletion),
    row("GET /api/v1/messages/{message}", Rule::User),
    row("GET /api/v1/rooms/{room}/messages/{message}", Rule::Room(Action::Read)),
    row("GET /api/v1/rooms/{room}/messages/{message}/thread", Rule::Room(Action::Read)),
    row("PUT /api/v1/rooms/{room}/messages/{message}/pin", Rule::RoomMessages),
    row("DELETE /api/v1/rooms/{room}/messages/{message}/pin", Rule::RoomMessages),
    row("GET /api/v1/rooms/{room}/pins", Rule::Room(Action::Read)),
    row("GET /api/v1/rooms/{room}/messages/{message}/edits", Rule::Room(Action::Read)),
    row("PUT /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Rule::Room(Action::Send)),
    row("DELETE /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Rule::Room(Action::Send)),
    row("GET /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Rule::Room(Action::Read)),
    row("POST /api/v1/rooms/{room}/scheduled", Rule::Room(Action::Send)),
    row("GET /api/v1/rooms/{room}/scheduled", Rule::Room(Action::See)),
    row("PATCH /api/v1/rooms/{room}/scheduled/{schedule}", Rule::Room(Action::Send)),
    row("DELETE /api/v1/rooms/{room}/scheduled/{schedule}", Rule::Room(Action::See)),
    row("GET /api/v1/search/messages", Rule::User),
    row("PUT /api/v1/rooms/{room}/avatar", Rule::RoomTransfer),
    row("DELETE /api/v1/rooms/{room}/avatar", Rule::RoomTransfer),
    // Of public rooms anybody, of private ones whoever has an address that is signed.
    row("GET /api/v1/rooms/{room}/avatar/{avatar}/{size}", Rule::Anyone),
    row("POST /api/v1/files", Rule::User),
    row("POST /api/v1/files/links", Rule::User),
    // Its uploader, and who reads in the room of its message.
    row("GET /api/v1/files/{file}", Rule::User),
    row("GET /api/v1/files/{file}/thumbnail", Rule::User),
    row("DELETE /api/v1/files/{file}", Rule::User),
    // Whoever has a link that holds.
    row("GET /api/v1/linked-files/{file}", Rule::Anyone),
    row("GET /api/v1/linked-files/{file}/thumbnail", Rule::Anyone),
    row("GET /api/v1/rooms/{room}/read", Rule::Room(Action::Read)),
    row("PUT /api/v1/rooms/{room}/read", Rule::Room(Action::Read)),
    row("GET /api/v1/rooms/{room}/reads", Rule::Room(Action::Read)),
    row("POST /api/v1/rooms/{room}/members/{user}/kick", Rule::RoomModeration),
    row("PUT /api/v1/rooms/{room}/members/{user}/ban", Rule::RoomModeration),
    row("DELETE /api/v1/rooms/{room}/members/{user}/ban", Rule::RoomModeration),
    row("PUT /api/v1/rooms/{room}/members/{user}/mute", Rule::RoomModeration),
    row("DELETE /api/v1/rooms/{room}/members/{user}/mute", Rule::RoomModeration),
    row("GET /api/v1/moderation/audit", Rule::Staff),
    row("POST /api/v1/rooms/{room}/messages/{message}/report", Rule::Room(Action::Read)),
    row("GET /api/v1/moderation/reports", Rule::Keepers),
    row("POST /api/v1/rooms/{room}/members/{user}/purge", Rule::RoomModeration),
    row("GET /api/v1/admin/rooms", Rule::Admin),
    row("POST /api/v1/admin/rooms/{room}/export", Rule::Admin),
    row("GET /api/v1/admin/lookup/message/{message}", Rule::Admin),
    row("GET /api/v1/admin/stats", Rule::Admin),
    row("POST /api/v1/moderation/reports/{report}/claim", Rule::Keepers),
    row("POST /api/v1/moderation/reports/{report}/resolve", Rule::Keepers),
    row("GET /api/v1/admin/users", Rule::Admin),
    row("PATCH /api/v1/admin/users/{user}", Rule::Admin),
    row("POST /api/v1/admin/users/{user}/logout", Rule::Admin),
    row("DELETE /api/v1/admin/users/{user}", Rule::Admin),
    row("POST /api/v1/admin/users/{user}/export", Rule::Admin),
    row("GET /api/v1/admin/settings", Rule::Admin),
    row("GET /api/v1/admin/filter", Rule::Admin),
    row("PUT /api/v1/admin/filter", Rule::Admin),
    row("GET /api/v1/rooms/{room}/filter", Rule::RoomSettings),
    row("GET /api/v1/rooms/{room}/audit", Rule::RoomSettings),
    row("PUT /api/v1/rooms/{room}/filter", Rule::RoomSettings),
    row("PATCH /api/v1/admin/settings", Rule::Admin),
    row("GET /api/v1/admin/invites", Rule::Admin),
    row("POST /api/v1/admin/invites", Rule::Admin),
    row("DELETE /api/v1/admin/invites/{invite}", Rule::Admin),
    row("GET /api/v1/admin/announcements", Rule::Admin),
    row("POST /api/v1/admin/announcements", Rule::Admin),
    row("DELETE /api/v1/admin/announcements/{announcement}", Rule::Admin),
    row("GET /api/v1/admin/jobs", Rule::Admin),
    row("GET /api/v1/admin/nodes", Rule::Admin),
    row("GET /api/v1/admin/search", Rule::Admin),
    row("POST /api/v1/admin/jobs/{job}/retry", Rule::Admin),
];

/// Every frame that a client may send.
pub const FRAMES: &[Row] = &[
    row("auth", Rule::Anyone),
    row("ping", Rule::Anyone),
    row("subscribe", Rule::Room(Action::Read)),
    row("unsubscribe", Rule::User),
    row("message", Rule::Room(Action::Send)),
    row("edit", Rule::Room(Action::Send)),
    row("delete", Rule::Room(Action::Send)),
    row("react", Rule::Room(Action::Send)),
    row("typing", Rule::Room(Action::Send)),
    row("read", Rule::Room(Action::Read)),
    row("heads", Rule::Room(Action::Read)),
    row("presence", Rule::User),
    row("watch", Rule::User),
    row("background", Rule::User),
];

/// A user in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of the user on the whole server.
    pub server: ServerRole,
    /// Of the user in the room; none for outsiders.
    pub room: Option<RoomRole>,
    /// Whether the user may not say anything in it.
    pub muted: bool,
    /// Whether the user is shut out of it.
    pub banned: bool,
    /// Of the room.
    pub visibility: Visibility,
}

/// Server roles, in the order of the page.
pub const SERVER_ROLES: [ServerRole; 3] = [ServerRole::User, ServerRole::Moderator, ServerRole::Admin];

/// What a user can be in a room: its name, role, muted, banned.
pub const MEMBERSHIPS: [(&str, Option<RoomRole>, bool, bool); 6] = [
    ("outsider", None, false, false),
    ("banned", None, false, true),
    ("muted member", Some(RoomRole::Member), true, false),
    ("member", Some(RoomRole::Member), false, false),
    ("moderator", Some(RoomRole::Moderator), false, false),
    ("owner", Some(RoomRole::Owner), false, false),
];

impl Rule {
    /// What somebody who is logged in is answered.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn answer(self, of: Standing) -> Result<(), ErrorCode> {
        let holds = |holds: bool| holds.then_some(Until::Revoked);
        let access = AccessContext {
            kind: RoomKind::Room,
            visibility: of.visibility,
            role: of.room,
            muted: holds(of.muted),
            banned: holds(of.banned),
            blocked: false,
        };
        let (now, is_admin, server) = (UnixMillis(0), of.server == ServerRole::Admin, of.server.rank());
        match self {
            Self::Anyone | Self::User => Ok(()),
            Self::Staff if of.server != ServerRole::User => Ok(()),
            Self::Admin if is_admin => Ok(()),
            Self::Keepers if of.server != ServerRole::User || of.room.is_some_and(is_moderator) => Ok(()),
            Self::Staff | Self::Admin | Self::Keepers => Err(ErrorCode::Forbidden),
            Self::Room(action) => decide(access, action, now),
            Self::RoomMembers => match decide(access, Action::SeeMembers, now) {
                Err(ErrorCode::NotAMember) => decide(access, Action::See, now),
                decided => decided,
            },
            Self::RoomSettings => decide_on_settings(SettingsContext { access, server }, SettingsScope::Talk, now),
            Self::RoomTransfer => decide_on_transfer(SettingsContext { access, server }, now),
            Self::RoomModeration => decide_on_moderation(SettingsContext { access, server }, now),
            Self::RoomAdmission => decide_on_admission(SettingsContext { access, server }, now),
            Self::RoomMessages => decide_on_messages(SettingsContext { access, server }, now),
            Self::RoomDeletion => match decide(access, Action::Send, now) {
                Err(ErrorCode::NotAMember) => decide_on_messages(SettingsContext { access, server }, now),
                decided => decided,
            },
        }
    }

    const fn is_about_a_room(self) -> bool {
        matches!(
            self,
            Self::Room(_)
                | Self::RoomMembers
                | Self::RoomSettings
                | Self::RoomTransfer
                | Self::RoomModeration
                | Self::RoomAdmission
                | Self::RoomMessages
                | Self::RoomDeletion
                | Self::Keepers
        )
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::User => "whoever is logged in",
            Self::Staff => "moderators and admins of the server",
            Self::Admin => "admins of the server",
            Self::Room(Action::See) => "who may see the room",
            Self::Room(Action::Join) => "who may join it",
            Self::Room(Action::Read) => "who may read in it",
            Self::Room(Action::Send) => "who may write in it",
            Self::Room(Action::Leave) => "its members",
            Self::Room(Action::Moderate) => "its owner and moderators",
            Self::Room(Action::SeeMembers) => "who may see its members",
            Self::RoomMembers => "who may see how many are in it",
            Self::RoomSettings => "who may change how it is talked in",
            Self::RoomTransfer => "whose it is",
            Self::RoomModeration => "who keeps order in it",
            Self::RoomAdmission => "who may let others into it",
            Self::RoomMessages => "who keeps order among its messages",
            Self::RoomDeletion => "who may write in it, or keeps order among its messages",
            Self::Keepers => "who keeps order anywhere",
        }
    }
}

const HEAD: &str = "# Permissions\n\nPrinted by `rookery permissions`; do not edit.\n\n\
    Who may do what: a row for every operation and every frame, and then what the rules about rooms mean for every kind of user. Without \
    a valid access token everything but what anyone may is answered 401 `unauthenticated`. What is allowed by this table may still be \
    refused for what a request says: whom a moderator may act on, whose message may be edited.\n";

/// `docs/permissions.md`.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    for (title, rows) in [("Operations", OPERATIONS), ("Frames", FRAMES)] {
        // Writing to a text does not fail.
        let _ = write!(text, "\n## {title}\n\n| what | who |\n|---|---|\n");
        for Row { what, rule } in rows {
            let _ = writeln!(text, "| `{what}` | {} |", rule.words());
        }
    }
    text.push_str("\n## Rules about rooms\n\nAn empty cell is allowed; otherwise it has the code of the refusal.\n");
    for visibility in [Visibility::Public, Visibility::Private] {
        for server in SERVER_ROLES {
            text.push_str(&rules(visibility, server));
        }
    }
    text
}

fn rules(visibility: Visibility, server: ServerRole) -> String {
    let kind = if visibility == Visibility::Public { "public" } else { "private" };
    let role = match server {
        ServerRole::User => "users",
        ServerRole::Moderator => "moderators of the server",
        ServerRole::Admin => "admins of the server",
    };
    let names = MEMBERSHIPS.map(|(name, ..)| name).join(" | ");
    let mut text = format!("\n### A {kind} room, {role}\n\n| rule | {names} |\n|---|---|---|---|---|---|---|\n");
    let mut seen = Vec::new();
    for Row { rule, .. } in OPERATIONS.iter().chain(FRAMES).filter(|row| row.rule.is_about_a_room()) {
        if seen.contains(rule) {
            continue;
        }
        seen.push(*rule);
        let cells = MEMBERSHIPS.map(|(_, room, muted, banned)| {
            let answer = rule.answer(Standing { server, room, muted, banned, visibility });
            answer.err().map(|code| format!("`{}`", code.as_str())).unwrap_or_default()
        });
        let _ = writeln!(text, "| {} | {} |", rule.words(), cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rookery_protocol::asyncapi::{Side, frame_types};

    use super::*;

    #[test]
    fn every_operation_has_one_row() {
        let router = serde_json::to_value(crate::router::document()).unwrap();
        let paths = router["paths"].as_object().unwrap();
        let known: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let rows: Vec<&str> = OPERATIONS.iter().map(|row| row.what).collect();
        let named: BTreeSet<String> = rows.iter().map(|what| (*what).to_owned()).collect();
        assert_eq!(named.len(), rows.len(), "none is there twice");
        let [missing, gone]: [Vec<_>; 2] = [known.difference(&named).collect(), named.difference(&known).collect()];
        assert!(missing.is_empty() && gone.is_empty(), "without a row: {missing:?}; without an operation: {gone:?}");
        for Row { what, rule } in OPERATIONS {
            let (method, path) = what.split_once(' ').unwrap();
            let security = &paths[path][method.to_lowercase()]["security"];
            let is_open = security.as_array().is_some_and(Vec::is_empty);
            assert_eq!(is_open, *rule == Rule::Anyone, "{what}");
        }
    }

    #[test]
    fn every_frame_has_one_row() {
        let known: BTreeSet<String> = frame_types(Side::Client).into_iter().collect();
        let named: BTreeSet<String> = FRAMES.iter().map(|row| row.what.to_owned()).collect();
        assert_eq!((named.len(), &named), (FRAMES.len(), &known));
    }
}
