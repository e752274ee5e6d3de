//! Acts of moderation: kick, ban, mute and their ends.
//!
//! A request is answered when the bus has the event: its event has raised the room's ACL version on the bus, so
//! nothing that was allowed under older rights gets a number after the answer.

use axum::extract::FromRef;
use rookery_protocol::access::{Action, outranks};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MembershipChange, Sender};
use rookery_protocol::id::{RoomRef, UserId};
use rookery_store::sanction::SanctionAction;
use rookery_store::user::User;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::extract::Authentication;
use crate::rooms::{self, Rooms};

pub mod endpoints;

/// The routes of moderation.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Moderation: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(endpoints::kick))
        .routes(routes!(endpoints::ban, endpoints::unban))
        .routes(routes!(endpoints::mute, endpoints::unmute))
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
}

impl Moderation {
    /// Applies the sanction. Nothing changes if it is in force already.
    pub async fn moderate(&self, actor: Sender, request: ModerationRequest) -> Result<(), ApiError> {
        let ModerationRequest { room, user, action } = request;
        let (room, role) = self.rooms.find(actor.user_id, &room, Action::Moderate).await?;
        let target = self.rooms.stores.users.by_id(user).await?;
        let target = target.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
        let member = self.rooms.stores.members.get(room.id, user).await?;
        let above = role.is_some_and(|role| outranks(role, member.as_ref().map(|member| member.role)));
        if !above || user == actor.user_id {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        if member.is_none() && is_for_members(action) {
            return Err(ApiError::refused(ErrorCode::NotFound));
        }
        let by = actor.user_id;
        let event = rooms::room_event(actor, body(action, &target));
        if self.rooms.stores.sanctions.apply(room.id, user, action, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, user_id = %user, %by, ?action, "moderated");
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        Ok(self.rooms.dispatcher.flush(room.id).await?)
    }
}

/// Somebody can be kept out, or let in again, without being a member.
const fn is_for_members(action: SanctionAction) -> bool {
    match action {
        SanctionAction::Kick | SanctionAction::Mute(_) => true,
        SanctionAction::Ban(_) | SanctionAction::Unban | SanctionAction::Unmute => false,
    }
}

fn body(action: SanctionAction, target: &User) -> EventBody {
    let member = Sender { user_id: target.id, username: target.username.as_str().to_owned() };
    EventBody::Membership(match action {
        SanctionAction::Kick => MembershipChange::Kicked { member },
        SanctionAction::Ban(until) => MembershipChange::Banned { member, until: until.time() },
        SanctionAction::Unban => MembershipChange::Unbanned { member },
        SanctionAction::Mute(until) => MembershipChange::Muted { member, until: until.time() },
        SanctionAction::Unmute => MembershipChange::Unmuted { member },
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
