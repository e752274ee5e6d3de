//! Rooms that begin with their members, and what a block does to the direct room of two.

use std::collections::HashSet;

use rookery_protocol::access::RoomKind;
use rookery_protocol::event::{Event, EventBody, RoomChange, RoomSettings};
use rookery_protocol::id::{AclVersion, RoomRef, UserId};
use rookery_store::room::{Pair, Room, RoomName};
use rookery_store::{StoreError, Stores, Unique};

use super::{Home, at_once};
use crate::samples::{NOON, event, member, room};

fn direct(pair: Pair) -> Room {
    let kind = RoomKind::Direct;
    Room {
        id: pair.room(),
        kind,
        pair: Some(pair),
        name: RoomName::none(),
        acl: AclVersion(1),
        ..room(None)
    }
}

fn pair() -> Pair {
    Pair::new(UserId::generate(), UserId::generate()).unwrap()
}

fn settings(by: UserId) -> Event {
    event(by, EventBody::Room(RoomChange::Updated { settings: RoomSettings::default(), changed: None }))
}

async fn open(stores: &Stores, pair: Pair) -> Result<(), StoreError> {
    let room = direct(pair);
    let members = pair.both().map(|user| member(room.id, user));
    stores.rooms.insert_with(&room, &members).await
}

pub(crate) async fn a_room_begins_with_its_members(home: Home) {
    let (stores, pair) = (home.stores().await, pair());
    open(&stores, pair).await.unwrap();
    let found = stores.rooms.find(&RoomRef::Id(pair.room())).await.unwrap().unwrap();
    assert_eq!(found, direct(pair));
    for user in pair.both() {
        assert_eq!(stores.members.get(found.id, user).await.unwrap(), Some(member(found.id, user)));
    }
    assert!(stores.outbox.pending(5).await.unwrap().is_empty(), "nobody is told");
    assert!(matches!(open(&stores, pair).await, Err(StoreError::Taken(Unique::Id))));
    assert_eq!(stores.members.count(found.id).await.unwrap(), 2);
    let owner = UserId::generate();
    let group = Room { kind: RoomKind::Group, name: RoomName::none(), owner: Some(owner), ..room(None) };
    stores.rooms.insert_with(&group, &[member(group.id, owner)]).await.unwrap();
    assert_eq!(stores.rooms.find(&RoomRef::Id(group.id)).await.unwrap(), Some(group));
}

/// Both open it at once, on several nodes.
pub(crate) async fn direct_room_race(home: Home) {
    let (stores, pair) = (home.stores().await, pair());
    let outcomes = at_once(6, |_| {
        let stores = stores.clone();
        async move { open(&stores, pair).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let is_taken = |outcome: &Result<_, _>| matches!(outcome, Ok(()) | Err(StoreError::Taken(Unique::Id)));
    assert!(outcomes.iter().all(is_taken), "{outcomes:?}");
    assert_eq!(stores.members.count(pair.room()).await.unwrap(), 2);
}

pub(crate) async fn a_block_changes_the_rights_in_the_direct_room(home: Home) {
    let (stores, pair) = (home.stores().await, pair());
    let [one, other] = pair.both();
    assert_eq!(stores.blocks.put(one, other, NOON, &settings(one)).await.unwrap(), None, "there is no room");
    assert_eq!(stores.blocks.remove(one, other, &settings(one)).await.unwrap(), None);
    open(&stores, pair).await.unwrap();
    let acl = async || stores.rooms.find(&RoomRef::Id(pair.room())).await.unwrap().unwrap().acl;
    let mut told = Vec::new();
    for (n, by) in [(2, one), (3, other)] {
        let (event, user) = (settings(by), pair.other(by).unwrap());
        let announced = stores.blocks.put(by, user, NOON, &event).await.unwrap().unwrap();
        assert_eq!((announced.room, announced.acl, announced.event.id), (pair.room(), AclVersion(n), event.id));
        let version = announced.event.body.settings().map(|settings| settings.version);
        assert_eq!((version, acl().await), (Some(AclVersion(n)), AclVersion(n)));
        assert_eq!(stores.blocks.put(by, user, NOON, &settings(by)).await.unwrap(), None, "it is so already");
        told.push(announced);
    }
    let ended = stores.blocks.remove(one, other, &settings(one)).await.unwrap().unwrap();
    assert_eq!((ended.acl, acl().await), (AclVersion(4), AclVersion(4)));
    assert_eq!(stores.blocks.remove(one, other, &settings(one)).await.unwrap(), None);
    told.push(ended);
    assert_eq!(stores.outbox.pending(9).await.unwrap(), told);
    assert_eq!(acl().await, AclVersion(4));
}

pub(crate) async fn blocks_of_pairs_are_found(home: Home) {
    let blocks = home.stores().await.blocks;
    let pairs: Vec<Pair> = (0..4).map(|_| pair()).collect();
    let [low, high] = pairs[0].both();
    let [other_low, other_high] = pairs[1].both();
    blocks.put(low, high, NOON, &settings(low)).await.unwrap();
    blocks.put(other_high, other_low, NOON, &settings(other_high)).await.unwrap();
    assert_eq!(blocks.of_pairs(&pairs).await.unwrap(), HashSet::from([pairs[0], pairs[1]]));
    assert!(blocks.of_pairs(&pairs[2..]).await.unwrap().is_empty());
    assert!(blocks.of_pairs(&[]).await.unwrap().is_empty());
}
