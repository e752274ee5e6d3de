//! Rooms against a bus that loses events, its data, or its voice. Time is paused, so waiting costs nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rookery_bus::PubSub as _;
use rookery_bus::signal::Signal;
use rookery_protocol::access::RoomRole;
use rookery_protocol::event::{EventBody, MembershipChange};
use rookery_protocol::id::{AclVersion, Epoch, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::server::{EventFrame, ServerFrame};
use uuid::Uuid;

use super::*;
use crate::acks::Acks;
use crate::authorize::Permissions;
use crate::limits::{HEAD_AUDIT_INTERVAL, RING_FRAMES_MAX, ROOM_LINGER};
use crate::presence::{Presence, PresenceParts};
use crate::relay::{Relay, RelayParts};
use crate::send_queue::SendQueue;
use crate::session_registry::{SessionRegistry, SessionRegistryParts};
use crate::testing::{FakeAuthority, FakeBus, Nobody};

mod background;
mod replay;
mod survived;

struct Setup {
    bus: Arc<FakeBus>,
    authority: Arc<FakeAuthority>,
    hub: Arc<Hub>,
    room: RoomId,
    shutdown: Shutdown,
}

impl Setup {
    fn new() -> Self {
        let (bus, authority, shutdown) = (FakeBus::new(), FakeAuthority::new(), Shutdown::new());
        let metrics = Arc::new(Metrics::new().unwrap());
        let room = authority.room;
        let hub = Hub::new(bus.clone(), authority.clone(), Arc::clone(&metrics), shutdown.clone());
        let permissions = Permissions::new(Arc::clone(&authority) as _, Shutdown::new());
        let session_registry = SessionRegistry::new(SessionRegistryParts {
            bus: Arc::clone(&bus) as _,
            authority: Arc::clone(&authority) as _,
            hub: Arc::clone(&hub),
            permissions: Arc::clone(&permissions),
            shutdown: shutdown.clone(),
            sockets_max: usize::MAX,
        });
        let presence = Presence::new(PresenceParts {
            store: Arc::new(Nobody),
            hub: Arc::clone(&hub),
            session_registry: Arc::clone(&session_registry),
            metrics: Arc::clone(&metrics),
            drain: Duration::ZERO,
        });
        let acks = Acks::new(metrics, hub.stored_notes());
        let replies = crate::replies::Replies::new(Arc::clone(&authority) as _);
        let (shown, node) = (Arc::clone(&hub), Uuid::nil());
        let relay = Relay::new(RelayParts { hub: shown, replies, acks, permissions, session_registry, presence, node });
        shutdown.spawn("relay", Arc::clone(&relay).listen(bus.signals()));
        shutdown.spawn("audit", relay.audit());
        shutdown.spawn("sweep", Arc::clone(&hub).sweep());
        Self { bus, authority, hub, room, shutdown }
    }

    fn joining(&self, position: Option<(u64, u64)>) -> SubscribeRequest {
        let member = Arc::new(Subscriber::new(UserId::generate(), SendQueue::unwritten(), false));
        member.add_room(self.room, None);
        let position = position.map(|(epoch, seq)| Position { epoch: Epoch(epoch), seq: Seq::new(seq) });
        SubscribeRequest {
            member,
            room: self.room,
            slug: None,
            name: "General".into(),
            role: RoomRole::Member,
            acl: AclVersion::default(),
            position,
            read: None,
        }
    }

    async fn join(&self, position: Option<(u64, u64)>) -> Arc<Subscriber> {
        let joining = self.joining(position);
        self.hub.attach(&joining).await.unwrap();
        joining.member
    }

    fn say(&self, from: u64, to: u64) {
        for n in from..=to {
            assert_eq!(self.bus.say(self.room, &format!("m{n}")).seq.get(), n);
        }
    }

    fn lose(&self, from: u64, to: u64) {
        self.bus.mute.store(true, Ordering::SeqCst);
        self.say(from, to);
        self.bus.mute.store(false, Ordering::SeqCst);
    }

    fn ranges(&self) -> usize {
        self.bus.ranges.load(Ordering::SeqCst)
    }
}

/// Lets every task do what it can do now.
async fn wait_until_idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// What a member was told, in short: `head 3`, `3`, `gap 1-2`, `reset e2 4`, `caught up 3`, `out`.
fn told(member: &Subscriber) -> Vec<String> {
    let frames = member.send_queue.take();
    frames.iter().map(|frame| short(serde_json::from_str(frame.as_text()).unwrap())).collect()
}

fn short(frame: ServerFrame) -> String {
    match frame {
        ServerFrame::Subscribed { head, .. } => format!("head {head}"),
        ServerFrame::CaughtUp { seq, .. } => format!("caught up {seq}"),
        ServerFrame::Gap { from, to, .. } => format!("gap {from}-{to}"),
        ServerFrame::Reset { epoch, head, survived: None, .. } => format!("reset {epoch} {head}"),
        ServerFrame::Reset { epoch, head, survived: Some(last), .. } => {
            format!("reset {epoch} {head}, {} {} survived", last.epoch, last.seq)
        }
        ServerFrame::Event(EventFrame::NewMessage { seq, .. } | EventFrame::MemberLeft { seq, .. }) => seq.to_string(),
        ServerFrame::Unsubscribed { .. } => "out".into(),
        other @ (ServerFrame::Hello { .. }
        | ServerFrame::Ack { .. }
        | ServerFrame::Event(_)
        | ServerFrame::User(_)
        | ServerFrame::ReadBy { .. }
        | ServerFrame::Error(_)
        | ServerFrame::Pong {}
        | ServerFrame::Reconnect { .. }
        | ServerFrame::Heads { .. }
        | ServerFrame::TokenExpiring { .. }
        | ServerFrame::Presence(_)
        | ServerFrame::Watching { .. }
        | ServerFrame::RoomPresence { .. }
        | ServerFrame::Typing { .. }
        | ServerFrame::Read { .. }) => panic!("{other:?}"),
    }
}

fn numbers(from: u64, to: u64) -> Vec<String> {
    (from..=to).map(|n| n.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn members_hear_the_same_bytes_once() {
    let setup = Setup::new();
    let (a, b) = (setup.join(None).await, setup.join(None).await);
    told(&a);
    told(&b);
    setup.say(1, 1);
    wait_until_idle().await;
    let (for_a, for_b) = (a.send_queue.take(), b.send_queue.take());
    assert_eq!((for_a.len(), for_b.len()), (1, 1));
    assert_eq!(for_a[0].as_text().as_ptr(), for_b[0].as_text().as_ptr());
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_repaired_by_one_read_for_all() {
    let setup = Setup::new();
    let members = [setup.join(None).await, setup.join(None).await, setup.join(None).await];
    setup.say(1, 1);
    setup.lose(2, 4);
    setup.say(5, 6);
    wait_until_idle().await;
    for member in &members {
        assert_eq!(told(member)[2..], numbers(1, 6));
    }
    assert_eq!(setup.ranges(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_no_longer_has_is_a_gap() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.lose(1, 3);
    setup.bus.trim(setup.room);
    setup.say(4, 4);
    wait_until_idle().await;
    assert_eq!(told(&member)[2..], ["gap 1-3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_last_event_is_found_on_suspicion_and_by_the_audit() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.lose(1, 1);
    setup.bus.signal(Signal::Suspect);
    wait_until_idle().await;
    assert_eq!(told(&member)[2..], ["1"]);
    setup.lose(2, 2);
    wait_until_idle().await;
    assert_eq!(told(&member), [""; 0]);
    tokio::time::sleep(HEAD_AUDIT_INTERVAL).await;
    wait_until_idle().await;
    assert_eq!(told(&member), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_repair_outlives_a_short_absence_of_the_bus() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.lose(1, 1);
    setup.bus.away.store(true, Ordering::SeqCst);
    setup.say(2, 2);
    wait_until_idle().await;
    assert_eq!(told(&member).len(), 2);
    setup.bus.away.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told(&member), numbers(1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_new_epoch_is_told_by_event_and_by_audit() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.say(1, 2);
    setup.bus.lose_everything();
    setup.say(3, 4);
    wait_until_idle().await;
    assert_eq!(told(&member)[2..], ["1", "2", "reset e2 4"]);
    setup.bus.lose_everything();
    setup.bus.signal(Signal::Suspect);
    wait_until_idle().await;
    assert_eq!(told(&member), ["reset e3 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_resume_gets_exactly_what_was_missed() {
    let setup = Setup::new();
    let staying = setup.join(None).await;
    setup.say(1, 100);
    wait_until_idle().await;
    assert_eq!(told(&staying).len(), 102);

    let near = setup.join(Some((1, 98))).await;
    assert_eq!(told(&near), ["head 100", "99", "100", "caught up 100"]);
    assert_eq!(setup.ranges(), 0, "the ring was enough");

    let far = setup.join(Some((1, 10))).await;
    let all = told(&far);
    assert_eq!(all[1..=90], numbers(11, 100));
    assert_eq!((setup.ranges(), RING_FRAMES_MAX), (1, 64));

    setup.say(101, 101);
    wait_until_idle().await;
    assert_eq!(told(&near), ["101"]);
    assert_eq!(told(&far), ["101"]);
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_cannot_be_served_says_so() {
    let setup = Setup::new();
    setup.say(1, 600);
    let too_far = setup.join(Some((1, 50))).await;
    assert_eq!(told(&too_far), ["head 600", "gap 51-600", "caught up 600"]);
    setup.bus.trim(setup.room);
    let too_old = setup.join(Some((1, 590))).await;
    assert_eq!(told(&too_old), ["head 600", "gap 591-600", "caught up 600"]);
    let other_epoch = setup.join(Some((0, 590))).await;
    assert_eq!(told(&other_epoch), ["head 600", "reset e1 600", "caught up 600"]);
}

/// A client moved from a faster node to one that had not yet seen the last events, and was told that the numbers
/// begin anew.
#[tokio::test(start_paused = true)]
async fn a_client_ahead_of_its_node_is_no_reason_for_a_reset() {
    let setup = Setup::new();
    let slow = setup.join(None).await;
    setup.lose(1, 3);
    let ahead = setup.join(Some((1, 2))).await;
    assert_eq!(told(&ahead), ["head 3", "3", "caught up 3"]);
    assert_eq!(told(&slow)[2..], numbers(1, 3));
    let impossible = setup.join(Some((1, 9))).await;
    assert_eq!(told(&impossible), ["head 3", "reset e1 3", "caught up 3"]);
}

#[tokio::test(start_paused = true)]
async fn attaching_twice_delivers_once() {
    let setup = Setup::new();
    let joining = setup.joining(None);
    setup.hub.attach(&joining).await.unwrap();
    setup.hub.attach(&joining).await.unwrap();
    told(&joining.member);
    setup.say(1, 1);
    wait_until_idle().await;
    assert_eq!(told(&joining.member), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn who_left_the_room_hears_no_more_of_it() {
    let setup = Setup::new();
    let (leaving, staying) = (setup.join(None).await, setup.join(None).await);
    setup.bus.put(setup.room, leaving.user, EventBody::Membership(MembershipChange::Left {}));
    setup.say(2, 2);
    wait_until_idle().await;
    assert_eq!(told(&leaving)[2..], ["1", "out"]);
    assert_eq!(told(&staying)[2..], ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn many_first_subscribers_subscribe_once() {
    let setup = Setup::new();
    let joins = (0..20).map(|_| setup.join(None));
    let members = futures_util::future::join_all(joins).await;
    assert_eq!(setup.bus.subscribes.load(Ordering::SeqCst), 1);
    setup.say(1, 1);
    wait_until_idle().await;
    assert!(members.iter().all(|member| told(member).last().is_some_and(|last| last == "1")));
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_is_let_go_later_and_can_come_back() {
    let setup = Setup::new();
    let member = setup.join(None).await;
    setup.hub.detach(setup.room, &member);
    tokio::time::sleep(ROOM_LINGER / 2).await;
    assert!(setup.bus.is_subscribed(setup.room), "somebody may come back soon");
    let back = setup.join(None).await;
    tokio::time::sleep(ROOM_LINGER * 2).await;
    assert!(setup.bus.is_subscribed(setup.room), "somebody came back");
    setup.hub.detach(setup.room, &back);
    tokio::time::sleep(ROOM_LINGER * 2).await;
    assert!(!setup.bus.is_subscribed(setup.room));
    assert!(setup.hub.all().is_empty());

    let again = setup.join(None).await;
    setup.say(1, 1);
    wait_until_idle().await;
    assert_eq!(told(&again)[2..], ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_be_opened_is_forgotten_and_tried_again() {
    let setup = Setup::new();
    setup.bus.away.store(true, Ordering::SeqCst);
    assert!(setup.hub.attach(&setup.joining(None)).await.is_err());
    assert!(setup.hub.all().is_empty());
    setup.bus.away.store(false, Ordering::SeqCst);
    assert_eq!(told(&*setup.join(None).await).len(), 2);
    setup.shutdown.stop().await;
}

/// So much is said that the room gathers. Somebody who comes meanwhile has what is gathered by its replay, and nobody gets
/// anything twice or not at all.
#[tokio::test(start_paused = true)]
async fn a_busy_and_full_room_gathers_and_everybody_gets_everything_once() {
    let setup = Setup::new();
    let many = futures_util::future::join_all((0..2_000).map(|_| setup.join(None))).await;
    for member in &many {
        told(member);
    }
    let mut said = 0;
    let mut say = |count: u64| {
        setup.say(said + 1, said + count);
        said += count;
    };
    // 2,000 members hear 30 events a second at most, for a start.
    for _ in 0..25 {
        say(1);
        wait_until_idle().await;
    }
    let room = setup.hub.get(setup.room).unwrap();
    assert!(!room.is_big() || many.len() >= 1_000);
    for _ in 0..10 {
        say(1);
        wait_until_idle().await;
    }
    let held = told(&many[0]).len();
    assert!(held < 35, "{held} frames were written, none gathered");
    let (fresh, back, here) = (setup.join(None).await, setup.join(Some((1, 30))).await, &many[1]);
    let again =
        SubscribeRequest { position: Some(Position { epoch: Epoch(1), seq: Seq::new(34) }), ..setup.joining(None) };
    setup.hub.attach(&SubscribeRequest { member: Arc::clone(here), ..again }).await.unwrap();
    say(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told(&fresh), ["head 35", "caught up 35", "36"]);
    assert_eq!(told(&back), ["head 35", "31", "32", "33", "34", "35", "caught up 35", "36"]);
    let all: Vec<String> = (1..=36).map(|seq| seq.to_string()).collect();
    let numbers = |told: Vec<String>| told.into_iter().filter(|word| word.parse::<u64>().is_ok()).collect::<Vec<_>>();
    assert_eq!(numbers(told(&many[7])), all);
    let mut twice = all.clone();
    // It asked for the last one once more.
    twice.insert(35, "35".to_owned());
    assert_eq!(numbers(told(here)), twice);
    setup.shutdown.stop().await;
}
