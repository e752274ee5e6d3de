//! Direct rooms of two people, groups, and whom one may write to or bring into a room.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::PubSub;
use rookery_protocol::access::{RoomKind, RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_protocol::position::Position;
use rookery_store::notice::{NoticeKind, Occasion};
use rookery_store::room::{Member, Pair, Room, RoomName};
use rookery_store::user::{DirectFrom, User};
use rookery_store::{StoreError, Stores, Unique};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::membership_news::tell_added;
use crate::notices::Notices;
use crate::presence::visibility::visible_users;
use crate::rooms::SeenRoom;

pub mod group;
pub mod put;

/// The routes of direct rooms and groups.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Direct: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(put::open)).routes(routes!(group::create))
}

/// Makes direct rooms and groups.
#[derive(Clone)]
pub struct Direct {
    pub(crate) stores: Stores,
    pub(crate) news: Arc<dyn PubSub>,
    pub(crate) limits: Limits,
    pub(crate) notices: Notices,
}

/// A direct room that was asked for.
pub struct Opened {
    /// The room.
    pub room: Room,
    /// Whether it was made for this.
    pub is_new: bool,
}

impl Direct {
    /// The direct room of the two, at the wish of `user`. One that is there is there for both, whatever they want of each
    /// other by now.
    pub async fn open(&self, user: UserId, with: UserId, now: UnixMillis) -> Result<Opened, ApiError> {
        let same = || ApiError::field(ErrorCode::BadField, "user", "must be somebody else");
        let pair = Pair::new(user, with).ok_or_else(same)?;
        if let Some(room) = self.known(pair).await? {
            return Ok(Opened { room, is_new: false });
        }
        may_reach(&self.stores, user, with).await?;
        self.limits.direct(user).await?;
        let room = Room { pair: Some(pair), ..nameless(pair.room(), RoomKind::Direct, now) };
        let members = pair.both().map(|user| member(room.id, user, RoomRole::Member, now));
        match self.stores.rooms.insert_with(&room, &members).await {
            Ok(()) => {}
            // The other one was faster, or the same one at another node.
            Err(StoreError::Taken(Unique::Id)) => {
                let room = self.known(pair).await?.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
                return Ok(Opened { room, is_new: false });
            }
            Err(error) => return Err(error.into()),
        }
        tracing::info!(room_id = %room.id, user_id = %user, with = %with, "direct room made");
        self.tell(&room, &pair.both()).await;
        Ok(Opened { room, is_new: true })
    }

    /// A room of these users and of who makes it.
    pub async fn group(&self, maker: UserId, users: &[UserId], now: UnixMillis) -> Result<SeenRoom, ApiError> {
        let others: HashSet<UserId> = users.iter().copied().filter(|user| *user != maker).collect();
        if others.len() != users.len() {
            return Err(ApiError::field(ErrorCode::BadField, "user_ids", "must be others, each once"));
        }
        for user in &others {
            may_reach(&self.stores, maker, *user).await?;
        }
        self.limits.direct(maker).await?;
        let room = Room { owner: Some(maker), ..nameless(RoomId::generate(), RoomKind::Group, now) };
        let mut members = vec![member(room.id, maker, RoomRole::Owner, now)];
        members.extend(others.iter().map(|user| member(room.id, *user, RoomRole::Member, now)));
        self.stores.rooms.insert_with(&room, &members).await?;
        tracing::info!(room_id = %room.id, user_id = %maker, "group made");
        let all: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        self.tell(&room, &all).await;
        // No event says so: the group begins with its members.
        let invited = Occasion::in_room(NoticeKind::Invite, room.id.as_uuid(), room.id, maker);
        self.notices.tell(&all, &invited).await;
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        Ok(SeenRoom { room, role: Some(RoomRole::Owner), members: count })
    }

    async fn known(&self, pair: Pair) -> Result<Option<Room>, StoreError> {
        self.stores.rooms.find(&RoomRef::Id(pair.room())).await
    }

    async fn tell(&self, room: &Room, users: &[UserId]) {
        for user in users {
            tell_added(&*self.news, *user, room.id, room.kind).await;
        }
    }
}

/// The account of somebody who is to get something: a room, a membership, a message. Of one that is disabled nobody would hear,
/// so there is none to be found.
pub(crate) async fn account_in_use(stores: &Stores, user: UserId) -> Result<User, ApiError> {
    let account = stores.users.enabled(user).await?;
    account.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))
}

/// Whether somebody may write to a user, or bring it into a room.
///
/// # Errors
/// [`ErrorCode::NotFound`] if there is no such user, or its account is disabled, [`ErrorCode::Blocked`] if one has blocked the other,
/// [`ErrorCode::DirectRefused`] if the user does not want it from this one.
pub(crate) async fn may_reach(stores: &Stores, by: UserId, user: UserId) -> Result<(), ApiError> {
    let account = account_in_use(stores, user).await?;
    let Some(pair) = Pair::new(by, user) else { return Ok(()) };
    if !stores.blocks.of_pairs(&[pair]).await?.is_empty() {
        return Err(ApiError::refused(ErrorCode::Blocked));
    }
    let is_wanted = match account.settings.direct_from {
        DirectFrom::All => true,
        DirectFrom::Shared => visible_users(stores, by, &[user]).await?.contains(&user),
        DirectFrom::Nobody => false,
    };
    if is_wanted {
        Ok(())
    } else {
        Err(ApiError::refused(ErrorCode::DirectRefused))
    }
}

fn nameless(id: RoomId, kind: RoomKind, now: UnixMillis) -> Room {
    Room { kind, ..Room::new(id, RoomName::none(), Visibility::Private, now) }
}

const fn member(room_id: RoomId, user_id: UserId, role: RoomRole, now: UnixMillis) -> Member {
    Member { room_id, user_id, role, joined_at: now, read: Position::START }
}
