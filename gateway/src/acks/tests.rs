//! Promises kept, and promises taken back.

use rookery_shared::id::UserId;

use super::*;
use crate::frame::Frame;
use crate::outbox::Outbox;

fn at(epoch: u64, ms: u64) -> LogPosition {
    LogPosition { epoch: Epoch(epoch), ms, n: 0 }
}

fn appended(position: LogPosition) -> Appended {
    Appended {
        id: MessageId::generate(),
        epoch: position.epoch,
        seq: Seq::new(position.ms),
        timestamp: UnixMillis(0),
        position,
        repeated: false,
    }
}

struct Setup {
    acks: Arc<Acks>,
    member: Arc<Member>,
    room: RoomId,
}

impl Setup {
    fn new() -> Self {
        let acks = Acks::new(Arc::new(Metrics::new().unwrap()));
        let member = Arc::new(Member::new(UserId::generate(), Outbox::unwritten(), false));
        Self { acks, member, room: RoomId::generate() }
    }

    fn wait(&self, position: LogPosition) {
        assert_eq!(self.wait_asked(self.acks.changes(), position), Ok(()));
    }

    fn wait_asked(&self, changes: u64, position: LogPosition) -> Result<(), Doubtful> {
        let sent = Sent { room: self.room, client_id: ClientId::generate(), changes };
        self.acks.wait(&self.member, sent, &appended(position))
    }

    fn advance(&self, upto: LogPosition) {
        self.acks.advance(partition_of(self.room), upto);
    }

    /// The types of the frames that came, in order.
    fn told(&self) -> Vec<String> {
        let frames = self.member.outbox.take();
        let kind = |frame: &Frame| {
            let value: serde_json::Value = serde_json::from_str(frame.as_text()).unwrap();
            value["type"].as_str().unwrap().to_owned()
        };
        frames.iter().map(kind).collect()
    }
}

#[test]
fn an_ack_is_sent_once_its_event_is_stored() {
    let setup = Setup::new();
    setup.wait(at(1, 5));
    setup.advance(at(1, 4));
    assert_eq!(setup.told(), [""; 0]);
    setup.advance(at(1, 5));
    assert_eq!(setup.told(), ["ack"]);
    setup.wait(at(1, 3));
    assert_eq!(setup.told(), ["ack"], "stored before it began to wait");
}

#[test]
fn a_new_epoch_takes_back_the_promise_of_the_old_one() {
    let setup = Setup::new();
    setup.wait(at(1, 5));
    setup.wait(at(2, 6));
    assert_eq!(setup.told(), ["error"], "whether 5 survived is unknown");
    setup.advance(at(2, 9));
    assert_eq!(setup.told(), ["ack"]);
}

/// Redis was killed and came back with its data. A message accepted before was sent again after, and the bus
/// answered with its first place, in the epoch before: no mark of the new epoch released it, and its sender waited
/// for ever.
#[test]
fn a_place_that_survived_its_epoch_is_stored() {
    let setup = Setup::new();
    setup.wait(at(1, 5));
    setup.advance(at(2, 6));
    assert_eq!(setup.told(), ["error"]);
    assert_eq!(setup.wait_asked(0, at(1, 5)), Err(Doubtful), "asked before the change");
    setup.wait(at(1, 5));
    assert_eq!(setup.told(), ["ack"]);
}

#[test]
fn a_mark_of_an_old_epoch_proves_nothing_about_the_new_one() {
    let setup = Setup::new();
    setup.wait(at(2, 5));
    setup.advance(at(1, 9));
    assert_eq!(setup.told(), [""; 0]);
}

#[test]
fn the_end_of_a_connection_leaves_nothing_to_send() {
    let Setup { acks, member, room } = Setup::new();
    let sent = Sent { room, client_id: ClientId::generate(), changes: 0 };
    assert_eq!(acks.wait(&member, sent, &appended(at(1, 5))), Ok(()));
    drop(member);
    acks.advance(partition_of(room), at(1, 9));
    assert_eq!(acks.state.lock().pending.len(), 0);
}

/// The bus answered with a place, was rewound and got a new epoch, and the node heard of that before it acted on the
/// answer: it took the lost place for one that had survived, and acked it. Only the first answer was checked, and not in
/// one step with the wait. The simulation fails without this.
#[test]
fn a_place_that_was_asked_for_before_its_epoch_ended_is_never_acked() {
    let setup = Setup::new();
    for epoch in 1..5 {
        let before = setup.acks.changes();
        setup.advance(at(epoch, 1));
        assert_eq!(setup.wait_asked(before, at(epoch - 1, 9)), Err(Doubtful));
    }
    assert_eq!(setup.told(), [""; 0]);
}
