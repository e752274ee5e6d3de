//! Acts of moderation: kick, ban, mute and their ends.
//!
//! A request is answered when the bus has the event: its event has raised the room's ACL version on the bus, so
//! nothing that was allowed under older rights gets a number after the answer.

use axum::extract::{DefaultBodyLimit, FromRef};
use rookery_protocol::access::{Rank, ServerRank, decide_on_moderation, outranks};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::audit::AuditEntry;
use rookery_store::room::{Member, Room};
use rookery_store::sanction::{Reason, SanctionAction};
use rookery_store::user::User;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::limits::FILTER_BYTES_MAX;
use crate::membership_news::tell_removed;
use crate::notices::acts;
use crate::rooms::{self, Rooms};

pub mod deletions;
pub mod endpoints;
pub mod filter;
pub mod list;
mod over;

/// The routes of moderation.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Moderation: FromRef<S>,
    Cursors: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(endpoints::kick))
        .routes(routes!(endpoints::ban, endpoints::unban))
        .routes(routes!(endpoints::mute, endpoints::unmute))
        .routes(routes!(filter::read, filter::set).layer(DefaultBodyLimit::max(FILTER_BYTES_MAX)))
        .routes(routes!(list::sanctions))
}

/// Acts against users in rooms.
#[derive(Clone)]
pub struct Moderation {
    pub(crate) rooms: Rooms,
}

/// A sanction to apply to a user in a room.
pub struct ModerationRequest {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// Against whom, or for whom.
    pub user: UserId,
    /// The action.
    pub action: SanctionAction,
    /// Why, if somebody says so.
    pub reason: Option<Reason>,
}

impl Moderation {
    /// Applies the sanction. Nothing changes if it is in force already.
    pub async fn moderate(&self, actor: Sender, request: ModerationRequest) -> Result<(), ApiError> {
        let (room, target, member) = self.check(&actor, &request).await?;
        let ModerationRequest { user, action, reason, .. } = request;
        let by = actor.user_id;
        let event = rooms::room_event(actor.clone(), body(action, &target));
        if self.rooms.sanction(&actor, (room.id, user), action, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, user_id = %user, %by, ?action, "moderated");
            self.note(room.id, &event, reason).await?;
            if action.expels() && member.is_some() {
                tell_removed(&*self.rooms.news, user, room.id).await;
            }
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        Ok(self.rooms.dispatcher.flush(room.id).await?)
    }

    /// Whether somebody may do that: where, to whom, and as what that user is in the room.
    pub(crate) async fn check(
        &self,
        actor: &Sender,
        request: &ModerationRequest,
    ) -> Result<(Room, User, Option<Member>), ApiError> {
        let (user, action) = (request.user, request.action);
        let (room, context) = self.rooms.settings_context(actor, &request.room).await?;
        decide_on_moderation(context, UnixMillis::now()).map_err(ApiError::refused)?;
        let target = self.rooms.stores.users.by_id(user).await?;
        let target = target.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
        let member = self.rooms.stores.members.get(room.id, user).await?;
        let server = if target.disabled { ServerRank::User } else { target.role.rank() };
        // Here for the answer; the store asks again at the moment of the change.
        let above = Rank::new(member.as_ref().map(|member| member.role), server);
        if !outranks(Rank::new(context.access.role, context.server), above) || user == actor.user_id {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        if member.is_none() && is_for_members(action) {
            return Err(ApiError::refused(ErrorCode::NotFound));
        }
        Ok((room, target, member))
    }
}

impl Moderation {
    /// Leaves an entry in the audit log, and tells the user why, if somebody said so. Without a reason the event tells.
    async fn note(&self, room: RoomId, event: &Event, reason: Option<Reason>) -> Result<(), ApiError> {
        let EventBody::Membership(change) = &event.body else { return Ok(()) };
        let (by, stores, notices) = (event.user_id, &self.rooms.stores, &self.rooms.notices);
        let told = acts::of(room, event.id, by, change);
        if let (Some((member, occasion)), Some(reason)) = (told, &reason) {
            notices.tell(&[member], &occasion.with_text(Some(reason.as_str()))).await;
        }
        let act = Act {
            action: action_of(change),
            user: change.member().map(|member| member.user_id),
            detail: None,
        };
        let reason = reason.map(|reason| reason.as_str().to_owned());
        let entry = AuditEntry { reason, ..act.entry_in(room, by, UnixMillis::now()) };
        Ok(stores.audit.add(&entry).await?)
    }
}

/// The word of the audit log for what moderators do to users.
const fn action_of(change: &MembershipChange) -> &'static str {
    match change {
        MembershipChange::Kicked { .. } => "member_kicked",
        MembershipChange::Banned { .. } => "member_banned",
        MembershipChange::Unbanned { .. } => "member_unbanned",
        MembershipChange::Muted { .. } => "member_muted",
        MembershipChange::Unmuted { .. } => "member_unmuted",
        MembershipChange::Joined {}
        | MembershipChange::Left {}
        | MembershipChange::Added { .. }
        | MembershipChange::RoleChanged { .. }
        | MembershipChange::OwnerChanged { .. }
        | MembershipChange::MessagesPurged { .. } => "member_changed",
    }
}

/// Somebody can be kept out, or let in again, without being a member.
const fn is_for_members(action: SanctionAction) -> bool {
    match action {
        SanctionAction::Kick | SanctionAction::Mute(_) => true,
        SanctionAction::Ban(_)
        | SanctionAction::Unban
        | SanctionAction::Unmute
        | SanctionAction::BanOver(_)
        | SanctionAction::MuteOver(_) => false,
    }
}

fn body(action: SanctionAction, target: &User) -> EventBody {
    let member = Sender { user_id: target.id, username: target.username.as_str().to_owned() };
    EventBody::Membership(match action {
        SanctionAction::Kick => MembershipChange::Kicked { member },
        SanctionAction::Ban(until) => MembershipChange::Banned { member, until: until.time() },
        SanctionAction::Unban | SanctionAction::BanOver(_) => MembershipChange::Unbanned { member },
        SanctionAction::Mute(until) => MembershipChange::Muted { member, until: until.time() },
        SanctionAction::Unmute | SanctionAction::MuteOver(_) => MembershipChange::Unmuted { member },
    })
}

/// When a sanction ends that was given for so many seconds, or until a time.
pub fn end(
    until: Option<UnixMillis>,
    duration_s: Option<u64>,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, ApiError> {
    let bad = |field: &str, detail: &str| Err(ApiError::field(ErrorCode::BadField, field, detail));
    match (until, duration_s) {
        (Some(_), Some(_)) => bad("duration_s", "give either until or duration_s, not both"),
        (Some(until), None) if until <= now => bad("until", "must be in the future"),
        (None, Some(seconds)) if !(1..=DURATION_S_MAX).contains(&seconds) => {
            bad("duration_s", "must be from 1 to 315360000")
        }
        (None, Some(seconds)) => Ok(Some(now.plus(std::time::Duration::from_secs(seconds)))),
        (until, None) => Ok(until),
    }
}

/// Ten years.
const DURATION_S_MAX: u64 = 315_360_000;
