//! How people come into rooms: what a room asks of whoever wants to join, invites, requests that moderators decide about,
//! and members whom they add themselves.

use std::collections::HashMap;

use axum::extract::FromRef;
use rookery_protocol::access::{Action, JoinRule, Rank, RoomKind, RoomRole, ServerRank, may_invite};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MembershipChange, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_protocol::notice::NoticeKind;
use rookery_store::joining::{Asked, Entry, JoinMessage, JoinRequest, RequestState, RoomInvite};
use rookery_store::notice::Occasion;
use rookery_store::room::{Room, RoomPassword};
use rookery_store::user::User;
use rookery_store::{StoreError, Stores};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::{ApiError, Refusal};
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::limits::{JOIN_AGAIN_AFTER, JOIN_REQUESTS_PER_ROOM_MAX, MODERATORS_TOLD_MAX};
use crate::mail::Post;
use crate::mail::secrets::hash;
use crate::rooms::{Rooms, SeenRoom, room_event};

pub mod accept;
pub mod add_member;
pub mod create;
pub mod decisions;
pub mod inviting;
pub mod join;
pub mod my_requests;
pub mod preview;
pub mod purge;
pub mod requests;

/// The routes of joining.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Joining: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(join::join))
        .routes(routes!(add_member::add))
        .routes(routes!(inviting::create, inviting::list))
        .routes(routes!(inviting::revoke))
        .routes(routes!(preview::preview))
        .routes(routes!(accept::accept))
        .routes(routes!(requests::list))
        .routes(routes!(decisions::approve))
        .routes(routes!(decisions::deny))
        .routes(routes!(my_requests::list))
        .routes(routes!(my_requests::withdraw))
}

/// Lets people into rooms.
#[derive(Clone)]
pub struct Joining {
    pub(crate) rooms: Rooms,
    pub(crate) post: Post,
}

/// What somebody brings who wants to join a room.
#[derive(Default)]
pub struct Wish {
    /// The password of the room.
    pub password: Option<RoomPassword>,
    /// The code of an invite.
    pub invite: Option<String>,
    /// What is said to those who decide.
    pub message: Option<JoinMessage>,
    /// Stands for the address that asks.
    pub from: u128,
}

/// What became of a wish to join.
pub enum Joined {
    /// The user is a member.
    In(Box<SeenRoom>),
    /// Somebody decides about it.
    Waits,
}

/// What an invite opens to somebody.
pub(crate) struct Opening {
    /// The room.
    pub room: Room,
    /// What the user is in it already.
    pub role: Option<RoomRole>,
    /// Whether somebody decides about whoever comes by it.
    pub needs_approval: bool,
}

/// A way into a room, and what is said by whoever takes it.
struct Way {
    entry: Entry,
    needs_approval: bool,
    message: Option<JoinMessage>,
}

impl Joining {
    fn stores(&self) -> &Stores {
        &self.rooms.stores
    }

    /// Makes the user a member, or notes that it wants to be. Nothing changes for one who is a member already.
    pub async fn join(&self, user: Sender, room: &RoomRef, wish: Wish, now: UnixMillis) -> Result<Joined, ApiError> {
        let invite = match &wish.invite {
            Some(code) => self.stores().room_invites.by_hash(&hash(code)).await?,
            None => None,
        };
        let (room, role) = match self.rooms.find(user.user_id, room, Action::Join).await {
            Ok(found) => found,
            Err(error) => self.invited(user.user_id, room, invite.as_ref(), error).await?,
        };
        if role.is_some() {
            return self.rooms.seen(room, role).await.map(|seen| Joined::In(Box::new(seen)));
        }
        let way = self.way(user.user_id, &room, (wish, invite), now).await?;
        self.take(user, room, way, now).await
    }

    /// The room that an invite opens, though it is not to be found; the refusal where it opens none.
    async fn invited(
        &self,
        user: UserId,
        room: &RoomRef,
        invite: Option<&RoomInvite>,
        refusal: ApiError,
    ) -> Result<(Room, Option<RoomRole>), ApiError> {
        let Some(invite) = invite.filter(|_| refusal.code() == ErrorCode::UnknownRoom) else {
            return Err(refusal);
        };
        match self.opened_by(user, invite, UnixMillis::now()).await? {
            Some(opening) if RoomRef::Id(opening.room.id) == *room => Ok((opening.room, opening.role)),
            Some(_) | None => Err(refusal),
        }
    }

    /// What an invite opens; nothing if it does not hold for the user. Its maker counts as what that one is now.
    pub(crate) async fn opened_by(
        &self,
        user: UserId,
        invite: &RoomInvite,
        now: UnixMillis,
    ) -> Result<Option<Opening>, ApiError> {
        let (stores, id, maker) = (self.stores(), RoomRef::Id(invite.room_id), [invite.by]);
        let (room, banned, role, ranks) = tokio::try_join!(
            stores.rooms.find(&id),
            stores.sanctions.get(invite.room_id, user),
            stores.members.get(invite.room_id, user),
            self.ranks(invite.room_id, &maker),
        )?;
        let Some(room) = room else { return Ok(None) };
        let rank = ranks.get(&invite.by).copied().unwrap_or(Rank::Outsider);
        let is_shut_out = banned.banned.is_some_and(|until| until.holds(now));
        let holds = invite.is_open(now) && may_invite(rank, room.members_may_invite);
        let role = role.map(|member| member.role);
        if is_shut_out || (role.is_none() && !holds) {
            return Ok(None);
        }
        let needs_approval = invite.needs_approval(room.join == JoinRule::Approval, rank >= Rank::Moderator);
        Ok(Some(Opening { room, role, needs_approval }))
    }

    /// How high these users stand in a room now. Who is not named is an outsider.
    pub(crate) async fn ranks(&self, room: RoomId, users: &[UserId]) -> Result<HashMap<UserId, Rank>, StoreError> {
        let places: Vec<(RoomId, UserId)> = users.iter().map(|user| (room, *user)).collect();
        let (members, accounts) =
            tokio::try_join!(self.stores().members.places(&places), self.stores().users.by_ids(users))?;
        let roles: HashMap<UserId, RoomRole> =
            members.into_iter().map(|member| (member.user_id, member.role)).collect();
        let rank = |account: User| {
            let server = if account.disabled { ServerRank::User } else { account.role.rank() };
            (account.id, Rank::new(roles.get(&account.id).copied(), server))
        };
        Ok(accounts.into_iter().map(rank).collect())
    }

    /// What the room asks of somebody who is not in it yet.
    async fn way(
        &self,
        user: UserId,
        room: &Room,
        (wish, invite): (Wish, Option<RoomInvite>),
        now: UnixMillis,
    ) -> Result<Way, ApiError> {
        let Wish { password, invite: code, message, from } = wish;
        if code.is_some() {
            let invite = invite.filter(|invite| invite.room_id == room.id);
            let invite = invite.ok_or_else(|| ApiError::refused(ErrorCode::InviteInvalid))?;
            let opening = self.opened_by(user, &invite, now).await?;
            let opening = opening.ok_or_else(|| ApiError::refused(ErrorCode::InviteInvalid))?;
            return Ok(Way::of(&invite, &opening, message));
        }
        let needs_approval = match room.join {
            JoinRule::Open => false,
            JoinRule::Approval => true,
            JoinRule::Invite => return Err(ApiError::refused(ErrorCode::InviteRequired)),
            JoinRule::Password => {
                self.check_password(user, room, password, from).await?;
                false
            }
        };
        Ok(Way { entry: Entry::Open, needs_approval, message })
    }

    async fn check_password(
        &self,
        user: UserId,
        room: &Room,
        password: Option<RoomPassword>,
        from: u128,
    ) -> Result<(), ApiError> {
        let wrong = || ApiError::refused(ErrorCode::PasswordWrong);
        let (attempt, wanted) = (password.ok_or_else(wrong)?, room.password_hash.as_ref().ok_or_else(wrong)?);
        self.rooms.limits.room_password(user, room.id).await?;
        if !self.rooms.passwords.verify_of_room(wanted.clone(), &attempt, from).await? {
            return Err(wrong());
        }
        self.rooms.limits.right_room_password(user, room.id);
        Ok(())
    }

    async fn take(&self, user: Sender, room: Room, way: Way, now: UnixMillis) -> Result<Joined, ApiError> {
        if way.needs_approval {
            self.check_space(&room).await?;
            self.ask(user, &room, way, now).await?;
            return Ok(Joined::Waits);
        }
        let id = user.user_id;
        let event = room_event(user, EventBody::Membership(MembershipChange::Joined {}));
        self.rooms.enter_by(id, &room, way.entry, &event).await?;
        let role = self.stores().members.get(room.id, id).await?.map(|member| member.role);
        self.rooms.seen(room, role).await.map(|seen| Joined::In(Box::new(seen)))
    }

    /// Nobody is asked about somebody for whom there is no place.
    async fn check_space(&self, room: &Room) -> Result<(), ApiError> {
        let Some(most) = room.members_max else { return Ok(()) };
        if self.stores().members.count(room.id).await? < u64::from(most) {
            Ok(())
        } else {
            Err(ApiError::refused(ErrorCode::RoomFull))
        }
    }

    /// Notes that somebody wants to be let in, and tells those who decide. An invite is used by it.
    async fn ask(&self, user: Sender, room: &Room, way: Way, now: UnixMillis) -> Result<(), ApiError> {
        let request = JoinRequest {
            room_id: room.id,
            user_id: user.user_id,
            message: way.message.clone(),
            created_at: now,
            state: RequestState::Open,
            decided_at: None,
        };
        let requests = &self.stores().join_requests;
        match requests.ask(&request, now.minus(JOIN_AGAIN_AFTER), JOIN_REQUESTS_PER_ROOM_MAX).await? {
            Asked::New => {}
            Asked::Waits => return Ok(()),
            Asked::Denied(at) => return Err(denied(at, now)),
            Asked::Crowded => return Err(ApiError::refused(ErrorCode::TooManyJoinRequests)),
        }
        if let Entry::Invite(hash) = way.entry
            && !self.stores().room_invites.spend(&hash, now).await?
        {
            requests.withdraw(room.id, user.user_id).await?;
            return Err(ApiError::refused(ErrorCode::InviteInvalid));
        }
        tracing::info!(room_id = %room.id, user_id = %user.user_id, "asks to join");
        let text = request.message.as_ref().map(JoinMessage::as_str);
        self.tell_moderators(&request, text).await;
        Ok(())
    }

    /// Those who decide. Who is not told finds the request in the list all the same.
    async fn tell_moderators(&self, request: &JoinRequest, text: Option<&str>) {
        let members = &self.stores().members;
        let of = |role| members.of_role(request.room_id, role, None, MODERATORS_TOLD_MAX);
        let told = match tokio::try_join!(of(RoomRole::Owner), of(RoomRole::Moderator)) {
            Ok((owners, moderators)) => owners.into_iter().chain(moderators),
            Err(error) => return tracing::warn!(%error, "moderators not told of a request to join"),
        };
        let (told, by): (Vec<UserId>, _) = (told.map(|member| member.user_id).collect(), request.user_id);
        let occasion = Occasion::in_room(NoticeKind::JoinRequested, Uuid::new_v4(), request.room_id, by);
        self.rooms.notices.tell(&told, &occasion.with_text(text)).await;
    }

    /// Whoever asked, of what became of it.
    pub(crate) async fn tell_decision(&self, request: &JoinRequest, by: UserId, decision: &str, reason: Option<&str>) {
        let occasion = Occasion::in_room(NoticeKind::JoinDecided, Uuid::new_v4(), request.room_id, by);
        let occasion = occasion.with_detail(decision).with_text(reason);
        self.rooms.notices.tell(&[request.user_id], &occasion).await;
    }

    /// By the code of an invite.
    pub(crate) async fn accept(&self, user: Sender, code: &str, now: UnixMillis) -> Result<Joined, ApiError> {
        let (invite, opening) = self.by_code(user.user_id, code, now).await?;
        if opening.role.is_some() {
            let seen = self.rooms.seen(opening.room, opening.role).await?;
            return Ok(Joined::In(Box::new(seen)));
        }
        let way = Way::of(&invite, &opening, None);
        let taken = self.take(user, opening.room, way, now).await;
        // Somebody was faster, or it ended this moment: no other answer than before.
        let is_over = |error: &ApiError| matches!(error.code(), ErrorCode::Banned | ErrorCode::UnknownRoom);
        taken.map_err(|error| {
            if is_over(&error) {
                ApiError::refused(ErrorCode::InviteInvalid)
            } else {
                error
            }
        })
    }

    /// An invite that holds for the user.
    pub(crate) async fn by_code(
        &self,
        user: UserId,
        code: &str,
        now: UnixMillis,
    ) -> Result<(RoomInvite, Opening), ApiError> {
        let invalid = || ApiError::refused(ErrorCode::InviteInvalid);
        let found = self.stores().room_invites.by_hash(&hash(code)).await?;
        let invite = found.ok_or_else(invalid)?;
        let opening = self.opened_by(user, &invite, now).await?.ok_or_else(invalid)?;
        Ok((invite, opening))
    }

    /// The room, and whether the caller keeps order there, if the caller may invite others.
    pub(crate) async fn inviting(&self, user: &Sender, room: &RoomRef) -> Result<(Room, bool), ApiError> {
        let is_forbidden = |error: &ApiError| error.code() == ErrorCode::Forbidden;
        let (room, keeps_order) = match self.rooms.admitting(user, room).await {
            Ok(room) => (room, true),
            Err(error) if is_forbidden(&error) => (self.rooms.find(user.user_id, room, Action::Read).await?.0, false),
            Err(error) => return Err(error),
        };
        match room.kind {
            RoomKind::Direct => Err(ApiError::refused(ErrorCode::DirectRoom)),
            RoomKind::Room | RoomKind::Group if keeps_order || room.members_may_invite => Ok((room, keeps_order)),
            RoomKind::Room | RoomKind::Group => Err(ApiError::refused(ErrorCode::Forbidden)),
        }
    }

    /// A request that waits.
    pub(crate) async fn open_request(&self, room: RoomId, user: UserId) -> Result<JoinRequest, ApiError> {
        let found = self.stores().join_requests.get(room, user).await?;
        let found = found.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
        if found.state == RequestState::Open {
            Ok(found)
        } else {
            Err(ApiError::refused(ErrorCode::AlreadyDecided))
        }
    }
}

impl Way {
    const fn of(invite: &RoomInvite, opening: &Opening, message: Option<JoinMessage>) -> Self {
        Self { entry: Entry::Invite(invite.hash), needs_approval: opening.needs_approval, message }
    }
}

/// When somebody may ask again who was denied then.
fn denied(at: UnixMillis, now: UnixMillis) -> ApiError {
    let rest = at.plus(JOIN_AGAIN_AFTER).since(now);
    let retry_after_ms = Some(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
    ApiError::Refused(Refusal { code: ErrorCode::JoinDenied, field: None, detail: None, retry_after_ms })
}
