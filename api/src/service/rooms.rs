//! Rooms: making, finding, joining, leaving.

use std::collections::HashMap;

use rookery_protocol::access::{Action, RoomRole, Standing, Visibility, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EVENT_VERSION, Event, EventBody, RoomSettings, Sender};
use rookery_protocol::id::{AclVersion, MessageId, RoomId, RoomRef, Slug, UserId};
use rookery_store::limits::ROOMS_OF_USER_MAX;
use rookery_store::room::{GENERAL, Member, Room, RoomDescription, RoomName};
use rookery_store::sanction::Sanction;
use rookery_store::{StoreError, Unique};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::limit;
use crate::limits::SLUG_TRIES;
use crate::service::unread;

/// What somebody makes a room of.
pub struct NewRoom {
    /// Its name.
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

/// Makes a room; its maker becomes its owner and first member.
pub async fn create(app: &App, maker: Sender, new: NewRoom, now: UnixMillis) -> Result<SeenRoom, ApiError> {
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
    let room = insert(app, room).await?;
    tracing::info!(room_id = %room.id, user_id = %maker.user_id, "room made");
    enter(app, maker, &room, RoomRole::Owner, now).await?;
    seen(app, room, Some(RoomRole::Owner)).await
}

/// Adds the room, a public one under the first choice for its slug that nobody has.
async fn insert(app: &App, room: Room) -> Result<Room, ApiError> {
    let choices: Vec<Option<Slug>> = match room.visibility {
        Visibility::Private => vec![None],
        Visibility::Public => slug_choices().filter_map(|choice| room.name.slug(choice)).map(Some).collect(),
    };
    for slug in choices {
        let room = Room { slug, ..room.clone() };
        match app.stores.rooms.insert(&room).await {
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

/// Small numbers first; where those are taken, some that hardly ever are.
fn slug_choices() -> impl Iterator<Item = u32> {
    let rest = (0..SLUG_TRIES).map(|_| rand::random_range(10..=u32::MAX));
    (1..10).chain(rest)
}

/// One room, if the user may know of it.
pub async fn get(app: &App, user: UserId, room: &RoomRef) -> Result<SeenRoom, ApiError> {
    let (room, role) = find(app, user, room, Action::See).await?;
    seen(app, room, role).await
}

/// Public rooms after `after`, and whether there are more.
pub async fn list(
    app: &App,
    user: UserId,
    after: Option<RoomId>,
    limit: usize,
) -> Result<(Vec<SeenRoom>, bool), ApiError> {
    let mut rooms = app.stores.rooms.public(after, limit + 1).await?;
    let more = rooms.len() > limit;
    rooms.truncate(limit);
    limit::spend(app, user, Work::Rooms { rooms: rooms.len() }).await?;
    let own = app.stores.members.of_user(user, ROOMS_OF_USER_MAX).await?;
    let roles: HashMap<RoomId, RoomRole> = own.iter().map(|member| (member.room_id, member.role)).collect();
    let rooms = rooms.into_iter().map(|room| (roles.get(&room.id).copied(), room)).collect();
    Ok((seen_all(app, rooms).await?, more))
}

/// The rooms of a user, in the order of joining.
pub async fn mine(app: &App, user: UserId) -> Result<Vec<SeenRoom>, ApiError> {
    let members = app.stores.members.of_user(user, ROOMS_OF_USER_MAX).await?;
    let ids: Vec<RoomId> = members.iter().map(|member| member.room_id).collect();
    limit::spend(app, user, Work::Rooms { rooms: ids.len() }).await?;
    let rooms = app.stores.rooms.by_ids(&ids).await?;
    let mut rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
    let own = members
        .iter()
        .filter_map(|member| Some((Some(member.role), rooms.remove(&member.room_id)?)));
    seen_all(app, own.collect()).await
}

/// Makes the user a member. Nothing changes for one who is a member already.
pub async fn join(app: &App, user: Sender, room: &RoomRef, now: UnixMillis) -> Result<SeenRoom, ApiError> {
    let (room, role) = find(app, user.user_id, room, Action::Join).await?;
    if role.is_some() {
        return seen(app, room, role).await;
    }
    let id = user.user_id;
    enter(app, user, &room, RoomRole::Member, now).await?;
    let member = app.stores.members.get(room.id, id).await?;
    seen(app, room, member.map(|member| member.role)).await
}

/// Ends the user's membership. Nothing changes for an outsider of a public room.
pub async fn leave(app: &App, user: Sender, room: &RoomRef) -> Result<(), ApiError> {
    let room = match find(app, user.user_id, room, Action::Leave).await {
        Ok((room, _)) => room,
        Err(ApiError::Refused(refusal)) if refusal.code == ErrorCode::NotAMember => return Ok(()),
        Err(error) => return Err(error),
    };
    let id = user.user_id;
    let event = membership_event(user, EventBody::MemberLeft {});
    if let Some(announcement) = app.stores.members.leave(room.id, id, &event).await? {
        tracing::info!(room_id = %room.id, user_id = %id, "left room");
        app.announcer.announce(announcement).await;
    }
    Ok(())
}

/// Makes sure of the room that everybody may join, and lets requests in. Idempotent, also among nodes.
pub async fn ensure_general(app: &App) -> Result<(), StoreError> {
    let broken = |what: &str| StoreError::Inconsistent(format!("the general room's {what} is not valid"));
    let slug = Slug::try_from(GENERAL.to_owned()).map_err(|_| broken("slug"))?;
    if app.stores.rooms.find(&RoomRef::Slug(slug.clone())).await?.is_none() {
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
        match app.stores.rooms.insert(&room).await {
            Ok(()) | Err(StoreError::Taken(Unique::Slug | Unique::RoomName)) => {}
            Err(error) => return Err(error),
        }
    }
    app.set_prepared();
    Ok(())
}

/// The room and the user's role in it, if the user may do this.
pub(crate) async fn find(
    app: &App,
    user: UserId,
    room: &RoomRef,
    action: Action,
) -> Result<(Room, Option<RoomRole>), ApiError> {
    let found = app.stores.rooms.find(room).await?;
    let room = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
    let role = app.stores.members.get(room.id, user).await?.map(|member| member.role);
    let Sanction { muted, banned } = app.stores.sanctions.get(room.id, user).await?;
    let (standing, now) = (Standing { visibility: room.visibility, role, muted, banned }, UnixMillis::now());
    decide(standing, action, now).map_err(|code| ApiError::refused_until(code, muted, now))?;
    Ok((room, role))
}

async fn enter(app: &App, user: Sender, room: &Room, role: RoomRole, now: UnixMillis) -> Result<(), ApiError> {
    let read = unread::here(&app.stores, &*app.bus, room.id).await?;
    let member = Member { room_id: room.id, user_id: user.user_id, role, joined_at: now, read };
    let event = membership_event(user, EventBody::MemberJoined {});
    if let Some(announcement) = app.stores.members.join(&member, &event).await? {
        tracing::info!(room_id = %room.id, user_id = %member.user_id, "joined room");
        app.announcer.announce(announcement).await;
    }
    Ok(())
}

pub(crate) fn membership_event(user: Sender, body: EventBody) -> Event {
    let Sender { user_id, username } = user;
    Event { v: EVENT_VERSION, id: MessageId::from_uuid(Uuid::new_v4()), user_id, username, body }
}

pub(crate) async fn seen(app: &App, room: Room, role: Option<RoomRole>) -> Result<SeenRoom, ApiError> {
    let members = app.stores.members.count(room.id).await?;
    Ok(SeenRoom { room, role, members })
}

async fn seen_all(app: &App, rooms: Vec<(Option<RoomRole>, Room)>) -> Result<Vec<SeenRoom>, ApiError> {
    let ids: Vec<RoomId> = rooms.iter().map(|(_, room)| room.id).collect();
    let counts = app.stores.members.counts(&ids).await?;
    let seen = |(role, room): (Option<RoomRole>, Room)| {
        let members = counts.get(&room.id).copied().unwrap_or(0);
        SeenRoom { room, role, members }
    };
    Ok(rooms.into_iter().map(seen).collect())
}
