//! What Redis remembers of the epochs of a room.

use rookery_bus::{Began, OpenError, PartitionOpening, RoomSeed};
use rookery_protocol::event::RoomSettings;
use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;

use crate::bus_contract::say;
use crate::fixture::{ACL, Fixture};
use crate::redis_log::store_all;

fn place(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
}

#[tokio::test]
async fn how_an_epoch_began_is_remembered_and_what_is_stored_of_those_before_stays_in_the_tail() {
    let fixture = Fixture::redis().await;
    let room = fixture.room(0, 1).await;
    let first = say(&fixture, room, "before").await;
    store_all(fixture.redis.as_ref().unwrap(), partition_of(room)).await;
    fixture.replace_server_of(room).await;
    fixture.open(room, 1, 2).await;

    let began = |epoch, after, kept| Began { epoch: Epoch(epoch), after: Seq::new(after), kept };
    let second = began(2, 1, place(1, 1));
    let heads = fixture.bus.heads(&[room]).await.unwrap();
    assert_eq!(heads[0].unwrap().began, Some(second));
    assert_eq!(fixture.bus.epochs(room).await.unwrap(), [second, began(1, 0, place(0, 0))]);
    let again = say(&fixture, room, "after").await;
    let tail = fixture.bus.range(room, Seq::ZERO, 10).await.unwrap();
    let places: Vec<_> = tail.iter().map(|event| (event.epoch, event.seq)).collect();
    assert_eq!(places, [(first.epoch, first.seq), (again.epoch, again.seq)]);
}

/// Another api may have begun the epoch after the rest of the one before was stored.
#[tokio::test]
async fn what_was_read_before_an_epoch_began_does_not_open_a_room_in_it() {
    let fixture = Fixture::redis().await;
    let room = fixture.room(0, 1).await;
    fixture.replace_server_of(room).await;
    let opening = fixture.bus.open_partition(partition_of(room), Epoch(2)).await;
    assert_eq!(opening, Ok(PartitionOpening::Open));
    let seed = |epoch| {
        let settings = RoomSettings::default();
        RoomSeed { epoch: Some(Epoch(epoch)), last: Position::START, acl: ACL, settings }
    };
    assert_eq!(fixture.bus.open_room(room, seed(1)).await, Err(OpenError::PartitionNotOpen));
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap(), [None]);
    fixture.bus.open_room(room, seed(2)).await.unwrap();
}
