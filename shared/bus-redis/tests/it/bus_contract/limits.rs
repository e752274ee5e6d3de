//! Pace, slow mode, frozen rooms and settings: the same on both buses.

use std::time::Duration;

use rookery_bus::pace::{RoomRateLimit, TooEarly};
use rookery_bus::{OpenError, RoomSeed};
use rookery_protocol::access::Posting;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{DeletionReason, EventBody, RoomChange, RoomSettings, Sender};
use rookery_protocol::id::MessageId;
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::position::Position;

use super::*;

/// Slow enough that nothing is given back while a test runs.
const SLOW: RoomRateLimit = RoomRateLimit { burst: 10, interval_ms: 60_000 };
/// Fast enough to wait for.
const FAST: RoomRateLimit = RoomRateLimit { burst: 1, interval_ms: 50 };
/// One at once, and no other for a minute.
const ONE: RoomRateLimit = RoomRateLimit { burst: 1, interval_ms: 60_000 };

const HOUR_MS: u64 = 3_600_000;

fn act(room: RoomId, user: UserId, name: &str, kind: ChangeKind) -> Append {
    let sender = Sender { user_id: user, username: "alice".into() };
    let client_id = ClientId::try_from(name.to_owned()).unwrap();
    let event =
        Event::message_change(room, sender, &client_id, MessageChange { message_id: MessageId::generate(), kind });
    Append { room, event, client_id, rights: Rights::At(ACL), epoch: None }
}

fn reaction() -> ChangeKind {
    ChangeKind::React(Emoji::try_from("👍".to_owned()).unwrap())
}

fn settings(version: u64, slow_mode_ms: u64, frozen: bool) -> RoomSettings {
    RoomSettings { version: AclVersion(version), slow_mode_ms, frozen, ..RoomSettings::default() }
}

async fn change_settings(fixture: &Fixture, room: RoomId, settings: RoomSettings) -> Result<Appended, AppendError> {
    let mut append = message(room, UserId::generate(), &format!("s-{}", settings.version.0), "");
    append.event.body = EventBody::Room(RoomChange::Updated { settings, changed: None });
    append.rights = Rights::Keep;
    fixture.bus.append(append).await
}

fn wait_of(outcome: Result<Appended, AppendError>) -> u64 {
    match outcome {
        Err(AppendError::TooEarly(TooEarly::RateLimit(ms))) => ms,
        other => panic!("{other:?}"),
    }
}

fn rest_of(outcome: Result<Appended, AppendError>) -> u64 {
    match outcome {
        Err(AppendError::TooEarly(TooEarly::SlowMode(ms))) => ms,
        other => panic!("{other:?}"),
    }
}

async fn of_many_at_once_exactly_the_burst_is_accepted(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let appends = (0..200).map(|i| fixture.bus.append(message(room, user, &format!("c-{i}"), "flood")));
    let (accepted, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(appends).await.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 10);
    assert!(refused.into_iter().map(wait_of).all(|ms| (1..=60_000).contains(&ms)));
    let head = fixture.bus.heads(&[room]).await.unwrap()[0].unwrap();
    assert_eq!(head.seq, Seq::new(10), "what is refused gets no number");
    for (other_room, other) in [(room, UserId::generate()), (fixture.room(0, 1).await, user)] {
        assert!(fixture.bus.append(message(other_room, other, "c-0", "hi")).await.is_ok(), "nobody pays for another");
    }
}

async fn the_wait_that_is_told_is_exact(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let began = std::time::Instant::now();
    for i in 0..10 {
        let name = format!("c-{i}");
        if let Err(error) = fixture.bus.append(message(room, user, &name, "hi")).await {
            let ms = wait_of(Err(error));
            assert!((1..=50).contains(&ms), "{ms}");
            tokio::time::sleep(Duration::from_millis(ms)).await;
            // The same name: a refusal leaves no trace.
            assert!(fixture.bus.append(message(room, user, &name, "hi")).await.is_ok(), "after {ms} ms");
        }
    }
    assert!(began.elapsed() >= Duration::from_millis(9 * 50), "{:?}", began.elapsed());
}

async fn a_repeat_is_never_too_early(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    wait_of(fixture.bus.append(message(room, user, "c-2", "hi")).await);
    let again = fixture.bus.append(message(room, user, "c-1", "hi")).await;
    assert_eq!(again.map(|again| (again.repeated, again.seq)), Ok((true, first.seq)));
}

async fn edits_and_reactions_count_and_deletions_do_not(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    for (kind, counts) in [
        (ChangeKind::Edit("x".into()), true),
        (reaction(), true),
        (ChangeKind::Unreact(Emoji::try_from("👍".to_owned()).unwrap()), true),
        (ChangeKind::Delete, false),
    ] {
        let user = UserId::generate();
        assert!(fixture.bus.append(act(room, user, "a-1", kind.clone())).await.is_ok());
        let next = fixture.bus.append(message(room, user, "c-1", "hi")).await;
        assert_eq!(next.is_err(), counts, "{kind:?}");
        let outcome = fixture.bus.append(act(room, user, "a-2", kind.clone())).await;
        assert_eq!(outcome.is_err(), counts, "{kind:?}");
    }
}

async fn who_keeps_order_has_the_same_pace(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let office = |name| Append { rights: Rights::Moderator(ACL), ..message(room, user, name, "hi") };
    assert!(fixture.bus.append(office("c-1")).await.is_ok());
    wait_of(fixture.bus.append(office("c-2")).await);
}

async fn slow_mode_is_for_the_texts_of_members(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    change_settings(&fixture, room, settings(5, HOUR_MS, false)).await.unwrap();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let rest = rest_of(fixture.bus.append(message(room, user, "c-2", "hi")).await);
    assert!((HOUR_MS - 60_000..=HOUR_MS).contains(&rest), "{rest}");
    assert!(fixture.bus.append(act(room, user, "a-1", reaction())).await.is_ok());
    rest_of(fixture.bus.append(act(room, user, "a-2", ChangeKind::Edit("x".into()))).await);
    let again = fixture.bus.append(message(room, user, "c-1", "hi")).await;
    assert_eq!(again.map(|again| again.seq), Ok(first.seq));
    for name in ["c-3", "c-4"] {
        let office = Append { rights: Rights::Moderator(ACL), ..message(room, user, name, "hi") };
        assert!(fixture.bus.append(office).await.is_ok(), "who keeps order need not wait");
    }
    assert!(fixture.bus.append(message(room, UserId::generate(), "c-1", "hi")).await.is_ok());
    // What is not yet over ends with the setting, and comes back with it.
    change_settings(&fixture, room, settings(6, 1, false)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(fixture.bus.append(message(room, user, "c-2", "hi")).await.is_ok());
    change_settings(&fixture, room, settings(7, HOUR_MS, false)).await.unwrap();
    rest_of(fixture.bus.append(message(room, user, "c-5", "hi")).await);
}

/// What a reaction leaves behind must not make the memory of a text end early.
async fn a_reaction_does_not_end_slow_mode(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    change_settings(&fixture, room, settings(5, HOUR_MS, false)).await.unwrap();
    fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    fixture.bus.append(act(room, user, "a-1", reaction())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    rest_of(fixture.bus.append(message(room, user, "c-2", "hi")).await);
}

async fn a_frozen_room_is_for_those_who_keep_order(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    change_settings(&fixture, room, settings(5, 0, true)).await.unwrap();
    let says = |append| fixture.bus.append(append);
    assert_eq!(says(message(room, user, "c-2", "hi")).await, Err(AppendError::Refused(ErrorCode::Frozen)));
    assert_eq!(
        says(act(room, user, "a-1", ChangeKind::Edit("x".into()))).await,
        Err(AppendError::Refused(ErrorCode::Frozen))
    );
    assert_eq!(says(act(room, user, "a-2", reaction())).await, Err(AppendError::Refused(ErrorCode::Frozen)));
    assert!(says(act(room, user, "a-3", ChangeKind::Delete)).await.is_ok());
    assert_eq!(says(message(room, user, "c-1", "hi")).await.map(|again| again.seq), Ok(first.seq));
    let office = Append { rights: Rights::Moderator(ACL), ..message(room, user, "c-3", "hi") };
    assert!(says(office).await.is_ok());
    let joined = Append { rights: Rights::Keep, ..act(room, user, "j-1", ChangeKind::Delete) };
    assert!(says(joined).await.is_ok());
    change_settings(&fixture, room, settings(6, 0, false)).await.unwrap();
    assert!(says(message(room, user, "c-2", "hi")).await.is_ok());
}

async fn an_archived_room_is_for_nobody_and_posting_for_those_who_keep_order(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let office = |name| Append { rights: Rights::Moderator(ACL), ..message(room, user, name, "hi") };
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let restricted = RoomSettings { posting: Posting::Moderators, ..settings(5, 0, false) };
    change_settings(&fixture, room, restricted).await.unwrap();
    let refused = Err(AppendError::Refused(ErrorCode::PostingRestricted));
    assert_eq!(fixture.bus.append(message(room, user, "c-2", "hi")).await, refused);
    let reacts = fixture.bus.append(act(room, user, "a-1", reaction())).await;
    assert!(reacts.is_ok(), "a reaction is no post: {reacts:?}");
    assert!(fixture.bus.append(office("c-3")).await.is_ok());
    change_settings(&fixture, room, RoomSettings { archived: true, ..settings(6, 0, false) })
        .await
        .unwrap();
    let refused = Err(AppendError::Refused(ErrorCode::Archived));
    assert_eq!(fixture.bus.append(message(room, user, "c-2", "hi")).await, refused);
    assert_eq!(fixture.bus.append(act(room, user, "a-2", reaction())).await, refused);
    assert_eq!(fixture.bus.append(office("c-4")).await, refused);
    assert!(fixture.bus.append(act(room, user, "a-3", ChangeKind::Delete)).await.is_ok());
    assert_eq!(fixture.bus.append(message(room, user, "c-1", "hi")).await.map(|again| again.seq), Ok(first.seq));
    change_settings(&fixture, room, settings(7, 0, false)).await.unwrap();
    assert!(fixture.bus.append(message(room, user, "c-2", "hi")).await.is_ok());
}

/// Not even what costs nothing and needs no right; but the last event itself may be said again.
async fn nothing_follows_the_last_event(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let mut last = message(room, user, "d-1", "");
    last.event.body = EventBody::Room(RoomChange::Deleted { reason: DeletionReason::Deleted });
    last.rights = Rights::Raise(AclVersion(9));
    let deleted = fixture.bus.append(last.clone()).await.unwrap();
    assert_eq!(deleted.seq, first.seq.next());
    let refused = Err(AppendError::Refused(ErrorCode::UnknownRoom));
    for rights in [
        Rights::At(AclVersion(9)),
        Rights::Moderator(AclVersion(9)),
        Rights::Keep,
        Rights::Raise(AclVersion(10)),
    ] {
        let more = Append { rights, ..message(room, user, "c-2", "hi") };
        assert_eq!(fixture.bus.append(more).await, refused, "{rights:?}");
    }
    assert_eq!(fixture.bus.append(last).await.map(|again| (again.seq, again.repeated)), Ok((deleted.seq, true)));
    fixture.open(room, 0, 1).await;
    assert_eq!(
        fixture
            .bus
            .append(Append { rights: Rights::Keep, ..message(room, user, "c-3", "hi") })
            .await,
        refused
    );
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap()[0].map(|head| head.seq), Some(deleted.seq));
}

async fn limits_are_asked_in_order(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    change_settings(&fixture, room, settings(5, HOUR_MS, false)).await.unwrap();
    wait_of(fixture.bus.append(message(room, user, "c-2", "hi")).await);
    change_settings(&fixture, room, settings(6, HOUR_MS, true)).await.unwrap();
    assert_eq!(
        fixture.bus.append(message(room, user, "c-2", "hi")).await,
        Err(AppendError::Refused(ErrorCode::Frozen))
    );
    let raise = Append { rights: Rights::Raise(AclVersion(9)), ..act(room, user, "r-1", ChangeKind::Delete) };
    fixture.bus.append(raise).await.unwrap();
    assert_eq!(fixture.bus.append(message(room, user, "c-2", "hi")).await, Err(AppendError::StaleRights));
    let office = Append { rights: Rights::Moderator(ACL), ..message(room, user, "c-2", "hi") };
    assert_eq!(fixture.bus.append(office).await, Err(AppendError::StaleRights));
    assert!(fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap().repeated);
}

async fn newer_settings_stay(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    change_settings(&fixture, room, settings(7, 0, true)).await.unwrap();
    assert_eq!(change_settings(&fixture, room, settings(6, 0, false)).await, Err(AppendError::StaleRights));
    let open = |settings| {
        fixture
            .bus
            .open_room(room, RoomSeed { epoch: None, last: Position::START, acl: ACL, settings })
    };
    open(settings(5, 0, false)).await.unwrap();
    assert_eq!(
        fixture.bus.append(message(room, user, "c-1", "hi")).await,
        Err(AppendError::Refused(ErrorCode::Frozen))
    );
    open(settings(8, 0, false)).await.unwrap();
    assert!(fixture.bus.append(message(room, user, "c-1", "hi")).await.is_ok());
}

macro_rules! contract_at {
    ($($pace:ident: $($name:ident),+;)+) => {
        mod memory {
            $($(#[tokio::test] async fn $name() {
                super::$name(super::Fixture::memory_at(super::$pace)).await;
            })+)+
        }
        mod redis {
            $($(#[tokio::test] async fn $name() {
                super::$name(super::Fixture::redis_at(super::$pace).await).await;
            })+)+
        }
    };
}

const OFF: RoomRateLimit = RoomRateLimit::OFF;

contract_at!(
    SLOW: of_many_at_once_exactly_the_burst_is_accepted;
    FAST: the_wait_that_is_told_is_exact, a_reaction_does_not_end_slow_mode;
    ONE: a_repeat_is_never_too_early, edits_and_reactions_count_and_deletions_do_not, who_keeps_order_has_the_same_pace,
        limits_are_asked_in_order;
    OFF: slow_mode_is_for_the_texts_of_members, a_frozen_room_is_for_those_who_keep_order, newer_settings_stay,
        an_archived_room_is_for_nobody_and_posting_for_those_who_keep_order, nothing_follows_the_last_event;
);

/// A Redis that was wiped gets the settings from the store, with the room.
#[tokio::test]
async fn settings_come_back_with_the_room() {
    let fixture = Fixture::redis_at(RoomRateLimit::OFF).await;
    let room = RoomId::generate();
    let seed = RoomSeed { epoch: None, last: Position::START, acl: ACL, settings: settings(3, 0, true) };
    assert_eq!(fixture.bus.open_room(room, seed).await, Err(OpenError::PartitionNotOpen));
    fixture.bus.open_partition(partition_of(room), Epoch(1)).await.unwrap();
    fixture.bus.open_room(room, seed).await.unwrap();
    let outcome = fixture.bus.append(message(room, UserId::generate(), "c-1", "hi")).await;
    assert_eq!(outcome, Err(AppendError::Refused(ErrorCode::Frozen)));
}
