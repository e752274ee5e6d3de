//! The index of messages by terms: it says where to look, and leaves nothing out.

use std::collections::HashSet;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::message_change::ChangeKind;
use rookery_protocol::position::Position;
use rookery_store::Search;
use rookery_store::search::{Building, Entry, Found, FoundPlace, Question};
use uuid::Uuid;

use super::{Home, unread::act};
use crate::samples::{NOON, messages, said};

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn place(seq: u64) -> Position {
    Position { epoch: Epoch(1), seq: Seq::new(seq) }
}

fn entry(room: RoomId, ms: i64, terms: &[&str]) -> Entry {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    Entry { message: MessageId::generate(), room, at: at(ms), place: place(5), terms: Some(terms) }
}

fn question<'a>(rooms: &'a [RoomId], term: &'a str) -> Question<'a> {
    Question { rooms, term, since: None, before: None, limit: 100 }
}

async fn found(search: &dyn Search, question: Question<'_>) -> Vec<MessageId> {
    search
        .find(question)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.place.message)
        .collect()
}

async fn waiting(search: &dyn Search, ms: i64) -> HashSet<MessageId> {
    let waiting = search.waiting(at(ms), 100).await.unwrap();
    waiting.into_iter().map(|waiting| waiting.event.event.id).collect()
}

fn ids<'a>(events: impl IntoIterator<Item = &'a SequencedEvent>) -> HashSet<MessageId> {
    events.into_iter().map(|event| event.event.id).collect()
}

pub(crate) async fn texts_wait_for_the_index_until_they_are_in_it(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let said = messages(room, 1, 1..=3);
    let emoji = rookery_protocol::emoji::Emoji::try_from("👍".to_owned()).unwrap();
    let edited = act(&said[0], 4, ChangeKind::Edit("other".to_owned()));
    let (reacted, deleted) = (act(&said[1], 5, ChangeKind::React(emoji)), act(&said[2], 6, ChangeKind::Delete));
    stores.messages.apply(&said).await.unwrap();
    assert_eq!(waiting(&*stores.search, 0).await, ids(&said));
    assert!(waiting(&*stores.search, -1).await.is_empty(), "they wait since they were said");
    stores.messages.apply(&[edited.clone(), reacted, deleted.clone()]).await.unwrap();
    assert_eq!(waiting(&*stores.search, 0).await, ids(said.iter().chain([&edited, &deleted])));
    let oldest = stores.search.waiting(at(0), 2).await.unwrap();
    assert_eq!((oldest.len(), oldest[0].since), (2, NOON));
    stores.search.done(&[said[0].event.id, edited.event.id]).await.unwrap();
    stores.search.done(&[MessageId::generate()]).await.unwrap();
    assert_eq!(waiting(&*stores.search, 0).await, ids([&said[1], &said[2], &deleted]));
    stores.messages.apply(&said).await.unwrap();
    assert_eq!(waiting(&*stores.search, 0).await, ids([&said[1], &said[2], &deleted]), "a repeat does not wait");
}

pub(crate) async fn what_waits_may_be_looked_at_later(home: Home) {
    let stores = home.stores().await;
    let said = messages(RoomId::generate(), 1, 1..=2);
    stores.messages.apply(&said).await.unwrap();
    stores.search.postpone(&[said[0].event.id], at(500)).await.unwrap();
    assert_eq!(waiting(&*stores.search, 499).await, ids([&said[1]]));
    assert_eq!(waiting(&*stores.search, 500).await, ids(&said));
}

pub(crate) async fn terms_are_found_newest_first_in_the_rooms_asked_for(home: Home) {
    let search = home.stores().await.search;
    let rooms: Vec<RoomId> = (0..3).map(|_| RoomId::generate()).collect();
    let first = entry(rooms[0], 10, &["fox", "日本"]);
    let second = entry(rooms[1], 20, &["fox", "dog"]);
    let third = entry(rooms[0], 30, &["fox"]);
    let elsewhere = entry(rooms[2], 40, &["fox"]);
    search
        .put(&[second.clone(), third.clone(), elsewhere, first.clone()], false)
        .await
        .unwrap();
    search.put(&[], false).await.unwrap();
    let both = question(&rooms[..2], "fox");
    assert_eq!(found(&*search, both).await, [third.message, second.message, first.message]);
    let room_of_second = search.find(question(&rooms, "dog")).await.unwrap();
    let expected = Found { room: rooms[1], place: FoundPlace { at: at(20), message: second.message } };
    assert_eq!(room_of_second, [expected]);
    assert_eq!(found(&*search, question(&rooms[..1], "日本")).await, [first.message]);
    assert_eq!(found(&*search, question(&rooms[..2], "cat")).await, []);
    assert_eq!(found(&*search, question(&[], "fox")).await, []);
    let since = Question { since: Some(at(20)), ..both };
    assert_eq!(found(&*search, since).await, [third.message, second.message]);
    let before = Question { before: Some(FoundPlace { at: at(30), message: third.message }), ..both };
    assert_eq!(found(&*search, before).await, [second.message, first.message]);
    assert_eq!(found(&*search, Question { limit: 1, ..before }).await, [second.message]);
    // What a user types is a value and nothing else.
    assert_eq!(found(&*search, question(&rooms, "$ne")).await, []);
}

pub(crate) async fn pages_of_a_term_have_every_message_once(home: Home) {
    let search = home.stores().await.search;
    let rooms: Vec<RoomId> = (0..130).map(|_| RoomId::generate()).collect();
    let mut entries: Vec<Entry> = (0..400_usize)
        .map(|n| entry(rooms[n * n % 130], i64::try_from(n % 37).unwrap(), &["x"]))
        .collect();
    search.put(&entries, false).await.unwrap();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.message)));
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = search.find(Question { before, limit: 64, ..question(&rooms, "x") }).await.unwrap();
        seen.extend(page.iter().map(|found| found.place.message));
        before = page.last().map(|last| last.place);
        if page.len() < 64 {
            break;
        }
    }
    assert_eq!(seen, entries.iter().map(|entry| entry.message).collect::<Vec<_>>());
}

pub(crate) async fn an_older_text_replaces_no_newer_one(home: Home) {
    let search = home.stores().await.search;
    let room = RoomId::generate();
    let rooms = [room];
    let old = entry(room, 10, &["old", "both"]);
    let terms = |terms: &[&str]| Some(terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>());
    let new = Entry { place: place(9), terms: terms(&["new", "both"]), ..old.clone() };
    for order in [[&old, &new, &old], [&new, &old, &new]] {
        for entry in order {
            search.put(std::slice::from_ref(entry), false).await.unwrap();
        }
        assert_eq!(found(&*search, question(&rooms, "old")).await, []);
        for term in ["new", "both"] {
            assert_eq!(found(&*search, question(&rooms, term)).await, [new.message]);
        }
    }
    let again = Entry { terms: terms(&["renewed"]), ..new.clone() };
    search.put(std::slice::from_ref(&again), false).await.unwrap();
    assert_eq!(found(&*search, question(&rooms, "renewed")).await, [], "the same text has the same terms");
    search.put(&[again], true).await.unwrap();
    search.put(&[old], true).await.unwrap();
    assert_eq!(found(&*search, question(&rooms, "renewed")).await, [new.message], "unless the rules changed");
    assert_eq!(found(&*search, question(&rooms, "both")).await, []);
}

pub(crate) async fn what_is_deleted_is_deleted_for_ever(home: Home) {
    let search = home.stores().await.search;
    let room = RoomId::generate();
    let known = entry(room, 10, &["word"]);
    let unknown = entry(room, 20, &["word"]);
    let gone = |entry: &Entry| Entry { place: Position::START, terms: None, ..entry.clone() };
    search.put(std::slice::from_ref(&known), false).await.unwrap();
    search.put(&[gone(&known), gone(&unknown)], false).await.unwrap();
    for again in [false, true] {
        let later = Entry { place: place(99), ..known.clone() };
        search.put(&[known.clone(), unknown.clone(), later], again).await.unwrap();
        assert_eq!(found(&*search, question(&[room], "word")).await, []);
    }
}

pub(crate) async fn messages_are_read_with_what_was_done_to_them(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let all = messages(room, 1, 1..=30);
    let edit = act(&all[0], 40, ChangeKind::Edit("mended".to_owned()));
    let deletion = act(&all[1], 41, ChangeKind::Delete);
    stores.messages.apply(&all).await.unwrap();
    stores.messages.apply(&[edit.clone(), deletion]).await.unwrap();
    let asked: Vec<MessageId> = all
        .iter()
        .map(|event| event.event.id)
        .chain([edit.event.id, MessageId::generate()])
        .collect();
    let read = stores.search.messages(&asked, &[UserId::generate()]).await.unwrap();
    assert_eq!(read.len(), 30, "a change is no message");
    let state = |n: usize| &read.iter().find(|(said, _)| said.event.id == all[n].event.id).unwrap().1;
    assert_eq!(state(0).edit.as_ref().map(|edit| edit.content.as_str()), Some("mended"));
    assert!(state(1).deleted && !state(2).deleted);
    assert!(stores.search.messages(&[], &[]).await.unwrap().is_empty());
}

pub(crate) async fn all_histories_are_read_stretch_by_stretch(home: Home) {
    let stores = home.stores().await;
    let rooms: Vec<RoomId> = (0..3).map(|_| RoomId::generate()).collect();
    let mut all = Vec::new();
    for room in &rooms {
        all.extend(messages(*room, 1, 1..=4));
        all.extend(messages(*room, 3, 5..=7));
    }
    stores.messages.apply(&all).await.unwrap();
    assert_eq!(stores.search.event_count().await.unwrap(), 21);
    for limit in [1, 4, 7, 100] {
        let (mut seen, mut from) = (Vec::new(), None);
        loop {
            let stretch = stores.search.stretch(from.as_deref(), limit).await.unwrap();
            seen.extend(stretch.events.iter().map(|event| event.event.id));
            from = stretch.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), seen.into_iter().collect::<HashSet<_>>()), (21, ids(&all)));
    }
    assert!(stores.search.stretch(Some("nonsense"), 5).await.is_err());
}

pub(crate) async fn a_building_is_replaced_by_another(home: Home) {
    let search = home.stores().await.search;
    assert_eq!(search.building().await.unwrap(), None);
    let first = Building { id: Uuid::new_v4(), version: 1, total: 9, begun_at: NOON, ..Building::default() };
    search.begin(&first).await.unwrap();
    let further = Building { next: Some("7".to_owned()), done: 7, ..first.clone() };
    assert!(search.advance(&further).await.unwrap());
    assert_eq!(search.building().await.unwrap(), Some(further.clone()));
    let second = Building { id: Uuid::new_v4(), ..first };
    search.begin(&second).await.unwrap();
    assert!(!search.advance(&further).await.unwrap());
    assert_eq!(search.building().await.unwrap(), Some(second.clone()));
    let finished = Building { done: 9, finished_at: Some(at(5)), ..second };
    assert!(search.advance(&finished).await.unwrap());
    assert_eq!(search.building().await.unwrap(), Some(finished));
}

pub(crate) async fn a_room_is_forgotten(home: Home) {
    let stores = home.stores().await;
    let rooms = [RoomId::generate(), RoomId::generate()];
    let entries: Vec<Entry> = (0..5).map(|n| entry(rooms[n % 2], 0, &["word", "other"])).collect();
    stores.search.put(&entries, false).await.unwrap();
    stores.messages.apply(&[said(rooms[0], 1, 1, "hi")]).await.unwrap();
    let mut gone = 0;
    for _ in 0..3 {
        gone += stores.search.erase_room(rooms[0], 2).await.unwrap();
    }
    assert_eq!(gone, 3);
    assert_eq!(found(&*stores.search, question(&rooms[..1], "word")).await, []);
    assert_eq!(found(&*stores.search, question(&rooms[1..], "word")).await.len(), 2);
}
