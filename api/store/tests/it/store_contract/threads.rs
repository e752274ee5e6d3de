//! What answers a message, beside a naive count; and the first event since a time.

use std::collections::HashMap;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::limits::REPLIERS_SHOWN_MAX;
use rookery_protocol::message_change::ChangeKind;
use rookery_protocol::position::Position;
use rookery_store::Stores;
use rookery_store::thread::{Replies, answered_by, deleted_by};

use super::Home;
use super::unread::act;
use crate::samples::{NOON, at, message};

/// A reply of the user, said as many milliseconds after noon as its number is.
pub(crate) fn reply(user: UserId, said: &SequencedEvent, seq: u64) -> SequencedEvent {
    let sender = Sender { user_id: user, username: "eve".to_owned() };
    let content = format!("answer {seq}");
    let new = NewMessage {
        content,
        client_id: ClientId::generate(),
        reply_to: Some(said.event.id),
        attachments: Vec::new(),
    };
    let event = at(said.room, said.epoch.0, seq, Event::message(said.room, sender, new));
    SequencedEvent { timestamp: UnixMillis(NOON.0 + i64::try_from(seq).unwrap()), ..event }
}

async fn replies(stores: &Stores, of: &[&SequencedEvent]) -> HashMap<MessageId, Replies> {
    let places: Vec<_> = of.iter().map(|said| (said.room, said.event.id)).collect();
    stores.threads.replies(&places).await.unwrap()
}

async fn thread(stores: &Stores, of: &SequencedEvent) -> Vec<SequencedEvent> {
    stores.threads.page(of.room, of.event.id, None, 1_000).await.unwrap()
}

/// What is left of the replies by a look at everything.
fn naive(events: &[SequencedEvent], of: &SequencedEvent) -> (Replies, Vec<SequencedEvent>) {
    let gone: Vec<MessageId> = events.iter().filter_map(deleted_by).collect();
    let is_reply = |event: &&SequencedEvent| event.room == of.room && answered_by(event) == Some(of.event.id);
    let mut left: Vec<SequencedEvent> = events
        .iter()
        .filter(is_reply)
        .filter(|reply| !gone.contains(&reply.event.id))
        .cloned()
        .collect();
    left.sort_by_key(SequencedEvent::position);
    let newest = left.iter().rev().map(|reply| (reply.event.user_id, reply.timestamp));
    (Replies::of(left.len(), newest), left)
}

pub(crate) async fn replies_are_counted_as_they_come_and_go(home: Home) {
    let stores = home.stores().await;
    let (room, users) = (RoomId::generate(), [UserId::generate(), UserId::generate()]);
    let (said, other) = (message(room, 1, 1), message(room, 1, 2));
    let answers = [reply(users[0], &said, 3), reply(users[1], &said, 4), reply(users[0], &said, 5)];
    stores.messages.apply(&[said.clone(), other.clone()]).await.unwrap();
    assert_eq!(replies(&stores, &[&said, &other]).await, HashMap::new());
    stores.messages.apply(&answers).await.unwrap();
    stores.messages.apply(&answers).await.unwrap();
    let time = |n: usize| Some(answers[n].timestamp);
    let all = Replies { count: 3, last_at: time(2), users: users.to_vec() };
    assert_eq!(replies(&stores, &[&other, &said]).await, [(said.event.id, all)].into());
    assert_eq!(thread(&stores, &said).await, answers);
    stores.messages.apply(&[act(&answers[2], 6, ChangeKind::Delete)]).await.unwrap();
    let left = Replies { count: 2, last_at: time(1), users: vec![users[1], users[0]] };
    assert_eq!(replies(&stores, &[&said]).await, [(said.event.id, left.clone())].into());
    assert_eq!(thread(&stores, &said).await, answers[..2]);
    // What is answered may go, and be edited: its answers stay.
    stores.messages.apply(&[act(&said, 7, ChangeKind::Delete)]).await.unwrap();
    stores
        .messages
        .apply(&[act(&answers[0], 8, ChangeKind::Edit("other".to_owned()))])
        .await
        .unwrap();
    assert_eq!(replies(&stores, &[&said]).await, [(said.event.id, left)].into());
    for (n, answer) in answers[..2].iter().enumerate() {
        stores.messages.apply(&[act(answer, 10 + n as u64, ChangeKind::Delete)]).await.unwrap();
    }
    assert_eq!(replies(&stores, &[&said]).await, HashMap::new());
    assert_eq!(thread(&stores, &said).await, []);
}

pub(crate) async fn replies_of_another_room_are_none(home: Home) {
    let stores = home.stores().await;
    let said = message(RoomId::generate(), 1, 1);
    let elsewhere = SequencedEvent { room: RoomId::generate(), ..said.clone() };
    // A store of before may have such answers.
    let foreign = reply(UserId::generate(), &elsewhere, 2);
    stores.messages.apply(&[said.clone(), foreign.clone()]).await.unwrap();
    assert_eq!((replies(&stores, &[&said]).await, thread(&stores, &said).await), (HashMap::new(), Vec::new()));
    let own = reply(UserId::generate(), &said, 3);
    stores.messages.apply(std::slice::from_ref(&own)).await.unwrap();
    assert_eq!(replies(&stores, &[&said]).await[&said.event.id].count, 1);
    assert_eq!(thread(&stores, &said).await, [own]);
}

pub(crate) async fn threads_come_in_pages_over_epochs(home: Home) {
    let stores = home.stores().await;
    let said = message(RoomId::generate(), 1, 1);
    let mut events: Vec<_> = (2..=6).map(|seq| reply(UserId::generate(), &said, seq)).collect();
    let later = SequencedEvent { epoch: Epoch(3), ..said.clone() };
    events.extend((4..=9).map(|seq| reply(UserId::generate(), &later, seq)));
    stores.messages.apply(&events).await.unwrap();
    for limit in [1, 2, 5, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = stores.threads.page(said.room, said.event.id, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.position());
            seen.extend(page);
        }
        assert_eq!(seen, events, "{limit} at a time");
    }
    assert_eq!(replies(&stores, &[&said]).await[&said.event.id].users.len(), REPLIERS_SHOWN_MAX);
}

/// The same numbers for the same seed.
fn next(state: &mut u64, bound: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap() % bound
}

/// Replies and deletions in any order, in batches of which parts are repeated, several at once.
pub(crate) async fn counts_of_replies_are_those_of_a_look_at_everything(home: Home) {
    let stores = home.stores().await;
    for seed in 1..=3_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let room = RoomId::generate();
        let users: Vec<UserId> = (0..7).map(|_| UserId::generate()).collect();
        let roots: Vec<_> = (1..=3).map(|seq| message(room, 1, seq)).collect();
        let mut events = roots.clone();
        for seq in 4..=60 {
            let said: Vec<_> = events.iter().filter(|event| answered_by(event).is_some()).cloned().collect();
            let event = if next(&mut state, 3) == 0 && !said.is_empty() {
                act(&said[next(&mut state, said.len())], seq, ChangeKind::Delete)
            } else {
                reply(users[next(&mut state, users.len())], &roots[next(&mut state, roots.len())], seq)
            };
            events.push(event);
        }
        let mut mixed = events.clone();
        for n in 0..20 {
            mixed.push(events[next(&mut state, events.len())].clone());
            let (a, b) = (next(&mut state, mixed.len()), next(&mut state, mixed.len()));
            mixed.swap(a, b);
            mixed.swap(n, b);
        }
        let batches: Vec<_> = mixed.chunks(7).map(<[SequencedEvent]>::to_vec).collect();
        super::at_once(batches.len(), |n| {
            let (store, batch) = (stores.messages.clone(), batches[n].clone());
            async move { store.apply(&batch).await.unwrap() }
        })
        .await;
        let counted = replies(&stores, &roots.iter().collect::<Vec<_>>()).await;
        for root in &roots {
            let (wanted, left) = naive(&events, root);
            assert_eq!(counted.get(&root.event.id).cloned().unwrap_or_default(), wanted, "seed {seed}");
            assert_eq!(thread(&stores, root).await, left, "seed {seed}");
        }
    }
}

pub(crate) async fn the_first_event_since_a_time_is_found(home: Home) {
    let stores = home.stores().await;
    let said = message(RoomId::generate(), 2, 1);
    let events: Vec<_> = [5, 7, 9].map(|seq| reply(UserId::generate(), &said, seq)).into();
    stores.messages.apply(&events).await.unwrap();
    let place = |seq| Some(Position { epoch: Epoch(2), seq: Seq::new(seq) });
    for (after, found) in [(0, place(5)), (5, place(5)), (6, place(7)), (9, place(9)), (10, None)] {
        let time = UnixMillis(NOON.0 + after);
        assert_eq!(stores.messages.first_since(said.room, time).await.unwrap(), found, "{after} ms after noon");
    }
    assert_eq!(stores.messages.first_since(RoomId::generate(), NOON).await.unwrap(), None);
}

pub(crate) async fn messages_are_found_by_many_ids(home: Home) {
    let stores = home.stores().await;
    let (one, two) = (message(RoomId::generate(), 1, 1), message(RoomId::generate(), 1, 1));
    let edit = act(&one, 2, ChangeKind::Edit("x".to_owned()));
    stores.messages.apply(&[one.clone(), two.clone(), edit.clone()]).await.unwrap();
    let ids = [two.event.id, edit.event.id, MessageId::generate(), one.event.id];
    let mut found = stores.messages.by_ids(&ids).await.unwrap();
    found.sort_by_key(|event| ids.iter().position(|id| *id == event.event.id));
    assert_eq!(found, [two, one]);
    assert_eq!(stores.messages.by_ids(&[]).await.unwrap(), []);
}
