//! `PUT /api/v1/rooms/{room}/members/{user}`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
use rookery_store::joining::{Entry, RequestState};
use rookery_store::user::User;

use crate::admin::act::Act;
use crate::direct::{account_in_use, may_reach};
use crate::error::ApiError;
use crate::http::extract::{Caller, MemberPath};
use crate::joining::Joining;
use crate::rooms::room_event;

/// What the room hears of somebody whom a moderator makes a member.
pub(crate) fn added(by: Sender, user: &User) -> Event {
    let member = Sender { user_id: user.id, username: user.username.as_str().to_owned() };
    room_event(by, EventBody::Membership(MembershipChange::Added { member }))
}

/// Make somebody a member
///
/// For moderators; those of the server only in public rooms and in those that they are in. Users choose in their settings who may do that, and nobody does it to somebody by whom it is blocked.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/members/{user}",
    operation_id = "add_member",
    tag = "rooms",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    responses(
        (status = 201, description = "The user is a member"),
        (status = 204, description = "The user was one"),
        (
            status = 403,
            description = "`forbidden`, `not_a_member`, `direct_refused`, `blocked`, `banned`, `room_full` or `direct_room`"
        ),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such user, or a disabled one"),
    ),
)]
pub async fn add(
    State(joining): State<Joining>,
    caller: Caller,
    MemberPath { room, user }: MemberPath,
) -> Result<StatusCode, ApiError> {
    let room = joining.rooms.admitting(&caller.clone().into(), &room).await?;
    let stores = &joining.rooms.stores;
    let account = account_in_use(stores, user).await?;
    if stores.members.get(room.id, user).await?.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    may_reach(stores, caller.user_id, user).await?;
    let (by, event) = (caller.user_id, added(caller.into(), &account));
    joining.rooms.generations.require(&event.body).await?;
    let asked = joining.rooms.stores.join_requests.get(room.id, user).await?;
    if !joining.rooms.enter_by(user, &room, Entry::Open, &event).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    tracing::info!(room_id = %room.id, user_id = %user, %by, "member added");
    joining
        .rooms
        .note(room.id, by, Act { action: "member_added", user: Some(user), detail: None })
        .await?;
    if let Some(asked) = asked.filter(|asked| asked.state == RequestState::Open) {
        joining.tell_decision(&asked, by, "approved", None).await;
    }
    Ok(StatusCode::CREATED)
}
