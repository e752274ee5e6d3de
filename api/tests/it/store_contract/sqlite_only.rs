//! What the file has to show by itself.

use std::os::unix::fs::PermissionsExt as _;

use rookery_api::domain::message::Window;
use rookery_api::store::{PageQuestion, StoreError};
use rookery_shared::id::RoomId;
use rusqlite::Connection;

use super::samples::{message, messages, user};
use super::{Home, at_once};

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
    let outcome = rookery_api::store::sqlite::open(&file_of(&home)).await.map(drop);
    assert!(matches!(outcome, Err(StoreError::Inconsistent(_))), "{outcome:?}");
}
