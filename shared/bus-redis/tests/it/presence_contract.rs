//! The promise of the presence store, held against both implementations, and every kind of Redis, by the same functions.

use std::time::Duration;

use rookery_bus::limits::{PRESENCE_CALL_MAX, REAP_CLAIM};
use rookery_bus::presence::{Change, LeaseTerm, Leases, Occupancy, Occupant, Setting, UserPresence};
use rookery_bus::signal::{EphemeralSignal, Signal};
use rookery_protocol::id::{LeaseId, RoomId, UserId};
use rookery_protocol::partition::{partition_of, partition_of_user};
use rookery_protocol::presence::Status;
use rookery_tests::wait;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use crate::fixture::{Fixture, PATIENCE};

const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_millis(400);

async fn hold(fixture: &Fixture, life: Duration) -> LeaseId {
    let lease = LeaseId::generate();
    let leases = fixture.presence.hold(lease, LeaseTerm { life, first: true }).await.unwrap();
    assert!(leases.held);
    lease
}

async fn change(fixture: &Fixture, lease: LeaseId, user: UserId, change: Change) -> UserPresence {
    fixture.presence.change(Some(lease), &[(user, change)]).await.unwrap().remove(0)
}

async fn online(fixture: &Fixture, user: UserId) -> bool {
    fixture.presence.users(&[user]).await.unwrap()[0].online
}

async fn told(signals: &mut Receiver<Signal>) -> UserPresence {
    let told = async {
        loop {
            if let Signal::Presence(presence) = signals.recv().await.unwrap() {
                return UserPresence::clone(&presence);
            }
        }
    };
    timeout(PATIENCE, told).await.expect("presence is told")
}

fn away() -> Setting {
    Setting { status: Status::Away, text: Some("lunch".to_owned().try_into().unwrap()) }
}

async fn only_the_first_gateway_and_the_last_one_are_news(fixture: Fixture) {
    let (one, other) = (hold(&fixture, LONG).await, hold(&fixture, LONG).await);
    let (user, last) = (UserId::generate(), UserId::generate());
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe_users(&[user, last]).await.unwrap();
    assert!(!online(&fixture, user).await);
    for lease in [one, other, one] {
        assert!(change(&fixture, lease, user, Change::Connect(None)).await.online);
    }
    assert!(change(&fixture, one, user, Change::Disconnect).await.online, "still on the other");
    let gone = change(&fixture, other, user, Change::Disconnect).await;
    assert!(!gone.online && gone.seen.is_some());
    assert_eq!(fixture.presence.users(&[user]).await.unwrap(), [gone]);
    change(&fixture, one, last, Change::Connect(None)).await;
    let expected = [(user, true), (user, false), (last, true)];
    for expected in expected {
        let told = told(&mut signals).await;
        assert_eq!((told.user, told.online), expected);
    }
}

async fn what_a_user_says_holds_on_every_gateway_and_is_kept(fixture: Fixture) {
    let (one, other) = (hold(&fixture, LONG).await, hold(&fixture, LONG).await);
    let user = UserId::generate();
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe_users(&[user]).await.unwrap();
    let said = fixture.presence.change(None, &[(user, Change::SetStatus(away()))]).await.unwrap();
    assert_eq!((said[0].online, said[0].setting.clone()), (false, Some(away())));
    let busy = Setting { status: Status::Dnd, text: None };
    let here = change(&fixture, one, user, Change::Connect(Some(busy.clone()))).await;
    assert_eq!(here.setting, Some(away()), "what a gateway remembers is only for a store that knows nothing");
    change(&fixture, one, user, Change::SetStatus(busy.clone())).await;
    assert_eq!(change(&fixture, other, user, Change::Connect(None)).await.setting, Some(busy.clone()));
    let expected = [(false, away()), (true, away()), (true, busy.clone())];
    for (online, setting) in expected {
        let told = told(&mut signals).await;
        assert_eq!((told.online, told.setting), (online, Some(setting)));
    }
    for lease in [one, other] {
        change(&fixture, lease, user, Change::Disconnect).await;
    }
    assert_eq!(fixture.presence.users(&[user]).await.unwrap()[0].setting, Some(busy));
    let restored = UserId::generate();
    assert_eq!(change(&fixture, one, restored, Change::Connect(Some(away()))).await.setting, Some(away()));
}

async fn many_are_changed_and_read_in_the_order_asked(fixture: Fixture) {
    let lease = hold(&fixture, LONG).await;
    let users: Vec<UserId> = (0..PRESENCE_CALL_MAX * 3).map(|_| UserId::generate()).collect();
    let here: Vec<_> = users.iter().step_by(2).map(|user| (*user, Change::Connect(None))).collect();
    let changed = fixture.presence.change(Some(lease), &here).await.unwrap();
    assert!(
        changed
            .iter()
            .zip(&here)
            .all(|(changed, (user, _))| changed.user == *user && changed.online)
    );
    let found = fixture.presence.users(&users).await.unwrap();
    for (index, (found, user)) in found.iter().zip(&users).enumerate() {
        assert_eq!((found.user, found.online), (*user, index % 2 == 0));
    }
    assert_eq!(fixture.presence.users(&[]).await, Ok(Vec::new()));
}

async fn ephemeral_of(signals: &mut Receiver<Signal>, wanted: RoomId) -> EphemeralSignal {
    let signal = async {
        loop {
            if let Signal::Ephemeral { room, signal } = signals.recv().await.unwrap()
                && room == wanted
            {
                return EphemeralSignal::clone(&signal);
            }
        }
    };
    timeout(PATIENCE, signal).await.expect("an ephemeral signal arrives")
}

async fn rooms_are_occupied_by_each_gateway(fixture: Fixture) {
    let (one, other) = (hold(&fixture, LONG).await, hold(&fixture, LONG).await);
    let (room, user) = (RoomId::generate(), UserId::generate());
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(room).await.unwrap();
    let named = Occupancy { count: 1, users: Some(vec![Occupant { user, setting: away() }]) };
    let counted = Occupancy { count: 300, users: None };
    fixture.presence.occupy(one, &[(room, Some(named.clone()))]).await.unwrap();
    fixture
        .presence
        .occupy(other, &[(room, Some(counted.clone())), (RoomId::generate(), None)])
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(ephemeral_of(&mut signals, room).await, EphemeralSignal::Occupancy {});
    }
    let mut found = fixture.presence.occupants(&[RoomId::generate(), room]).await.unwrap();
    assert_eq!(found.remove(0), []);
    found[0].sort_by_key(|occupancy| occupancy.count);
    assert_eq!(found[0], [named, counted.clone()]);
    fixture.presence.occupy(one, &[(room, None)]).await.unwrap();
    assert_eq!(fixture.presence.occupants(&[room]).await.unwrap(), [vec![counted]]);
    let typing =
        EphemeralSignal::Typing { user: rookery_protocol::event::Sender { user_id: user, username: "alice".into() } };
    fixture.bus.publish_ephemeral(room, typing.clone()).await.unwrap();
    assert_eq!(ephemeral_of(&mut signals, room).await, EphemeralSignal::Occupancy {});
    assert_eq!(ephemeral_of(&mut signals, room).await, typing);
}

/// Others use the same servers and may be the first to claim; they never clean up, so the claim comes free again.
async fn claim(fixture: &Fixture, by: LeaseId, dead: LeaseId) {
    let claimed = async {
        loop {
            let leases = fixture.presence.hold(by, LeaseTerm { life: LONG, first: false }).await.unwrap();
            if leases.claimed.contains(&dead) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE + REAP_CLAIM, claimed).await.expect("somebody has to clean up");
}

async fn what_a_dead_gateway_said_counts_no_more(fixture: Fixture) {
    let (living, dying) = (hold(&fixture, LONG).await, hold(&fixture, SHORT).await);
    let (lost, moved) = (UserId::generate(), UserId::generate());
    let room = RoomId::generate();
    for (lease, user) in [(dying, lost), (dying, moved), (living, moved)] {
        change(&fixture, lease, user, Change::Connect(None)).await;
    }
    fixture
        .presence
        .occupy(dying, &[(room, Some(Occupancy { count: 1, users: None }))])
        .await
        .unwrap();
    wait::until("it is dead", async || !online(&fixture, lost).await).await;
    assert_eq!(fixture.presence.occupants(&[room]).await.unwrap(), [vec![]], "nobody is there by the dead");
    assert!(online(&fixture, moved).await);
    let again = fixture.presence.hold(dying, LeaseTerm { life: LONG, first: false }).await.unwrap();
    assert!(!again.held, "what has ended is not renewed");

    claim(&fixture, living, dying).await;
    let twice: Leases = fixture.presence.hold(living, LeaseTerm { life: LONG, first: false }).await.unwrap();
    assert!(twice.held && !twice.claimed.contains(&dying), "one cleans up at a time");
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe_users(&[lost, moved]).await.unwrap();
    for user in [moved, lost] {
        let remains = fixture.presence.remains(dying, partition_of_user(user)).await.unwrap();
        assert!(remains.users.contains(&user));
        change(&fixture, dying, user, Change::Disconnect).await;
    }
    let told = told(&mut signals).await;
    assert_eq!((told.user, told.online), (lost, false), "who has moved is not told of");
    assert!(online(&fixture, moved).await);
    let rooms = fixture.presence.remains(dying, partition_of(room)).await.unwrap().rooms;
    assert_eq!(rooms, [room]);
    fixture.presence.occupy(dying, &[(room, None)]).await.unwrap();
    for partition in [partition_of(room), partition_of_user(lost), partition_of_user(moved)] {
        let left = fixture.presence.remains(dying, partition).await.unwrap();
        assert_eq!((left.users, left.rooms), (vec![], vec![]));
    }
    fixture.presence.delete_lease(dying).await.unwrap();
}

contract!(
    Fixture:
    only_the_first_gateway_and_the_last_one_are_news,
    what_a_user_says_holds_on_every_gateway_and_is_kept,
    many_are_changed_and_read_in_the_order_asked,
    rooms_are_occupied_by_each_gateway,
    what_a_dead_gateway_said_counts_no_more,
);

/// A gateway that came while this process did not look: its user is not taken for gone.
#[tokio::test]
async fn a_lease_that_is_not_known_is_asked_about() {
    let fixture = Fixture::redis().await;
    let lease = hold(&fixture, LONG).await;
    let user = UserId::generate();
    change(&fixture, lease, user, Change::Connect(None)).await;
    let other = fixture.another();
    let newer = hold(&other, LONG).await;
    other.presence.change(Some(newer), &[(user, Change::Connect(None))]).await.unwrap();
    assert!(change(&fixture, lease, user, Change::Disconnect).await.online);
}
