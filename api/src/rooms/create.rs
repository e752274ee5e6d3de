//! `POST /api/v1/rooms`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_store::room::{RoomDescription, RoomName};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::openapi::schema;
use crate::rooms::view::RoomView;
use crate::rooms::{NewRoom, Rooms};

/// What somebody makes a room of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoomRequest {
    /// One visible line. Of a public room no other public one may have it, in whatever case and form; its slug is made
    /// of it.
    #[schema(value_type = String, min_length = 1, max_length = 80, format = "visible-text", example = "Off topic")]
    name: RoomName,
    /// What it is about.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, format = "visible-text")]
    description: Option<RoomDescription>,
    /// Who may find and join it; everybody if not given.
    #[serde(default)]
    #[schema(value_type = Option<schema::Visibility>)]
    visibility: Option<Visibility>,
}

/// Make a room
///
/// You are its owner and its first member.
#[utoipa::path(
    post,
    path = "/api/v1/rooms",
    operation_id = "create_room",
    tag = "rooms",
    security(("bearer" = [])),
    request_body = CreateRoomRequest,
    responses(
        (status = 201, description = "The room", body = RoomView),
        (status = 409, description = "`room_name_taken`: a public room has the name"),
    ),
)]
pub async fn create(
    State(rooms): State<Rooms>,
    caller: Caller,
    JsonBody(request): JsonBody<CreateRoomRequest>,
) -> Result<(StatusCode, Json<RoomView>), ApiError> {
    let new = NewRoom {
        name: request.name,
        description: request.description.unwrap_or_default(),
        visibility: request.visibility.unwrap_or(Visibility::Public),
    };
    let room = rooms.create(caller.into(), new, UnixMillis::now()).await?;
    Ok((StatusCode::CREATED, Json(RoomView::from(room))))
}
