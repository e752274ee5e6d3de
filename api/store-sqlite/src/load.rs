//! Many rows in one transaction, for load tests.

use rookery_store::load::LoadSet;
use rusqlite::Connection;

use super::{Sqlite, member_rows, rooms, sessions, users};
use crate::error::Failed;

impl Sqlite {
    pub(super) async fn insert_set(&self, set: &LoadSet) -> Result<(), Failed> {
        let set = set.clone();
        Ok(self.write(move |db| insert(db, &set)).await?)
    }
}

fn insert(db: &Connection, set: &LoadSet) -> Result<(), Failed> {
    set.users.iter().try_for_each(|user| users::insert(db, user))?;
    set.rooms.iter().try_for_each(|room| rooms::insert(db, room))?;
    set.sessions.iter().try_for_each(|session| sessions::insert(db, session))?;
    set.members.iter().try_for_each(|member| member_rows::insert(db, member).map(drop))
}
