//! The feed against loss, repetition and new epochs.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::RoomId;
use rookery_protocol::server::{ErrorFrame, ServerFrame};

use super::*;

fn at(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
}

fn delivery(seq: u64) -> Delivery {
    Delivery { frame: ServerFrame::Reconnect { after_ms: seq }.into(), ends: None }
}

fn event(seq: u64) -> Step {
    Step::Event(delivery(seq))
}

fn head(epoch: u64, seq: u64) -> Head {
    Head { epoch: Epoch(epoch), seq: Seq::new(seq), stored: Seq::ZERO, began: None }
}

fn feed(last: u64) -> RoomFeed {
    RoomFeed::new(head(1, last))
}

fn filled(from: u64, to: u64) -> RoomFeed {
    let mut feed = feed(from - 1);
    for seq in from..=to {
        assert_eq!(feed.offer(at(1, seq), delivery(seq)), (OfferOutcome::Delivered, vec![event(seq)]));
    }
    feed
}

fn fetched(after: u64, epoch: u64, from: u64, to: u64) -> Fetched {
    let events = (from..=to).map(|seq| (at(epoch, seq), delivery(seq).frame)).collect();
    Fetched { after: at(1, after), events }
}

fn replay(from: u64, to: u64) -> Plan {
    Plan::Replay { frames: (from..=to).map(|seq| delivery(seq).frame).collect(), upto: Seq::new(to) }
}

#[test]
fn events_behind_a_hole_wait_for_its_repair() {
    let mut feed = filled(1, 3);
    assert_eq!(feed.offer(at(1, 6), delivery(6)), (OfferOutcome::Parked, vec![]));
    assert_eq!(feed.offer(at(1, 5), delivery(5)), (OfferOutcome::Parked, vec![]));
    assert!(feed.has_sequence_gap());
    assert_eq!(feed.offer(at(1, 4), delivery(4)), (OfferOutcome::Delivered, vec![event(4), event(5), event(6)]));
    assert!(!feed.has_sequence_gap());
    assert_eq!(feed.offer(at(1, 5), delivery(5)), (OfferOutcome::Known, vec![]));
}

#[test]
fn a_kind_of_a_later_release_makes_no_hole() {
    let mut feed = filled(1, 3);
    let id = "01920000-0000-7000-8000-0000000000a1";
    let text = format!(r#"{{"v":1,"id":"{id}","user_id":"{id}","username":"a","kind":"poll_opened","poll":7}}"#);
    let (room, timestamp) = (RoomId::generate(), UnixMillis(7));
    let kind = serde_json::from_str(&text).unwrap();
    let unknown = SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(4), timestamp, event: kind };
    let (place, unknown) = Delivery::of(unknown);
    assert_eq!(feed.offer(place, unknown.clone()), (OfferOutcome::Delivered, vec![Step::Event(unknown)]));
    assert_eq!(feed.offer(at(1, 5), delivery(5)), (OfferOutcome::Delivered, vec![event(5)]));
    assert!(!feed.has_sequence_gap());
}

#[test]
fn what_cannot_be_filled_is_told_as_a_gap() {
    let mut feed = filled(1, 3);
    feed.offer(at(1, 6), delivery(6));
    let gap = Step::Gap { epoch: Epoch(1), from: Seq::new(4), to: Seq::new(5) };
    assert_eq!(feed.give_up(), vec![gap, event(6)]);
    assert_eq!(feed.plan(Some(at(1, 3)), None), Plan::Fetch(at(1, 3)), "the ring does not reach over a gap");
    assert_eq!(feed.plan(Some(at(1, 5)), None), replay(6, 6));
    assert_eq!(feed.give_up(), vec![]);
}

#[test]
fn a_lost_last_event_shows_in_the_head() {
    let mut feed = filled(1, 3);
    assert_eq!(feed.compare(head(1, 2)), vec![], "a head read before the newest event");
    assert!(!feed.has_sequence_gap());
    assert_eq!(feed.compare(head(1, 5)), vec![]);
    assert!(feed.has_sequence_gap());
    assert_eq!(feed.give_up(), vec![Step::Gap { epoch: Epoch(1), from: Seq::new(4), to: Seq::new(5) }]);
}

fn began(epoch: u64, after: u64, kept: (u64, u64)) -> Began {
    Began { epoch: Epoch(epoch), after: Seq::new(after), kept: at(kept.0, kept.1) }
}

fn reset(after: (u64, u64), survived: Option<(u64, u64)>) -> Step {
    Step::Reset { after: at(after.0, after.1), survived: survived.map(|(epoch, seq)| at(epoch, seq)) }
}

fn head_of(began: Began, seq: u64) -> Head {
    Head { began: Some(began), ..head(began.epoch.0, seq) }
}

#[test]
fn a_new_epoch_of_which_nothing_is_noted_resets_to_its_head() {
    let mut feed = filled(1, 50);
    feed.offer(at(1, 60), delivery(60));
    assert_eq!(feed.offer(at(2, 41), delivery(41)), (OfferOutcome::Newer, vec![]));
    assert!(feed.wants_epoch());
    assert_eq!(feed.compare(head(2, 42)), vec![], "the bus may know more");
    feed.learn(vec![]);
    assert_eq!(feed.compare(head(2, 42)), vec![reset((2, 42), None)]);
    assert_eq!(feed.offer(at(1, 51), delivery(51)), (OfferOutcome::Known, vec![]));
    assert!(!feed.has_sequence_gap(), "what waited in the old epoch is gone");
    assert_eq!(feed.plan(Some(at(1, 50)), None), Plan::Epochs);
    feed.learn(vec![]);
    assert_eq!(feed.plan(Some(at(1, 50)), None), Plan::Reset);
    assert_eq!(feed.compare(head(1, 50)), vec![], "an old head changes nothing");
    assert_eq!(feed.head(), head(2, 42));
}

#[test]
fn members_are_told_what_survived_and_get_the_new_epoch_from_its_beginning() {
    let mut feed = filled(1, 50);
    feed.offer(at(2, 53), delivery(53));
    let turned = feed.compare(head_of(began(2, 51, (1, 47)), 52));
    assert_eq!(turned, vec![reset((2, 51), Some((1, 47)))]);
    assert_eq!((feed.missing(), feed.wants_epoch()), (2, false), "52, and 53 that came too early");
    assert_eq!(feed.offer(at(2, 52), delivery(52)), (OfferOutcome::Delivered, vec![event(52)]));
}

#[test]
fn what_is_stored_of_the_old_epoch_is_told_before_the_new_one() {
    let mut feed = filled(1, 50);
    for lost in [52, 55] {
        feed.offer(at(1, lost), delivery(lost));
    }
    assert_eq!(feed.compare(head_of(began(2, 60, (1, 53)), 60)), vec![]);
    assert_eq!(feed.missing(), 3);
    assert_eq!(feed.offer(at(1, 54), delivery(54)).0, OfferOutcome::Known, "it is lost");
    assert_eq!(feed.offer(at(1, 51), delivery(51)).1, vec![event(51), event(52)]);
    let rest = feed.offer(at(1, 53), delivery(53)).1;
    assert_eq!(rest, vec![event(53), reset((2, 60), Some((1, 53)))]);
    assert!(!feed.has_sequence_gap());
}

#[test]
fn a_rest_of_the_old_epoch_that_nobody_has_is_a_gap_in_it() {
    let mut feed = filled(1, 50);
    feed.compare(head_of(began(2, 60, (1, 53)), 61));
    let gap = Step::Gap { epoch: Epoch(1), from: Seq::new(51), to: Seq::new(53) };
    assert_eq!(feed.give_up(), vec![gap, reset((2, 60), Some((1, 53)))]);
    assert_eq!(feed.missing(), 1);
}

#[test]
fn epochs_that_were_missed_are_gone_through_one_by_one() {
    let mut feed = filled(1, 50);
    let (second, third) = (began(2, 50, (1, 48)), began(3, 55, (2, 51)));
    assert_eq!(feed.compare(head_of(third, 56)), vec![], "it is not known how the one between began");
    assert!(feed.wants_epoch());
    feed.learn(vec![third, second]);
    assert_eq!(feed.compare(head_of(third, 56)), vec![reset((2, 50), Some((1, 48)))]);
    assert_eq!(feed.missing(), 1);
    let steps = feed.offer(at(2, 51), delivery(51)).1;
    assert_eq!(steps, vec![event(51), reset((3, 55), Some((2, 51)))]);
    assert_eq!(feed.offer(at(3, 56), delivery(56)).1, vec![event(56)]);
    // A subscriber takes the same way.
    let next = |survived, after| Plan::Next { survived, after };
    assert_eq!(feed.plan(Some(at(1, 49)), None), next(at(1, 48), at(2, 50)));
    assert_eq!(feed.plan(Some(at(1, 48)), None), next(at(1, 48), at(2, 50)));
    assert_eq!(feed.plan(Some(at(1, 45)), None), Plan::Fetch(at(1, 45)), "two epochs ago is not in memory");
    assert_eq!(feed.plan(Some(at(2, 50)), None), replay(51, 51));
    assert_eq!(feed.plan(Some(at(2, 51)), None), next(at(2, 51), at(3, 55)));
    assert_eq!(feed.plan(Some(at(3, 55)), None), replay(56, 56));
    assert_eq!(feed.plan(Some(at(0, 9)), None), Plan::Epochs);
}

#[test]
fn of_an_epoch_of_which_nothing_survived_nothing_is_kept() {
    let mut feed = filled(11, 20);
    assert_eq!(feed.compare(head_of(began(3, 20, (0, 10)), 20)), vec![reset((3, 20), Some((1, 10)))]);
    let next = Plan::Next { survived: at(1, 10), after: at(3, 20) };
    assert_eq!(feed.plan(Some(at(1, 15)), None), next);
}

#[test]
fn no_more_is_parked_than_may_be() {
    let mut feed = feed(0);
    let most = PARKED_EVENTS_MAX as u64;
    for seq in 2..2 + most {
        assert_eq!(feed.offer(at(1, seq), delivery(seq)).0, OfferOutcome::Parked);
    }
    assert_eq!(feed.offer(at(1, 2 + most), delivery(2 + most)).0, OfferOutcome::Dropped);
    let (_, steps) = feed.offer(at(1, 1), delivery(1));
    assert_eq!(steps.len() as u64, most + 1);
    assert!(feed.has_sequence_gap(), "the dropped event is still missed");
}

#[test]
fn a_resume_comes_from_the_ring_if_it_reaches() {
    let feed = filled(1, 10);
    let nothing = Plan::Replay { frames: vec![], upto: Seq::new(10) };
    assert_eq!(feed.plan(None, None), nothing);
    assert_eq!(feed.plan(Some(at(1, 10)), None), nothing);
    assert_eq!(feed.plan(Some(at(1, 7)), None), replay(8, 10));
    assert_eq!(feed.plan(Some(at(1, 0)), None), replay(1, 10));
    assert_eq!(feed.plan(Some(at(1, 11)), None), Plan::Ahead);
    assert_eq!(feed.plan(Some(at(2, 3)), None), Plan::Ahead);
}

#[test]
fn a_resume_joins_fetched_events_with_the_ring() {
    let feed = filled(100, 120);
    let from = Some(at(1, 90));
    assert_eq!(feed.plan(from, None), Plan::Fetch(at(1, 90)));
    assert_eq!(feed.plan(from, Some(&fetched(90, 1, 91, 110))), replay(91, 120));
    assert_eq!(feed.plan(from, Some(&fetched(90, 1, 91, 125))), replay(91, 120), "newer ones come live");
    let gap = Plan::Gap { from: Seq::new(91), to: Seq::new(120) };
    assert_eq!(feed.plan(from, Some(&fetched(90, 1, 95, 110))), gap, "nobody has what follows");
    assert_eq!(feed.plan(from, Some(&fetched(90, 2, 91, 110))), gap);
    assert_eq!(feed.plan(from, Some(&fetched(90, 1, 91, 90))), gap);
}

#[test]
fn a_resume_asks_for_what_the_last_answer_did_not_reach() {
    let feed = filled(200, 300);
    let answer = fetched(90, 1, 91, 120);
    assert_eq!(feed.plan(Some(at(1, 90)), Some(&answer)), replay(91, 120));
    assert_eq!(feed.plan(Some(at(1, 120)), Some(&answer)), Plan::Fetch(at(1, 120)));
    let next = fetched(120, 1, 121, 250);
    assert_eq!(feed.plan(Some(at(1, 120)), Some(&next)), replay(121, 120 + REPLAY_FRAMES_MAX as u64));
}

#[test]
fn a_long_resume_comes_in_pieces() {
    let feed = filled(1, 3);
    let message = "x".repeat(REPLAY_BYTES_MAX / 2 + 1);
    let large = SharedFrame::from(ServerFrame::Error(ErrorFrame { message, ..ErrorFrame::new(ErrorCode::BadJson) }));
    let events = (1..=3).map(|seq| (at(1, seq), large.clone())).collect();
    let fetched = Fetched { after: at(1, 0), events };
    for seq in 0..3 {
        let piece = Plan::Replay { frames: vec![large.clone()], upto: Seq::new(seq + 1) };
        assert_eq!(feed.plan(Some(at(1, seq)), Some(&fetched)), piece);
    }
}

#[test]
fn too_much_is_a_gap() {
    let feed = feed(1_000);
    let gap = Plan::Gap { from: Seq::new(500), to: Seq::new(1_000) };
    assert_eq!(feed.plan(Some(at(1, 499)), None), gap);
    assert_eq!(feed.plan(Some(at(1, 500)), None), Plan::Fetch(at(1, 500)));
}
