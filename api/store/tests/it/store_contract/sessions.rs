//! Login sessions.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::SessionId;
use rookery_store::session::Session;
use rookery_store::{Rotation, Sessions, StoreError, Unique};

use super::{Home, at_once};
use crate::samples::{NOON, session};

fn rotation(hash: u8) -> Rotation {
    let (at, expires_at) = (UnixMillis(NOON.0 + 10), UnixMillis(NOON.0 + 99_000));
    Rotation { current: [hash; 32], at, expires_at, replaced: vec![NOON, at] }
}

pub(crate) async fn sessions_are_found_as_they_were_written(home: Home) {
    let sessions = home.stores().await.sessions;
    let (replaced, revoked_at) = (vec![NOON, UnixMillis(NOON.0 + 1)], Some(UnixMillis(NOON.0 + 3)));
    let old = Session { parent: Some([0; 32]), replaced, revoked_at, ..session() };
    for session in [session(), old] {
        sessions.insert(&session).await.unwrap();
        assert_eq!(sessions.by_lookup(&session.lookup).await.unwrap(), Some(session));
    }
    assert_eq!(sessions.by_lookup(&[9; 16]).await.unwrap(), None);
}

pub(crate) async fn lookups_are_unique(home: Home) {
    let sessions = home.stores().await.sessions;
    let first = session();
    sessions.insert(&first).await.unwrap();
    let same_lookup = Session { lookup: first.lookup, ..session() };
    let outcome = sessions.insert(&same_lookup).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Id))), "{outcome:?}");
}

pub(crate) async fn rotation_moves_the_token_on(home: Home) {
    let sessions = home.stores().await.sessions;
    let first = session();
    sessions.insert(&first).await.unwrap();
    assert!(sessions.rotate(first.id, &first.current, rotation(2)).await.unwrap());
    let expected = Session {
        current: [2; 32],
        parent: Some(first.current),
        rotated_at: rotation(2).at,
        replaced: rotation(2).replaced,
        expires_at: rotation(2).expires_at,
        ..first.clone()
    };
    assert_eq!(sessions.by_lookup(&first.lookup).await.unwrap(), Some(expected));
}

pub(crate) async fn rotation_needs_the_valid_token(home: Home) {
    let sessions = home.stores().await.sessions;
    let (first, other) = (session(), session());
    for session in [&first, &other] {
        sessions.insert(session).await.unwrap();
    }
    assert!(!sessions.rotate(first.id, &[7; 32], rotation(2)).await.unwrap());
    assert!(!sessions.rotate(SessionId::generate(), &first.current, rotation(2)).await.unwrap());
    assert!(sessions.rotate(first.id, &first.current, rotation(2)).await.unwrap());
    assert!(!sessions.rotate(first.id, &first.current, rotation(3)).await.unwrap(), "the parent is not valid");
    assert_eq!(sessions.by_lookup(&other.lookup).await.unwrap(), Some(other));
}

pub(crate) async fn rotate_race(home: Home) {
    let sessions = home.stores().await.sessions;
    let first = session();
    sessions.insert(&first).await.unwrap();
    let won = at_once(50, |n| {
        let (sessions, first) = (sessions.clone(), first.clone());
        let to = rotation(u8::try_from(n).unwrap() + 100);
        async move {
            let current = to.current;
            sessions.rotate(first.id, &first.current, to).await.unwrap().then_some(current)
        }
    })
    .await;
    let winners: Vec<_> = won.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let after = sessions.by_lookup(&first.lookup).await.unwrap().unwrap();
    assert_eq!((after.current, after.parent), (winners[0], Some(first.current)));
}

pub(crate) async fn revoked_sessions_do_not_rotate(home: Home) {
    let sessions = home.stores().await.sessions;
    let first = session();
    sessions.insert(&first).await.unwrap();
    sessions.revoke(first.id, NOON).await.unwrap();
    assert!(!sessions.rotate(first.id, &first.current, rotation(2)).await.unwrap());
    let expected = Session { revoked_at: Some(NOON), ..first.clone() };
    assert_eq!(sessions.by_lookup(&first.lookup).await.unwrap(), Some(expected));
}

pub(crate) async fn the_first_revocation_counts(home: Home) {
    let sessions = home.stores().await.sessions;
    let first = session();
    sessions.insert(&first).await.unwrap();
    for later in 0..3 {
        sessions.revoke(first.id, UnixMillis(NOON.0 + later)).await.unwrap();
    }
    sessions.revoke(SessionId::generate(), NOON).await.unwrap();
    let after = sessions.by_lookup(&first.lookup).await.unwrap().unwrap();
    assert_eq!(after.revoked_at, Some(NOON));
}

/// Those of them that are not open.
async fn not_open(sessions: &dyn Sessions, ids: &[SessionId]) -> Vec<SessionId> {
    let open = sessions.open(ids).await.unwrap();
    ids.iter().copied().filter(|id| !open.contains_key(id)).collect()
}

pub(crate) async fn all_sessions_of_a_user_end_at_once(home: Home) {
    let stores = home.stores().await;
    let user = session().user_id;
    let own: Vec<Session> = (0..3).map(|_| Session { user_id: user, ..session() }).collect();
    let foreign = session();
    for session in own.iter().chain([&foreign]) {
        stores.sessions.insert(session).await.unwrap();
    }
    let ids: Vec<SessionId> = own.iter().chain([&foreign]).map(|session| session.id).collect();
    assert_eq!(not_open(&*stores.sessions, &ids).await, []);
    stores.sessions.revoke(own[0].id, NOON).await.unwrap();
    assert_eq!(not_open(&*stores.sessions, &ids).await, [own[0].id]);
    stores.sessions.revoke_all(user, UnixMillis(NOON.0 + 1)).await.unwrap();
    let mut ended = not_open(&*stores.sessions, &ids).await;
    ended.sort();
    assert_eq!(ended, ids[..3]);
    let unknown = SessionId::generate();
    assert_eq!(not_open(&*stores.sessions, &[foreign.id, unknown]).await, [unknown], "there is none such");
    let first = stores.sessions.by_lookup(&own[0].lookup).await.unwrap().unwrap();
    assert_eq!(first.revoked_at, Some(NOON), "the first revocation counts");
    let since = async |at: i64, limit| stores.sessions.revoked_since(UnixMillis(NOON.0 + at), limit).await.unwrap();
    let mut all = since(0, 10).await;
    all.sort();
    let mut later = since(1, 10).await;
    later.sort();
    assert_eq!((&all[..], &later[..]), (&ids[..3], &ids[1..3]));
    assert_eq!((since(2, 10).await.len(), since(0, 2).await.len(), since(0, 0).await.len()), (0, 2, 0));
}

pub(crate) async fn open_sessions_tell_a_new_name(home: Home) {
    let sessions = home.stores().await.sessions;
    let (first, foreign) = (session(), session());
    let second = Session { user_id: first.user_id, ..session() };
    for session in [&first, &second, &foreign] {
        sessions.insert(session).await.unwrap();
    }
    let ids = [first.id, second.id, foreign.id];
    let names = async || {
        let open = sessions.open(&ids).await.unwrap();
        ids.map(|id| open.get(&id).map(|name| name.as_ref().map(|name| name.as_str().to_owned())))
    };
    assert_eq!(names().await, [Some(None), Some(None), Some(None)]);
    for name in ["ada", "Grace"] {
        sessions.rename(first.user_id, &name.to_owned().try_into().unwrap()).await.unwrap();
        let renamed = Some(Some(name.to_owned()));
        assert_eq!(names().await, [renamed.clone(), renamed, Some(None)]);
    }
    sessions.revoke(second.id, NOON).await.unwrap();
    assert!(sessions.rotate(first.id, &first.current, rotation(2)).await.unwrap());
    assert_eq!(names().await, [Some(Some("Grace".to_owned())), None, Some(None)]);
}

pub(crate) async fn the_oldest_sessions_of_a_user_make_place(home: Home) {
    let sessions = home.stores().await.sessions;
    let user = session().user_id;
    let own: Vec<Session> = (0..5).map(|_| Session { user_id: user, ..session() }).collect();
    let (foreign, over) = (session(), Session { user_id: user, expires_at: NOON, ..session() });
    let mut ids: Vec<SessionId> = own.iter().map(|session| session.id).collect();
    ids.sort();
    for session in own.iter().chain([&foreign, &over]) {
        sessions.insert(session).await.unwrap();
    }
    let later = UnixMillis(NOON.0 + 1);
    assert_eq!(sessions.revoke_beyond(user, 5, later).await.unwrap(), []);
    let mut gone = sessions.revoke_beyond(user, 3, later).await.unwrap();
    gone.sort();
    assert_eq!(gone, ids[..2], "one that has ended counts for nothing");
    let asked = [&ids[..], &[foreign.id]].concat();
    let mut ended = not_open(&*sessions, &asked).await;
    ended.sort();
    assert_eq!(ended, ids[..2]);
    assert_eq!(sessions.revoke_beyond(user, 3, later).await.unwrap(), [], "they are gone already");
    // Logins at once: each looks after its own session is there, so that the last one sees them all.
    at_once(20, |_| {
        let (sessions, session) = (sessions.clone(), Session { user_id: user, ..session() });
        async move {
            sessions.insert(&session).await.unwrap();
            sessions.revoke_beyond(user, 3, later).await.unwrap();
        }
    })
    .await;
    assert_eq!(sessions.revoke_beyond(user, 0, later).await.unwrap().len(), 3);
}

pub(crate) async fn what_is_over_is_erased_and_stays_over(home: Home) {
    let sessions = home.stores().await.sessions;
    let far = UnixMillis(NOON.0 + 1_000_000);
    let open = Session { expires_at: far, ..session() };
    let fresh = Session { expires_at: far, revoked_at: Some(NOON), ..session() };
    let before = |ms: i64| UnixMillis(NOON.0 - ms);
    let revoked: Vec<Session> = (0..3)
        .map(|_| Session { expires_at: far, revoked_at: Some(before(1)), ..session() })
        .collect();
    let ended: Vec<Session> = (0..3).map(|_| Session { expires_at: before(1), ..session() }).collect();
    for session in [&open, &fresh].into_iter().chain(&revoked).chain(&ended) {
        sessions.insert(session).await.unwrap();
    }
    assert_eq!(sessions.purge(before(1), 10).await.unwrap(), 0, "not before the time");
    assert_eq!(sessions.purge(NOON, 4).await.unwrap(), 4);
    assert_eq!(sessions.purge(NOON, 4).await.unwrap(), 2);
    assert_eq!(sessions.purge(NOON, 4).await.unwrap(), 0);
    for gone in revoked.iter().chain(&ended) {
        assert_eq!(sessions.by_lookup(&gone.lookup).await.unwrap(), None);
        assert_eq!(not_open(&*sessions, &[gone.id]).await, [gone.id], "an erased session revives nothing");
    }
    assert_eq!(not_open(&*sessions, &[open.id, fresh.id]).await, [fresh.id]);
}
