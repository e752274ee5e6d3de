//! Membership: the member, the room's ACL version and the announcement change together.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rookery_protocol::access::{RoomRole, Until};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange, RoomChange};
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, UserId};
use rookery_store::room::{Member, Room, SettingsChange};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, Cause, Members, StoreError, Stores};

use super::{Home, at_once};
use crate::samples::{NOON, joined, left, member, room};

async fn with_room(home: &Home) -> (Stores, Room) {
    let (stores, room) = (home.stores().await, room(Some("general")));
    stores.rooms.insert(&room).await.unwrap();
    (stores, room)
}

async fn acl(stores: &Stores, room: RoomId) -> AclVersion {
    stores.rooms.find(&RoomRef::Id(room)).await.unwrap().unwrap().acl
}

async fn pending(stores: &Stores) -> Vec<Announcement> {
    stores.outbox.pending(1_000).await.unwrap()
}

pub(crate) async fn joining_raises_the_acl_and_announces(home: Home) {
    let (stores, room) = with_room(&home).await;
    let member = Member { role: RoomRole::Owner, ..member(room.id, UserId::generate()) };
    let event = joined(member.user_id);
    let announcement = stores.members.join(&member, &event).await.unwrap();
    assert_eq!(announcement, Some(Announcement { room: room.id, acl: AclVersion(1), event }));
    assert_eq!(pending(&stores).await, Vec::from_iter(announcement));
    assert_eq!(acl(&stores, room.id).await, AclVersion(1));
    assert_eq!(stores.members.get(room.id, member.user_id).await.unwrap(), Some(member));
    assert_eq!(stores.members.count(room.id).await.unwrap(), 1);
}

pub(crate) async fn rooms_whose_rights_change_are_found_by_when(home: Home) {
    let (stores, changed) = with_room(&home).await;
    let still = room(None);
    stores.rooms.insert(&still).await.unwrap();
    let before = UnixMillis::now();
    let since = async |at: UnixMillis, limit| stores.rooms.raised_since(at, limit).await.unwrap();
    assert_eq!(since(before, 10).await, []);
    let user = UserId::generate();
    stores.members.join(&member(changed.id, user), &joined(user)).await.unwrap();
    assert_eq!(since(before, 10).await, [(changed.id, AclVersion(1))]);
    stores.members.leave(changed.id, user, &left(user)).await.unwrap();
    assert_eq!(since(before, 10).await, [(changed.id, AclVersion(2))]);
    assert_eq!(since(UnixMillis::now().plus(Duration::from_mins(1)), 10).await, []);
    let slow = SettingsChange { slow_mode_ms: Some(1_000), frozen: None, ..SettingsChange::default() };
    stores.rooms.apply_settings(still.id, &slow, &joined(user)).await.unwrap();
    assert_eq!(since(before, 10).await.len(), 2);
    assert_eq!((since(before, 1).await.len(), since(before, 0).await.len()), (1, 0));
}

pub(crate) async fn joining_twice_changes_nothing(home: Home) {
    let (stores, room) = with_room(&home).await;
    let owner = Member { role: RoomRole::Owner, ..member(room.id, UserId::generate()) };
    stores.members.join(&owner, &joined(owner.user_id)).await.unwrap();
    let again = Member { role: RoomRole::Member, joined_at: UnixMillis(NOON.0 + 9), ..owner.clone() };
    assert_eq!(stores.members.join(&again, &joined(owner.user_id)).await.unwrap(), None);
    assert_eq!(stores.members.get(room.id, owner.user_id).await.unwrap(), Some(owner));
    assert_eq!(acl(&stores, room.id).await, AclVersion(1));
    assert_eq!(pending(&stores).await.len(), 1);
}

pub(crate) async fn leaving_undoes_joining(home: Home) {
    let (stores, room) = with_room(&home).await;
    let (ada, eve) = (UserId::generate(), UserId::generate());
    for user in [ada, eve] {
        stores.members.join(&member(room.id, user), &joined(user)).await.unwrap();
    }
    let event = left(ada);
    let announcement = stores.members.leave(room.id, ada, &event).await.unwrap();
    assert_eq!(announcement, Some(Announcement { room: room.id, acl: AclVersion(3), event }));
    assert_eq!(stores.members.leave(room.id, ada, &left(ada)).await.unwrap(), None);
    assert_eq!(stores.members.get(room.id, ada).await.unwrap(), None);
    assert_eq!(stores.members.count(room.id).await.unwrap(), 1);
    assert_eq!(acl(&stores, room.id).await, AclVersion(3));
    assert_eq!(pending(&stores).await.len(), 3);
    assert!(stores.members.join(&member(room.id, ada), &joined(ada)).await.unwrap().is_some());
}

pub(crate) async fn members_of_a_room_come_in_pages(home: Home) {
    let (stores, room) = with_room(&home).await;
    let other = crate::samples::room(None);
    stores.rooms.insert(&other).await.unwrap();
    let mut all = Vec::new();
    for n in [3, 1, 1, 2, 2, 2, 9] {
        let user = UserId::generate();
        let joined_at = UnixMillis(NOON.0 + n);
        let here = Member { joined_at, ..member(room.id, user) };
        stores.members.join(&here, &joined(user)).await.unwrap();
        stores.members.join(&member(other.id, user), &joined(user)).await.unwrap();
        all.push(here);
    }
    all.sort_by_key(|member| (member.joined_at, member.user_id));
    for limit in [1, 2, 3, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = stores.members.page(room.id, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            seen.extend(page);
        }
        assert_eq!(seen, all, "by {limit}");
    }
    assert_eq!(stores.members.page(room.id, None, 0).await.unwrap(), []);
    assert_eq!(stores.members.page(RoomId::generate(), None, 9).await.unwrap(), []);
}

pub(crate) async fn join_race_of_one_user(home: Home) {
    let (stores, room) = with_room(&home).await;
    let user = UserId::generate();
    let outcomes = at_once(30, |_| {
        let (members, member, event) = (stores.members.clone(), member(room.id, user), joined(user));
        async move { members.join(&member, &event).await.unwrap() }
    })
    .await;
    let won: Vec<_> = outcomes.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(pending(&stores).await, won);
    assert_eq!(acl(&stores, room.id).await, AclVersion(1));
    assert_eq!(stores.members.count(room.id).await.unwrap(), 1);
}

/// Joins as a client does: who is told that the store is away asks again, and may have joined already.
async fn join_at_last(members: &dyn Members, member: &Member, event: &Event) {
    for _ in 0..20 {
        match members.join(member, event).await {
            Err(StoreError::Unavailable(_)) => {}
            joined => return drop(joined.unwrap()),
        }
    }
    panic!("the store stays away");
}

pub(crate) async fn join_race_of_many_users(home: Home) {
    let (stores, room) = with_room(&home).await;
    at_once(80, |_| {
        let (members, user) = (stores.members.clone(), UserId::generate());
        async move { join_at_last(&*members, &member(room.id, user), &joined(user)).await }
    })
    .await;
    let announced = pending(&stores).await;
    let versions: Vec<u64> = announced.iter().map(|announcement| announcement.acl.0).collect();
    assert_eq!(versions, (1..=80).collect::<Vec<_>>());
    assert_eq!(acl(&stores, room.id).await, AclVersion(80));
    assert_eq!(stores.members.count(room.id).await.unwrap(), 80);
}

/// Two stores on the same data, as two processes have.
pub(crate) async fn join_race_of_processes(home: Home) {
    let (stores, room) = with_room(&home).await;
    let both = [stores.clone(), home.open().await];
    let outcomes = at_once(40, |n| {
        let (members, user) = (both[n % 2].members.clone(), UserId::generate());
        async move { members.join(&member(room.id, user), &joined(user)).await.unwrap().unwrap().acl.0 }
    })
    .await;
    assert_eq!(BTreeSet::from_iter(outcomes), (1..=40).collect());
    assert_eq!(stores.members.count(room.id).await.unwrap(), 40);
    assert_eq!(pending(&stores).await.len(), 40);
}

pub(crate) async fn leave_race(home: Home) {
    let (stores, room) = with_room(&home).await;
    let user = UserId::generate();
    stores.members.join(&member(room.id, user), &joined(user)).await.unwrap();
    let outcomes = at_once(20, |_| {
        let (members, event) = (stores.members.clone(), left(user));
        async move { members.leave(room.id, user, &event).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.into_iter().flatten().count(), 1);
    assert_eq!(acl(&stores, room.id).await, AclVersion(2));
    assert_eq!(stores.members.count(room.id).await.unwrap(), 0);
}

pub(crate) async fn join_and_leave_race(home: Home) {
    let (stores, room) = with_room(&home).await;
    let user = UserId::generate();
    let outcomes = at_once(24, |n| {
        let members = stores.members.clone();
        async move {
            match n % 2 {
                0 => members.join(&member(room.id, user), &joined(user)).await.unwrap().is_some(),
                _ => members.leave(room.id, user, &left(user)).await.unwrap().is_some(),
            }
        }
    })
    .await;
    // Whatever the order was, every change that counted is there once, and joins and leaves alternate.
    let changes = outcomes.into_iter().filter(|changed| *changed).count();
    let announced = pending(&stores).await;
    assert_eq!(announced.len(), changes);
    assert_eq!(acl(&stores, room.id).await, AclVersion(changes as u64));
    for (n, announcement) in announced.iter().enumerate() {
        assert_eq!(announcement.acl, AclVersion(n as u64 + 1));
        let is_join = matches!(
            announcement.event.body,
            rookery_protocol::event::EventBody::Membership(MembershipChange::Joined {})
        );
        assert_eq!(is_join, n % 2 == 0);
    }
    assert_eq!(stores.members.count(room.id).await.unwrap(), changes as u64 % 2);
}

pub(crate) async fn rooms_of_a_user_are_in_order_of_joining(home: Home) {
    let stores = home.stores().await;
    let (user, mut expected) = (UserId::generate(), Vec::new());
    for later in [5, 0, 3, 3] {
        let room = room(None);
        stores.rooms.insert(&room).await.unwrap();
        let member = Member { joined_at: UnixMillis(NOON.0 + later), ..member(room.id, user) };
        stores.members.join(&member, &joined(user)).await.unwrap();
        let stranger = UserId::generate();
        stores
            .members
            .join(&crate::samples::member(room.id, stranger), &joined(stranger))
            .await
            .unwrap();
        expected.push(member);
    }
    expected.sort_by_key(|member| (member.joined_at, member.room_id));
    assert_eq!(stores.members.of_user(user, 10).await.unwrap(), expected);
    assert_eq!(stores.members.of_user(user, 2).await.unwrap(), expected[..2]);
    assert_eq!(stores.members.of_user(user, 0).await.unwrap(), []);
    assert_eq!(stores.members.of_user(UserId::generate(), 10).await.unwrap(), []);
}

pub(crate) async fn a_room_that_does_not_exist_has_no_members(home: Home) {
    let stores = home.stores().await;
    let (nowhere, user) = (RoomId::generate(), UserId::generate());
    let outcome = stores.members.join(&member(nowhere, user), &joined(user)).await;
    assert!(matches!(outcome, Err(StoreError::Inconsistent(_))), "{outcome:?}");
    assert_eq!(stores.members.leave(nowhere, user, &left(user)).await.unwrap(), None);
    assert_eq!(stores.members.get(nowhere, user).await.unwrap(), None);
    assert_eq!(stores.members.count(nowhere).await.unwrap(), 0);
    assert_eq!(pending(&stores).await, []);
}

/// The announcement comes last and collides: the member and the version must not stay.
pub(crate) async fn a_change_that_fails_leaves_nothing_behind(home: Home) {
    let (stores, room) = with_room(&home).await;
    let (ada, eve) = (UserId::generate(), UserId::generate());
    let event = joined(ada);
    stores.members.join(&member(room.id, ada), &event).await.unwrap();
    let outcome = stores.members.join(&member(room.id, eve), &event).await;
    assert!(matches!(outcome, Err(StoreError::Taken(_))), "{outcome:?}");
    let outcome = stores.members.leave(room.id, ada, &event).await;
    assert!(matches!(outcome, Err(StoreError::Taken(_))), "{outcome:?}");
    assert_eq!(stores.members.get(room.id, eve).await.unwrap(), None);
    assert!(stores.members.get(room.id, ada).await.unwrap().is_some());
    assert_eq!(acl(&stores, room.id).await, AclVersion(1));
    assert_eq!(pending(&stores).await.len(), 1);
}

pub(crate) async fn members_of_many_rooms_are_counted_together(home: Home) {
    let (stores, first) = with_room(&home).await;
    let second = room(None);
    stores.rooms.insert(&second).await.unwrap();
    let [ada, bob] = [(); 2].map(|()| UserId::generate());
    for (room, user) in [(first.id, ada), (first.id, bob), (second.id, bob)] {
        stores.members.join(&member(room, user), &joined(user)).await.unwrap();
    }
    let nowhere = RoomId::generate();
    let mut counts = stores.members.counts(&[first.id, second.id, nowhere]).await.unwrap();
    assert_eq!(counts.remove(&nowhere).unwrap_or(0), 0);
    assert_eq!(counts, HashMap::from([(first.id, 2), (second.id, 1)]));
    assert!(stores.members.counts(&[]).await.unwrap().is_empty());
}

pub(crate) async fn who_shares_a_room_is_acquainted(home: Home) {
    let (stores, first) = with_room(&home).await;
    let second = room(None);
    stores.rooms.insert(&second).await.unwrap();
    let [ada, bob, eve, stranger] = [(); 4].map(|()| UserId::generate());
    for (room, user) in [(first.id, ada), (first.id, bob), (second.id, bob), (second.id, eve)] {
        stores.members.join(&member(room, user), &joined(user)).await.unwrap();
    }
    let visible_users = async |user, others: &[UserId]| {
        let mut found = stores.members.visible_users(user, others, None).await.unwrap();
        found.sort_unstable();
        found
    };
    let everybody = [stranger, eve, bob, ada];
    let sorted = |mut users: Vec<UserId>| {
        users.sort_unstable();
        users
    };
    assert_eq!(visible_users(ada, &everybody).await, sorted(vec![ada, bob]));
    assert_eq!(visible_users(bob, &everybody).await, sorted(vec![ada, bob, eve]), "each once");
    assert_eq!(visible_users(ada, &[eve]).await, []);
    assert_eq!(visible_users(stranger, &everybody).await, []);
    assert_eq!(visible_users(ada, &[]).await, []);
    let mut found = stores.members.visible_users(bob, &everybody, Some(first.id)).await.unwrap();
    found.sort_unstable();
    assert_eq!(found, sorted(vec![bob, eve]), "b16: one room may not count");
}

pub(crate) async fn d13_an_owner_leaves_last_and_closes_the_room(home: Home) {
    let stores = home.stores().await;
    let [ada, bob] = [(); 2].map(|()| UserId::generate());
    let place = Room { owner: Some(ada), ..room(Some("mine-2")) };
    stores.rooms.insert(&place).await.unwrap();
    let owner = Member { role: RoomRole::Owner, ..member(place.id, ada) };
    stores.members.join(&owner, &joined(ada)).await.unwrap();
    stores.members.join(&member(place.id, bob), &joined(bob)).await.unwrap();
    let leave = |user| {
        let (members, room) = (stores.members.clone(), place.id);
        async move { members.leave(room, user, &left(user)).await }
    };
    assert!(matches!(leave(ada).await, Err(StoreError::OwnerStays)));
    let given = stores.members.transfer(place.id, bob, Cause::Server(&left(ada))).await.unwrap().unwrap();
    assert!(
        matches!(given.event.body, EventBody::Room(RoomChange::Updated { settings, .. }) if settings.version == given.acl)
    );
    let roles = [ada, bob].map(|user| stores.members.get(place.id, user));
    let roles = futures_util::future::join_all(roles)
        .await
        .into_iter()
        .map(|member| member.unwrap().unwrap().role);
    assert_eq!(roles.collect::<Vec<_>>(), [RoomRole::Moderator, RoomRole::Owner]);
    let found = stores.rooms.find(&RoomRef::Id(place.id)).await.unwrap().unwrap();
    assert_eq!((found.owner, found.acl), (Some(bob), given.acl));
    assert_eq!(stores.members.transfer(place.id, bob, Cause::Server(&left(ada))).await.unwrap(), None);
    let stranger = UserId::generate();
    let given = stores.members.transfer(place.id, stranger, Cause::Server(&left(ada))).await;
    assert!(matches!(given, Err(StoreError::NoMember)), "{given:?}");
    let named = stores.members.set_role(place.id, stranger, RoomRole::Moderator, &left(bob)).await;
    assert!(matches!(named, Err(StoreError::NoMember)), "{named:?}");
    for act in [SanctionAction::Kick, SanctionAction::Ban(Until::Revoked)] {
        let expelled = stores.sanctions.apply(place.id, bob, act, Cause::Server(&left(ada))).await;
        assert!(matches!(expelled, Err(StoreError::OwnerStays)), "{expelled:?}");
    }
    assert_eq!(stores.sanctions.get(place.id, bob).await.unwrap(), Sanction::default());
    assert!(leave(ada).await.unwrap().is_some());
    assert!(leave(bob).await.unwrap().is_some(), "the last one may");
    assert_eq!(stores.rooms.find(&RoomRef::Slug(place.slug.clone().unwrap())).await.unwrap(), None);
    assert!(stores.rooms.public(None, 10).await.unwrap().is_empty());
    let late = stores.members.join(&member(place.id, ada), &joined(ada)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    stores.rooms.insert(&Room { id: RoomId::generate(), ..place }).await.unwrap();
}
