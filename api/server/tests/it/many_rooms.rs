//! A user in many rooms: the list with what is unread is one call, and only rooms with news are counted.

use rookery_bus::{Partitions as _, RoomSeed};
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, RoomId, Seq};
use rookery_protocol::position::Position;
use rookery_runtime::shutdown::Shutdown;
use rookery_store::load::{LoadSet, Origin, Plan};

use crate::home::Home;
use crate::samples::{NOON, said};
use crate::unread::app;

/// Rooms in which something was said; the first [`NEWS`] of them have something unread.
const TALKED_IN: usize = 40;
const NEWS: usize = 20;
const MESSAGES: u64 = 3;

fn everything(rooms: usize) -> LoadSet {
    let plan = Plan { rooms, users: 1, rooms_per_user: rooms, gateways: 1, visibility: Visibility::Private };
    let until = UnixMillis(NOON.0 + 1_000);
    let origin = Origin { name: "many", password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", now: NOON, until };
    let mut set = plan.make(origin).unwrap();
    for member in &mut set.members[NEWS..TALKED_IN] {
        member.read = Position { epoch: Epoch(1), seq: Seq::new(MESSAGES) };
    }
    set
}

fn talk(room: RoomId, name: &str) -> Vec<SequencedEvent> {
    let text = |seq| if seq == 1 { format!("hi @{name}") } else { "hi".to_owned() };
    (1..=MESSAGES).map(|seq| said(room, 1, seq, &text(seq))).collect()
}

async fn list(home: Home, count: usize) {
    let (shutdown, set) = (Shutdown::new(), everything(count));
    let (app, bus) = app(&home, &shutdown).await;
    let stores = home.open().await;
    stores.backend.insert_load(&set).await.unwrap();
    let user = &set.users[0];
    let talked: Vec<SequencedEvent> = set.members[..TALKED_IN]
        .iter()
        .flat_map(|member| talk(member.room_id, user.username.as_str()))
        .collect();
    stores.messages.apply(&talked).await.unwrap();
    for (number, member) in set.members.iter().enumerate() {
        let said = Position { epoch: Epoch(1), seq: Seq::new(MESSAGES) };
        let last = if number < TALKED_IN { said } else { Position::START };
        let seed = RoomSeed { epoch: None, last, acl: AclVersion(1), settings: RoomSettings::default() };
        bus.open_room(member.room_id, seed).await.unwrap();
    }

    let (rooms, next) = app.authority().my_rooms(user.id, None, count).await.unwrap();
    assert_eq!((rooms.len(), next), (count, None));
    let sums = rooms
        .iter()
        .fold((0, 0), |(unread, mentions), mine| (unread + mine.state.unread, mentions + mine.state.mentions));
    assert_eq!(sums, (NEWS as u64 * MESSAGES, NEWS as u64));
    let counted = format!("rookery_api_unread_counts_total {NEWS}");
    let metrics = app.metrics.render().unwrap();
    assert!(metrics.contains(&counted), "only rooms with news are counted: {metrics}");
    shutdown.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_rooms_are_one_call_on_sqlite() {
    list(Home::sqlite(), 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_rooms_are_one_call_on_mongo() {
    list(Home::mongo(), 500).await;
}
