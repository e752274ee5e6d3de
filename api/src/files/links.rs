//! `POST /api/v1/files/links`: addresses that hold for a moment, for whatever cannot say who asks.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{FileId, RoomId, UserId};
use rookery_store::file::File;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::files::FileService;
use crate::files::download::Variant;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::Limits;
use crate::limits::{FILE_LINK_LIFE, FILE_LINKS_MAX};

/// Files to have links to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinksRequest {
    /// Their ids.
    #[schema(value_type = Vec<Uuid>, max_items = 100)]
    files: Vec<FileId>,
}

/// Links to files.
#[derive(Serialize, ToSchema)]
pub struct FileLinks {
    /// By the id of the file. Those that you may not have are left out.
    links: BTreeMap<Uuid, FileLink>,
}

/// Links to a file.
#[derive(Serialize, ToSchema)]
pub struct FileLink {
    /// Where it is.
    url: String,
    /// Where its small picture is; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    thumbnail_url: Option<String>,
    /// Until when that holds.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixMillis,
}

/// Links to files
///
/// They hold for 5 minutes, for whoever has them, without a login, as pages need it to show pictures; not any longer than the
/// message is there that a file is attached to.
#[utoipa::path(
    post,
    path = "/api/v1/files/links",
    operation_id = "link_files",
    tag = "files",
    security(("bearer" = [])),
    request_body = LinksRequest,
    responses(
        (status = 200, description = "The links", body = FileLinks),
        (status = 400, description = "`bad_json` or `bad_field`: more than 100"),
    ),
)]
pub async fn links(
    State(files): State<FileService>,
    State(limits): State<Limits>,
    caller: Caller,
    JsonBody(LinksRequest { files: mut ids }): JsonBody<LinksRequest>,
) -> Result<Json<FileLinks>, ApiError> {
    if ids.len() > FILE_LINKS_MAX {
        return Err(ApiError::field(ErrorCode::BadField, "files", "must be at most 100 ids"));
    }
    ids.sort_unstable();
    ids.dedup();
    limits.spend(caller.user_id, Work::Links { files: ids.len() }).await?;
    let found = files.all_readable(caller.user_id, &ids).await?;
    let expires_at = FileService::now().plus(FILE_LINK_LIFE);
    let mut links = BTreeMap::new();
    for file in found {
        links.insert(file.id.as_uuid(), files.link(&file, expires_at)?);
    }
    Ok(Json(FileLinks { links }))
}

impl FileService {
    /// Those of these files that the user may have. Each room is asked about once.
    async fn all_readable(&self, user: UserId, ids: &[FileId]) -> Result<Vec<File>, ApiError> {
        let (mut rooms, mut readable): (HashMap<RoomId, bool>, Vec<File>) = (HashMap::new(), Vec::new());
        for file in self.all_ready(ids).await? {
            let may_have = match file.shown_in() {
                _ if file.owner == user => true,
                None => false,
                Some(room) => {
                    if let Some(known) = rooms.get(&room) {
                        *known
                    } else {
                        let reads = self.reads(user, room).await?;
                        rooms.insert(room, reads);
                        reads
                    }
                }
            };
            if may_have && (file.owner == user || self.is_shown(&file).await?) {
                readable.push(file);
            }
        }
        Ok(readable)
    }

    fn link(&self, file: &File, expires_at: UnixMillis) -> Result<FileLink, ApiError> {
        let url = self.signed(file.id, Variant::Original, expires_at)?;
        let thumbnail = file.thumbnail.map(|_| self.signed(file.id, Variant::Thumbnail, expires_at));
        Ok(FileLink { url, thumbnail_url: thumbnail.transpose()?, expires_at })
    }

    fn signed(&self, id: FileId, variant: Variant, expires_at: UnixMillis) -> Result<String, ApiError> {
        let signature = self.secrets.file_link(id.as_uuid(), variant.name(), expires_at.0);
        let signature = signature.map_err(rookery_store::StoreError::from)?;
        let origin = self.options.origin.as_ref().map_or("", |origin| origin.address.as_str());
        let end = match variant {
            Variant::Original => "",
            Variant::Thumbnail => "/thumbnail",
        };
        Ok(format!("{origin}/api/v1/linked-files/{id}{end}?expires={}&signature={signature}", expires_at.0))
    }
}
