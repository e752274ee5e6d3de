//! `PUT` and `DELETE /api/v1/rooms/{room}/avatar`, and the pictures themselves. They are files that belong to their room, and go
//! with it like all others.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use rookery_media::picture::kind_of;
use rookery_protocol::access::{Visibility, decide_on_transfer};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::id::{FileId, RoomId, RoomRef};
use rookery_store::file::{Claim, File, FileState, Holder, Pixels, Usage};
use rookery_store::room::{Room, SettingsChange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::ApiError;
use crate::files::{FileService, ORIGINAL, THUMBNAIL, object, unknown};
use crate::http::extract::{Caller, QueryParams, RoomPath, upload};
use crate::http::limit::ClientAddress;
use crate::http::{RESOURCE_POLICY, matches_etag};
use crate::limits::{AVATAR_BYTES_MAX, AVATAR_SIDES, FILE_ARRIVAL_MAX, FILE_REPLACED_KEPT, FILES_PER_USER_MAX};
use crate::rooms::avatar::{self, AVATAR};
use crate::rooms::settings::RoomUpdate;

/// A picture never changes, and another one has another address.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Not longer than the address holds.
const FOR_A_WHILE: &str = "private, max-age=300";
/// Even as a page of its own it is nothing but a picture.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Where the picture of the room is.
#[derive(Serialize, ToSchema)]
pub struct RoomAvatar {
    /// The address of 512 by 512 pixels; with `/64` in the place of `/512`, that of the small one. That of a private room holds
    /// for a while only; the room has a new one each time it is asked for.
    avatar: String,
}

/// What makes the address of a private room's picture a signed one.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoomAvatarQuery {
    /// From the address.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,16}$")]
    expires: Option<String>,
    /// From the address.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{22}$")]
    signature: Option<String>,
}

/// Give a room a picture
///
/// PNG, JPEG or WebP of at most 8 MiB and 26 million pixels. Its middle is drawn anew, with 512 and with 64 pixels a side. For who
/// owns the room, and for admins of the server.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/avatar",
    operation_id = "put_room_avatar",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
    responses(
        (status = 200, description = "It is shown", body = RoomAvatar),
        (status = 400, description = "`bad_image`: it is broken, is something else as well, or has too many pixels; `bad_field`: it did not come to its end"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `quota_exceeded`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
        (status = 413, description = "`file_too_large`"),
        (status = 415, description = "`file_type_refused`: neither PNG nor JPEG nor WebP"),
    ),
)]
pub async fn put(
    State(files): State<FileService>,
    caller: Caller,
    from: ClientAddress,
    RoomPath(room): RoomPath,
    request: Request,
) -> Result<Json<RoomAvatar>, ApiError> {
    let room = files.own_room(&caller, &room).await?;
    files.rooms.limits.spend(caller.user_id, Work::Picture).await?;
    let place = files.pictures.enter()?;
    let bytes = upload(request.into_body(), AVATAR_BYTES_MAX).await?;
    let squares = files.pictures.squares(place, bytes, AVATAR_SIDES).await?;
    let file = files.keep_squares(caller.user_id, room.id, squares).await?;
    let address = avatar::address(room.id, file.id);
    files.show(&caller, &room, Some(address.clone()), from).await?;
    let avatar = files.rooms.signed_avatar(&Room { avatar: Some(address), ..room });
    Ok(Json(RoomAvatar { avatar: avatar.unwrap_or_default() }))
}

/// Give a room no picture
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/avatar",
    operation_id = "delete_room_avatar",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 204, description = "It has none, also if it had none"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn delete(
    State(files): State<FileService>,
    caller: Caller,
    from: ClientAddress,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    let room = files.own_room(&caller, &room).await?;
    files.show(&caller, &room, None, from).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The picture of a room
///
/// Of a public room it needs no login; the address of a private room's is signed.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/avatar/{avatar}/{size}",
    operation_id = "get_room_avatar",
    tag = "rooms",
    params(
        ("room" = Uuid, Path, description = "Id of the room"),
        ("avatar" = Uuid, Path, description = "From the address"),
        ("size" = String, Path, description = "Pixels of a side, 512 or 64", pattern = "^(512|64)$"),
        RoomAvatarQuery,
    ),
    responses(
        (status = 200, description = "The picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "It is the one that you have"),
        (status = 400, description = "`bad_field`: the address has more in it, or something twice"),
        (status = 404, description = "`not_found`, also if the address does not hold any more"),
    ),
)]
pub async fn picture(
    State(files): State<FileService>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    QueryParams(query): QueryParams<RoomAvatarQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Path((room, id, size)) = path.map_err(|_| unknown())?;
    let room = RoomId::from_hyphenated(&room).map_err(|_| unknown())?;
    let id = FileId::from_hyphenated(&id).map_err(|_| unknown())?;
    let name = match size.as_str() {
        "512" => ORIGINAL,
        "64" => THUMBNAIL,
        _ => return Err(unknown()),
    };
    let room = files.rooms.stores.rooms.find(&RoomRef::Id(room)).await?.ok_or_else(unknown)?;
    if avatar::file_of(&room) != Some(id) {
        return Err(unknown());
    }
    let is_public = room.visibility == Visibility::Public;
    if !is_public && !files.holds(id, &query) {
        return Err(unknown());
    }
    let tag = format!("\"{}-{size}\"", id.as_uuid().simple());
    let kept = if is_public { FOR_EVER } else { FOR_A_WHILE };
    let shared = [
        (ETAG, tag.as_str()),
        (CACHE_CONTROL, kept),
        (CONTENT_SECURITY_POLICY, POLICY),
        (RESOURCE_POLICY, "cross-origin"),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| matches_etag(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, shared).into_response());
    }
    let bytes = files.counted(files.objects.get(&object(id, name)).await)?.ok_or_else(unknown)?;
    let kind = kind_of(&bytes).media_type();
    Ok((shared, [(CONTENT_TYPE, kind)], bytes).into_response())
}

impl FileService {
    /// The room, if it is the caller's.
    async fn own_room(&self, caller: &Caller, room: &RoomRef) -> Result<Room, ApiError> {
        let (room, context) = self.rooms.settings_context(&caller.clone().into(), room).await?;
        decide_on_transfer(context, UnixMillis::now()).map_err(ApiError::refused)?;
        Ok(room)
    }

    /// Shows another picture of the room, or none; the one before goes.
    async fn show(
        &self,
        caller: &Caller,
        room: &Room,
        address: Option<String>,
        from: ClientAddress,
    ) -> Result<(), ApiError> {
        let change = SettingsChange { avatar: Some(address), ..SettingsChange::default() };
        let update = RoomUpdate { change, password: None, from: from.subject() };
        self.rooms.change(caller.clone().into(), &RoomRef::Id(room.id), update).await?;
        let Some(before) = avatar::file_of(room) else { return Ok(()) };
        for file in self.store().by_ids(&[before]).await? {
            self.store().check_again(&file, Some(Self::now())).await?;
        }
        Ok(())
    }

    /// Keeps the squares of a room's picture: a file that is looked at again soon, in case the room does not come to show it.
    async fn keep_squares(
        &self,
        owner: rookery_protocol::id::UserId,
        room: RoomId,
        squares: Vec<bytes::Bytes>,
    ) -> Result<File, ApiError> {
        let now = Self::now();
        let [large, small] = [0, 1].map(|n| squares.get(n).cloned().unwrap_or_default());
        let file = File {
            // In addresses that nobody guesses.
            id: FileId::from_uuid(Uuid::new_v4()),
            owner,
            name: AVATAR.to_owned(),
            media_type: kind_of(&large).media_type().to_owned(),
            size: large.len() as u64,
            pixels: Some(Pixels { width: AVATAR_SIDES[0], height: AVATAR_SIDES[0] }),
            thumbnail: Some(small.len() as u64),
            state: FileState::Arriving,
            holder: None,
            room: None,
            held_at: None,
            check_at: Some(now.plus(FILE_ARRIVAL_MAX)),
            created_at: now,
        };
        let most = Usage { files: FILES_PER_USER_MAX, bytes: self.settings.now().user_quota_bytes };
        if !self.store().insert(&file, most).await? {
            return Err(ApiError::refused(rookery_protocol::error_code::ErrorCode::QuotaExceeded));
        }
        let put = async {
            self.counted(self.objects.put(&object(file.id, ORIGINAL), large).await)?;
            self.counted(self.objects.put(&object(file.id, THUMBNAIL), small).await)?;
            Ok::<_, ApiError>(())
        };
        if let Err(error) = put.await {
            self.give_up(&file).await;
            return Err(error);
        }
        let check_at = now.plus(FILE_REPLACED_KEPT);
        let claim = Claim {
            files: vec![file.id],
            owner,
            room,
            holder: Holder::Room(room),
            from: Vec::new(),
            at: now,
            check_at,
            again: None,
        };
        if self.store().arrived(file.id, check_at).await? && self.store().claim(&claim).await?.is_held() {
            Ok(file)
        } else {
            Err(ApiError::refused(rookery_protocol::error_code::ErrorCode::Unavailable))
        }
    }

    /// Whether an address is signed and holds.
    fn holds(&self, id: FileId, query: &RoomAvatarQuery) -> bool {
        let expires = query.expires.as_deref().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let signature = query.signature.as_deref().unwrap_or_default();
        UnixMillis(expires) >= Self::now() && self.secrets.is_file_link(id.as_uuid(), AVATAR, expires, signature)
    }
}
