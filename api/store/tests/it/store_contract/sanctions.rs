//! Acts of moderation: membership, sanction, ACL version and announcement change together.

use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, UserId};
use rookery_store::room::{Member, Room};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Cause, StoreError, Stores};

use super::{Home, at_once};
use crate::samples::{NOON, event, joined, left, member, room, user};

const LATER: UnixMillis = UnixMillis(NOON.0 + 60_000);

async fn with_member(home: &Home) -> (Stores, Room, UserId) {
    let (stores, room, user) = (home.stores().await, room(Some("general")), UserId::generate());
    stores.rooms.insert(&room).await.unwrap();
    stores.members.join(&member(room.id, user), &joined(user)).await.unwrap();
    (stores, room, user)
}

async fn acl(stores: &Stores, room: RoomId) -> AclVersion {
    stores.rooms.find(&RoomRef::Id(room)).await.unwrap().unwrap().acl
}

fn banned(user: UserId, until: Option<UnixMillis>) -> Event {
    let member = Sender { user_id: user, username: "ada".to_owned() };
    event(UserId::generate(), EventBody::Membership(MembershipChange::Banned { member, until }))
}

pub(crate) async fn a_kick_ends_the_membership_and_announces(home: Home) {
    let (stores, room, user) = with_member(&home).await;
    let member = Sender { user_id: user, username: "ada".to_owned() };
    let event = event(UserId::generate(), EventBody::Membership(MembershipChange::Kicked { member }));
    let announcement = stores
        .sanctions
        .apply(room.id, user, SanctionAction::Kick, Cause::Server(&event))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((announcement.acl, &announcement.event), (AclVersion(2), &event));
    assert_eq!(stores.outbox.pending(10).await.unwrap().last(), Some(&announcement));
    assert_eq!(stores.members.get(room.id, user).await.unwrap(), None);
    assert_eq!(acl(&stores, room.id).await, AclVersion(2));
    let again = crate::samples::member(room.id, user);
    assert!(stores.members.join(&again, &joined(user)).await.unwrap().is_some());
}

pub(crate) async fn a_ban_keeps_out_until_it_ends(home: Home) {
    let (stores, room, user) = with_member(&home).await;
    for (until, end) in [(Until::Time(LATER), Some(LATER)), (Until::Revoked, None)] {
        let event = banned(user, end);
        let announcement = stores
            .sanctions
            .apply(room.id, user, SanctionAction::Ban(until), Cause::Server(&event))
            .await
            .unwrap()
            .unwrap();
        assert!(stores.outbox.pending(10).await.unwrap().contains(&announcement));
        let banned = Sanction { banned: Some(until), muted: None };
        assert_eq!(stores.sanctions.get(room.id, user).await.unwrap(), banned);
        assert_eq!(stores.members.get(room.id, user).await.unwrap(), None);
        let outcome = stores.members.join(&member(room.id, user), &joined(user)).await;
        assert!(matches!(outcome, Err(StoreError::Banned)), "{outcome:?}");
    }
    assert_eq!(acl(&stores, room.id).await, AclVersion(3));
    stores
        .sanctions
        .apply(room.id, user, SanctionAction::Ban(Until::Time(LATER)), Cause::Server(&banned(user, None)))
        .await
        .unwrap();
    let late = Member { joined_at: LATER, ..member(room.id, user) };
    assert!(stores.members.join(&late, &joined(user)).await.unwrap().is_some());
    stores
        .sanctions
        .apply(room.id, user, SanctionAction::Ban(Until::Revoked), Cause::Server(&banned(user, None)))
        .await
        .unwrap();
    assert!(
        stores
            .sanctions
            .apply(room.id, user, SanctionAction::Unban, Cause::Server(&left(user)))
            .await
            .unwrap()
            .is_some()
    );
    assert!(stores.members.join(&member(room.id, user), &joined(user)).await.unwrap().is_some());
}

pub(crate) async fn a_mute_stays_over_leaving_and_coming_back(home: Home) {
    let (stores, room, user) = with_member(&home).await;
    stores
        .sanctions
        .apply(room.id, user, SanctionAction::Mute(Until::Time(LATER)), Cause::Server(&left(user)))
        .await
        .unwrap();
    stores.members.leave(room.id, user, &left(user)).await.unwrap();
    stores.members.join(&member(room.id, user), &joined(user)).await.unwrap();
    let muted = Sanction { muted: Some(Until::Time(LATER)), banned: None };
    assert_eq!(stores.sanctions.get(room.id, user).await.unwrap(), muted);
    stores
        .sanctions
        .apply(room.id, user, SanctionAction::Unmute, Cause::Server(&left(user)))
        .await
        .unwrap();
    assert_eq!(stores.sanctions.get(room.id, user).await.unwrap(), Sanction::default());
}

pub(crate) async fn acts_that_change_nothing_are_not_announced(home: Home) {
    let (stores, room, user) = with_member(&home).await;
    let (stranger, ban) = (UserId::generate(), SanctionAction::Ban(Until::Revoked));
    assert!(
        stores
            .sanctions
            .apply(room.id, user, ban, Cause::Server(&banned(user, None)))
            .await
            .unwrap()
            .is_some()
    );
    for (who, act) in [
        (user, ban),
        (user, SanctionAction::Kick),
        (user, SanctionAction::Unmute),
        (stranger, SanctionAction::Kick),
        (stranger, SanctionAction::Unban),
    ] {
        assert_eq!(
            stores
                .sanctions
                .apply(room.id, who, act, Cause::Server(&banned(who, None)))
                .await
                .unwrap(),
            None,
            "{act:?}"
        );
    }
    assert_eq!(acl(&stores, room.id).await, AclVersion(2));
    assert_eq!(stores.outbox.pending(10).await.unwrap().len(), 2);
}

/// Whatever the order, nobody is a member and banned.
pub(crate) async fn ban_and_join_race(home: Home) {
    let (stores, room, _) = with_member(&home).await;
    let users: Vec<UserId> = (0..8).map(|_| UserId::generate()).collect();
    at_once(16, |n| {
        let (stores, user, room) = (stores.clone(), users[n / 2], room.id);
        async move {
            if n % 2 == 0 {
                let ban = SanctionAction::Ban(Until::Revoked);
                stores
                    .sanctions
                    .apply(room, user, ban, Cause::Server(&banned(user, None)))
                    .await
                    .map(drop)
                    .unwrap();
            } else {
                let outcome = stores.members.join(&member(room, user), &joined(user)).await;
                assert!(matches!(outcome, Ok(_) | Err(StoreError::Banned)), "{outcome:?}");
            }
        }
    })
    .await;
    assert_eq!(stores.members.among(room.id, &users).await.unwrap(), []);
}

pub(crate) async fn members_are_told_from_others(home: Home) {
    let (stores, room, user) = with_member(&home).await;
    let asked = [UserId::generate(), user, UserId::generate()];
    assert_eq!(stores.members.among(room.id, &asked).await.unwrap(), [user]);
    assert_eq!(stores.members.among(RoomId::generate(), &asked).await.unwrap(), []);
    assert_eq!(stores.members.among(room.id, &[]).await.unwrap(), []);
}

pub(crate) async fn accounts_are_disabled_and_enabled(home: Home) {
    let (stores, ada) = (home.stores().await, user("ada"));
    stores.users.insert(&ada).await.unwrap();
    for disabled in [true, false] {
        stores.users.set_disabled(ada.id, disabled).await.unwrap();
        assert_eq!(stores.users.by_id(ada.id).await.unwrap().unwrap().disabled, disabled);
    }
    stores.users.set_disabled(UserId::generate(), true).await.unwrap();
}

/// By user and by room, and more than fit one question to a database.
pub(crate) async fn many_places_are_looked_at_together(home: Home) {
    let (stores, here, user) = with_member(&home).await;
    let there = crate::samples::room(None);
    stores.rooms.insert(&there).await.unwrap();
    let users: Vec<UserId> = (0..120).map(|_| UserId::generate()).collect();
    let both = [user, users[77]];
    stores.members.join(&member(there.id, users[77]), &joined(users[77])).await.unwrap();
    for (room, user) in [(here.id, user), (there.id, users[3])] {
        let mute = SanctionAction::Mute(Until::Time(LATER));
        stores.sanctions.apply(room, user, mute, Cause::Server(&left(user))).await.unwrap();
    }
    let in_one_room: Vec<_> = users.iter().map(|user| (there.id, *user)).collect();
    let in_two_rooms: Vec<_> = both.iter().flat_map(|user| [(here.id, *user), (there.id, *user)]).collect();
    let in_none = vec![(RoomId::generate(), user), (here.id, UserId::generate())];
    let (first, second) = ((here.id, user), (there.id, users[77]));
    let muted = Sanction { muted: Some(Until::Time(LATER)), banned: None };
    for (places, members, sanctioned) in [
        (in_one_room, vec![second], vec![(there.id, users[3])]),
        (in_two_rooms, vec![first, second], vec![first]),
        (in_none, vec![], vec![]),
        (vec![], vec![], vec![]),
    ] {
        let mut found: Vec<_> = stores.members.places(&places).await.unwrap();
        found.sort_by_key(|member| members.iter().position(|place| *place == (member.room_id, member.user_id)));
        assert_eq!(found.iter().map(|member| (member.room_id, member.user_id)).collect::<Vec<_>>(), members);
        let mut sanctions = stores.sanctions.among(&places).await.unwrap();
        sanctions.retain(|_, sanction| *sanction != Sanction::default());
        assert_eq!(sanctions, sanctioned.into_iter().map(|place| (place, muted)).collect());
    }
}

pub(crate) async fn what_is_over_is_found_and_ends_once(home: Home) {
    let stores = home.stores().await;
    let (room, user) = (room(None), UserId::generate());
    stores.rooms.insert(&room).await.unwrap();
    let apply = async |action| {
        let event = left(user);
        stores
            .sanctions
            .apply(room.id, user, action, Cause::Server(&event))
            .await
            .unwrap()
            .is_some()
    };
    assert!(apply(SanctionAction::Mute(Until::Time(NOON))).await && apply(SanctionAction::Ban(Until::Revoked)).await);
    let held = Sanction { muted: Some(Until::Time(NOON)), banned: Some(Until::Revoked) };
    assert!(stores.sanctions.over(UnixMillis(NOON.0 - 1), 5).await.unwrap().is_empty());
    assert_eq!(stores.sanctions.over(NOON, 5).await.unwrap(), [(room.id, user, held)]);
    assert_eq!(stores.sanctions.against(user, 5).await.unwrap(), [(room.id, held)]);
    assert_eq!(stores.sanctions.against(UserId::generate(), 5).await.unwrap(), []);
    assert!(!apply(SanctionAction::BanOver(NOON)).await, "it does not end by itself");
    assert!(apply(SanctionAction::MuteOver(NOON)).await && !apply(SanctionAction::MuteOver(NOON)).await);
    assert!(stores.sanctions.over(NOON, 5).await.unwrap().is_empty());
    assert_eq!(stores.sanctions.get(room.id, user).await.unwrap(), Sanction { muted: None, ..held });
}
