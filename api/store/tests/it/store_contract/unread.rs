//! Read marks, and what is counted after them.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, Epoch, RoomId, Seq, UserId};
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::position::Position;
use rookery_store::Stores;
use rookery_store::room::Member;
use rookery_store::unread::{Counts, Reader, Span};

use super::Home;
use crate::samples::{NOON, at, joined, left, member, message_by, messages, room, said};

const MOST: usize = 5;

/// An act of the author on a message, in its epoch.
pub(crate) fn act(said: &SequencedEvent, seq: u64, kind: ChangeKind) -> SequencedEvent {
    let sender = Sender { user_id: said.event.user_id, username: "bob".to_owned() };
    let act = MessageChange { message_id: said.event.id, kind };
    at(said.room, said.epoch.0, seq, Event::message_change(said.room, sender, &ClientId::generate(), act))
}

fn edit(said: &SequencedEvent, seq: u64, content: &str) -> SequencedEvent {
    act(said, seq, ChangeKind::Edit(content.to_owned()))
}

fn place(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
}

fn ada() -> Reader {
    Reader { user: UserId::generate(), name: "ada".to_owned() }
}

/// Messages and mentions of a part of a room.
async fn count(stores: &Stores, reader: &Reader, room: RoomId, part: (Position, Position)) -> (u64, u64) {
    let span = Span { room, after: part.0, upto: part.1 };
    let counts = stores.unread.counts(reader, &[span], MOST).await.unwrap();
    assert!(!counts[0].capped);
    (counts[0].unread, counts[0].mentions)
}

async fn all(stores: &Stores, reader: &Reader, room: RoomId) -> (u64, u64) {
    count(stores, reader, room, (Position::START, place(9, 0))).await
}

pub(crate) async fn a_mark_only_moves_on_and_ends_with_the_membership(home: Home) {
    let (stores, room, user) = (home.stores().await, room(Some("general")), UserId::generate());
    stores.rooms.insert(&room).await.unwrap();
    let mark = async |to| stores.unread.advance(room.id, user, to).await.unwrap();
    assert_eq!(mark(place(1, 5)).await, None, "nobody has no mark");
    let here = Member { read: place(1, 3), ..member(room.id, user) };
    stores.members.join(&here, &joined(user)).await.unwrap();
    assert_eq!(stores.members.get(room.id, user).await.unwrap(), Some(here));
    for (to, then) in [((1, 2), (1, 3)), ((1, 12), (1, 12)), ((1, 9), (1, 12)), ((2, 1), (2, 1)), ((1, 99), (2, 1))] {
        assert_eq!(mark(place(to.0, to.1)).await, Some(place(then.0, then.1)), "{to:?}");
    }
    let known = stores.unread.marks(user, &[RoomId::generate(), room.id]).await.unwrap();
    assert_eq!(known.iter().map(|member| member.read).collect::<Vec<_>>(), [place(2, 1)]);
    stores.members.leave(room.id, user, &left(user)).await.unwrap();
    assert_eq!(mark(place(3, 1)).await, None);
    assert_eq!(stores.unread.marks(user, &[room.id]).await.unwrap(), []);
    stores
        .members
        .join(&Member { read: place(2, 7), ..member(room.id, user) }, &joined(user))
        .await
        .unwrap();
    assert_eq!(mark(Position::START).await, Some(place(2, 7)), "from where the user came back in");
}

pub(crate) async fn rooms_of_a_user_come_in_pages_with_their_marks(home: Home) {
    let (stores, user) = (home.stores().await, UserId::generate());
    let mut expected = Vec::new();
    for (joined_at, seq) in [(1, 4), (2, 0), (2, 9), (3, 1), (3, 2)] {
        let room = room(None);
        stores.rooms.insert(&room).await.unwrap();
        let joined_at = UnixMillis(NOON.0 + joined_at);
        let here = Member { joined_at, read: place(1, seq), ..member(room.id, user) };
        for member in [&here, &Member { user_id: UserId::generate(), ..here.clone() }] {
            stores.members.join(member, &joined(member.user_id)).await.unwrap();
        }
        expected.push(here);
    }
    expected.sort_by_key(|member| (member.joined_at, member.room_id.as_uuid()));
    for size in [1, 2, 3, 10] {
        let mut seen: Vec<Member> = Vec::new();
        loop {
            let after = seen.last().map(Member::membership_place);
            let page = stores.unread.rooms(user, after, size).await.unwrap();
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, expected, "pages of {size}");
    }
    assert_eq!(stores.unread.rooms(user, None, 0).await.unwrap(), []);
}

pub(crate) async fn messages_of_others_after_the_mark_are_unread(home: Home) {
    let (stores, room, ada) = (home.stores().await, RoomId::generate(), ada());
    let (first, second) = (said(room, 1, 1, "one"), said(room, 1, 3, "two"));
    let own = message_by(ada.user, room, (1, 4), "mine, @ada");
    let (event, elsewhere) = (at(room, 1, 2, joined(UserId::generate())), said(RoomId::generate(), 1, 3, "x"));
    let events = [first.clone(), event, second.clone(), own, edit(&first, 5, "one!"), elsewhere];
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(all(&stores, &ada, room).await, (2, 0));
    for (after, upto, unread) in [(1, 9, 1), (0, 2, 1), (0, 3, 2), (2, 3, 1), (3, 9, 0), (9, 9, 0), (9, 3, 0)] {
        let part = (place(1, after), place(1, upto));
        assert_eq!(count(&stores, &ada, room, part).await.0, unread, "after {after} up to {upto}");
    }
    for (seq, gone, unread) in [(6, &second, 1), (7, &first, 0)] {
        stores.messages.apply(&[act(gone, seq, ChangeKind::Delete)]).await.unwrap();
        assert_eq!(all(&stores, &ada, room).await, (unread, 0));
    }
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(all(&stores, &ada, room).await, (0, 0), "applied again");
}

pub(crate) async fn spans_cross_epochs(home: Home) {
    let (stores, room, ada) = (home.stores().await, RoomId::generate(), ada());
    let places = [(1, 1), (1, 2), (2, 3), (3, 2), (3, 4), (4, 5)];
    let events: Vec<_> = places.iter().map(|(epoch, seq)| said(room, *epoch, *seq, "@ada")).collect();
    stores.messages.apply(&events).await.unwrap();
    let places: Vec<Position> =
        [Position::START].into_iter().chain(events.iter().map(SequencedEvent::position)).collect();
    for (first, after) in places.iter().enumerate() {
        for (last, upto) in places.iter().enumerate() {
            let expected = last.saturating_sub(first).min(MOST) as u64;
            let spans = [Span { room, after: *after, upto: *upto }];
            let counts = stores.unread.counts(&ada, &spans, MOST).await.unwrap();
            assert_eq!((counts[0].unread, counts[0].mentions), (expected, expected), "{after:?} {upto:?}");
        }
    }
}

pub(crate) async fn counts_end_at_their_bound(home: Home) {
    let (stores, ada) = (home.stores().await, ada());
    let (few, many, named) = (RoomId::generate(), RoomId::generate(), RoomId::generate());
    let most = MOST as u64;
    stores.messages.apply(&messages(few, 1, 1..=most)).await.unwrap();
    stores.messages.apply(&messages(many, 1, 1..=most + 1)).await.unwrap();
    let named_events: Vec<_> = (1..=most + 2).map(|seq| said(named, 1, seq, "hi @Ada!")).collect();
    stores.messages.apply(&named_events).await.unwrap();
    let span = |room| Span { room, after: Position::START, upto: place(1, 99) };
    let spans = [span(many), span(few), span(RoomId::generate()), span(named)];
    let counts = stores.unread.counts(&ada, &spans, MOST).await.unwrap();
    let of = |unread, mentions, capped| Counts { unread, mentions, capped };
    assert_eq!(counts, [of(most, 0, true), of(most, 0, false), of(0, 0, false), of(most, most, true)]);
    assert_eq!(stores.unread.counts(&ada, &[], MOST).await.unwrap(), []);
}

/// A place that is taken, and an id that is held at another place, change nothing.
pub(crate) async fn what_is_not_stored_does_not_count(home: Home) {
    let (stores, room, ada) = (home.stores().await, RoomId::generate(), ada());
    let first = said(room, 1, 1, "@ada");
    stores.messages.apply(std::slice::from_ref(&first)).await.unwrap();
    let again = at(room, 1, 7, first.event.clone());
    stores.messages.apply(&[again]).await.unwrap();
    assert_eq!(all(&stores, &ada, room).await, (1, 1));
    assert_eq!(count(&stores, &ada, room, (place(1, 1), place(1, 9))).await, (0, 0));
}

pub(crate) async fn mentions_are_those_of_the_newest_text_in_any_order(home: Home) {
    let (stores, ada) = (home.stores().await, ada());
    let texts = [["@ada", "x", "@ada"], ["x", "@ada", "y"], ["@ada", "@ada", "@eve"], ["@ada", "x", "y"]];
    for (texts, is_deleted) in texts.iter().flat_map(|texts| [(texts, false), (texts, true)]) {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let room = RoomId::generate();
            let message = said(room, 1, 1, texts[0]);
            let events = [message.clone(), edit(&message, 2, texts[1]), edit(&message, 3, texts[2])];
            let expected = u64::from(texts[2].contains("@ada") && !is_deleted);
            if is_deleted {
                stores.messages.apply(&[act(&message, 4, ChangeKind::Delete)]).await.unwrap();
            }
            for index in order {
                stores.messages.apply(std::slice::from_ref(&events[index])).await.unwrap();
            }
            let unread = u64::from(!is_deleted);
            assert_eq!(all(&stores, &ada, room).await, (unread, expected), "{texts:?} {order:?} {is_deleted}");
            stores.messages.apply(&events).await.unwrap();
            assert_eq!(all(&stores, &ada, room).await, (unread, expected), "again: {texts:?} {order:?}");
        }
    }
}

pub(crate) async fn mentions_lie_at_the_place_of_their_message(home: Home) {
    let (stores, room, ada) = (home.stores().await, RoomId::generate(), ada());
    let (first, second) = (said(room, 1, 1, "x"), said(room, 1, 2, "y"));
    let events = [first.clone(), second, edit(&first, 3, "@ada")];
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(all(&stores, &ada, room).await, (2, 1));
    let after_first = (place(1, 1), place(1, 9));
    assert_eq!(count(&stores, &ada, room, after_first).await, (1, 0), "an edit makes nothing unread again");
    let eve = Reader { name: "eve".to_owned(), ..ada };
    assert_eq!(all(&stores, &eve, room).await, (2, 0));
}

pub(crate) async fn receipts_tell_how_far_members_have_read_and_since_when(home: Home) {
    let stores = home.stores().await;
    let (place, before) = (room(None), UnixMillis::now());
    stores.rooms.insert(&place).await.unwrap();
    let [ada, bob] = [UserId::generate(), UserId::generate()];
    for user in [ada, bob] {
        stores.members.join(&member(place.id, user), &joined(user)).await.unwrap();
    }
    let to = |seq| Position { epoch: Epoch(1), seq: Seq::new(seq) };
    for seq in [5, 3] {
        stores.unread.advance(place.id, ada, to(seq)).await.unwrap();
    }
    let mut found = stores.unread.receipts(place.id, 9).await.unwrap();
    found.sort_by_key(|receipt| receipt.at);
    assert_eq!((found[0].user, found[0].read, found[0].at), (bob, Position::START, None));
    assert_eq!((found[1].user, found[1].read), (ada, to(5)));
    let at = found[1].at.unwrap();
    assert!(before <= at && at <= UnixMillis::now());
    assert_eq!(stores.unread.receipts(place.id, 1).await.unwrap().len(), 1);
}
