//! Rooms: making, finding, joining, leaving.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::filters::Filters;
use rookery_bus::{PubSub, RoomLog};
use rookery_protocol::access::{AccessContext, Action, RoomRole, Visibility, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
use rookery_protocol::id::{MessageId, RoomId, RoomRef, Slug, UserId};
use rookery_store::joining::Entry;
use rookery_store::limits::ROOMS_OF_USER_MAX;
use rookery_store::room::{GENERAL, Member, Room, RoomDescription, RoomName, SettingsChange};
use rookery_store::sanction::Sanction;
use rookery_store::{StoreError, Stores, Unique};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::accounts::password::Passwords;
use crate::error::ApiError;
use crate::event_generations::EventGenerations;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::limits::SLUG_TRIES;
use crate::mail::Secrets;
use crate::membership_news::{tell_added, tell_removed};
use crate::notices::Notices;
use crate::outbox::OutboxDispatcher;
use crate::room_heads::here;

pub(crate) mod avatar;
pub mod delete;
pub mod directory;
mod ending;
pub(crate) mod fields;
pub mod get;
pub mod leave;
pub mod list;
pub mod members;
pub mod membership;
pub mod mine;
pub mod role;
pub mod settings;
mod succession;
pub mod transfer;
pub mod update;
pub mod view;

/// The routes of rooms.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Rooms: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(mine::mine))
        .routes(routes!(get::get, update::update, delete::delete))
        .routes(routes!(leave::leave))
        .routes(routes!(transfer::transfer))
        .routes(routes!(members::members))
        .routes(routes!(role::set_role))
}

/// Makes, finds and changes rooms and memberships.
#[derive(Clone)]
pub struct Rooms {
    pub(crate) stores: Stores,
    pub(crate) log: Arc<dyn RoomLog>,
    pub(crate) news: Arc<dyn PubSub>,
    pub(crate) dispatcher: OutboxDispatcher,
    pub(crate) limits: Limits,
    /// Which kinds of events may be written.
    pub generations: EventGenerations,
    /// Hashes the passwords of rooms, beside those of accounts.
    pub passwords: Arc<Passwords>,
    /// Tells users what concerns them.
    pub(crate) notices: Notices,
    /// Which words may be in names and texts.
    pub filters: Arc<Filters>,
    /// Signs the addresses of pictures.
    pub(crate) secrets: Secrets,
}

/// What somebody makes a room of.
pub struct NewRoom {
    /// Name of the room.
    pub name: RoomName,
    /// Who may find it.
    pub visibility: Visibility,
    /// What else is different from a room that only has a name.
    pub settings: SettingsChange,
}

/// A room as one user sees it.
pub struct SeenRoom {
    /// The room.
    pub room: Room,
    /// What the user is in it.
    pub role: Option<RoomRole>,
    /// How many members it has.
    pub members: u64,
}

impl Rooms {
    /// Makes a room; its maker becomes its owner and first member.
    pub async fn create(&self, maker: Sender, new: NewRoom, now: UnixMillis) -> Result<SeenRoom, ApiError> {
        let NewRoom { name, visibility, settings } = new;
        let named = SettingsChange { name: Some(name.clone()), ..settings.clone() };
        self.check_names(None, &named).await?;
        let room = Room::new(RoomId::generate(), name, visibility, now);
        let room = Room { owner: Some(maker.user_id), ..room };
        let room = settings.apply(&room, room.acl).map_or(room, |(room, _)| room);
        let room = self.insert(room).await?;
        tracing::info!(room_id = %room.id, user_id = %maker.user_id, "room made");
        self.enter(maker, &room, RoomRole::Owner, now).await?;
        self.list_in_directory(room.id).await;
        self.seen(room, Some(RoomRole::Owner)).await
    }

    /// Adds the room, a public one under the first choice for its slug that nobody has.
    async fn insert(&self, room: Room) -> Result<Room, ApiError> {
        for slug in slugs(&room.name, room.visibility) {
            let room = Room { slug, ..room.clone() };
            match self.stores.rooms.insert(&room).await {
                Ok(()) => return Ok(room),
                Err(StoreError::Taken(Unique::Slug)) => {}
                Err(StoreError::Taken(Unique::RoomName)) => return Err(name_taken(&room.name)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::refused(ErrorCode::RoomNameTaken))
    }

    /// One room, if the user may know of it.
    pub async fn get(&self, user: UserId, room: &RoomRef) -> Result<SeenRoom, ApiError> {
        let (room, role) = self.find(user, room, Action::See).await?;
        self.seen(room, role).await
    }

    /// The id of a room that a list is asked for. That of a room that has ended is one, too.
    pub(crate) async fn named(&self, room: Option<&RoomRef>) -> Result<Option<RoomId>, ApiError> {
        match room {
            None => Ok(None),
            Some(RoomRef::Id(room)) => Ok(Some(*room)),
            Some(slug) => {
                let found = self.stores.rooms.find(slug).await?;
                found.map(|room| Some(room.id)).ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))
            }
        }
    }

    /// The rooms of a user, in the order of joining.
    pub async fn mine(&self, user: UserId) -> Result<Vec<SeenRoom>, ApiError> {
        let members = self.stores.members.of_user(user, ROOMS_OF_USER_MAX).await?;
        let ids: Vec<RoomId> = members.iter().map(|member| member.room_id).collect();
        self.limits.spend(user, Work::Rooms { rooms: ids.len() }).await?;
        let rooms = self.stores.rooms.by_ids(&ids).await?;
        let mut rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
        let own = members
            .iter()
            .filter_map(|member| Some((Some(member.role), rooms.remove(&member.room_id)?)));
        self.seen_all(own.collect()).await
    }

    /// Makes the user a member. Nothing changes for one who is a member already.
    pub async fn join(&self, user: Sender, room: &RoomRef, now: UnixMillis) -> Result<SeenRoom, ApiError> {
        let (room, role) = self.find(user.user_id, room, Action::Join).await?;
        if role.is_some() {
            return self.seen(room, role).await;
        }
        let id = user.user_id;
        self.enter(user, &room, RoomRole::Member, now).await?;
        let member = self.stores.members.get(room.id, id).await?;
        self.seen(room, member.map(|member| member.role)).await
    }

    /// Ends the user's membership. Nothing changes for an outsider of a public room.
    pub async fn leave(&self, user: Sender, room: &RoomRef) -> Result<(), ApiError> {
        let room = match self.find(user.user_id, room, Action::Leave).await {
            Ok((room, Some(RoomRole::Owner))) if !room.is_general() => {
                if self.end_with_last(&user, &room).await? {
                    return Ok(());
                }
                room
            }
            Ok((room, _)) => room,
            Err(ApiError::Refused(refusal)) if refusal.code == ErrorCode::NotAMember => return Ok(()),
            Err(error) => return Err(error),
        };
        let id = user.user_id;
        let event = room_event(user, EventBody::Membership(MembershipChange::Left {}));
        if let Some(announcement) = self.stores.members.leave(room.id, id, &event).await? {
            tracing::info!(room_id = %room.id, user_id = %id, "left room");
            self.dispatcher.announce(announcement).await;
            tell_removed(&*self.news, id, room.id).await;
        }
        Ok(())
    }

    /// Makes sure of the room that everybody may join, and lets requests in. Idempotent, also among nodes.
    pub async fn ensure_general(&self) -> Result<(), StoreError> {
        let broken = |what: &str| StoreError::Inconsistent(format!("the general room's {what} is not valid"));
        let slug = Slug::try_from(GENERAL.to_owned()).map_err(|_| broken("slug"))?;
        if self.stores.rooms.find(&RoomRef::Slug(slug.clone())).await?.is_none() {
            let name = RoomName::try_from("General".to_owned()).map_err(broken)?;
            let description = RoomDescription::try_from("For everybody.".to_owned()).map_err(broken)?;
            let room = Room::new(RoomId::generate(), name, Visibility::Public, UnixMillis::now());
            let room = Room { slug: Some(slug), description, ..room };
            match self.stores.rooms.insert(&room).await {
                Ok(()) => self.list_in_directory(room.id).await,
                Err(StoreError::Taken(Unique::Slug | Unique::RoomName)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The room and the user's role in it, if the user may do this.
    pub(crate) async fn find(
        &self,
        user: UserId,
        room: &RoomRef,
        action: Action,
    ) -> Result<(Room, Option<RoomRole>), ApiError> {
        let Some(room) = self.stores.rooms.find(room).await? else {
            // It takes as long as for a room that the user may not know of.
            let nowhere = RoomId::from_uuid(Uuid::nil());
            self.stores.members.get(nowhere, user).await?;
            self.stores.sanctions.get(nowhere, user).await?;
            return Err(ApiError::refused(ErrorCode::UnknownRoom));
        };
        let role = self.stores.members.get(room.id, user).await?.map(|member| member.role);
        let (access, now) = (self.access(&room, user, role).await?, UnixMillis::now());
        decide(access, action, now).map_err(|code| ApiError::refused_until(code, access.muted, now))?;
        Ok((room, role))
    }

    /// What the rights of a user in a room depend on.
    pub(crate) async fn access(
        &self,
        room: &Room,
        user: UserId,
        role: Option<RoomRole>,
    ) -> Result<AccessContext, StoreError> {
        let Sanction { muted, banned } = self.stores.sanctions.get(room.id, user).await?;
        let pair = room.pair.filter(|_| role.is_some());
        let blocked = match pair {
            Some(pair) => self.stores.blocks.of_pairs(&[pair]).await?.contains(&pair),
            None => false,
        };
        Ok(AccessContext { kind: room.kind, visibility: room.visibility, role, muted, banned, blocked })
    }

    async fn enter(&self, user: Sender, room: &Room, role: RoomRole, now: UnixMillis) -> Result<(), ApiError> {
        let id = user.user_id;
        let event = room_event(user, EventBody::Membership(MembershipChange::Joined {}));
        self.admit((id, role, now), room, Entry::Open, &event).await.map(drop)
    }

    /// Makes the user a member who comes in by this entry; false if it is one already.
    pub(crate) async fn enter_by(
        &self,
        user: UserId,
        room: &Room,
        entry: Entry,
        event: &Event,
    ) -> Result<bool, ApiError> {
        self.admit((user, RoomRole::Member, UnixMillis::now()), room, entry, event).await
    }

    async fn admit(
        &self,
        (user_id, role, joined_at): (UserId, RoomRole, UnixMillis),
        room: &Room,
        entry: Entry,
        event: &Event,
    ) -> Result<bool, ApiError> {
        let read = here(&self.stores, &*self.log, room.id).await?;
        let member = Member { room_id: room.id, user_id, role, joined_at, read };
        let Some(announcement) = self.stores.members.enter(&member, entry, event).await? else {
            return Ok(false);
        };
        tracing::info!(room_id = %room.id, %user_id, "joined room");
        self.dispatcher.announce(announcement).await;
        tell_added(&*self.news, user_id, room.id, room.kind).await;
        Ok(true)
    }

    pub(crate) async fn seen(&self, room: Room, role: Option<RoomRole>) -> Result<SeenRoom, ApiError> {
        let members = self.stores.members.count(room.id).await?;
        let room = Room { avatar: self.signed_avatar(&room), ..room };
        Ok(SeenRoom { room, role, members })
    }

    async fn seen_all(&self, rooms: Vec<(Option<RoomRole>, Room)>) -> Result<Vec<SeenRoom>, ApiError> {
        let ids: Vec<RoomId> = rooms.iter().map(|(_, room)| room.id).collect();
        let counts = self.stores.members.counts(&ids).await?;
        let seen = |(role, room): (Option<RoomRole>, Room)| {
            let members = counts.get(&room.id).copied().unwrap_or(0);
            let room = Room { avatar: self.signed_avatar(&room), ..room };
            SeenRoom { room, role, members }
        };
        Ok(rooms.into_iter().map(seen).collect())
    }
}

/// The addresses that a room may get, the best first; no address for a private one.
pub(crate) fn slugs(name: &RoomName, visibility: Visibility) -> Vec<Option<Slug>> {
    match visibility {
        Visibility::Private => vec![None],
        Visibility::Public => slug_choices().filter_map(|choice| name.slug(choice)).map(Some).collect(),
    }
}

pub(crate) fn name_taken(name: &RoomName) -> ApiError {
    let taken = format!("a public room named {} exists", name.as_str());
    ApiError::field(ErrorCode::RoomNameTaken, "name", taken)
}

/// Small numbers first; where those are taken, some that hardly ever are.
fn slug_choices() -> impl Iterator<Item = u32> {
    let rest = (0..SLUG_TRIES).map(|_| rand::random_range(10..=u32::MAX));
    (1..10).chain(rest)
}

/// An event that nobody repeats under a name of their own.
pub(crate) fn room_event(user: Sender, body: EventBody) -> Event {
    Event::new(MessageId::from_uuid(Uuid::new_v4()), user, body)
}
