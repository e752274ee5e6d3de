//! A store of commit 2d92d35, from before there were rules for names, opens with today's code: nothing collides, nothing is
//! lost, and nobody is locked out.

use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::{Client, Database};
use rookery_protocol::access::Visibility;
use rookery_protocol::id::RoomRef;
use rookery_store::message::{Kinds, Window};
use rookery_store::room::{Room, RoomName};
use rookery_store::{PageQuestion, StoreError, Stores, Unique};
use rusqlite::{Connection, Row};
use serde_json::Value;

use super::Home;
use crate::mongo_server;
use crate::samples::room;

const FIXTURE: &str = include_str!("../../fixtures/store_of_2d92d35.sql");

/// The old store in a place of its own, with today's schema.
async fn opened(home: &Home) -> Stores {
    match home {
        Home::Sqlite(folder) => {
            let db = Connection::open(folder.path().join("data.sqlite")).unwrap();
            db.execute_batch(FIXTURE).unwrap();
        }
        Home::Mongo(name) => {
            let client = Client::with_uri_str(mongo_server::url()).await.unwrap();
            let documents = documents();
            for (collection, documents) in documents {
                fill(&client.database(name), collection, documents).await;
            }
        }
    }
    home.stores().await
}

async fn fill(database: &Database, collection: &str, documents: Vec<Document>) {
    database.collection::<Document>(collection).insert_many(documents).await.unwrap();
}

/// The rows of the fixture as the documents of that time.
fn documents() -> Vec<(&'static str, Vec<Document>)> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(FIXTURE).unwrap();
    let all = |table: &str, read: fn(&Row<'_>) -> Document| {
        let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let rows = statement.query_map([], |row| Ok(read(row))).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    vec![
        ("users", all("users", user)),
        ("rooms", all("rooms", old_room)),
        ("members", all("members", member)),
        ("messages", all("messages", message)),
        ("message_states", all("message_states", state)),
        ("reactions", all("reactions", reaction)),
    ]
}

fn id(row: &Row<'_>, column: &str) -> Uuid {
    Uuid::from_bytes(row.get::<_, uuid::Uuid>(column).unwrap().into_bytes())
}

fn text(row: &Row<'_>, column: &str) -> String {
    row.get(column).unwrap()
}

fn number(row: &Row<'_>, column: &str) -> i64 {
    row.get(column).unwrap()
}

fn date(row: &Row<'_>, column: &str) -> DateTime {
    DateTime::from_millis(number(row, column))
}

fn place(row: &Row<'_>) -> String {
    format!("{:020} {:020}", number(row, "epoch"), number(row, "seq"))
}

fn user(row: &Row<'_>) -> Document {
    doc! {
        "_id": id(row, "id"), "username": text(row, "username"), "username_key": text(row, "username_key"),
        "email": text(row, "email"), "email_key": text(row, "email_key"), "password_hash": text(row, "password_hash"),
        "role": text(row, "role"), "created_at": date(row, "created_at"), "disabled": number(row, "disabled") == 1,
    }
}

fn old_room(row: &Row<'_>) -> Document {
    let settings = doc! { "version": 0_i64, "slow_mode_ms": 0_i64, "frozen": false };
    let owner: Option<uuid::Uuid> = row.get("owner_id").unwrap();
    let mut room = doc! {
        "_id": id(row, "id"), "name": text(row, "name"), "description": text(row, "description"),
        "visibility": text(row, "visibility"), "owner_id": owner.map(|id| Uuid::from_bytes(id.into_bytes())),
        "acl": number(row, "acl"), "announced": number(row, "created_at"), "created_at": date(row, "created_at"),
        "settings": settings,
    };
    if let Some(slug) = row.get::<_, Option<String>>("slug").unwrap() {
        room.insert("slug", slug);
    }
    room
}

fn member(row: &Row<'_>) -> Document {
    let read = format!("{:020} {:020}", number(row, "read_epoch"), number(row, "read_seq"));
    doc! {
        "room_id": id(row, "room_id"), "user_id": id(row, "user_id"), "role": text(row, "role"),
        "joined_at": date(row, "joined_at"), "read": read,
    }
}

fn message(row: &Row<'_>) -> Document {
    let event: Value = serde_json::from_str(&text(row, "event")).unwrap();
    let mut message = doc! {
        "_id": id(row, "id"), "room_id": id(row, "room_id"), "epoch": number(row, "epoch"), "seq": number(row, "seq"),
        "timestamp": date(row, "timestamp"), "v": 1, "kind": event["kind"].as_str(), "username": event["username"].as_str(),
    };
    let is_edit = event["kind"] == "message_edited";
    for (field, stored) in [("user_id", "user_id"), ("message_id", if is_edit { "edit_of" } else { "message_id" })] {
        let id = event[field].as_str().map(|id| Uuid::parse_str(id).unwrap());
        message.extend(id.map(|id| (stored.to_owned(), Bson::from(id))));
    }
    for field in ["content", "client_id", "emoji"] {
        message.extend(event[field].as_str().map(|text| (field.to_owned(), text.into())));
    }
    message
}

fn state(row: &Row<'_>) -> Document {
    doc! {
        "_id": id(row, "message_id"), "deleted": false, "place": place(row), "epoch": number(row, "epoch"),
        "seq": number(row, "seq"), "edited_at": date(row, "edited_at"), "content": text(row, "content"),
    }
}

fn reaction(row: &Row<'_>) -> Document {
    let owner = format!("{} {}", id(row, "message_id"), id(row, "user_id"));
    let emoji = text(row, "emoji");
    doc! {
        "_id": format!("{owner} {emoji}"), "message_id": id(row, "message_id"), "user_id": id(row, "user_id"),
        "emoji": emoji, "place": place(row), "epoch": number(row, "epoch"), "seq": number(row, "seq"),
        "active": number(row, "active") == 1,
    }
}

pub(crate) async fn c01_rooms_of_before_have_names_of_their_own(home: Home) {
    let stores = opened(&home).await;
    let rooms = stores.rooms.public(None, 100).await.unwrap();
    let mut shown: Vec<(&str, &str)> = rooms
        .iter()
        .map(|room| (room.name.as_str(), room.slug.as_ref().unwrap().as_str()))
        .collect();
    shown.sort_unstable();
    let nameless = rooms.iter().find(|room| room.name.as_str().starts_with("Room ")).unwrap();
    assert_eq!(nameless.name.as_str(), format!("Room {}", nameless.id));
    shown.retain(|(name, _)| !name.starts_with("Room "));
    let wanted = [
        ("General", "general"),
        ("Mine", "mine-2"),
        ("Orphan", "orphan"),
        ("STRASSE (2)", "strasse"),
        ("Straße", "stra-e"),
        ("abc", "abc"),
        ("liam", "liam"),
        ("日本語", "ri-ben-yu"),
        ("日本語 (2)", "ri-ben-yu-2"),
        ("ＡＢＣ (2)", "abc-2"),
    ];
    assert_eq!(shown, wanted);
    let liam = rooms.iter().find(|room| room.name.as_str() == "liam").unwrap();
    assert_eq!(liam.description.as_str(), "ab");
    let ada = stores.users.by_login("ada").await.unwrap().unwrap();
    let own = stores.members.of_user(ada.id, 100).await.unwrap();
    let ids: Vec<_> = own.iter().map(|member| member.room_id).collect();
    let private = stores.rooms.by_ids(&ids).await.unwrap();
    assert_eq!(
        private.iter().filter(|room| room.visibility == Visibility::Private).count(),
        2,
        "both are called Ops"
    );
    for name in ["strasse (2)", "ABC", "GENERAL"] {
        let name = RoomName::try_from(name.to_owned()).unwrap();
        let outcome = stores.rooms.insert(&Room { name, ..room(Some("another")) }).await;
        assert!(matches!(outcome, Err(StoreError::Taken(Unique::RoomName))), "{outcome:?}");
    }
    home.stores().await.backend.migrate().await.unwrap();
    assert_eq!(stores.rooms.public(None, 100).await.unwrap(), rooms, "once is enough");
}

pub(crate) async fn c06_accounts_of_before_are_all_found(home: Home) {
    let users = opened(&home).await.users;
    for (login, name) in [
        ("ada", "ada"),
        (" ADA ", "ada"),
        ("ada@bücher.example", "ada"),
        ("ada@xn--bcher-kva.example", "eve"),
        ("eve", "eve"),
        ("bob@bücher.example", "bob"),
        ("Bob@XN--bcher-kva.example", "bob"),
        ("admin", "admin"),
        ("<admin@example.org>", "admin"),
        ("mallory@example.org", "mallory"),
    ] {
        let found = users.by_login(login).await.unwrap().unwrap_or_else(|| panic!("{login}"));
        assert_eq!(found.username.as_str(), name, "{login}");
        assert_eq!(users.by_id(found.id).await.unwrap(), Some(found));
    }
}

pub(crate) async fn c04_reactions_of_before_are_one_for_each_emoji(home: Home) {
    let stores = opened(&home).await;
    let (ada, eve) =
        (stores.users.by_login("ada").await.unwrap().unwrap(), stores.users.by_login("eve").await.unwrap());
    let room = stores
        .rooms
        .find(&RoomRef::Slug("ri-ben-yu".to_owned().try_into().unwrap()))
        .await
        .unwrap()
        .unwrap();
    let page = |kinds| stores.messages.page(room.id, PageQuestion { window: Window::Latest, kinds, limit: 100 });
    let shown = page(Kinds::WithoutChanges).await.unwrap();
    assert_eq!((shown.len(), page(Kinds::All).await.unwrap().len()), (3, 12), "two came, one said something");
    let said = shown.last().unwrap();
    let state = stores
        .messages
        .states(&[said.event.id], &[])
        .await
        .unwrap()
        .remove(&said.event.id)
        .unwrap();
    assert_eq!(state.edit.as_ref().map(|edit| edit.content.as_str()), Some("hello again @eve"));
    let reactions = state.visible_reactions();
    let users = [ada.id, eve.unwrap().id];
    assert_eq!(reactions.len(), 1);
    assert_eq!((reactions[0].emoji.as_str(), reactions[0].count), ("❤\u{fe0f}", 2));
    assert!(users.iter().all(|user| reactions[0].user_ids.contains(user)));
    let later = rookery_protocol::clock::UnixMillis::now().plus(std::time::Duration::from_secs(1));
    stores.messages.sweep(later, 100).await.unwrap();
    assert_eq!(stores.messages.sweep(later, 100).await.unwrap(), 0, "nothing that was taken back is left");
}

pub(crate) async fn accounts_of_before_have_what_accounts_of_today_have(home: Home) {
    use rookery_store::user::{Profile, UserChange, UserSettings};
    let users = opened(&home).await.users;
    let ada = users.by_login("ada").await.unwrap().unwrap();
    assert_eq!((&ada.profile, &ada.settings, ada.verified), (&Profile::default(), &UserSettings::default(), false));
    let found = users.search("ad", None, 9).await.unwrap();
    let names: Vec<&str> = found.iter().map(|(_, user)| user.username.as_str()).collect();
    assert_eq!(names, ["ada", "admin"], "they are found by their names");
    let change = UserChange { verified: Some(true), ..UserChange::default() };
    let changed = users.change(ada.id, &change).await.unwrap().unwrap();
    assert_eq!((changed.verified, changed.email.as_str()), (true, ada.email.as_str()));
}
