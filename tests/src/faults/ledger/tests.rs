use super::*;

fn event(seq: u64) -> Event {
    Event { place: (1, seq), message_id: Some(format!("m{seq}")) }
}

fn kept(seq: u64) -> Kept {
    Kept { event: event(seq), client_id: Some(format!("c{seq}")) }
}

fn acked(seq: u64) -> (String, Outcome) {
    (
        format!("c{seq}"),
        Outcome::Acked { place: (1, seq), message_id: format!("m{seq}"), resent: seq == 2, at_ms: seq },
    )
}

/// Five messages, two receivers, one message refused: everybody agrees.
fn room() -> Room {
    let mut sent: BTreeMap<String, Outcome> = (1..=5).map(acked).collect();
    sent.insert("blank".to_owned(), Outcome::Refused);
    let whole = Shown { events: (1..=5).map(event).collect(), ..Shown::default() };
    let late = Shown { since: (1, 2), events: (3..=5).map(event).collect(), ..Shown::default() };
    Room { sent, receivers: vec![whole, late], history: (1..=5).map(kept).collect(), restored: None }
}

fn findings_of(change: impl FnOnce(&mut Room)) -> Findings {
    let mut room = room();
    change(&mut room);
    let findings = check(&room);
    assert!(!findings.are_good(), "the change was not noticed: {findings:?}");
    findings
}

#[test]
fn ledgers_that_agree_are_good() {
    let findings = check(&room());
    assert!(findings.are_good(), "{findings:?}");
    assert_eq!(findings, Findings { acked: 5, refused: 1, recovered: 1, ..Findings::default() });
}

#[test]
fn an_acked_message_that_history_lacks_is_lost() {
    let findings = findings_of(|room| {
        room.history.pop();
        room.receivers.iter_mut().for_each(|receiver| drop(receiver.events.pop()));
    });
    assert_eq!(findings, Findings { acked: 5, lost: 1, refused: 1, recovered: 1, ..Findings::default() });
}

#[test]
fn an_acked_message_under_another_id_is_lost() {
    let other = Outcome::Acked { place: (1, 3), message_id: "m9".to_owned(), resent: false, at_ms: 3 };
    assert_eq!(findings_of(|room| drop(room.sent.insert("c3".to_owned(), other))).lost, 1);
}

#[test]
fn an_ack_that_names_another_place_is_misplaced() {
    let other = Outcome::Acked { place: (1, 4), message_id: "m3".to_owned(), resent: false, at_ms: 3 };
    assert_eq!(findings_of(|room| drop(room.sent.insert("c3".to_owned(), other))).misplaced, 1);
}

#[test]
fn a_name_or_an_id_twice_in_history_is_a_duplicate() {
    assert_eq!(findings_of(|room| room.history[4].client_id = Some("c1".to_owned())).duplicated, 1);
    assert_eq!(findings_of(|room| room.history[4].event.message_id = Some("m1".to_owned())).duplicated, 1);
}

#[test]
fn a_message_shown_twice_is_a_duplicate() {
    let twice = |room: &mut Room| room.receivers[0].events[4].message_id = Some("m1".to_owned());
    assert_eq!(findings_of(twice).duplicated, 1);
}

#[test]
fn another_order_at_a_receiver_or_in_history_is_noticed() {
    assert_eq!(findings_of(|room| room.receivers[0].events.swap(1, 2)).reordered, 1);
    assert!(findings_of(|room| room.history.swap(1, 2)).reordered >= 1);
    let exchanged = |room: &mut Room| {
        room.receivers[1].events[0].message_id = Some("m4".to_owned());
        room.receivers[1].events[1].message_id = Some("m3".to_owned());
    };
    assert_eq!(findings_of(exchanged).reordered, 2);
}

#[test]
fn what_was_refused_or_never_sent_is_a_ghost() {
    assert_eq!(findings_of(|room| drop(room.sent.insert("c2".to_owned(), Outcome::Refused))).ghosts, 1);
    assert_eq!(findings_of(|room| drop(room.sent.insert("c2".to_owned(), Outcome::Unanswered))).ghosts, 1);
    assert_eq!(findings_of(|room| drop(room.sent.remove("c2"))).ghosts, 1);
    assert_eq!(findings_of(|room| room.receivers[1].events.push(event(6))).ghosts, 1);
}

#[test]
fn an_event_that_a_receiver_never_saw_is_a_hole_but_not_one_before_it_listened() {
    assert_eq!(findings_of(|room| drop(room.receivers[0].events.remove(2))).holes, 1);
    assert_eq!(findings_of(|room| drop(room.receivers[1].events.remove(0))).holes, 1);
}

#[test]
fn a_number_that_history_leaves_out_is_a_hole() {
    let findings = findings_of(|room| {
        room.history.remove(2);
        room.sent.remove("c3");
        room.receivers[0].events.remove(2);
        room.receivers[1].events.remove(0);
    });
    assert_eq!((findings.holes, findings.lost), (1, 0));
}

/// Redis was emptied after message 3 was stored and before its ack: it is sent again, takes number 4, and the ack
/// tells its first place.
#[test]
fn a_number_that_a_repeat_took_in_a_new_epoch_is_no_hole() {
    let mut room = room();
    let again = Outcome::Acked { place: (1, 3), message_id: "m3".to_owned(), resent: true, at_ms: 3 };
    room.sent.insert("c3".to_owned(), again);
    room.sent.remove("c4");
    room.history.remove(3);
    for receiver in &mut room.receivers {
        receiver.events.retain(|event| event.place.1 != 4);
        receiver.displaced.push(Event { place: (2, 4), ..event(3) });
    }
    let findings = check(&room);
    assert!(findings.are_good(), "{findings:?}");
    assert_eq!((findings.renumbered, findings.misplaced, findings.acked), (1, 0, 4));
}

/// Message 2 is sent again in a new epoch; the second receiver began to listen behind its first place.
#[test]
fn a_repeat_of_what_was_before_somebody_listened_is_shown_by_them_once() {
    let repeat_of = |id: u64| Event { place: (2, 6), ..event(id) };
    let mut room = room();
    room.receivers[0].displaced.push(repeat_of(2));
    room.receivers[1].events.push(repeat_of(2));
    let findings = check(&room);
    assert!(findings.are_good(), "{findings:?}");
    assert_eq!(findings_of(|room| room.receivers[0].events.push(repeat_of(2))).ghosts, 1);
    assert_eq!(findings_of(|room| room.receivers[1].events.push(repeat_of(6))).ghosts, 1);
    assert_eq!(findings_of(|room| room.receivers[1].events.push(repeat_of(3))).ghosts, 1);
}

#[test]
fn a_number_of_a_message_that_history_does_not_have_is_a_hole() {
    let findings = findings_of(|room| {
        room.history.remove(2);
        room.sent.remove("c3");
        for receiver in &mut room.receivers {
            receiver.events.retain(|event| event.place.1 != 3);
            receiver.displaced.push(event(3));
        }
    });
    assert_eq!((findings.holes, findings.renumbered), (1, 0));
}

#[test]
fn a_message_without_an_answer_is_unknown() {
    assert_eq!(findings_of(|room| drop(room.sent.insert("c9".to_owned(), Outcome::Unknown))).unknown, 1);
}

#[test]
fn what_was_acked_after_a_backup_was_begun_may_be_gone_when_it_is_back() {
    let gone = |room: &mut Room| {
        room.history.truncate(3);
        room.receivers
            .iter_mut()
            .for_each(|receiver| receiver.events.retain(|event| event.place.1 <= 3));
    };
    let mut allowed = room();
    gone(&mut allowed);
    allowed.restored = Some((4, 9));
    assert_eq!(
        check(&allowed),
        Findings { acked: 5, refused: 1, recovered: 1, taken_back: 2, ..Findings::default() }
    );
    let early = findings_of(|room| {
        gone(room);
        room.restored = Some((5, 9));
    });
    assert_eq!((early.lost, early.taken_back), (1, 1));
}
