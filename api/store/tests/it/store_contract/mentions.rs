//! Who is named, over all rooms.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::message_change::ChangeKind;
use rookery_store::Stores;
use rookery_store::unread::Reader;

use super::Home;
use super::unread::act;
use crate::samples::{NOON, message_by, said};

/// Said as many milliseconds after noon as its number is.
fn dated(event: SequencedEvent) -> SequencedEvent {
    let after = i64::try_from(event.seq.get()).unwrap();
    SequencedEvent { timestamp: UnixMillis(NOON.0 + after), ..event }
}

async fn found(stores: &Stores, reader: &Reader, limit: usize) -> Vec<MessageId> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = stores.mentions.page(reader, before, limit).await.unwrap();
        assert!(page.found.len() <= limit);
        found.extend(page.found.iter().map(|mentioned| mentioned.message));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

pub(crate) async fn mentions_come_newest_first_over_all_rooms(home: Home) {
    let stores = home.stores().await;
    let reader = Reader { user: UserId::generate(), name: "ada".to_owned() };
    let rooms = [RoomId::generate(), RoomId::generate()];
    let said: Vec<SequencedEvent> = (1..=6)
        .map(|seq| dated(said(rooms[usize::try_from(seq % 2).unwrap()], 1, seq, &format!("@ada {seq}"))))
        .collect();
    stores.messages.apply(&said).await.unwrap();
    let own = dated(message_by(reader.user, rooms[0], (1, 7), "@ada, that is me"));
    let other = dated(crate::samples::said(rooms[0], 1, 8, "@eve"));
    let later = dated(crate::samples::said(rooms[0], 1, 9, "nobody"));
    stores.messages.apply(&[own, other, later.clone()]).await.unwrap();
    stores
        .messages
        .apply(&[
            act(&said[2], 10, ChangeKind::Edit("nobody".to_owned())),
            act(&said[3], 11, ChangeKind::Delete),
            act(&said[4], 12, ChangeKind::Edit("@ada again".to_owned())),
            act(&later, 13, ChangeKind::Edit("@ada after all".to_owned())),
        ])
        .await
        .unwrap();
    let ids = [&later, &said[5], &said[4], &said[1], &said[0]].map(|said| said.event.id);
    for limit in [1, 2, 100] {
        assert_eq!(found(&stores, &reader, limit).await, ids, "{limit} at a time");
    }
    let nobody = Reader { name: "nobody".to_owned(), ..reader };
    assert_eq!(found(&stores, &nobody, 5).await, []);
}
