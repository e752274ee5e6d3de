//! Accounts in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::change::Change;
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::login::LoginKey;
use rookery_store::user::{
    Bio, DisplayName, Language, SearchPlace, ServerRole, SettingsChange, Theme, User, UserChange, Username,
};
use rookery_store::{StoreError, Users};

use super::documents::UserDocument;
use super::{Mongo, by_id};
use crate::account_documents::UserKeyDocument;
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key, uuid_of};
use crate::inserts::insert_new;

#[async_trait]
impl Users for Mongo {
    async fn insert(&self, user: &User) -> Result<(), StoreError> {
        let (users, document) = (self.users.clone(), UserDocument::from(user));
        self.calls.run(async move { Ok(users.insert_one(document).await.map(drop)?) }).await?;
        self.index(user).await
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.user(by_id(key(id.as_uuid()))).await?)
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let (users, filter) = (self.users.clone(), doc! { "_id": { "$in": ids } });
        let found = self
            .calls
            .run(async move { Ok(users.find(filter).await?.try_collect::<Vec<_>>().await?) });
        found.await?.into_iter().map(User::try_from).collect()
    }

    async fn by_names(&self, keys: &[String]) -> Result<Vec<User>, StoreError> {
        let filters = keys
            .chunks(STORE_IDS_PER_READ_MAX)
            .map(|keys| doc! { "username_key": { "$in": keys.to_vec() } });
        let found = self.all_of(&self.users, filters.collect()).await?;
        found.into_iter().map(User::try_from).collect()
    }

    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError> {
        let fields = doc! { "disabled": disabled };
        if disabled {
            self.lower(id, fields, None).await
        } else {
            Ok(self.set(id, fields).await?)
        }
    }

    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError> {
        let fields = doc! { "role": bson_of(&role)? };
        match role {
            ServerRole::Admin => Ok(self.set(id, fields).await?),
            ServerRole::Moderator | ServerRole::User => self.lower(id, fields, None).await,
        }
    }

    async fn set_password(&self, id: UserId, hash: &str) -> Result<(), StoreError> {
        Ok(self.set(id, doc! { "password_hash": hash }).await?)
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let above = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": key(after.as_uuid()) } });
        let users = self.users.clone();
        let found = self
            .calls
            .run(async move { page_of(&users, vec![above], doc! { "_id": 1 }, limit).await });
        found.await?.into_iter().map(User::try_from).collect()
    }

    async fn change(&self, id: UserId, change: &UserChange) -> Result<Option<User>, StoreError> {
        let (mut set, mut unset) = (Document::new(), Document::new());
        if let Some(email) = &change.email {
            set.extend(doc! { "email": email.as_str(), "email_key": email.key() });
        }
        if let Some(verified) = change.verified {
            set.insert("verified", verified);
        }
        let texts = [
            ("display_name", change.display_name.map(DisplayName::as_str)),
            ("bio", change.bio.map(Bio::as_str)),
            ("language", change.language.map(Language::as_str)),
            ("avatar", change.avatar.map(String::as_str)),
        ];
        for (field, text) in texts {
            match text {
                Change::Set(text) => drop(set.insert(field, text)),
                Change::Clear => drop(unset.insert(field, "")),
                Change::Keep => {}
            }
        }
        put_settings(&change.settings, &mut set, &mut unset)?;
        let parts = [("$set", set), ("$unset", unset)].into_iter().filter(|(_, part)| !part.is_empty());
        let update: Document = parts.map(|(name, part)| (name.to_owned(), part.into())).collect();
        if update.is_empty() {
            return self.by_id(id).await;
        }
        let (users, filter) = (self.users.clone(), by_id(key(id.as_uuid())));
        let changed = self.calls.run(async move {
            Ok(users.find_one_and_update(filter, update).return_document(ReturnDocument::After).await?)
        });
        let Some(user) = changed.await?.map(User::try_from).transpose()? else { return Ok(None) };
        self.index(&user).await?;
        Ok(Some(user))
    }

    async fn rename(&self, id: UserId, name: &Username, at: UnixMillis, since: UnixMillis) -> Result<bool, StoreError> {
        let Some(before) = self.by_id(id).await? else { return Ok(false) };
        if before.renamed_at.is_some_and(|last| last > since) {
            return Ok(false);
        }
        // Nobody was faster: it has the time that was read.
        let mut unchanged = by_id(key(id.as_uuid()));
        unchanged.insert("renamed_at", before.renamed_at.map_or(Bson::Null, |last| date(last).into()));
        let set = doc! { "$set": {
            "username": name.as_str(), "username_key": name.key(), "renamed_at": date(at),
        } };
        let users = self.users.clone();
        let renamed = self.calls.run(async move {
            Ok(users.find_one_and_update(unchanged, set).return_document(ReturnDocument::After).await?)
        });
        let Some(user) = renamed.await?.map(User::try_from).transpose()? else { return Ok(false) };
        self.index(&user).await?;
        Ok(true)
    }

    async fn search(
        &self,
        prefix: &str,
        after: Option<&SearchPlace>,
        limit: usize,
    ) -> Result<Vec<(SearchPlace, User)>, StoreError> {
        let mut found = Vec::new();
        let mut place = after.cloned();
        while found.len() < limit {
            let keys = self.keys_after(prefix, place.as_ref(), limit - found.len()).await?;
            let Some(last) = keys.last().cloned() else { break };
            place = Some(last);
            let ids: Vec<UserId> = keys.iter().map(|found| found.user).collect();
            let users: HashMap<UserId, User> =
                self.by_ids(&ids).await?.into_iter().map(|user| (user.id, user)).collect();
            found.extend(keys.into_iter().filter_map(|place| {
                let user = users.get(&place.user)?;
                // Of the keys of one account that begin so, the first one counts, so that it is found once.
                let first = user.search_keys().into_iter().find(|key| key.starts_with(prefix))?;
                (first == place.key).then(|| (place, user.clone()))
            }));
        }
        Ok(found)
    }

    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        match LoginKey::from(login) {
            LoginKey::Username(key) => Ok(self.user(doc! { "username_key": key }).await?),
            LoginKey::Email([before, key]) => match self.user(doc! { "email_key": before }).await? {
                Some(found) => Ok(Some(found)),
                None => Ok(self.user(doc! { "email_key": key }).await?),
            },
        }
    }
}

/// Field by field, so that two changes at once keep out of each other's way.
fn put_settings(change: &SettingsChange, set: &mut Document, unset: &mut Document) -> Result<(), Failed> {
    let SettingsChange { read_receipts, typing, direct_from, level, quiet_hours, push_text, theme } = change;
    let flags = [
        ("settings.read_receipts", *read_receipts),
        ("settings.typing", *typing),
        ("settings.notifications.push_text", *push_text),
    ];
    set.extend(flags.into_iter().filter_map(|(field, flag)| Some((field.to_owned(), flag?.into()))));
    if let Some(direct_from) = direct_from {
        set.insert("settings.direct_from", bson_of(direct_from)?);
    }
    if let Some(level) = level {
        set.insert("settings.notifications.level", bson_of(level)?);
    }
    let hours = match quiet_hours {
        Change::Set(hours) => Change::Set(bson_of(hours)?),
        Change::Clear => Change::Clear,
        Change::Keep => Change::Keep,
    };
    let theme = theme.map(|theme| Bson::from(Theme::as_str(theme)));
    for (field, value) in [("settings.notifications.quiet_hours", hours), ("settings.theme", theme)] {
        match value {
            Change::Set(value) => drop(set.insert(field, value)),
            Change::Clear => drop(unset.insert(field, "")),
            Change::Keep => {}
        }
    }
    Ok(())
}

fn bson_of<T: serde::Serialize>(value: &T) -> Result<Bson, Failed> {
    bson::serialize_to_bson(value).map_err(|error| Failed::from(Error::from(error)))
}

impl Mongo {
    /// What the account is found by. It is not one step with the account: a search looks at that once more.
    async fn index(&self, user: &User) -> Result<(), StoreError> {
        let (all, id, wanted) = (self.user_keys.clone(), key(user.id.as_uuid()), user.search_keys());
        let index = async move {
            for key in &wanted {
                insert_new(&all, &UserKeyDocument { key: key.clone(), user_id: id }).await?;
            }
            let known: Vec<UserKeyDocument> = all.find(doc! { "user_id": id }).await?.try_collect().await?;
            for old in known.into_iter().filter(|known| !wanted.contains(&known.key)) {
                all.delete_one(doc! { "key": old.key, "user_id": id }).await?;
            }
            Ok(())
        };
        self.calls.run(index).await
    }

    async fn keys_after(
        &self,
        prefix: &str,
        after: Option<&SearchPlace>,
        limit: usize,
    ) -> Result<Vec<SearchPlace>, StoreError> {
        let end = format!("{prefix}\u{10ffff}");
        let ranges = match after {
            None => vec![doc! { "key": { "$gte": prefix, "$lt": end } }],
            Some(SearchPlace { key: last, user }) => vec![
                doc! { "key": last.as_str(), "user_id": { "$gt": key(user.as_uuid()) } },
                doc! { "key": { "$gt": last.as_str(), "$lt": end } },
            ],
        };
        let all = self.user_keys.clone();
        let order = doc! { "key": 1, "user_id": 1 };
        let found = self.calls.run(async move { page_of(&all, ranges, order, limit).await });
        let place =
            |found: UserKeyDocument| SearchPlace { key: found.key, user: UserId::from_uuid(uuid_of(found.user_id)) };
        Ok(found.await?.into_iter().map(place).collect())
    }

    async fn set(&self, id: UserId, fields: Document) -> Result<(), Failed> {
        let (users, filter) = (self.users.clone(), by_id(key(id.as_uuid())));
        let update = doc! { "$set": fields };
        Ok(self
            .calls
            .run(async move { Ok(users.update_one(filter, update).await.map(drop)?) })
            .await?)
    }

    async fn user(&self, filter: Document) -> Result<Option<User>, Failed> {
        let users = self.users.clone();
        let found = self.calls.run(async move { Ok(users.find_one(filter).await?) }).await?;
        Ok(found.map(User::try_from).transpose()?)
    }
}
