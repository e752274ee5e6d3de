//! Erasures in MongoDB. What goes with an account is many documents of many collections, removed one kind after the other; the
//! account comes last, so that a repeat goes on where the one before was broken off.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::erasure::{Erasure, Removed, buried, is_name};
use rookery_store::login::LoginKey;
use rookery_store::{Erasures, Exports, Jobs, Names, Reports, Schedules, StoreError, Users, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::account_documents::NameDocument;
use crate::batch_reads::page_of;
use crate::fields::{date, key, number, time, uuid_of};
use crate::inserts::insert_new;

/// Names of one account that are looked at; it gets another one once a day, and each is kept for a month.
const NAMES_MAX: usize = 100;

/// An erasure.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ErasureDocument {
    #[serde(rename = "_id")]
    user_id: Uuid,
    by: Uuid,
    begun_at: DateTime,
    /// Null as long as the job goes on.
    finished_at: Option<DateTime>,
    sessions: i64,
    memberships: i64,
    rooms_passed_on: i64,
    rooms_closed: i64,
    events: i64,
    records: i64,
    files: i64,
}

impl ErasureDocument {
    fn new(user: UserId, by: UserId, at: UnixMillis) -> Self {
        Self {
            user_id: key(user.as_uuid()),
            by: key(by.as_uuid()),
            begun_at: date(at),
            finished_at: None,
            sessions: 0,
            memberships: 0,
            rooms_passed_on: 0,
            rooms_closed: 0,
            events: 0,
            records: 0,
            files: 0,
        }
    }
}

#[async_trait]
impl Erasures for Mongo {
    async fn begin(&self, user: UserId, by: UserId, at: UnixMillis) -> Result<Option<Erasure>, StoreError> {
        let known = Erasures::get(self, user).await?;
        if known.is_some() || Users::by_id(self, user).await?.is_none() {
            return Ok(known);
        }
        self.lower(user, doc! { "disabled": true }, Some(ErasureDocument::new(user, by, at)))
            .await?;
        Erasures::get(self, user).await
    }

    async fn get(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        let (erasures, filter) = (self.erasures.clone(), by_id(key(user.as_uuid())));
        let found = self.calls.run(async move { Ok(erasures.find_one(filter).await?) }).await?;
        Ok(found.map(Erasure::from))
    }

    async fn open(&self, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let (erasures, open) = (self.erasures.clone(), vec![doc! { "finished_at": null }]);
        let found = self
            .calls
            .run(async move { page_of(&erasures, open, doc! { "finished_at": 1 }, limit).await });
        Ok(found.await?.into_iter().map(|open| UserId::from_uuid(uuid_of(open.user_id))).collect())
    }

    async fn note(&self, user: UserId, removed: &Removed) -> Result<(), StoreError> {
        let Removed { sessions, memberships, rooms_passed_on, rooms_closed, events, records, files } = *removed;
        let more = doc! { "$inc": {
            "sessions": integer::bound(sessions),
            "memberships": integer::bound(memberships),
            "rooms_passed_on": integer::bound(rooms_passed_on),
            "rooms_closed": integer::bound(rooms_closed),
            "events": integer::bound(events),
            "records": integer::bound(records),
            "files": integer::bound(files),
        } };
        let (erasures, filter) = (self.erasures.clone(), by_id(key(user.as_uuid())));
        self.calls
            .run(async move { Ok(erasures.update_one(filter, more).await.map(drop)?) })
            .await
    }

    async fn forget(&self, user: UserId) -> Result<u64, StoreError> {
        let (id, now) = (user.as_uuid(), UnixMillis::now());
        let claims = doc! { "owner": key(id) };
        let Some(account) = Users::by_id(self, user).await? else {
            // Broken off behind the account: its names are buried by then.
            return self.remove_all(&self.names, claims).await;
        };
        let name = account.username.key();
        // Held by the account from here on: somebody who has looked at the name before it was free would get it.
        if !Names::claim(self, &name, id, None, now).await? && !self.is_buried(&name).await? {
            return Err(StoreError::Unavailable("somebody asks for the name this moment".to_owned()));
        }
        let mut gone = 0;
        for name in self.own_names(user, name).await?.into_iter().filter(|key| is_name(key)) {
            self.bury(&name).await?;
            gone += self.remove_all(&self.mentions, doc! { "name": name.as_str() }).await?;
            gone += self.remove_all(&self.registrations, doc! { "username_key": name.as_str() }).await?;
        }
        let mut addresses = vec![account.email.key()];
        if let LoginKey::Email(forms) = LoginKey::from(account.email.as_str()) {
            addresses.extend(forms);
        }
        addresses.dedup();
        for address in addresses {
            gone += self.remove_all(&self.registrations, doc! { "email_key": address }).await?;
        }
        let own = doc! { "user_id": key(id) };
        gone += self.remove_all(&self.user_keys, own.clone()).await?;
        gone += self.remove_all(&self.one_time_tokens, own.clone()).await?;
        gone += self.remove_all(&self.blocks, own.clone()).await?;
        gone += self.remove_all(&self.notices, own.clone()).await?;
        gone += self.remove_all(&self.preferences, own.clone()).await?;
        gone += self.remove_all(&self.push_subscriptions, own.clone()).await?;
        gone += self.remove_all(&self.push_shown, own.clone()).await?;
        gone += self.remove_all(&self.kept_answers, own.clone()).await?;
        gone += self.remove_all(&self.notices, doc! { "by": key(id) }).await?;
        gone += self.remove_all(&self.sanctions, own.clone()).await?;
        gone += self.remove_all(&self.join_requests, own.clone()).await?;
        gone += self.remove_all(&self.saved, own.clone()).await?;
        gone += self.remove_all(&self.blocks, doc! { "by": key(id) }).await?;
        gone += self.remove_all(&self.second_factors, by_id(key(id))).await?;
        gone += self.forget_session_names(own).await?;
        gone += Exports::erase_about(self, user).await?;
        gone += Schedules::erase_about(self, user).await?;
        gone += Reports::erase_about(self, user).await?;
        gone += u64::try_from(Jobs::erase_about(self, user).await?).unwrap_or(u64::MAX);
        gone += self.remove_all(&self.users, by_id(key(id))).await?;
        gone += self.remove_all(&self.names, claims).await?;
        Ok(gone)
    }

    async fn finish(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError> {
        let mut open = by_id(key(user.as_uuid()));
        open.insert("finished_at", mongodb::bson::Bson::Null);
        let (erasures, finished) = (self.erasures.clone(), doc! { "$set": { "finished_at": date(at) } });
        self.calls
            .run(async move { Ok(erasures.update_one(open, finished).await.map(drop)?) })
            .await
    }
}

impl Mongo {
    /// The names that are kept for the account, and the one that it has.
    async fn own_names(&self, user: UserId, name: String) -> Result<Vec<String>, StoreError> {
        let (names, own) = (self.names.clone(), vec![doc! { "owner": key(user.as_uuid()) }]);
        let found = self.calls.run(async move { page_of(&names, own, doc! { "owner": 1 }, NAMES_MAX).await });
        let mut all: Vec<String> = found.await?.into_iter().map(|found| found.key).collect();
        all.push(name);
        all.dedup();
        Ok(all)
    }

    /// Nobody gets the name any more.
    async fn bury(&self, name: &str) -> Result<(), StoreError> {
        let buried = NameDocument { key: buried(name), owner: key(uuid::Uuid::nil()), until: None };
        let names = self.names.clone();
        self.calls.run(async move { Ok(insert_new(&names, &buried).await.map(drop)?) }).await
    }

    /// Whether the name was that of somebody who was erased.
    pub(super) async fn is_buried(&self, name: &str) -> Result<bool, StoreError> {
        let (names, filter) = (self.names.clone(), by_id(buried(name)));
        self.calls.run(async move { Ok(names.find_one(filter).await?.is_some()) }).await
    }

    /// The names of the user and of its devices; the sessions themselves are forgotten by their own time.
    async fn forget_session_names(&self, own: Document) -> Result<u64, StoreError> {
        let sessions = self.sessions.clone();
        let unset = doc! { "$unset": { "device": "", "username": "" } };
        self.calls
            .run(async move { Ok(sessions.update_many(own, unset).await?.modified_count) })
            .await
    }

    /// Begins one, as part of a change of rank.
    pub(super) fn erasure_upsert(erasure: &ErasureDocument) -> Result<(Document, Document), mongodb::error::Error> {
        let mut fields = mongodb::bson::serialize_to_document(erasure)?;
        fields.remove("_id");
        Ok((by_id(erasure.user_id), doc! { "$setOnInsert": fields }))
    }
}

impl From<ErasureDocument> for Erasure {
    fn from(found: ErasureDocument) -> Self {
        Self {
            user: UserId::from_uuid(uuid_of(found.user_id)),
            by: UserId::from_uuid(uuid_of(found.by)),
            begun_at: time(found.begun_at),
            finished_at: found.finished_at.map(time),
            removed: Removed {
                sessions: number(found.sessions),
                memberships: number(found.memberships),
                rooms_passed_on: number(found.rooms_passed_on),
                rooms_closed: number(found.rooms_closed),
                events: number(found.events),
                records: number(found.records),
                files: number(found.files),
            },
        }
    }
}
