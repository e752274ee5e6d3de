//! Rooms end, and nothing is left of them; owners and moderators at the moment of a change.

use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{DeletionReason, Event, EventBody, MembershipChange, RoomChange, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::message::Window;
use rookery_store::room::{Closing, Member, MemberPlace, Room, SettingsChange};
use rookery_store::sanction::SanctionAction;
use rookery_store::user::{ServerRole, User};
use rookery_store::{Cause, PageQuestion, StoreError, Stores};

use super::{Home, at_once};
use crate::samples::{NOON, event, joined, left, member, messages, room, user};

fn deleted(by: UserId) -> Event {
    event(by, EventBody::Room(RoomChange::Deleted { reason: DeletionReason::Deleted }))
}

/// A public room with an owner, a moderator and a member.
struct Scene {
    stores: Stores,
    room: Room,
    owner: UserId,
    moderator: UserId,
    member: UserId,
}

impl Scene {
    async fn at(home: &Home) -> Self {
        Self::with(home, SettingsChange::default()).await
    }

    async fn with(home: &Home, settings: SettingsChange) -> Self {
        let (stores, place) = (home.stores().await, room(Some("tea")));
        let [owner, moderator, plain] = [0; 3].map(|_| UserId::generate());
        let place = Room { owner: Some(owner), ..place };
        let place = settings.apply(&place, place.acl).map_or(place, |(room, _)| room);
        stores.rooms.insert(&place).await.unwrap();
        let roles = [(owner, RoomRole::Owner), (moderator, RoomRole::Moderator), (plain, RoomRole::Member)];
        for (user, role) in roles {
            let member = Member { role, ..member(place.id, user) };
            stores.members.join(&member, &joined(user)).await.unwrap().unwrap();
        }
        Self { stores, room: place, owner, moderator, member: plain }
    }

    async fn found(&self) -> Option<Room> {
        self.stores.rooms.find(&RoomRef::Id(self.room.id)).await.unwrap()
    }

    async fn role(&self, user: UserId) -> Option<RoomRole> {
        self.stores.members.get(self.room.id, user).await.unwrap().map(|member| member.role)
    }

    async fn set_role(&self, by: UserId, user: UserId, role: RoomRole) -> Result<bool, StoreError> {
        let member = Sender { user_id: user, username: "bob".to_owned() };
        let event = event(by, EventBody::Membership(MembershipChange::RoleChanged { member, role }));
        let told = self.stores.members.set_role(self.room.id, user, role, &event).await?;
        Ok(told.is_some_and(|told| told.event == event))
    }

    async fn transfer(&self, by: UserId, to: UserId) -> Result<Option<Option<UserId>>, StoreError> {
        let member = Sender { user_id: to, username: "bob".to_owned() };
        let event = event(by, EventBody::Membership(MembershipChange::OwnerChanged { member, previous: None }));
        let told = self.stores.members.transfer(self.room.id, to, Cause::User(&event)).await?;
        Ok(told.map(|told| match told.event.body {
            EventBody::Membership(MembershipChange::OwnerChanged { previous, .. }) => previous,
            other @ (EventBody::Message(_)
            | EventBody::MessageChange(_)
            | EventBody::Membership(_)
            | EventBody::Room(_)
            | EventBody::Unknown(_)) => panic!("{other:?}"),
        }))
    }

    async fn close(&self, by: UserId, closing: Closing) -> Result<bool, StoreError> {
        Ok(self.stores.rooms.close(self.room.id, closing, &deleted(by)).await?.is_some())
    }
}

async fn server_user(stores: &Stores, name: &str, role: ServerRole) -> UserId {
    let account = User { role, ..user(name) };
    stores.users.insert(&account).await.unwrap();
    account.id
}

pub(crate) async fn a_deleted_room_is_not_found(home: Home) {
    let scene = Scene::at(&home).await;
    for by in [scene.moderator, scene.member, UserId::generate()] {
        assert!(matches!(scene.close(by, Closing::Deleted).await, Err(StoreError::Outranked)));
    }
    let (rooms, id) = (&scene.stores.rooms, scene.room.id);
    assert_eq!(rooms.tombstone(id).await.unwrap(), None);
    let before = scene.found().await.unwrap().acl;
    let last = deleted(scene.owner);
    let told = rooms.close(id, Closing::Deleted, &last).await.unwrap().unwrap();
    assert_eq!((told.room, told.acl.0, told.event.clone()), (id, before.0 + 1, last.clone()));
    assert_eq!(scene.stores.outbox.pending(10).await.unwrap().last(), Some(&told));
    assert_eq!(scene.found().await, None);
    assert_eq!(rooms.find(&"tea".parse().unwrap()).await.unwrap(), None);
    assert_eq!((rooms.by_ids(&[id]).await.unwrap(), rooms.public(None, 10).await.unwrap()), (vec![], vec![]));
    assert_eq!(scene.stores.members.count(id).await.unwrap(), 0);
    assert_eq!(scene.stores.members.of_user(scene.member, 10).await.unwrap(), []);
    let tombstone = rooms.tombstone(id).await.unwrap().unwrap();
    assert_eq!((tombstone.by, tombstone.event, tombstone.erased), (Some(scene.owner), Some(last.id), false));
    assert_eq!(tombstone.room.acl, told.acl);
    let (slug, ended) = ("tea".to_owned().try_into().unwrap(), Some(tombstone));
    assert_eq!(rooms.ended(&slug, scene.owner).await.unwrap(), ended);
    assert_eq!(rooms.ended(&slug, scene.member).await.unwrap(), None, "somebody else ended it");
    // Nothing is changed any more.
    assert!(!scene.close(scene.owner, Closing::Deleted).await.unwrap());
    let member = member(id, UserId::generate());
    let late = scene.stores.members.join(&member, &joined(member.user_id)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    let frozen = SettingsChange { frozen: Some(true), ..SettingsChange::default() };
    let late = rooms.apply_settings(id, &frozen, &left(scene.owner)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    // Its name and address are free again.
    rooms.insert(&Room { id: RoomId::generate(), ..scene.room.clone() }).await.unwrap();
}

pub(crate) async fn the_last_one_takes_the_room_along(home: Home) {
    let scene = Scene::at(&home).await;
    assert!(matches!(scene.close(scene.owner, Closing::LastLeft).await, Err(StoreError::OwnerStays)));
    for user in [scene.moderator, scene.member] {
        scene.stores.members.leave(scene.room.id, user, &left(user)).await.unwrap().unwrap();
    }
    assert!(matches!(scene.close(scene.member, Closing::LastLeft).await, Err(StoreError::Outranked)));
    assert!(scene.close(scene.owner, Closing::LastLeft).await.unwrap());
    assert_eq!((scene.found().await, scene.role(scene.owner).await), (None, None));
}

pub(crate) async fn a_room_expires_once(home: Home) {
    let at = UnixMillis(NOON.0 + 1_000);
    let scene = Scene::with(&home, SettingsChange { expires_at: Some(Some(at)), ..SettingsChange::default() }).await;
    let rooms = &scene.stores.rooms;
    rooms.insert(&room(None)).await.unwrap();
    assert_eq!(rooms.expired(UnixMillis(at.0 - 1), 10).await.unwrap(), []);
    let due = rooms.expired(at, 10).await.unwrap();
    assert_eq!(due.iter().map(|room| room.id).collect::<Vec<_>>(), [scene.room.id]);
    assert!(!scene.close(scene.owner, Closing::Expired(UnixMillis(at.0 - 1))).await.unwrap(), "not yet");
    let ended = at_once(4, |_| {
        let (rooms, id, by) = (scene.stores.rooms.clone(), scene.room.id, scene.owner);
        async move { rooms.close(id, Closing::Expired(at), &deleted(by)).await.unwrap().is_some() }
    });
    assert_eq!(ended.await.into_iter().filter(|ended| *ended).count(), 1);
    assert_eq!((rooms.expired(at, 10).await.unwrap(), scene.found().await), (vec![], None));
}

pub(crate) async fn nothing_is_left_of_a_room_that_is_erased(home: Home) {
    let scene = Scene::at(&home).await;
    let (stores, id, other) = (&scene.stores, scene.room.id, RoomId::generate());
    let said = messages(id, 1, 1..=5);
    stores.messages.apply(&said).await.unwrap();
    stores.messages.apply(&messages(other, 1, 1..=2)).await.unwrap();
    stores.messages.apply(&[super::threads::reply(scene.member, &said[0], 6)]).await.unwrap();
    let (pin, saved) = (super::pins::pin(said[1].event.id, 1), super::saved::saved(id, 1));
    stores.pins.pin(id, &pin, 9, &left(pin.by)).await.unwrap();
    assert!(stores.saved.put(scene.member, &saved, 9).await.unwrap());
    let mute = SanctionAction::Mute(rookery_protocol::access::Until::Revoked);
    stores
        .sanctions
        .apply(id, scene.member, mute, Cause::Server(&left(scene.member)))
        .await
        .unwrap()
        .unwrap();
    let later = || UnixMillis(UnixMillis::now().0 + 1_000);
    assert_eq!(stores.room_erasures.due(later(), 10).await.unwrap(), []);
    assert!(scene.close(scene.owner, Closing::Deleted).await.unwrap());
    assert_eq!(stores.room_erasures.due(NOON, 10).await.unwrap(), [], "it has only just ended");
    assert_eq!(stores.room_erasures.due(later(), 10).await.unwrap(), [id]);
    let mut pieces = 0;
    while stores.room_erasures.erase(id, 2).await.unwrap() {
        pieces += 1;
    }
    assert_eq!(pieces, 3);
    let history = async |room| {
        let all = PageQuestion::all(Window::Latest, 100);
        stores.messages.page(room, all).await.unwrap().len()
    };
    assert_eq!((history(id).await, history(other).await), (0, 2));
    assert_eq!(stores.sanctions.of_room(id, None, 10).await.unwrap(), []);
    assert!(stores.threads.replies(&[(id, said[0].event.id)]).await.unwrap().is_empty());
    assert_eq!(stores.pins.page(id, None, 10).await.unwrap(), []);
    assert_eq!(stores.saved.page(scene.member, None, 10).await.unwrap(), []);
    assert_eq!(stores.outbox.pending(10).await.unwrap(), []);
    assert_eq!(stores.room_erasures.due(later(), 10).await.unwrap(), []);
    assert!(stores.rooms.tombstone(id).await.unwrap().is_some_and(|tombstone| tombstone.erased));
    assert!(!stores.room_erasures.erase(id, 2).await.unwrap(), "again");
}

pub(crate) async fn moderators_are_named_by_who_owns_the_room_then(home: Home) {
    use RoomRole::{Member as Plain, Moderator, Owner};
    let scene = Scene::at(&home).await;
    let admin = server_user(&scene.stores, "root", ServerRole::Admin).await;
    let staff = server_user(&scene.stores, "staff", ServerRole::Moderator).await;
    for by in [scene.moderator, scene.member, staff, UserId::generate()] {
        let outcome = scene.set_role(by, scene.member, Moderator).await;
        assert!(matches!(outcome, Err(StoreError::Outranked)), "{outcome:?}");
    }
    assert!(scene.set_role(scene.owner, scene.member, Moderator).await.unwrap());
    assert!(!scene.set_role(scene.owner, scene.member, Moderator).await.unwrap(), "it is so already");
    assert_eq!(scene.role(scene.member).await, Some(Moderator));
    assert!(scene.set_role(admin, scene.moderator, Plain).await.unwrap());
    assert_eq!(scene.role(scene.moderator).await, Some(Plain));
    let outcome = scene.set_role(admin, scene.owner, Plain).await;
    assert!(matches!(outcome, Err(StoreError::Outranked)), "a room keeps its owner: {outcome:?}");
    let outcome = scene.set_role(scene.owner, UserId::generate(), Plain).await;
    assert!(matches!(outcome, Err(StoreError::NoMember)), "nobody: {outcome:?}");
    assert_eq!(scene.role(scene.owner).await, Some(Owner));
}

pub(crate) async fn a_room_is_handed_over_by_who_owns_it_then(home: Home) {
    let scene = Scene::at(&home).await;
    for by in [scene.moderator, scene.member] {
        assert!(matches!(scene.transfer(by, by).await, Err(StoreError::Outranked)));
    }
    // Two at once: the second one owns nothing any more.
    let outcomes = at_once(2, |n| {
        let (members, room, by) = (scene.stores.members.clone(), scene.room.id, scene.owner);
        let to = [scene.moderator, scene.member][n];
        let member = Sender { user_id: to, username: "bob".to_owned() };
        let event = event(by, EventBody::Membership(MembershipChange::OwnerChanged { member, previous: None }));
        async move { members.transfer(room, to, Cause::User(&event)).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Outranked))).count(), 1);
    let owner = scene.found().await.unwrap().owner.unwrap();
    assert_eq!(scene.role(owner).await, Some(RoomRole::Owner));
    assert_eq!(scene.role(scene.owner).await, Some(RoomRole::Moderator));
    assert_eq!(scene.transfer(owner, scene.owner).await.unwrap(), Some(Some(owner)), "the event names who had it");
}

pub(crate) async fn ranks_count_at_the_moment_of_the_act(home: Home) {
    let scene = Scene::at(&home).await;
    let admin = server_user(&scene.stores, "root", ServerRole::Admin).await;
    let staff = server_user(&scene.stores, "staff", ServerRole::Moderator).await;
    let kick = async |by: UserId, user: UserId| {
        let event = left(by);
        let told = scene
            .stores
            .sanctions
            .apply(scene.room.id, user, SanctionAction::Kick, Cause::User(&event))
            .await;
        told.map(|told| told.is_some())
    };
    for (by, user) in [
        (scene.member, scene.member),
        (scene.member, scene.moderator),
        (scene.moderator, scene.owner),
        (scene.moderator, staff),
        (scene.owner, admin),
        (staff, scene.moderator),
        (staff, scene.owner),
    ] {
        let outcome = kick(by, user).await;
        assert!(matches!(outcome, Err(StoreError::Outranked)), "{outcome:?}");
    }
    assert!(kick(staff, scene.member).await.unwrap(), "the server's roles count");
    assert!(kick(admin, scene.moderator).await.unwrap());
    scene.stores.users.set_disabled(staff, true).await.unwrap();
    assert!(matches!(kick(staff, UserId::generate()).await, Err(StoreError::Outranked)));
}

pub(crate) async fn members_and_sanctions_are_listed(home: Home) {
    let scene = Scene::at(&home).await;
    let (members, id) = (&scene.stores.members, scene.room.id);
    let more = Member {
        role: RoomRole::Moderator,
        joined_at: UnixMillis(NOON.0 + 1),
        ..member(id, UserId::generate())
    };
    members.join(&more, &joined(more.user_id)).await.unwrap().unwrap();
    let first = members.of_role(id, RoomRole::Moderator, None, 1).await.unwrap();
    assert_eq!(first.iter().map(|member| member.user_id).collect::<Vec<_>>(), [scene.moderator]);
    let after: Option<MemberPlace> = first.first().map(Member::place);
    let rest = members.of_role(id, RoomRole::Moderator, after, 10).await.unwrap();
    assert_eq!(rest.iter().map(|member| member.user_id).collect::<Vec<_>>(), [more.user_id]);
    assert_eq!(members.of_role(id, RoomRole::Owner, None, 10).await.unwrap().len(), 1);
    let mut users: Vec<UserId> = (0..5).map(|_| UserId::generate()).collect();
    for user in &users {
        let ban = SanctionAction::Ban(rookery_protocol::access::Until::Revoked);
        scene
            .stores
            .sanctions
            .apply(id, *user, ban, Cause::Server(&left(*user)))
            .await
            .unwrap()
            .unwrap();
    }
    users.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = scene.stores.sanctions.of_room(id, after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        assert!(page.iter().all(|(_, sanction)| sanction.banned.is_some()));
        seen.extend(page.into_iter().map(|(user, _)| user));
    }
    assert_eq!(seen, users);
}
