//! Schedules: sent by one, changed by nobody meanwhile.

use std::collections::HashSet;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, ScheduleId, UserId};
use rookery_store::Schedules;
use rookery_store::change::Change;
use rookery_store::job::Lease;
use rookery_store::schedule::{Outcome, Schedule, ScheduleChange, ScheduleState};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn lease(ms: i64) -> Lease {
    Lease { id: Uuid::new_v4(), until: at(ms) }
}

pub(crate) fn schedule(owner: UserId, room: RoomId) -> Schedule {
    Schedule {
        id: ScheduleId::generate(),
        room,
        owner,
        content: "guten Morgen".to_owned(),
        reply_to: Some(MessageId::generate()),
        files: vec![FileId::generate(), FileId::generate()],
        send_at: NOON,
        state: ScheduleState::Scheduled,
        due_at: NOON,
        attempts: 0,
        is_doubtful: false,
        message: None,
        error: None,
        created_at: at(-60_000),
    }
}

async fn added(schedules: &dyn Schedules) -> Schedule {
    let new = schedule(UserId::generate(), RoomId::generate());
    assert!(schedules.insert(&new, 100).await.unwrap());
    new
}

pub(crate) async fn a_schedule_is_found_as_it_was_written(home: Home) {
    let schedules = home.stores().await.schedules;
    let new = added(&*schedules).await;
    assert_eq!(schedules.get(new.id).await.unwrap(), Some(new));
    assert_eq!(schedules.get(ScheduleId::generate()).await.unwrap(), None);
}

pub(crate) async fn a_user_has_no_more_than_the_bound(home: Home) {
    let schedules = home.stores().await.schedules;
    let (owner, room) = (UserId::generate(), RoomId::generate());
    let all: Vec<Schedule> = (0..4).map(|_| schedule(owner, room)).collect();
    for (n, new) in all.iter().enumerate() {
        assert_eq!(schedules.insert(new, 3).await.unwrap(), n < 3, "{n}");
    }
    assert_eq!(schedules.get(all[3].id).await.unwrap(), None);
    assert!(schedules.insert(&schedule(UserId::generate(), room), 3).await.unwrap(), "others have their own");
    let holder = lease(100);
    let due = schedules.claim(holder, at(0), 1).await.unwrap();
    let done = due.iter().find(|due| due.owner == owner).map_or(all[0].id, |due| due.id);
    if due[0].owner == owner {
        assert!(schedules.settle(done, holder.id, &Outcome::Failed("x".to_owned(), at(9))).await.unwrap());
    } else {
        assert!(schedules.remove(done).await.unwrap());
    }
    assert!(schedules.insert(&all[3], 3).await.unwrap(), "what is over does not count");
    let race = UserId::generate();
    let added = at_once(10, |_| {
        let schedules = schedules.clone();
        async move { schedules.insert(&schedule(race, room), 5).await.unwrap() }
    })
    .await;
    let there = schedules.of_user(race, None, 100).await.unwrap().len();
    assert_eq!(added.into_iter().filter(|added| *added).count(), there);
    assert!(there <= 5, "{there}");
}

pub(crate) async fn schedules_come_in_pages(home: Home) {
    let schedules = home.stores().await.schedules;
    let (owner, here, there) = (UserId::generate(), RoomId::generate(), RoomId::generate());
    let all: Vec<Schedule> = (0..7).map(|n| schedule(owner, if n % 3 == 2 { there } else { here })).collect();
    for new in &all {
        assert!(schedules.insert(new, 100).await.unwrap());
    }
    added(&*schedules).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = schedules.page(owner, here, before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page);
    }
    let newest_first: Vec<Schedule> = all.iter().rev().cloned().collect();
    let of_here: Vec<Schedule> = newest_first.iter().filter(|schedule| schedule.room == here).cloned().collect();
    assert_eq!(seen, of_here);
    assert_eq!(schedules.of_user(owner, None, 100).await.unwrap(), newest_first);
    assert_eq!(schedules.of_user(owner, Some(newest_first[4].id), 1).await.unwrap(), newest_first[5..6]);
}

pub(crate) async fn what_waits_may_be_changed_and_removed(home: Home) {
    let schedules = home.stores().await.schedules;
    let new = added(&*schedules).await;
    let same = schedules.change(new.id, &ScheduleChange::default()).await.unwrap();
    assert_eq!(same.as_ref(), Some(&new));
    let files = vec![FileId::generate(), FileId::generate()];
    let change = ScheduleChange {
        content: Some("later".to_owned()),
        send_at: Some(at(500)),
        reply_to: Change::Clear,
        files: Some(files.clone()),
    };
    let later = Schedule {
        content: "later".to_owned(),
        send_at: at(500),
        due_at: at(500),
        reply_to: None,
        files,
        ..new.clone()
    };
    assert_eq!(schedules.change(new.id, &change).await.unwrap(), Some(later.clone()));
    assert_eq!(schedules.get(new.id).await.unwrap(), Some(later));
    assert_eq!(schedules.claim(lease(100), at(499), 9).await.unwrap(), []);
    assert_eq!(schedules.claim(lease(900), at(500), 9).await.unwrap().len(), 1);
    assert_eq!(schedules.change(new.id, &change).await.unwrap(), None, "it is being sent");
    assert!(!schedules.remove(new.id).await.unwrap());
    let other = added(&*schedules).await;
    assert!(schedules.remove(other.id).await.unwrap());
    assert!(!schedules.remove(other.id).await.unwrap());
    assert_eq!(schedules.change(other.id, &change).await.unwrap(), None);
}

pub(crate) async fn a_schedule_has_one_holder(home: Home) {
    let schedules = home.stores().await.schedules;
    for _ in 0..30 {
        added(&*schedules).await;
    }
    let claimed = at_once(10, |_| {
        let schedules = schedules.clone();
        async move { schedules.claim(lease(1_000), at(1), 4).await.unwrap() }
    })
    .await;
    let ids: Vec<ScheduleId> = claimed.into_iter().flatten().map(|schedule| schedule.id).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (30, 30), "each once");
    assert_eq!(schedules.claim(lease(2_000), at(1_000), 0).await.unwrap(), []);
    let again = schedules.claim(lease(2_000), at(1_000), 50).await.unwrap();
    assert_eq!(again.len(), 30, "a lease that ends passes on");
    assert!(
        again
            .iter()
            .all(|schedule| schedule.attempts == 2 && schedule.state == ScheduleState::Sending)
    );
}

pub(crate) async fn a_schedule_is_settled_by_its_holder(home: Home) {
    let schedules = home.stores().await.schedules;
    let new = added(&*schedules).await;
    let (first, second) = (lease(100), lease(900));
    assert_eq!(schedules.claim(first, at(0), 5).await.unwrap().len(), 1);
    assert_eq!(schedules.claim(second, at(99), 5).await.unwrap(), []);
    assert_eq!(schedules.claim(second, at(100), 5).await.unwrap().len(), 1);
    let message = MessageId::generate();
    let sent = Outcome::Sent(message, at(5_000));
    assert!(!schedules.settle(new.id, first.id, &sent).await.unwrap());
    assert!(schedules.settle(new.id, second.id, &sent).await.unwrap());
    assert!(!schedules.settle(new.id, second.id, &sent).await.unwrap(), "it is over");
    let over = schedules.get(new.id).await.unwrap().unwrap();
    assert_eq!((over.state, over.message, over.due_at), (ScheduleState::Sent, Some(message), at(5_000)));
    assert_eq!(schedules.claim(lease(9_000), at(8_000), 5).await.unwrap(), []);
}

pub(crate) async fn doubtful_ones_stay_as_they_are(home: Home) {
    let schedules = home.stores().await.schedules;
    let new = added(&*schedules).await;
    let holder = lease(100);
    schedules.claim(holder, at(0), 5).await.unwrap();
    assert!(schedules.settle(new.id, holder.id, &Outcome::Doubtful(at(50))).await.unwrap());
    let change = ScheduleChange { content: Some("other".to_owned()), ..ScheduleChange::default() };
    assert_eq!(schedules.change(new.id, &change).await.unwrap(), None);
    assert!(!schedules.remove(new.id).await.unwrap());
    assert_eq!(schedules.claim(holder, at(49), 5).await.unwrap(), []);
    let again = schedules.claim(holder, at(50), 5).await.unwrap();
    assert!(again[0].is_doubtful && again[0].attempts == 2);
    assert!(schedules.settle(new.id, holder.id, &Outcome::Again(at(70))).await.unwrap());
    assert!(schedules.change(new.id, &change).await.unwrap().is_some(), "it waits");
}

pub(crate) async fn what_is_over_is_forgotten(home: Home) {
    let schedules = home.stores().await.schedules;
    let (failed, waiting) = (added(&*schedules).await, added(&*schedules).await);
    let holder = lease(100);
    schedules.claim(holder, at(0), 5).await.unwrap();
    let outcome = Outcome::Failed("banned".to_owned(), at(200));
    assert!(schedules.settle(failed.id, holder.id, &outcome).await.unwrap());
    let over = schedules.get(failed.id).await.unwrap().unwrap();
    assert_eq!((over.state, over.error.as_deref()), (ScheduleState::Failed, Some("banned")));
    assert_eq!((schedules.purge(at(200), 9).await.unwrap(), schedules.purge(at(201), 9).await.unwrap()), (0, 1));
    assert_eq!(schedules.get(failed.id).await.unwrap(), None);
    assert!(schedules.get(waiting.id).await.unwrap().is_some());
}

pub(crate) async fn schedules_go_with_their_owner_and_their_room(home: Home) {
    let schedules = home.stores().await.schedules;
    let (ada, bob, here, there) = (UserId::generate(), UserId::generate(), RoomId::generate(), RoomId::generate());
    for (owner, room) in [(ada, here), (ada, there), (bob, here), (bob, there)] {
        assert!(schedules.insert(&schedule(owner, room), 100).await.unwrap());
    }
    assert_eq!((schedules.erase_about(ada).await.unwrap(), schedules.erase_about(ada).await.unwrap()), (2, 0));
    assert_eq!((schedules.erase_room(here, 9).await.unwrap(), schedules.erase_room(here, 9).await.unwrap()), (1, 0));
    let left = schedules.of_user(bob, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|left| left.room).collect::<Vec<_>>(), [there]);
}

/// Whoever is first wins, and the other one knows.
pub(crate) async fn claim_and_change_race(home: Home) {
    let schedules = home.stores().await.schedules;
    for round in 0..10 {
        let new = added(&*schedules).await;
        let change = ScheduleChange { content: Some(format!("round {round}")), ..ScheduleChange::default() };
        let (claimed, changed) =
            tokio::join!(schedules.claim(lease(1_000), at(0), 1), schedules.change(new.id, &change));
        let (claimed, changed) = (claimed.unwrap(), changed.unwrap());
        assert_eq!(claimed.len(), 1);
        let is_new = claimed[0].content == format!("round {round}");
        assert_eq!(is_new, changed.is_some(), "what is sent is what the change said it is");
    }
}
