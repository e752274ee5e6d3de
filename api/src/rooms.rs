//! Rooms: making, finding, joining, leaving.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::RoomLog;
use rookery_protocol::access::{AccessContext, Action, RoomRole, Visibility, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MembershipChange, RoomSettings, Sender};
use rookery_protocol::id::{AclVersion, MessageId, RoomId, RoomRef, Slug, UserId};
use rookery_store::limits::ROOMS_OF_USER_MAX;
use rookery_store::room::{GENERAL, Member, Room, RoomDescription, RoomName};
use rookery_store::sanction::Sanction;
use rookery_store::{StoreError, Stores, Unique};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::limits::SLUG_TRIES;
use crate::outbox::OutboxDispatcher;
use crate::room_heads::here;

pub mod create;
pub mod get;
pub mod join;
pub mod leave;
pub mod list;
pub mod members;
pub mod membership;
pub mod mine;
pub mod settings;
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
        .routes(routes!(list::list, create::create))
        .routes(routes!(mine::mine))
        .routes(routes!(get::get, update::update))
        .routes(routes!(join::join))
        .routes(routes!(leave::leave))
        .routes(routes!(transfer::transfer))
        .routes(routes!(members::members))
}

/// Makes, finds and changes rooms and memberships.
#[derive(Clone)]
pub struct Rooms {
    pub(crate) stores: Stores,
    pub(crate) log: Arc<dyn RoomLog>,
    pub(crate) dispatcher: OutboxDispatcher,
    pub(crate) limits: Limits,
}

/// What somebody makes a room of.
pub struct NewRoom {
    /// Name of the room.
    pub name: RoomName,
    /// What it is about.
    pub description: RoomDescription,
    /// Who may find it.
    pub visibility: Visibility,
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
        let NewRoom { name, description, visibility } = new;
        let room = Room {
            id: RoomId::generate(),
            slug: None,
            name,
            description,
            visibility,
            owner: Some(maker.user_id),
            acl: AclVersion(1),
            created_at: now,
            settings: RoomSettings::default(),
        };
        let room = self.insert(room).await?;
        tracing::info!(room_id = %room.id, user_id = %maker.user_id, "room made");
        self.enter(maker, &room, RoomRole::Owner, now).await?;
        self.seen(room, Some(RoomRole::Owner)).await
    }

    /// Adds the room, a public one under the first choice for its slug that nobody has.
    async fn insert(&self, room: Room) -> Result<Room, ApiError> {
        let choices: Vec<Option<Slug>> = match room.visibility {
            Visibility::Private => vec![None],
            Visibility::Public => slug_choices().filter_map(|choice| room.name.slug(choice)).map(Some).collect(),
        };
        for slug in choices {
            let room = Room { slug, ..room.clone() };
            match self.stores.rooms.insert(&room).await {
                Ok(()) => return Ok(room),
                Err(StoreError::Taken(Unique::Slug)) => {}
                Err(StoreError::Taken(Unique::RoomName)) => {
                    let taken = format!("a public room named {} exists", room.name.as_str());
                    return Err(ApiError::field(ErrorCode::RoomNameTaken, "name", taken));
                }
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

    /// Public rooms after `after`, and whether there are more.
    pub async fn list(
        &self,
        user: UserId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<(Vec<SeenRoom>, bool), ApiError> {
        let mut rooms = self.stores.rooms.public(after, limit + 1).await?;
        let more = rooms.len() > limit;
        rooms.truncate(limit);
        self.limits.spend(user, Work::Rooms { rooms: rooms.len() }).await?;
        let own = self.stores.members.of_user(user, ROOMS_OF_USER_MAX).await?;
        let roles: HashMap<RoomId, RoomRole> = own.iter().map(|member| (member.room_id, member.role)).collect();
        let rooms = rooms.into_iter().map(|room| (roles.get(&room.id).copied(), room)).collect();
        Ok((self.seen_all(rooms).await?, more))
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
            Ok((room, _)) => room,
            Err(ApiError::Refused(refusal)) if refusal.code == ErrorCode::NotAMember => return Ok(()),
            Err(error) => return Err(error),
        };
        let id = user.user_id;
        let event = room_event(user, EventBody::Membership(MembershipChange::Left {}));
        if let Some(announcement) = self.stores.members.leave(room.id, id, &event).await? {
            tracing::info!(room_id = %room.id, user_id = %id, "left room");
            self.dispatcher.announce(announcement).await;
        }
        Ok(())
    }

    /// Makes sure of the room that everybody may join, and lets requests in. Idempotent, also among nodes.
    pub async fn ensure_general(&self) -> Result<(), StoreError> {
        let broken = |what: &str| StoreError::Inconsistent(format!("the general room's {what} is not valid"));
        let slug = Slug::try_from(GENERAL.to_owned()).map_err(|_| broken("slug"))?;
        if self.stores.rooms.find(&RoomRef::Slug(slug.clone())).await?.is_none() {
            let room = Room {
                id: RoomId::generate(),
                slug: Some(slug),
                name: RoomName::try_from("General".to_owned()).map_err(broken)?,
                description: RoomDescription::try_from("For everybody.".to_owned()).map_err(broken)?,
                visibility: Visibility::Public,
                owner: None,
                acl: AclVersion(1),
                created_at: UnixMillis::now(),
                settings: RoomSettings::default(),
            };
            match self.stores.rooms.insert(&room).await {
                Ok(()) | Err(StoreError::Taken(Unique::Slug | Unique::RoomName)) => {}
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
        let found = self.stores.rooms.find(room).await?;
        let room = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
        let role = self.stores.members.get(room.id, user).await?.map(|member| member.role);
        let Sanction { muted, banned } = self.stores.sanctions.get(room.id, user).await?;
        let (access, now) = (AccessContext { visibility: room.visibility, role, muted, banned }, UnixMillis::now());
        decide(access, action, now).map_err(|code| ApiError::refused_until(code, muted, now))?;
        Ok((room, role))
    }

    async fn enter(&self, user: Sender, room: &Room, role: RoomRole, now: UnixMillis) -> Result<(), ApiError> {
        let read = here(&self.stores, &*self.log, room.id).await?;
        let member = Member { room_id: room.id, user_id: user.user_id, role, joined_at: now, read };
        let event = room_event(user, EventBody::Membership(MembershipChange::Joined {}));
        if let Some(announcement) = self.stores.members.join(&member, &event).await? {
            tracing::info!(room_id = %room.id, user_id = %member.user_id, "joined room");
            self.dispatcher.announce(announcement).await;
        }
        Ok(())
    }

    pub(crate) async fn seen(&self, room: Room, role: Option<RoomRole>) -> Result<SeenRoom, ApiError> {
        let members = self.stores.members.count(room.id).await?;
        Ok(SeenRoom { room, role, members })
    }

    async fn seen_all(&self, rooms: Vec<(Option<RoomRole>, Room)>) -> Result<Vec<SeenRoom>, ApiError> {
        let ids: Vec<RoomId> = rooms.iter().map(|(_, room)| room.id).collect();
        let counts = self.stores.members.counts(&ids).await?;
        let seen = |(role, room): (Option<RoomRole>, Room)| {
            let members = counts.get(&room.id).copied().unwrap_or(0);
            SeenRoom { room, role, members }
        };
        Ok(rooms.into_iter().map(seen).collect())
    }
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
