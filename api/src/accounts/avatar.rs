//! `PUT` and `DELETE /api/v1/users/me/avatar`, `GET /api/v1/users/{user}/avatar` and the pictures themselves.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, StatusCode};
use rookery_media::picture::kind_of;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::accounts::Accounts;
use crate::accounts::avatars::{AvatarId, Avatars, address_of};
use crate::error::ApiError;
use crate::http::extract::{Caller, IdPath, QueryParams, upload};
use crate::http::limit::Limits;
use crate::http::{RESOURCE_POLICY, matches_etag};
use crate::limits::{AVATAR_BYTES_MAX, AVATAR_SIDES};

/// A picture never changes, and another one has another address.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Even as a page of its own it is nothing but a picture.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Where your picture is.
#[derive(Serialize, ToSchema)]
#[schema(as = Avatar)]
pub struct AvatarView {
    /// The address of 512 by 512 pixels; with `/64` at its end instead of `/512`, that of the small one.
    avatar: String,
}

/// Which size.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AvatarQuery {
    /// Pixels of a side, 512 or 64; 512 if not given.
    #[param(value_type = Option<String>, pattern = "^(512|64)$")]
    size: Option<String>,
}

/// Show a picture of you
///
/// PNG, JPEG or WebP of at most 8 MiB and 26 million pixels. Its middle is drawn anew, with 512 and with 64 pixels a side;
/// nothing that the file says beside the picture is kept.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/avatar",
    operation_id = "put_my_avatar",
    tag = "users",
    security(("bearer" = [])),
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
    responses(
        (status = 200, description = "It is shown", body = AvatarView),
        (status = 400, description = "`bad_image`: it is broken, is something else as well, or has too many pixels; `bad_field`: it did not come to its end"),
        (status = 413, description = "`file_too_large`"),
        (status = 415, description = "`file_type_refused`: neither PNG nor JPEG nor WebP"),
    ),
)]
pub async fn put(
    State(accounts): State<Accounts>,
    State(avatars): State<Avatars>,
    State(limits): State<Limits>,
    caller: Caller,
    request: Request,
) -> Result<Json<AvatarView>, ApiError> {
    limits.spend(caller.user_id, Work::Picture).await?;
    let place = avatars.pictures.enter()?;
    let bytes = upload(request.into_body(), AVATAR_BYTES_MAX).await?;
    let squares = avatars.draw(place, bytes).await?;
    let avatar = avatars.put(caller.user_id, squares, UnixMillis::now()).await?;
    accounts.tell_of_picture(caller.user_id).await?;
    Ok(Json(AvatarView { avatar: avatar.address(AVATAR_SIDES[0]) }))
}

/// Show no picture of you
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/avatar",
    operation_id = "delete_my_avatar",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 204, description = "There is none, also if there was none")),
)]
pub async fn delete(
    State(accounts): State<Accounts>,
    State(avatars): State<Avatars>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    if avatars.replace(caller.user_id, None, UnixMillis::now()).await? {
        accounts.tell_of_picture(caller.user_id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The picture of somebody
#[utoipa::path(
    get,
    path = "/api/v1/users/{user}/avatar",
    operation_id = "get_avatar",
    tag = "users",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user"), AvatarQuery),
    responses(
        (status = 302, description = "It is at `Location`"),
        (status = 400, description = "`bad_field`"),
        (status = 404, description = "`not_found`: there is no such user, or no picture of it"),
    ),
)]
pub async fn of_user(
    State(avatars): State<Avatars>,
    _caller: Caller,
    IdPath(user): IdPath<UserId>,
    QueryParams(AvatarQuery { size }): QueryParams<AvatarQuery>,
) -> Result<Response, ApiError> {
    let side = match size {
        None => AVATAR_SIDES[0],
        Some(size) => {
            side_of(&size).ok_or_else(|| ApiError::field(ErrorCode::BadField, "size", "must be 512 or 64"))?
        }
    };
    let user = avatars.users.by_id(user).await?;
    let address = user.and_then(|user| address_of(&user, side));
    let address = address.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
    Ok((StatusCode::FOUND, [(LOCATION, address)]).into_response())
}

/// A picture
///
/// Its address is what nobody guesses; it needs no login, so that pages can show it, and may be kept by whoever gets it.
#[utoipa::path(
    get,
    path = "/api/v1/avatars/{avatar}/{size}",
    operation_id = "get_avatar_picture",
    tag = "users",
    params(
        ("avatar" = String, Path, description = "From the address", pattern = "^[0-9a-f]{32}$"),
        ("size" = String, Path, description = "Pixels of a side, 512 or 64", pattern = "^(512|64)$"),
    ),
    responses(
        (status = 200, description = "The picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "It is the one that you have"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn picture(
    State(avatars): State<Avatars>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::refused(ErrorCode::NotFound);
    let Path((avatar, wanted)) = path.map_err(|_| not_found())?;
    let avatar = avatar.parse::<AvatarId>().map_err(|()| not_found())?;
    let side = side_of(&wanted).ok_or_else(not_found)?;
    let tag = format!("\"{avatar}-{side}\"");
    let bytes = avatars.get(&avatar, side).await?.ok_or_else(not_found)?;
    let shared = [
        (ETAG, tag.as_str()),
        (CACHE_CONTROL, FOR_EVER),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Pages that embed the chat show pictures, too.
        (RESOURCE_POLICY, "cross-origin"),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| matches_etag(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, shared).into_response());
    }
    let kind = kind_of(&bytes).media_type();
    Ok((shared, [(CONTENT_TYPE, kind)], bytes).into_response())
}

fn side_of(text: &str) -> Option<u32> {
    AVATAR_SIDES.iter().copied().find(|side| side.to_string() == text)
}
