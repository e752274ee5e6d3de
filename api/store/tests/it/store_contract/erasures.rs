//! Erasing somebody, and copies of what is kept about somebody.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MembershipChange, Sender};
use rookery_protocol::id::{Partition, UserId};
use rookery_store::account::{Keep, Purpose};
use rookery_store::erasure::{DELETED_USER, Removed, Trace, TracePlace};
use rookery_store::export::Export;
use rookery_store::job::JobState;
use rookery_store::message::Window;
use rookery_store::session::{DeviceName, Session};
use rookery_store::unread::{Reader, Span};
use rookery_store::user::{ServerRole, Username};
use rookery_store::{PageQuestion, StoreError, Stores};
use uuid::Uuid;

use super::accounts::{registration, second_factor, token};
use super::{Home, at_once};
use crate::samples::{NOON, at, event, left, message_by, room, said, session, user};

fn later(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn name(text: &str) -> Username {
    Username::try_from(text.to_owned()).unwrap()
}

pub(crate) async fn an_erasure_begins_once_and_ends_logins(home: Home) {
    let stores = home.stores().await;
    let (ada, root) = (user("ada"), UserId::generate());
    stores.users.insert(&ada).await.unwrap();
    assert_eq!(stores.erasures.begin(UserId::generate(), root, NOON).await.unwrap(), None);
    assert_eq!(stores.erasures.get(ada.id).await.unwrap(), None);
    let begun = stores.erasures.begin(ada.id, root, NOON).await.unwrap().unwrap();
    assert_eq!((begun.user, begun.by, begun.begun_at, begun.finished_at), (ada.id, root, NOON, None));
    assert!(stores.users.by_id(ada.id).await.unwrap().unwrap().disabled);
    assert_eq!(
        stores.erasures.begin(ada.id, ada.id, later(1)).await.unwrap(),
        Some(begun.clone()),
        "the first one counts"
    );
    assert_eq!(stores.erasures.open(9).await.unwrap(), [ada.id]);
    let removed = Removed {
        sessions: 1,
        memberships: 2,
        rooms_passed_on: 3,
        rooms_closed: 4,
        events: 5,
        records: 6,
        files: 7,
    };
    for _ in 0..2 {
        stores.erasures.note(ada.id, &removed).await.unwrap();
    }
    let twice = Removed {
        sessions: 2,
        memberships: 4,
        rooms_passed_on: 6,
        rooms_closed: 8,
        events: 10,
        records: 12,
        files: 14,
    };
    assert_eq!(stores.erasures.get(ada.id).await.unwrap().unwrap().removed, twice);
    for at in [later(5), later(6)] {
        stores.erasures.finish(ada.id, at).await.unwrap();
    }
    let finished = stores.erasures.begin(ada.id, root, later(9)).await.unwrap().unwrap();
    assert_eq!((finished.finished_at, finished.removed), (Some(later(5)), twice));
    assert!(stores.erasures.open(9).await.unwrap().is_empty());
}

/// Of the last two admins one can be erased, however close together both are asked for; also if the other one is lowered.
pub(crate) async fn the_last_admin_is_not_erased(home: Home) {
    let stores = home.stores().await;
    let mut left = admin(&stores, "root").await;
    for round in 0..10 {
        let admins = [left, admin(&stores, &format!("root{round}")).await];
        let outcomes = at_once(2, |n| {
            let (stores, id) = (stores.clone(), admins[n]);
            async move {
                let outcome = if n == 0 && round % 2 == 1 {
                    stores.users.set_role(id, ServerRole::User).await
                } else {
                    stores.erasures.begin(id, id, NOON).await.map(drop)
                };
                (id, outcome)
            }
        })
        .await;
        let refused = |outcome: &Result<(), StoreError>| matches!(outcome, Err(StoreError::LastAdmin));
        let (stay, go): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(_, outcome)| refused(outcome));
        assert!(stay.len() == 1 && go.iter().all(|(_, outcome)| outcome.is_ok()), "{stay:?} {go:?}");
        left = stay[0].0;
        let found = stores.users.by_id(left).await.unwrap().unwrap();
        assert_eq!((found.role, found.disabled), (ServerRole::Admin, false));
        assert_eq!(stores.erasures.get(left).await.unwrap(), None);
    }
}

async fn admin(stores: &Stores, name: &str) -> UserId {
    let mut admin = user(name);
    admin.role = ServerRole::Admin;
    stores.users.insert(&admin).await.unwrap();
    admin.id
}

/// Everything around an account that was ever renamed, and what must stay.
pub(crate) async fn what_is_kept_about_an_account_goes(home: Home) {
    let stores = home.stores().await;
    let (ada, bob, now) = (user("ada"), user("bob"), UnixMillis::now());
    stores.users.insert(&ada).await.unwrap();
    stores.users.insert(&bob).await.unwrap();
    let owner = ada.id.as_uuid();
    assert!(stores.names.claim("ada", owner, Some(later_than(now)), now).await.unwrap());
    assert!(stores.users.rename(ada.id, &name("countess"), NOON, NOON).await.unwrap());
    let pending = registration("pending");
    let same_address = rookery_store::account::Registration { email: ada.email.clone(), is_decoy: true, ..pending };
    stores.registrations.insert(&same_address).await.unwrap();
    stores
        .one_time_tokens
        .insert(&token(ada.id, Purpose::EmailUndo, 1), Keep::Newest(3))
        .await
        .unwrap();
    stores.second_factors.put(&second_factor(ada.id)).await.unwrap();
    let nothing = left(ada.id);
    stores.blocks.put(ada.id, bob.id, NOON, &nothing).await.unwrap();
    stores.blocks.put(bob.id, ada.id, NOON, &nothing).await.unwrap();
    let device = DeviceName::try_from("Ada's phone".to_owned()).ok();
    let login = Session { user_id: ada.id, device, ..session() };
    stores.sessions.insert(&login).await.unwrap();
    let mut about = super::jobs::job("about ada");
    about.about = Some(ada.id);
    stores.jobs.add(&about).await.unwrap();
    let place = room(Some("general"));
    stores.rooms.insert(&place).await.unwrap();
    stores.epochs.next(Partition(1)).await.unwrap();
    stores.messages.apply(&[said(place.id, 1, 1, "@countess @ada @bob")]).await.unwrap();
    stores.exports.insert(&export(ada.id, bob.id)).await.unwrap();
    assert!(stores.saved.put(ada.id, &super::saved::saved(place.id, 1), 9).await.unwrap());
    for (user, endpoint) in [(ada.id, "https://push.example/ada"), (bob.id, "https://push.example/bob")] {
        stores.pushes.subscribe(&super::pushes::subscription(user, endpoint, 1), 9).await.unwrap();
    }
    assert!(stores.saved.put(bob.id, &super::saved::saved(place.id, 1), 9).await.unwrap());

    assert!(stores.erasures.forget(ada.id).await.unwrap() >= 9);
    assert_eq!(stores.erasures.forget(ada.id).await.unwrap(), 0, "nothing is left");
    for login in ["ada", "countess", "ada@example.org"] {
        assert_eq!(stores.users.by_login(login).await.unwrap(), None, "{login}");
        assert_eq!(stores.registrations.by_login(login).await.unwrap(), None, "{login}");
    }
    for key in ["ada", "countess"] {
        assert!(!stores.names.claim(key, Uuid::new_v4(), None, now).await.unwrap(), "nobody gets {key}");
        assert!(stores.users.search(key, None, 9).await.unwrap().is_empty());
    }
    assert!(stores.names.claim("adam", Uuid::new_v4(), None, now).await.unwrap());
    assert_eq!(stores.one_time_tokens.by_id(token(ada.id, Purpose::EmailUndo, 1).id).await.unwrap(), None);
    assert!(stores.second_factors.get(ada.id).await.unwrap().is_none());
    assert!(stores.blocks.page(ada.id, None, 9).await.unwrap().is_empty());
    let pushed = stores.pushes.subscriptions(&[ada.id, bob.id], 9).await.unwrap();
    assert_eq!(pushed.iter().map(|found| found.user).collect::<Vec<_>>(), [bob.id]);
    let saved = [ada.id, bob.id].map(|user| stores.saved.page(user, None, 9));
    let [own, others] = saved;
    assert_eq!((own.await.unwrap().len(), others.await.unwrap().len()), (0, 1));
    assert!(!stores.blocks.is_blocked(bob.id, ada.id).await.unwrap());
    let kept = stores.sessions.by_id(login.id).await.unwrap().unwrap();
    assert_eq!((kept.device, kept.user_id), (None, ada.id), "gateways still hear of its end");
    assert_eq!(stores.jobs.count(JobState::Open, 9).await.unwrap(), 0);
    assert_eq!(stores.exports.newest(ada.id, bob.id, None).await.unwrap(), None);
    let upto = said(place.id, 1, 9, "").position();
    let span = Span { room: place.id, after: rookery_protocol::position::Position::START, upto };
    for (reader, mentions) in [("countess", 0), ("ada", 0), ("bob", 1)] {
        let reader = Reader { user: UserId::generate(), name: reader.to_owned() };
        assert_eq!(stores.unread.counts(&reader, &[span], 9).await.unwrap()[0].mentions, mentions);
    }
    assert_eq!(stores.users.by_login("bob").await.unwrap(), Some(bob));
}

fn later_than(now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0 + 1_000_000)
}

pub(crate) async fn addresses_are_free_again(home: Home) {
    let stores = home.stores().await;
    let (ada, now) = (user("ada"), UnixMillis::now());
    stores.users.insert(&ada).await.unwrap();
    // One that it had before, as accounts claim it.
    let claim = async |owner: Uuid| stores.names.claim("address x", owner, Some(later_than(now)), now).await.unwrap();
    assert!(claim(ada.id.as_uuid()).await);
    assert!(!claim(Uuid::new_v4()).await);
    stores.erasures.forget(ada.id).await.unwrap();
    assert!(claim(Uuid::new_v4()).await);
}

/// Somebody has looked whether the name is free, and registers with it.
pub(crate) async fn a_name_that_is_asked_for_is_waited_for(home: Home) {
    let stores = home.stores().await;
    let (ada, now, other) = (user("ada"), UnixMillis::now(), Uuid::new_v4());
    stores.users.insert(&ada).await.unwrap();
    assert!(stores.names.claim("ada", other, Some(later_than(now)), now).await.unwrap());
    let outcome = stores.erasures.forget(ada.id).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(stores.users.by_id(ada.id).await.unwrap().as_ref(), Some(&ada));
    stores.names.release("ada", other).await.unwrap();
    assert_ne!(stores.erasures.forget(ada.id).await.unwrap(), 0);
    assert!(!stores.names.claim("ada", other, Some(later_than(now)), now).await.unwrap());
}

pub(crate) async fn events_lose_a_name_and_nothing_else(home: Home) {
    let stores = home.stores().await;
    let (ada, eve, places) = (UserId::generate(), UserId::generate(), [room(Some("general")), room(None)]);
    let mut events = Vec::new();
    for (place, seqs) in places.iter().zip([1..=6, 1..=3]) {
        stores.rooms.insert(place).await.unwrap();
        for seq in seqs {
            let by = if seq % 3 == 0 { eve } else { ada };
            events.push(message_by(by, place.id, (1, seq), &format!("number {seq}")));
        }
    }
    let member = Sender { user_id: ada, username: "bob".to_owned() };
    let muted = EventBody::Membership(MembershipChange::Muted { member, until: None });
    events.push(at(places[0].id, 1, 7, event(eve, muted)));
    stores.messages.apply(&events).await.unwrap();
    let walk = async |trace, limit| {
        let (mut all, mut after): (Vec<_>, Option<TracePlace>) = (Vec::new(), None);
        loop {
            let page = stores.traces.page(ada, trace, after, limit).await.unwrap();
            all.extend(page.iter().cloned());
            after = page.last().map(TracePlace::from);
            if page.len() < limit {
                return all;
            }
        }
    };
    for limit in 1..=7 {
        let found = walk(Trace::Author, limit).await;
        assert_eq!(found.len(), 6, "by {limit}");
        assert!(found.is_sorted_by_key(TracePlace::from) && found.iter().all(|found| found.event.user_id == ada));
        assert_eq!(walk(Trace::Member, limit).await.len(), 1);
    }
    for trace in [Trace::Author, Trace::Member] {
        let ids: Vec<_> = walk(trace, 9).await.iter().map(|found| found.event.id).collect();
        for _ in 0..2 {
            stores.traces.unname(trace, &ids).await.unwrap();
        }
    }
    for place in &places {
        let page = stores.messages.page(place.id, PageQuestion::all(Window::Latest, 50)).await.unwrap();
        let wanted = events.iter().filter(|event| event.room == place.id).cloned().map(|mut event| {
            if event.event.user_id == ada {
                DELETED_USER.clone_into(&mut event.event.username);
            }
            if let EventBody::Membership(MembershipChange::Muted { member, .. }) = &mut event.event.body {
                DELETED_USER.clone_into(&mut member.username);
            }
            event
        });
        assert_eq!(page, wanted.collect::<Vec<_>>());
    }
    // A batch that is repeated does not bring the name back.
    stores.messages.apply(&events).await.unwrap();
    assert!(walk(Trace::Author, 9).await.iter().all(|found| found.event.username == DELETED_USER));
}

fn export(user: UserId, by: UserId) -> Export {
    Export {
        id: Uuid::now_v7(),
        user,
        by,
        room: None,
        created_at: NOON,
        expires_at: later(100),
        pieces: None,
        bytes: 0,
    }
}

pub(crate) async fn copies_are_kept_in_pieces_and_go(home: Home) {
    let exports = home.stores().await.exports;
    let (ada, root) = (UserId::generate(), UserId::generate());
    let (first, own, second) = (export(ada, root), export(ada, ada), export(ada, root));
    for new in [&first, &own] {
        exports.insert(new).await.unwrap();
        exports.put_piece(new.id, 0, &[7; 3]).await.unwrap();
    }
    assert_eq!(exports.newest(ada, root, None).await.unwrap().as_ref(), Some(&first));
    exports.insert(&second).await.unwrap();
    assert_eq!(exports.by_id(first.id).await.unwrap(), None, "a new one replaces it");
    assert_eq!(exports.piece(first.id, 0).await.unwrap(), None);
    exports.put_piece(first.id, 1, &[1]).await.unwrap();
    assert_eq!(exports.piece(first.id, 1).await.unwrap(), None, "what is gone stays gone");
    assert!(!exports.complete(first.id, 1, 1, NOON).await.unwrap());
    exports.put_piece(second.id, 0, &[1; 9]).await.unwrap();
    exports.put_piece(second.id, 0, &vec![2; 300_000]).await.unwrap();
    assert_eq!(exports.piece(second.id, 0).await.unwrap(), Some(vec![2; 300_000]));
    assert!(exports.complete(second.id, 1, 300_000, later(500)).await.unwrap());
    let done = Export { pieces: Some(1), bytes: 300_000, expires_at: later(500), ..second.clone() };
    assert_eq!(exports.by_id(second.id).await.unwrap(), Some(done.clone()));
    assert_eq!(exports.purge(later(101), 9).await.unwrap(), 1);
    assert_eq!((exports.by_id(own.id).await.unwrap(), exports.piece(own.id, 0).await.unwrap()), (None, None));
    assert_eq!(exports.newest(ada, root, None).await.unwrap(), Some(done));
    assert_eq!(exports.erase_about(ada).await.unwrap(), 1);
    assert_eq!(exports.newest(ada, root, None).await.unwrap(), None);
}
