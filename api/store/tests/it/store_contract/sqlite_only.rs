//! What the file has to show by itself.

use std::os::unix::fs::PermissionsExt as _;

use rookery_protocol::id::{Epoch, Partition, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::message::Window;
use rookery_store::unread::{Reader, Span};
use rookery_store::{PageQuestion, StoreError};
use rusqlite::Connection;

use super::{Home, at_once};
use crate::samples::{message, messages, user};

fn file_of(home: &Home) -> std::path::PathBuf {
    match home {
        Home::Sqlite(folder) => folder.path().join("data.sqlite"),
        Home::Mongo(_) => unreachable!("a home in a file"),
    }
}

#[tokio::test]
async fn a_refused_event_is_an_error_even_among_repeats() {
    let home = Home::sqlite();
    let stores = home.stores().await;
    let room = RoomId::generate();
    let events = messages(room, 1, 1..=3);
    stores.messages.apply(&events[..1]).await.unwrap();
    Connection::open(file_of(&home))
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.seq = 2 BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    assert!(stores.messages.apply(&events).await.is_err());
    // The batch is one change: nothing of it stays.
    assert_eq!(stores.messages.page(room, PageQuestion::all(Window::Latest, 10)).await.unwrap(), events[..1]);
}

/// Changes that share a transaction succeed and fail each for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_change_does_not_harm_its_group() {
    let home = Home::sqlite();
    let stores = home.stores().await;
    let room = RoomId::generate();
    stores.users.insert(&user("same")).await.unwrap();
    let outcomes = at_once(200, |n| {
        let stores = stores.clone();
        async move {
            match n % 2 {
                0 => stores.messages.apply(&[message(room, 1, n as u64)]).await.is_ok(),
                _ => matches!(stores.users.insert(&user("same")).await, Err(StoreError::Taken(_))),
            }
        }
    })
    .await;
    assert!(outcomes.into_iter().all(|expected| expected));
    assert_eq!(stores.messages.page(room, PageQuestion::all(Window::Latest, 1_000)).await.unwrap().len(), 100);
}

#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    let home = Home::sqlite();
    let _stores = home.stores().await;
    let Home::Sqlite(folder) = &home else { unreachable!("a home in a file") };
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_broken_file_is_said_to_be_broken() {
    let home = Home::sqlite();
    std::fs::write(file_of(&home), "this is not a database, and long enough to be read as one ".repeat(20)).unwrap();
    let outcome = rookery_store_sqlite::open(&file_of(&home)).await.map(drop);
    assert!(matches!(outcome, Err(StoreError::Inconsistent(_))), "{outcome:?}");
}

fn count(home: &Home, table: &str) -> i64 {
    let db = Connection::open(file_of(home)).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A1: whoever took the file over last writes; the one before writes nothing more, and learns why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_one_process_at_a_time_writes() {
    let home = Home::sqlite();
    let (first, second) = (home.stores().await, home.stores().await);
    let room = RoomId::generate();
    first.backend.take_over("the first").await.unwrap();
    first.messages.apply(&messages(room, 1, 1..=2)).await.unwrap();
    second.backend.take_over("the second").await.unwrap();
    let refused = first.messages.apply(&[message(room, 1, 3)]).await.unwrap_err();
    assert!(matches!(&refused, StoreError::NotTheWriter(why) if why.contains("the second")), "{refused}");
    assert!(first.users.insert(&user("ada")).await.is_err());
    assert!(first.backend.ping().await.is_err(), "it is not ready");
    assert!(first.backend.lost().await.contains("the second"));
    second.messages.apply(&[message(room, 1, 3)]).await.unwrap();
    second.backend.ping().await.unwrap();
    assert_eq!(count(&home, "messages"), 3);
}

/// A1: nobody has to write to find out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_a_process_without_work_notices_that_it_was_replaced() {
    let home = Home::sqlite();
    let (first, second) = (home.stores().await, home.stores().await);
    first.backend.take_over("the first").await.unwrap();
    second.backend.take_over("the second").await.unwrap();
    assert!(first.backend.lost().await.contains("the second"));
}

/// A1: a file that another one was moved over is gone for everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_nothing_is_written_into_a_file_that_was_replaced() {
    let home = Home::sqlite();
    let stores = home.stores().await;
    stores.backend.take_over("it").await.unwrap();
    let file = file_of(&home);
    std::fs::copy(&file, file.with_extension("copy")).unwrap();
    std::fs::rename(file.with_extension("copy"), &file).unwrap();
    assert!(matches!(stores.users.insert(&user("ada")).await, Err(StoreError::NotTheWriter(_))));
    assert!(stores.backend.lost().await.contains("replaced"));
}

/// A1: a place that another event has is noticed where nothing else was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_a_collision_ends_the_process_that_comes_second() {
    let home = Home::sqlite();
    let (stores, room) = (home.stores().await, RoomId::generate());
    stores.backend.take_over("it").await.unwrap();
    home.stores().await.messages.apply(&[message(room, 1, 1)]).await.unwrap();
    let refused = stores.messages.apply(&[message(room, 1, 1)]).await;
    assert!(matches!(refused, Err(StoreError::Collision { .. })), "{refused:?}");
    assert!(stores.backend.lost().await.contains("another event"));
    assert!(stores.messages.apply(&[message(room, 1, 2)]).await.is_err());
}

/// A1: commands work beside a server, and leave the numbers to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_commands_change_accounts_and_number_nothing() {
    let home = Home::sqlite();
    let server = home.stores().await;
    server.backend.take_over("the server").await.unwrap();
    let command = rookery_store_sqlite::open_beside(&file_of(&home)).await.unwrap();
    command.backend.migrate().await.unwrap();
    command.users.insert(&user("ada")).await.unwrap();
    let room = RoomId::generate();
    assert!(matches!(command.messages.apply(&[message(room, 1, 1)]).await, Err(StoreError::NotTheWriter(_))));
    assert!(command.epochs.next(Partition(0)).await.is_err());
    assert!(command.backend.take_over("it").await.is_err());
    server.messages.apply(&[message(room, 1, 1)]).await.unwrap();
}

/// A6: a program does not open what a newer one has written, and names both.
#[tokio::test]
async fn a6_a_newer_schema_is_refused() {
    let home = Home::sqlite();
    drop(home.stores().await);
    let note = "INSERT INTO migrations (name, applied_at) VALUES ('9999_later', 0)";
    Connection::open(file_of(&home)).unwrap().execute_batch(note).unwrap();
    let refused = home.open().await.backend.migrate().await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
    assert!(
        refused.to_string().contains("9999_later") && refused.to_string().contains("knows up to 00"),
        "{refused}"
    );
}

/// What the release before the first step of this file's `writer` has left: messages, an edit, a reaction, a mention.
const SCHEMA_7: &str = include_str!("../../fixtures/store_7.sql");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_schema_7_opens_with_all_that_is_in_it() {
    let home = Home::sqlite();
    Connection::open(file_of(&home)).unwrap().execute_batch(SCHEMA_7).unwrap();
    let stores = home.stores().await;
    stores.backend.take_over("it").await.unwrap();
    let alice = stores.users.by_login("alice").await.unwrap().expect("an account");
    let general = stores.rooms.find(&"general".parse().unwrap()).await.unwrap().expect("a room");
    let events = stores.messages.page(general.id, PageQuestion::all(Window::Latest, 50)).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    let state = stores
        .messages
        .states(&[events[2].event.id], &[])
        .await
        .unwrap()
        .remove(&events[2].event.id);
    let state = state.expect("something was done to it");
    assert_eq!(state.edit.as_ref().map(|edit| edit.content.as_str()), Some("one, mended"));
    assert_eq!(state.visible_reactions().len(), 1);
    let reader = Reader { user: UserId::generate(), name: "testuser".to_owned() };
    let span = Span { room: general.id, after: Position::START, upto: events[6].position() };
    let counts = stores.unread.counts(&reader, &[span], 100).await.unwrap();
    assert_eq!((counts[0].unread, counts[0].mentions), (3, 1));
    assert!(stores.epochs.next(Partition(0)).await.unwrap() > Epoch(1));
    assert!(!alice.disabled);
}
