//! Events of kinds that came with a later release: their numbers count, so that nobody takes them for lost.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Every kind that this release knows. One of these that cannot be read is broken, and not unknown.
pub const KNOWN_KINDS: [&str; 20] = [
    "member_added",
    "member_banned",
    "member_joined",
    "member_kicked",
    "member_left",
    "member_muted",
    "member_role_changed",
    "member_unbanned",
    "member_unmuted",
    "message",
    "message_deleted",
    "message_edited",
    "message_pinned",
    "message_unpinned",
    "messages_purged",
    "owner_changed",
    "reaction_added",
    "reaction_removed",
    "room_deleted",
    "room_updated",
];

/// What is known of such an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownEvent {
    /// Its kind.
    pub kind: String,
}

impl<'de> Deserialize<'de> for UnknownEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Kind {
            kind: String,
        }
        let Kind { kind } = Kind::deserialize(deserializer)?;
        if KNOWN_KINDS.contains(&kind.as_str()) {
            return Err(D::Error::custom("an event of a known kind in another form"));
        }
        Ok(Self { kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventBody, MembershipChange, MessageChanged, RoomChange};

    /// Every kind is listed: one that is not would be taken for unknown where it is broken.
    #[test]
    fn the_list_of_kinds_is_whole() {
        let all = r#"[
            {"kind":"message","content":"a","client_id":"c"},
            {"kind":"message_edited","message_id":"ID","content":"a","client_id":"c"},
            {"kind":"message_deleted","message_id":"ID"},
            {"kind":"reaction_added","message_id":"ID","emoji":"👍"},
            {"kind":"reaction_removed","message_id":"ID","emoji":"👍"},
            {"kind":"message_pinned","message_id":"ID"},
            {"kind":"message_unpinned","message_id":"ID"},
            {"kind":"member_joined"},
            {"kind":"member_left"},
            {"kind":"member_kicked","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_banned","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_unbanned","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_muted","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_unmuted","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_added","member":{"user_id":"ID","username":"a"}},
            {"kind":"member_role_changed","member":{"user_id":"ID","username":"a"},"role":"member"},
            {"kind":"owner_changed","member":{"user_id":"ID","username":"a"}},
            {"kind":"messages_purged","member":{"user_id":"ID","username":"a"},"to":"2026-03-12T10:00:00.123Z"},
            {"kind":"room_updated","settings":{"version":1,"slow_mode_ms":0,"frozen":false},"changed":{"topic":"a","avatar":null}},
            {"kind":"room_deleted","reason":"expired"}
        ]"#;
        let all = all.replace("ID", "01920000-0000-7000-8000-0000000000a1");
        let mut kinds = Vec::new();
        for value in serde_json::from_str::<Vec<serde_json::Value>>(&all).unwrap() {
            let body: EventBody = serde_json::from_value(value.clone()).unwrap();
            let again: EventBody = serde_json::from_str(&serde_json::to_string(&body).unwrap()).unwrap();
            assert_eq!(again, body, "{value}");
            // A kind of another group does not compile here without being listed above.
            match &body {
                EventBody::Message(_)
                | EventBody::MessageChange(
                    MessageChanged::Edited { .. }
                    | MessageChanged::Deleted { .. }
                    | MessageChanged::ReactionAdded { .. }
                    | MessageChanged::ReactionRemoved { .. }
                    | MessageChanged::Pinned { .. }
                    | MessageChanged::Unpinned { .. },
                )
                | EventBody::Membership(
                    MembershipChange::Joined {}
                    | MembershipChange::Left {}
                    | MembershipChange::Kicked { .. }
                    | MembershipChange::Banned { .. }
                    | MembershipChange::Unbanned { .. }
                    | MembershipChange::Muted { .. }
                    | MembershipChange::Unmuted { .. }
                    | MembershipChange::Added { .. }
                    | MembershipChange::RoleChanged { .. }
                    | MembershipChange::OwnerChanged { .. }
                    | MembershipChange::MessagesPurged { .. },
                )
                | EventBody::Room(RoomChange::Updated { .. } | RoomChange::Deleted { .. }) => {}
                EventBody::Unknown(unknown) => panic!("{unknown:?}"),
            }
            kinds.push(value["kind"].as_str().unwrap().to_owned());
        }
        kinds.sort();
        assert_eq!(kinds, KNOWN_KINDS);
    }
}
