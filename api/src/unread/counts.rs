//! `GET /api/v1/users/me/unread`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_protocol::cost::Work;
use rookery_protocol::limits::MY_ROOMS_PAGE_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::Caller;
use crate::http::limit::Limits;
use crate::unread::Totals;

/// What is unread in all rooms together.
#[derive(Serialize, ToSchema)]
pub struct UnreadTotals {
    /// Rooms with something unread.
    rooms: u64,
    /// Messages of others that are not deleted.
    unread: u64,
    /// Those of them that mention you.
    mentions: u64,
    /// Whether there may be more: at most 1,000 messages are counted in each room, and at most 2,000 rooms.
    capped: bool,
}

/// What is unread in all your rooms
#[utoipa::path(
    get,
    path = "/api/v1/users/me/unread",
    operation_id = "my_unread",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "The sums", body = UnreadTotals)),
)]
pub async fn unread(
    State(authority): State<Arc<LocalAuthority>>,
    State(limits): State<Limits>,
    caller: Caller,
) -> Result<Json<UnreadTotals>, ApiError> {
    let (members, next) = authority.memberships(caller.user_id, None, MY_ROOMS_PAGE_MAX).await?;
    limits.spend(caller.user_id, Work::Unread { rooms: members.len() }).await?;
    let rooms = authority.rooms_of(caller.user_id, members).await?;
    let totals = rooms.iter().fold(Totals::default(), |totals, mine| totals.and(&mine.state));
    let Totals { rooms, unread, mentions, capped } = totals;
    Ok(Json(UnreadTotals { rooms, unread, mentions, capped: capped || next.is_some() }))
}
