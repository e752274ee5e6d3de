//! Promises kept, and promises taken back. Which answers are believed is tested where it is decided.

use rookery_bus::Relocated;
use rookery_protocol::id::{LogPosition, UserId};
use serde_json::Value;

use super::*;
use crate::send_queue::SendQueue;

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
        answered: position.epoch,
        stored: false,
    }
}

struct Setup {
    acks: Arc<Acks>,
    member: Arc<Subscriber>,
    room: RoomId,
}

impl Setup {
    fn new() -> Self {
        let acks = Acks::new(Arc::new(Metrics::new().unwrap()), Box::new(|_, _| {}));
        let member = Arc::new(Subscriber::new(UserId::generate(), SendQueue::unwritten(), false));
        Self { acks, member, room: RoomId::generate() }
    }

    fn wait(&self, position: LogPosition) -> Result<(), StaleAnswer> {
        let sent = Sent { room: self.room, client_id: ClientId::generate() };
        self.acks.wait(&self.member, sent, &appended(position))
    }

    /// How many connections are to be flushed.
    fn advance(&self, upto: LogPosition) -> usize {
        let mark = Mark { upto, moves: 0, moved: Vec::new() };
        self.acks.advance(partition_of(self.room), &mark).len()
    }

    fn frames(&self) -> Vec<Value> {
        let frames = self.member.send_queue.take();
        frames.iter().map(|frame| serde_json::from_str(frame.as_text()).unwrap()).collect()
    }

    /// The types of the frames that came, in order.
    fn told(&self) -> Vec<String> {
        self.frames().iter().map(|frame| frame["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn an_ack_is_sent_once_its_event_is_stored() {
    let setup = Setup::new();
    assert_eq!(setup.wait(at(1, 5)), Ok(()));
    assert_eq!(setup.advance(at(1, 4)), 0);
    assert_eq!(setup.told(), [""; 0]);
    assert_eq!(setup.advance(at(1, 5)), 1);
    assert_eq!(setup.told(), ["ack"]);
    assert_eq!(setup.wait(at(1, 3)), Ok(()));
    assert_eq!(setup.told(), ["ack"], "stored before it began to wait");
}

#[test]
fn a_new_epoch_takes_back_the_promise_of_the_old_one() {
    let setup = Setup::new();
    assert_eq!(setup.wait(at(1, 5)), Ok(()));
    assert_eq!(setup.advance(at(2, 0)), 1);
    assert_eq!(setup.told(), ["error"], "whether 5 survived is unknown");
    assert_eq!(setup.wait(at(1, 6)), Err(StaleAnswer));
    assert!(setup.member.may_wait());
}

#[test]
fn an_ack_tells_the_first_place_of_what_was_stored_before() {
    let setup = Setup::new();
    assert_eq!(setup.wait(at(2, 5)), Ok(()));
    let first = StoredPosition { epoch: Epoch(1), seq: Seq::new(3), timestamp: UnixMillis(0) };
    let moved = vec![Relocated { position: at(2, 5), first }];
    let mark = Mark { upto: at(2, 9), moves: 1, moved };
    assert_eq!(setup.acks.advance(partition_of(setup.room), &mark).len(), 1);
    let told = setup.frames();
    assert_eq!(told[0]["type"], "ack");
    assert_eq!((told[0]["epoch"].as_str(), told[0]["seq"].as_u64()), (Some("e1"), Some(3)), "{told:?}");
}

#[test]
fn the_end_of_a_connection_leaves_nothing_to_send() {
    let Setup { acks, member, room } = Setup::new();
    let sent = Sent { room, client_id: ClientId::generate() };
    assert_eq!(acks.wait(&member, sent, &appended(at(1, 5))), Ok(()));
    drop(member);
    let mark = Mark { upto: at(1, 9), moves: 0, moved: Vec::new() };
    assert!(acks.advance(partition_of(room), &mark).is_empty());
    assert_eq!(acks.pending.lock().len(), 0);
}
