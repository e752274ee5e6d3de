use std::collections::HashSet;

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_protocol::id::UserId;
use rookery_store::Rotation;
use rookery_store::session::{Session, TokenHash};

use super::*;

/// A store that counts what is read one by one.
#[derive(Default)]
struct Store {
    sessions: Mutex<HashMap<SessionId, Option<UnixMillis>>>,
    read: Mutex<usize>,
}

#[async_trait]
impl Sessions for Store {
    async fn revoke(&self, id: SessionId, at: UnixMillis) -> Result<(), StoreError> {
        self.sessions.lock().insert(id, Some(at));
        Ok(())
    }

    async fn revoked_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        let sessions = self.sessions.lock();
        let revoked = sessions.iter().filter(|(_, revoked)| revoked.is_some_and(|revoked| revoked >= at));
        Ok(revoked.map(|(id, _)| *id).take(limit).collect())
    }

    async fn open(&self, ids: &[SessionId]) -> Result<Open, StoreError> {
        *self.read.lock() += ids.len();
        let sessions = self.sessions.lock();
        Ok(ids.iter().filter(|id| sessions.get(id) == Some(&None)).map(|id| (*id, None)).collect())
    }

    async fn rename(&self, _: UserId, _: &Username) -> Result<(), StoreError> {
        unreachable!("not asked for")
    }

    async fn insert(&self, _: &Session) -> Result<(), StoreError> {
        unreachable!("not asked for")
    }

    async fn by_id(&self, _: SessionId) -> Result<Option<Session>, StoreError> {
        unreachable!("not asked for")
    }

    async fn of_user(&self, _: UserId, _: UnixMillis, _: usize) -> Result<Vec<Session>, StoreError> {
        unreachable!("not asked for")
    }

    async fn by_lookup(&self, _: &[u8; 16]) -> Result<Option<Session>, StoreError> {
        unreachable!("not asked for")
    }

    async fn rotate(&self, _: SessionId, _: &TokenHash, _: Rotation) -> Result<bool, StoreError> {
        unreachable!("not asked for")
    }

    async fn revoke_all(&self, _: UserId, _: UnixMillis) -> Result<(), StoreError> {
        unreachable!("not asked for")
    }

    async fn revoke_beyond(&self, _: UserId, _: usize, _: UnixMillis) -> Result<Vec<SessionId>, StoreError> {
        unreachable!("not asked for")
    }

    async fn purge(&self, _: UnixMillis, _: usize) -> Result<usize, StoreError> {
        unreachable!("not asked for")
    }
}

impl Store {
    fn with(count: usize) -> (Self, Vec<SessionId>) {
        let ids: Vec<SessionId> = std::iter::repeat_with(SessionId::generate).take(count).collect();
        let store = Self::default();
        store.sessions.lock().extend(ids.iter().map(|id| (*id, None)));
        (store, ids)
    }

    fn read(&self) -> usize {
        std::mem::take(&mut *self.read.lock())
    }
}

/// Those of them that are not open.
async fn over(sessions: &OpenSessions, store: &Store, ids: &[SessionId]) -> Vec<SessionId> {
    let open = sessions.open(store, ids).await.unwrap();
    ids.iter().copied().filter(|id| !open.contains_key(id)).collect()
}

#[tokio::test]
async fn a_herd_that_comes_back_is_not_read_again_and_who_was_logged_out_is_found() {
    let (store, ids) = Store::with(500);
    let open = OpenSessions::new();
    assert_eq!(over(&open, &store, &ids).await, []);
    assert_eq!(store.read(), 500);
    store.revoke(ids[7], UnixMillis::now()).await.unwrap();
    assert_eq!(over(&open, &store, &ids).await, [ids[7]]);
    assert_eq!(store.read(), 0);
}

#[tokio::test]
async fn what_is_not_there_or_was_over_before_is_read_and_over() {
    let (store, mut ids) = Store::with(50);
    store.revoke(ids[3], UnixMillis(1)).await.unwrap();
    ids.push(SessionId::generate());
    let open = OpenSessions::new();
    for _ in 0..2 {
        let ended: HashSet<SessionId> = over(&open, &store, &ids).await.into_iter().collect();
        assert_eq!(ended, HashSet::from([ids[3], ids[50]]));
    }
    assert_eq!(store.read(), 51 + 2);
}

#[tokio::test]
async fn where_more_were_revoked_than_are_told_all_are_read() {
    let (store, ids) = Store::with(CHANGES_PER_READ_MAX + 100);
    let open = OpenSessions::new();
    assert_eq!(over(&open, &store, &ids).await, []);
    store.read();
    for id in &ids[..CHANGES_PER_READ_MAX + 50] {
        store.revoke(*id, UnixMillis::now()).await.unwrap();
    }
    assert_eq!(over(&open, &store, &ids).await.len(), CHANGES_PER_READ_MAX + 50);
    assert_eq!(store.read(), ids.len());
}
