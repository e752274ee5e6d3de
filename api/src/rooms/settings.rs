//! The settings of a room, and whose it is.
//!
//! A change is answered when the bus has the event: its event has made it the bus's state, so from then on it holds on
//! every node.

use rookery_protocol::access::{
    JoinRule, RoomKind, SettingsContext, SettingsScope, Visibility, decide_on_admission, decide_on_moderation,
    decide_on_settings, decide_on_transfer,
};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MembershipChange, RoomChange, RoomSettings, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::room::{Room, RoomDescription, RoomName, RoomPassword, RoomTopic, SettingsChange};
use rookery_store::user::User;
use rookery_store::{Cause, StoreError, Unique};
use serde_json::Value;

use crate::admin::act::Act;
use crate::direct::account_in_use;
use crate::error::ApiError;
use crate::rooms::{self, Rooms, SeenRoom, fields};

/// What somebody wants to be different about a room.
pub struct RoomUpdate {
    /// But for a new password.
    pub change: SettingsChange,
    /// The new password.
    pub password: Option<RoomPassword>,
    /// Stands for the address that it came from.
    pub from: u128,
}

impl Rooms {
    /// Carries the change out. Nothing changes if all is so already.
    pub async fn change(&self, actor: Sender, room: &RoomRef, update: RoomUpdate) -> Result<SeenRoom, ApiError> {
        let RoomUpdate { mut change, password, from } = update;
        let (room, context) = self.settings_context(&actor, room).await?;
        let scope = scope_of(&change, password.is_some());
        decide_on_settings(context, scope, UnixMillis::now()).map_err(ApiError::refused)?;
        check(&room, &change, password.is_some())?;
        self.check_names(Some(&room), &change).await?;
        let all_know = self.generations.allows(&updated(true)).await?;
        if scope == SettingsScope::All && !all_know {
            self.generations.require(&updated(true)).await?;
        }
        if let Some(password) = password {
            change.password_hash = Some(Some(self.passwords.hash_of_room(&password, from).await?));
        }
        let by = actor.user_id;
        let event = rooms::room_event(actor, updated(all_know));
        let detail = change.apply(&room, room.acl).and_then(|(_, changes)| serde_json::to_value(changes).ok());
        if self.apply(&room, change, &event).await? {
            tracing::info!(room_id = %room.id, %by, "room settings changed");
            // What has an entry of its own, as the filter, leaves nothing to say here.
            let is_said = detail.as_ref().and_then(Value::as_object).is_some_and(|changed| !changed.is_empty());
            if is_said {
                self.note(room.id, by, Act { action: "room_updated", user: None, detail }).await?;
            }
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        self.dispatcher.flush(room.id).await?;
        self.seen_by(room.id, by).await
    }

    /// Names may not have words that are not welcome, on the server or in the room.
    pub(super) async fn check_names(&self, room: Option<&Room>, change: &SettingsChange) -> Result<(), ApiError> {
        let filter = room.and_then(|room| room.filter.map(|version| (room.id, version)));
        let names = [
            ("name", change.name.as_ref().map(RoomName::as_str)),
            ("description", change.description.as_ref().map(RoomDescription::as_str)),
            ("topic", change.topic.as_ref().map(RoomTopic::as_str)),
        ];
        for (field, name) in names {
            if let Some(name) = name
                && !self.filters.allows(name, filter).await?
            {
                return Err(ApiError::unwelcome(field));
            }
        }
        Ok(())
    }

    /// A room that becomes public gets the first address that nobody has.
    async fn apply(&self, room: &Room, change: SettingsChange, event: &Event) -> Result<bool, ApiError> {
        let name = change.name.as_ref().unwrap_or(&room.name);
        let visibility = change.visibility.unwrap_or(room.visibility);
        let slugs = if room.slug.is_some() { vec![None] } else { rooms::slugs(name, visibility) };
        for slug in slugs {
            let change = SettingsChange { slug, ..change.clone() };
            match self.stores.rooms.apply_settings(room.id, &change, event).await {
                Ok(announcement) => return Ok(announcement.is_some()),
                Err(StoreError::Taken(Unique::Slug)) => {}
                Err(StoreError::Taken(Unique::RoomName)) => return Err(rooms::name_taken(name)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::refused(ErrorCode::RoomNameTaken))
    }

    /// Makes a member the owner of the room. Nothing changes if it is that already.
    pub async fn transfer(&self, actor: Sender, room: &RoomRef, to: UserId) -> Result<SeenRoom, ApiError> {
        let (room, settings_context) = self.settings_context(&actor, room).await?;
        decide_on_transfer(settings_context, UnixMillis::now()).map_err(ApiError::refused)?;
        // Without an owner nobody can end it by being the last to leave.
        if room.is_general() {
            return Err(ApiError::refused(ErrorCode::ProtectedRoom));
        }
        let account = account_in_use(&self.stores, to).await?;
        let by = actor.user_id;
        if self.stores.members.get(room.id, to).await?.is_none() {
            return Err(ApiError::refused(ErrorCode::NotFound));
        }
        let event = rooms::room_event(actor, self.owned_by(&account).await?);
        if self.stores.members.transfer(room.id, to, Cause::User(&event)).await?.is_some() {
            tracing::info!(room_id = %room.id, %by, user_id = %to, "room handed over");
            self.note(room.id, by, Act { action: "owner_changed", user: Some(to), detail: None })
                .await?;
        }
        self.dispatcher.flush(room.id).await?;
        self.seen_by(room.id, by).await
    }

    /// What tells a room of its new owner, in words that every node knows. The store fills in who was it before.
    pub(crate) async fn owner_changed(&self, to: UserId) -> Result<EventBody, ApiError> {
        let account = self.stores.users.by_id(to).await?.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
        self.owned_by(&account).await
    }

    async fn owned_by(&self, owner: &User) -> Result<EventBody, ApiError> {
        let member = Sender { user_id: owner.id, username: owner.username.as_str().to_owned() };
        let changed = EventBody::Membership(MembershipChange::OwnerChanged { member, previous: None });
        Ok(if self.generations.allows(&changed).await? { changed } else { updated(false) })
    }

    pub(super) async fn seen_by(&self, room: RoomId, user: UserId) -> Result<SeenRoom, ApiError> {
        let room = self.stores.rooms.find(&RoomRef::Id(room)).await?;
        let room = room.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
        let role = self.stores.members.get(room.id, user).await?.map(|member| member.role);
        self.seen(room, role).await
    }

    /// The room, if the user keeps order there, as one of its moderators or of those of the server.
    pub(crate) async fn moderated(&self, actor: &Sender, room: &RoomRef) -> Result<Room, ApiError> {
        let (room, context) = self.settings_context(actor, room).await?;
        decide_on_moderation(context, UnixMillis::now()).map_err(ApiError::refused)?;
        Ok(room)
    }

    /// The room, if the user may let others into it.
    pub(crate) async fn admitting(&self, actor: &Sender, room: &RoomRef) -> Result<Room, ApiError> {
        let (room, context) = self.settings_context(actor, room).await?;
        decide_on_admission(context, UnixMillis::now()).map_err(ApiError::refused)?;
        Ok(room)
    }

    /// Leaves an entry in the audit log of what somebody who keeps order did in the room.
    pub(crate) async fn note(&self, room: RoomId, by: UserId, act: Act) -> Result<(), ApiError> {
        Ok(self.stores.audit.add(&act.entry_in(room, by, UnixMillis::now())).await?)
    }

    /// The room, and the user's role in it and on the server.
    pub(crate) async fn settings_context(
        &self,
        actor: &Sender,
        room: &RoomRef,
    ) -> Result<(Room, SettingsContext), ApiError> {
        let stores = &self.stores;
        let found = stores.rooms.find(room).await?;
        let room = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
        let role = stores.members.get(room.id, actor.user_id).await?.map(|member| member.role);
        let account = stores.users.by_id(actor.user_id).await?;
        let server = account.filter(|user| !user.disabled).map(|user| user.role.rank()).unwrap_or_default();
        let access = self.access(&room, actor.user_id, role).await?;
        Ok((room, SettingsContext { access, server }))
    }
}

/// The event of new settings; the store fills in what they are then, and what is different if there is a place for it.
fn updated(tells_what_changed: bool) -> EventBody {
    let changed = tells_what_changed.then(Box::default);
    EventBody::Room(RoomChange::Updated { settings: RoomSettings::default(), changed })
}

/// Moderators may change what keeping order takes, and nothing else.
fn scope_of(change: &SettingsChange, has_password: bool) -> SettingsScope {
    let SettingsChange { topic, slow_mode_ms, frozen, filter, .. } = change.clone();
    let talk = SettingsChange { topic, slow_mode_ms, frozen, filter, ..SettingsChange::default() };
    if talk == *change && !has_password {
        SettingsScope::Talk
    } else {
        SettingsScope::All
    }
}

/// What cannot be, whoever asks.
fn check(room: &Room, change: &SettingsChange, has_password: bool) -> Result<(), ApiError> {
    let asks_for_one = change.join == Some(JoinRule::Password) && !has_password;
    if asks_for_one && (room.password_hash.is_none() || change.password_hash == Some(None)) {
        return Err(fields::password_missing());
    }
    let is_nameless = *change.name.as_ref().unwrap_or(&room.name) == RoomName::none();
    if is_nameless && change.name.is_some() && room.kind == RoomKind::Room {
        return Err(ApiError::field(ErrorCode::BadField, "name", "must be given, only groups may be without one"));
    }
    if is_nameless && change.visibility.unwrap_or(room.visibility) == Visibility::Public {
        return Err(ApiError::field(ErrorCode::BadField, "name", "must be given, a public room has one"));
    }
    let hides = change.visibility == Some(Visibility::Private) || change.archived == Some(true);
    let keeps_out = change.join.is_some_and(|join| join != JoinRule::Open) || has_password;
    let ends = change.expires_at.flatten().is_some() || change.members_max.flatten().is_some();
    if room.is_general() && (hides || keeps_out || ends) {
        return Err(ApiError::refused(ErrorCode::ProtectedRoom));
    }
    Ok(())
}
