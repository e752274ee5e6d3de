//! Many rows in one transaction, for load tests.

use rusqlite::Connection;

use super::Sqlite;
use super::{members, rooms, sessions, users};
use crate::domain::load::LoadSet;
use crate::store::StoreError;

impl Sqlite {
    pub(super) async fn insert_set(&self, set: &LoadSet) -> Result<(), StoreError> {
        let set = set.clone();
        self.write(move |db| insert(db, &set)).await
    }
}

fn insert(db: &Connection, set: &LoadSet) -> Result<(), StoreError> {
    set.users.iter().try_for_each(|user| users::insert(db, user))?;
    set.rooms.iter().try_for_each(|room| rooms::insert(db, room))?;
    set.sessions.iter().try_for_each(|session| sessions::insert(db, session))?;
    set.members.iter().try_for_each(|member| members::insert(db, member).map(drop))
}
