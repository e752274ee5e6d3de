//! What is done to members of a room, as they are told of it. The event says all that there is to tell, but for a reason:
//! whoever has one tells it when it acts, by [`of`] the same event, and the one that was told first stays.

use rookery_protocol::access::RoomRole;
use rookery_protocol::event::{EventBody, MembershipChange, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::notice::NoticeKind;
use rookery_store::notice::Occasion;

/// Whom a change of a membership is told, and how; none for those that one makes oneself.
pub fn of(room: RoomId, event: MessageId, by: UserId, change: &MembershipChange) -> Option<(UserId, Occasion)> {
    let (kind, detail) = kind_of(change)?;
    let member = change.member()?.user_id;
    let occasion = Occasion::in_room(kind, event.as_uuid(), room, by);
    // What ends by itself is nobody's act.
    let occasion = Occasion { by: occasion.by.filter(|by| !by.as_uuid().is_nil()), ..occasion };
    Some((member, detail.map_or(occasion.clone(), |detail| occasion.with_detail(detail))))
}

/// The same, of an event with its place.
pub(super) fn of_event(event: &SequencedEvent) -> Option<(UserId, Occasion)> {
    let EventBody::Membership(change) = &event.event.body else { return None };
    let (member, occasion) = of(event.room, event.event.id, event.event.user_id, change)?;
    Some((member, Occasion { place: Some(event.position()), ..occasion }))
}

pub(super) const fn kind_of(change: &MembershipChange) -> Option<(NoticeKind, Option<&'static str>)> {
    match change {
        MembershipChange::Joined {} | MembershipChange::Left {} | MembershipChange::MessagesPurged { .. } => None,
        MembershipChange::Added { .. } => Some((NoticeKind::Invite, None)),
        MembershipChange::Kicked { .. } => Some((NoticeKind::Sanctioned, Some("kick"))),
        MembershipChange::Banned { .. } => Some((NoticeKind::Sanctioned, Some("ban"))),
        MembershipChange::Unbanned { .. } => Some((NoticeKind::Sanctioned, Some("unban"))),
        MembershipChange::Muted { .. } => Some((NoticeKind::Sanctioned, Some("mute"))),
        MembershipChange::Unmuted { .. } => Some((NoticeKind::Sanctioned, Some("unmute"))),
        MembershipChange::OwnerChanged { .. } => Some((NoticeKind::RoleChanged, Some("owner"))),
        MembershipChange::RoleChanged { role, .. } => Some((
            NoticeKind::RoleChanged,
            Some(match role {
                RoomRole::Owner => "owner",
                RoomRole::Moderator => "moderator",
                RoomRole::Member => "member",
            }),
        )),
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::event::Sender;

    use super::*;

    #[test]
    fn what_is_done_to_somebody_is_told_to_that_one() {
        let (room, event, by) = (RoomId::generate(), MessageId::generate(), UserId::generate());
        let member = || Sender { user_id: UserId::generate(), username: "ben".to_owned() };
        let told = |change: &MembershipChange| {
            of(room, event, by, change).map(|(to, told)| {
                assert_eq!((to, told.by, told.room), (change.member().unwrap().user_id, Some(by), Some(room)));
                (told.kind, told.detail)
            })
        };
        assert_eq!(told(&MembershipChange::Joined {}), None);
        let added = MembershipChange::Added { member: member() };
        assert_eq!(told(&added), Some((NoticeKind::Invite, None)));
        let banned = MembershipChange::Banned { member: member(), until: None };
        assert_eq!(told(&banned), Some((NoticeKind::Sanctioned, Some("ban".to_owned()))));
        let raised = MembershipChange::RoleChanged { member: member(), role: RoomRole::Moderator };
        assert_eq!(told(&raised), Some((NoticeKind::RoleChanged, Some("moderator".to_owned()))));
    }
}
