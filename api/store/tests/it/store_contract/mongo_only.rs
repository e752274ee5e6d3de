//! What MongoDB has to show by itself: plans, refused documents, a server that is gone, an abandoned lock.

use super::Home;
use crate::mongo_server;
use crate::samples::{NOON, messages, user};
use mongodb::Client;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use parking_lot::Mutex;
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, UserId};
use rookery_protocol::limits::PRESENCE_IDS_MAX;
use rookery_protocol::position::Position;
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::load::{Origin, Plan};
use rookery_store::message::Window;
use rookery_store::{PageQuestion, StoreError, Stores};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mongo_calls::exercise;

const COMMANDS: &[&str] = &["find", "aggregate", "update", "delete", "findAndModify", "count"];

fn name_of(home: &Home) -> &str {
    match home {
        Home::Mongo(name) => name,
        Home::Sqlite(_) => unreachable!("a home on the server"),
    }
}

async fn server() -> Client {
    Client::with_uri_str(mongo_server::url()).await.unwrap()
}

/// A store whose commands are noted.
async fn listened(home: &Home) -> (Stores, Arc<Mutex<Vec<Document>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut options = ClientOptions::parse(mongo_server::url()).await.unwrap();
    let notes = Arc::clone(&heard);
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(event) = event
            && COMMANDS.contains(&event.command_name.as_str())
        {
            notes.lock().push(event.command);
        }
    }));
    (rookery_store_mongo::connect(options, name_of(home)).unwrap(), heard)
}

/// Every method that asks or changes something, found and not found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_scans_a_collection() {
    let home = Home::mongo();
    home.stores().await;
    let (stores, heard) = listened(&home).await;
    exercise(&stores).await;
    let database = server().await.database(name_of(&home));
    let commands = std::mem::take(&mut *heard.lock());
    assert!(commands.len() > 20, "{} commands were heard", commands.len());
    let mut scans = Vec::new();
    for question in commands.into_iter().flat_map(questions) {
        let plan = database
            .run_command(doc! { "explain": question.clone(), "verbosity": "queryPlanner" })
            .await;
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {question}")).to_string();
        if plan.contains("COLLSCAN") {
            scans.push(format!("{question}\n{plan}"));
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// What a command asks the database to find. A change is asked as the search for what it changes: that is planned
/// alike, and the server of the tests explains searches only.
fn questions(mut command: Document) -> Vec<Document> {
    let search = |collection: &str, filter: &Document| doc! { "find": collection, "filter": filter.clone() };
    let parts = |collection: &str, list: &str| -> Vec<Document> {
        let parts = command.get_array(list).unwrap().iter();
        parts
            .map(|part| search(collection, part.as_document().unwrap().get_document("q").unwrap()))
            .collect()
    };
    if let Ok(collection) = command.get_str("update") {
        return parts(collection, "updates");
    }
    if let Ok(collection) = command.get_str("delete") {
        return parts(collection, "deletes");
    }
    if let Ok(collection) = command.get_str("findAndModify") {
        return vec![search(collection, command.get_document("query").unwrap())];
    }
    for around in ["lsid", "readConcern", "writeConcern", "$db", "$clusterTime", "$readPreference"] {
        command.remove(around);
    }
    vec![command]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_event_is_an_error_even_among_repeats() {
    let home = Home::mongo();
    let stores = home.stores().await;
    let room = RoomId::generate();
    let events = messages(room, 1, 1..=4);
    stores.messages.apply(&events[..2]).await.unwrap();
    let rule = doc! { "collMod": "messages", "validator": { "seq": { "$ne": 3_i64 } } };
    server().await.database(name_of(&home)).run_command(rule).await.unwrap();
    assert!(stores.messages.apply(&events).await.is_err());
    // What was not refused may be there; the repeat ends in the same history.
    let lift = doc! { "collMod": "messages", "validator": {} };
    server().await.database(name_of(&home)).run_command(lift).await.unwrap();
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(stores.messages.page(room, PageQuestion::all(Window::Latest, 10)).await.unwrap(), events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_is_unavailable_in_time() {
    // One port refuses; the other accepts and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [refusing, silent.local_addr().unwrap()] {
        let url = format!("mongodb://{address}/?directConnection=true").into();
        let stores = rookery_store_mongo::open(&url, "nothing").await.unwrap();
        let start = Instant::now();
        let outcome = stores.backend.ping().await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_is_never_told() {
    let url = "mongodb://ada:secret-word@a:b:c/?x=secret-word".into();
    let outcome = rookery_store_mongo::open(&url, "nothing").await.map(drop);
    assert!(!format!("{outcome:?}").contains("secret-word"));
    assert!(outcome.is_err());
}

/// A runner that died in the middle holds the lock until it ends, then the next one takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_lock_is_taken_over() {
    let home = Home::mongo();
    let notes = server().await.database(name_of(&home)).collection::<Document>("migrations");
    let ends = DateTime::from_millis(DateTime::now().timestamp_millis() + 1_000);
    notes
        .insert_one(doc! { "_id": "lock", "owner": "somebody", "expires_at": ends })
        .await
        .unwrap();
    let stores = home.open().await;
    stores.backend.migrate().await.unwrap();
    assert!(DateTime::now() >= ends, "the lock was not respected");
    assert_eq!(notes.count_documents(doc! { "_id": "lock" }).await.unwrap(), 0);
    stores.users.insert(&user("ada")).await.unwrap();
    assert!(stores.users.insert(&user("ada")).await.is_err());
}

/// A6: a program does not open what a newer one has written, and names both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a6_a_newer_schema_is_refused() {
    let home = Home::mongo();
    let stores = home.stores().await;
    let notes = server().await.database(name_of(&home)).collection::<Document>("migrations");
    notes
        .insert_one(doc! { "_id": "9999_later", "applied_at": DateTime::now() })
        .await
        .unwrap();
    let refused = stores.backend.migrate().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Newer { found, .. } if found == "9999_later"), "{refused}");
}

/// Releases up to schema 6 counted epochs one by one, and remembered none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epochs_of_schema_6_are_followed_by_others() {
    let home = Home::mongo();
    let stores = home.stores().await;
    let room = RoomId::generate();
    let partition = rookery_protocol::partition::partition_of(room);
    let epochs = server().await.database(name_of(&home)).collection::<Document>("epochs");
    let before = doc! { "_id": i32::from(partition.0), "epoch": 5_i64, "begun": 5_i64, "fence": "a" };
    epochs.insert_one(before).await.unwrap();
    assert_eq!(stores.epochs.current(partition).await.unwrap(), Some(Epoch(5)));
    let mut events: Vec<SequencedEvent> = (1..=5).flat_map(|epoch| messages(room, epoch, epoch..=epoch)).collect();
    for n in 6..=9 {
        let epoch = stores.epochs.next(partition).await.unwrap();
        assert!(epoch > events.last().unwrap().epoch);
        events.extend(messages(room, epoch.0, n..=n));
    }
    stores.messages.apply(&events).await.unwrap();
    let mut seen = stores.messages.page(room, PageQuestion::all(Window::Latest, 3)).await.unwrap();
    while seen.len() < events.len() {
        let first = Position { epoch: seen[0].epoch, seq: seen[0].seq };
        let page = stores.messages.page(room, PageQuestion::all(Window::Before(first), 3)).await.unwrap();
        assert!(!page.is_empty(), "{} of {}", seen.len(), events.len());
        seen.splice(0..0, page);
    }
    assert_eq!(seen, events);
    let all = stores
        .messages
        .page(room, PageQuestion::all(Window::After(Position::START), 100))
        .await
        .unwrap();
    assert_eq!(all, events);
}

/// While apis are brought up to date, one of an earlier release may count on beside one of this.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_that_was_counted_by_an_earlier_release_is_found() {
    let home = Home::mongo();
    let stores = home.stores().await;
    let room = RoomId::generate();
    let partition = rookery_protocol::partition::partition_of(room);
    let first = stores.epochs.next(partition).await.unwrap();
    let epochs = server().await.database(name_of(&home)).collection::<Document>("epochs");
    let counted = doc! { "$inc": { "epoch": 1_i64 } };
    epochs.update_one(doc! { "_id": i32::from(partition.0) }, counted).await.unwrap();
    let second = Epoch(first.0 + 1);
    let mut events = messages(room, first.0, 1..=2);
    events.extend(messages(room, second.0, 3..=4));
    stores.messages.apply(&events).await.unwrap();
    let last = stores.epochs.next(partition).await.unwrap();
    assert!(last > second);
    let newest = messages(room, last.0, 5..=6);
    for applied in [&[][..], &newest] {
        events.extend_from_slice(applied);
        stores.messages.apply(applied).await.unwrap();
        let all = stores
            .messages
            .page(room, PageQuestion::all(Window::After(Position::START), 100))
            .await
            .unwrap();
        assert_eq!(all, events);
        assert_eq!(stores.messages.page(room, PageQuestion::all(Window::Latest, 100)).await.unwrap(), events);
    }
}

/// One query for each room made a single `watch` slow down everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_acquainted_is_asked_with_as_many_questions_in_a_thousand_rooms_as_in_one() {
    let home = Home::mongo();
    home.stores().await;
    let (stores, heard) = listened(&home).await;
    let strangers: Vec<UserId> = (0..PRESENCE_IDS_MAX).map(|_| UserId::generate()).collect();
    let mut questions = Vec::new();
    for count in [1, 131, 1_000] {
        let plan = Plan {
            rooms: count,
            users: 2,
            rooms_per_user: count,
            gateways: 1,
            visibility: Visibility::Private,
        };
        let name = format!("many{count}");
        let until = UnixMillis(NOON.0 + 1_000);
        let origin =
            Origin { name: &name, password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", now: NOON, until };
        let set = plan.make(origin).unwrap();
        stores.backend.insert_load(&set).await.unwrap();
        let [user, other] = [set.users[0].id, set.users[1].id];
        let others: Vec<UserId> = strangers[1..].iter().copied().chain([other]).collect();
        let ids: Vec<RoomId> = set.rooms.iter().map(|room| room.id).collect();
        heard.lock().clear();
        assert_eq!(stores.members.visible_users(user, &others, None).await.unwrap(), [other]);
        questions.push(heard.lock().len());
        heard.lock().clear();
        assert_eq!(stores.members.counts(&ids).await.unwrap().len(), count);
        assert_eq!(heard.lock().len(), count.div_ceil(STORE_IDS_PER_READ_MAX), "one for each so many rooms");
    }
    let most = 1 + PRESENCE_IDS_MAX.div_ceil(STORE_IDS_PER_READ_MAX);
    assert!(questions.iter().all(|count| *count <= most), "{questions:?}, at most {most}");
}
