//! `GET /api/v1/linked-files/{file}`: files by signed links, for whoever has one.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::HOST;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::FileId;
use rookery_store::file::Holder;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::files::download::Variant;
use crate::files::headers::AskedHeaders;
use crate::files::{FileService, unknown};
use crate::http::extract::{IdPath, QueryParams};
use crate::mail::Secrets;

/// Where linked files are.
pub(crate) const PREFIX: &str = "/api/v1/linked-files/";

/// What makes an address a signed one.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkQuery {
    /// From the link.
    #[serde(default)]
    #[param(required = true, value_type = String, pattern = "^[0-9]{1,16}$")]
    expires: String,
    /// From the link.
    #[serde(default)]
    #[param(required = true, value_type = String, pattern = "^[A-Za-z0-9_-]{22}$")]
    signature: String,
}

impl LinkQuery {
    /// Whether we have signed it for this, and it is not too late.
    fn holds(&self, secrets: &Secrets, id: FileId, variant: Variant, now: UnixMillis) -> bool {
        let Self { expires, signature } = self;
        expires.parse::<i64>().is_ok_and(|expires_at| {
            let is_ours = secrets.is_file_link(id.as_uuid(), variant.name(), expires_at, signature);
            is_ours && now <= UnixMillis(expires_at)
        })
    }
}

/// A file, by a link
#[utoipa::path(
    get,
    path = "/api/v1/linked-files/{file}",
    operation_id = "get_linked_file",
    tag = "files",
    params(("file" = Uuid, Path, description = "Id of the file"), LinkQuery),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "application/octet-stream"))),
        (status = 206, description = "The part that `Range` asks for", content((Vec<u8> = "application/octet-stream"))),
        (status = 304, description = "It is the one that you have"),
        (status = 400, description = "`bad_field`: the link has more in it, or something twice"),
        (status = 404, description = "`not_found`: there is no such file any more, or the link does not hold any more"),
        (status = 416, description = "`bad_range`: `Range` asks for what is not there, or for several parts"),
    ),
)]
pub async fn file(
    State(files): State<FileService>,
    IdPath(id): IdPath<FileId>,
    QueryParams(query): QueryParams<LinkQuery>,
    AskedHeaders(headers): AskedHeaders,
) -> Result<Response, ApiError> {
    files.linked(id, Variant::Original, &query, &headers).await
}

/// The small picture of a file, by a link
#[utoipa::path(
    get,
    path = "/api/v1/linked-files/{file}/thumbnail",
    operation_id = "get_linked_thumbnail",
    tag = "files",
    params(("file" = Uuid, Path, description = "Id of the file"), LinkQuery),
    responses(
        (status = 200, description = "The picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 206, description = "The part that `Range` asks for", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "It is the one that you have"),
        (status = 400, description = "`bad_field`: the link has more in it, or something twice"),
        (status = 404, description = "`not_found`: there is no such file any more, or the link does not hold any more"),
        (status = 416, description = "`bad_range`: `Range` asks for what is not there, or for several parts"),
    ),
)]
pub async fn thumbnail(
    State(files): State<FileService>,
    IdPath(id): IdPath<FileId>,
    QueryParams(query): QueryParams<LinkQuery>,
    AskedHeaders(headers): AskedHeaders,
) -> Result<Response, ApiError> {
    files.linked(id, Variant::Thumbnail, &query, &headers).await
}

/// Keeps files and everything else apart, where files have a name of their own.
pub(crate) async fn by_name(State(files): State<FileService>, request: Request, next: Next) -> Response {
    let is_linked = request.uri().path().starts_with(PREFIX);
    let is_apart = files.options.origin.as_ref().is_none_or(|origin| {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        is_linked == host.eq_ignore_ascii_case(&origin.host)
    });
    if is_apart { next.run(request).await } else { unknown().into_response() }
}

impl FileService {
    async fn linked(
        &self,
        id: FileId,
        variant: Variant,
        query: &LinkQuery,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        if !query.holds(&self.secrets, id, variant, Self::now()) {
            return Err(unknown());
        }
        let file = self.ready(id).await?;
        if let (Some(Holder::Message(_)), Some(room)) = (file.holder, file.room) {
            // A room that has ended takes its files along at once, though they are erased later.
            let found = self.rooms.stores.rooms.by_ids(&[room]).await?;
            if found.is_empty() {
                return Err(unknown());
            }
        }
        let shared_with = if self.options.origin.is_some() { "cross-origin" } else { "same-origin" };
        self.answer(&file, variant, headers, shared_with).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::FILE_LINK_LIFE;

    #[test]
    fn a_link_holds_for_five_minutes_and_for_one_thing() {
        let (secrets, id, made) = (Secrets::default(), FileId::generate(), UnixMillis(1_800_000_000_000));
        secrets.replace(&[[1; 32]]);
        let until = made.plus(FILE_LINK_LIFE);
        assert_eq!(until, made.plus(std::time::Duration::from_mins(5)));
        let signature = secrets.file_link(id.as_uuid(), Variant::Original.name(), until.0).unwrap();
        let link = LinkQuery { expires: until.0.to_string(), signature };
        assert!(link.holds(&secrets, id, Variant::Original, made));
        assert!(link.holds(&secrets, id, Variant::Original, until));
        assert!(!link.holds(&secrets, id, Variant::Original, UnixMillis(until.0 + 1)), "it is too late");
        assert!(!link.holds(&secrets, id, Variant::Thumbnail, made));
        assert!(!link.holds(&secrets, FileId::generate(), Variant::Original, made));
        let later = LinkQuery { expires: (until.0 + 1).to_string(), ..link };
        assert!(!later.holds(&secrets, id, Variant::Original, made));
    }
}
