use rookery_protocol::id::Seq;

use super::*;
use crate::faults::frame::{Changed, Message, Said};

fn frame(kind: &str, epoch: u64, seq: u64) -> Frame {
    let message = Message { message_id: format!("m{seq}"), client_id: Some(format!("c{seq}")) };
    let (kind, epoch) = (kind.to_owned(), Some(Epoch(epoch)));
    Frame {
        kind,
        epoch,
        seq,
        head: seq,
        to: seq,
        message: Some(Said::Message(message)),
        ..Frame::default()
    }
}

fn message(epoch: u64, seq: u64) -> Frame {
    frame("new_message", epoch, seq)
}

/// Subscribed at 2, has shown 3 and 4.
fn timeline() -> Timeline {
    let mut timeline = Timeline::default();
    timeline.apply(&frame("subscribed", 1, 2), 0);
    for seq in [3, 4] {
        assert_eq!(timeline.apply(&message(1, seq), 0), Next::Go);
    }
    timeline
}

fn numbers(timeline: Timeline) -> Vec<u64> {
    timeline.into_shown().events.iter().map(|event| event.place.1).collect()
}

#[test]
fn repeats_are_dropped_and_a_jump_asks_again() {
    let mut timeline = timeline();
    assert_eq!(timeline.apply(&message(1, 4), 0), Next::Go);
    assert_eq!(timeline.apply(&message(1, 6), 0), Next::Resubscribe);
    assert_eq!(timeline.apply(&message(1, 5), 0), Next::Go);
    let shown = timeline.into_shown();
    assert_eq!((shown.jumps, shown.events.len()), (1, 3));
}

#[test]
fn a_gap_holds_live_events_back_until_history_has_filled_it() {
    let mut timeline = timeline();
    timeline.apply(&frame("gap", 1, 7), 0);
    timeline.apply(&message(1, 8), 0);
    let short: Vec<Kept> = (3..=6).map(|seq| message(1, seq).kept()).collect();
    timeline.merge(&short, 0);
    assert!(timeline.history_to().is_some(), "history that is behind fills nothing");
    let whole: Vec<Kept> = (3..=8).map(|seq| message(1, seq).kept()).collect();
    timeline.merge(&whole, 0);
    assert!(timeline.reaches((1, 8)));
    assert_eq!(numbers(timeline), [3, 4, 5, 6, 7, 8]);
}

#[test]
fn after_a_reset_what_history_does_not_have_is_withdrawn_and_may_come_again() {
    let mut timeline = timeline();
    timeline.apply(&frame("reset", 2, 3), 0);
    timeline.merge(&[message(1, 3).kept()], 0);
    let mut again = message(2, 4);
    again.message = message(1, 4).message;
    assert_eq!(timeline.apply(&again, 0), Next::Go);
    let shown = timeline.into_shown();
    assert_eq!(shown.displaced, [message(1, 4).event()]);
    assert_eq!(shown.events.iter().map(|event| event.place).collect::<Vec<_>>(), [(1, 3), (2, 4)]);
}

#[test]
fn a_message_under_a_second_number_is_not_shown_again() {
    let mut timeline = timeline();
    let mut again = message(1, 5);
    again.message = message(1, 4).message;
    timeline.apply(&again, 0);
    let shown = timeline.into_shown();
    assert_eq!((shown.events.len(), shown.displaced.as_slice()), (2, &[again.event()][..]));
}

#[test]
fn what_was_heard_under_a_number_that_history_has_not_is_remembered_through_a_reset() {
    let mut timeline = timeline();
    timeline.apply(&frame("reset", 2, 5), 0);
    let mut again = message(2, 6);
    again.message = message(1, 4).message;
    timeline.apply(&again, 0);
    timeline.apply(&frame("reset", 3, 6), 0);
    let whole: Vec<Kept> = [(1, 3), (1, 4), (3, 7)].map(|(epoch, seq)| message(epoch, seq).kept()).to_vec();
    timeline.merge(&whole, 0);
    let shown = timeline.into_shown();
    assert_eq!((shown.events.len(), shown.displaced.as_slice()), (3, &[again.event()][..]));
}

#[test]
fn what_survived_a_reset_stays_and_what_lies_behind_it_goes_without_history() {
    let mut timeline = timeline();
    let survived = Position { epoch: Epoch(1), seq: Seq::new(3) };
    timeline.apply(&Frame { survived: Some(survived), ..frame("reset", 2, 6) }, 0);
    assert_eq!(timeline.history_to(), None);
    let mut again = message(2, 7);
    again.message = message(1, 4).message;
    assert_eq!(timeline.apply(&again, 0), Next::Go);
    assert!(timeline.reaches((2, 7)));
    assert_eq!(timeline.into_shown().events.iter().map(|event| event.place).collect::<Vec<_>>(), [(1, 3), (2, 7)]);
}

#[test]
fn who_misses_something_reads_history_whatever_survived() {
    let mut timeline = timeline();
    timeline.apply(&frame("gap", 1, 7), 0);
    let survived = Position { epoch: Epoch(1), seq: Seq::new(7) };
    timeline.apply(&Frame { survived: Some(survived), ..frame("reset", 2, 8) }, 0);
    assert_eq!((timeline.history_to(), timeline.resets), (Some((2, 8)), 1));
}

#[test]
fn an_act_is_known_by_what_it_says_and_counts_like_a_message() {
    let topic = |epoch, seq, topic: &str| {
        let changed = Changed { topic: Some(topic.to_owned()) };
        Frame { message: None, changed, ..frame("room_updated", epoch, seq) }
    };
    let mute =
        |seq, until: &str| Frame { message: None, until: Some(until.to_owned()), ..frame("member_muted", 1, seq) };
    let mut timeline = timeline();
    for act in [topic(1, 5, "tea"), mute(6, "noon"), topic(1, 7, "tea"), topic(1, 8, "milk")] {
        assert_eq!(timeline.apply(&act, 0), Next::Go);
    }
    let shown = timeline.into_shown();
    assert_eq!(shown.displaced, [topic(1, 7, "tea").event()]);
    assert_eq!(shown.events.iter().map(|event| event.place.1).collect::<Vec<_>>(), [3, 4, 5, 6, 8]);
}
