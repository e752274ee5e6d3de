//! `GET /api/v1/files/{file}` and its small picture.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::FileId;
use rookery_store::file::File;

use crate::error::ApiError;
use crate::files::headers::{AskedHeaders, Part, disposition};
use crate::files::kind::is_shown_inline;
use crate::files::{FileService, ORIGINAL, THUMBNAIL, object, unknown};
use crate::http::extract::{Caller, IdPath};
use crate::http::{RESOURCE_POLICY, matches_etag};

/// Even as a page of its own it runs nothing, loads nothing and is shown in nobody's frame.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// Whoever keeps it asks each time whether it may still be had.
const ASK_AGAIN: &str = "private, no-cache";

/// What of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    Original,
    Thumbnail,
}

impl Variant {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Original => ORIGINAL,
            Self::Thumbnail => THUMBNAIL,
        }
    }
}

/// A file
///
/// For who has uploaded it, and for who reads in the room of the message that it is attached to.
#[utoipa::path(
    get,
    path = "/api/v1/files/{file}",
    operation_id = "get_file",
    tag = "files",
    security(("bearer" = [])),
    params(("file" = Uuid, Path, description = "Id of the file")),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "application/octet-stream"))),
        (status = 206, description = "The part that `Range` asks for", content((Vec<u8> = "application/octet-stream"))),
        (status = 304, description = "It is the one that you have"),
        (status = 404, description = "`not_found`, also for files that you may not have"),
        (status = 416, description = "`bad_range`: `Range` asks for what is not there, or for several parts"),
    ),
)]
pub async fn file(
    State(files): State<FileService>,
    caller: Caller,
    IdPath(id): IdPath<FileId>,
    AskedHeaders(headers): AskedHeaders,
) -> Result<Response, ApiError> {
    let file = files.readable(caller.user_id, id).await?;
    files.answer(&file, Variant::Original, &headers, "same-origin").await
}

/// The small picture of a file
///
/// Of a PNG, JPEG, WebP or GIF picture, with at most 320 pixels a side.
#[utoipa::path(
    get,
    path = "/api/v1/files/{file}/thumbnail",
    operation_id = "get_file_thumbnail",
    tag = "files",
    security(("bearer" = [])),
    params(("file" = Uuid, Path, description = "Id of the file")),
    responses(
        (status = 200, description = "The picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 206, description = "The part that `Range` asks for", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "It is the one that you have"),
        (status = 404, description = "`not_found`, also for files that you may not have, and for what is no picture"),
        (status = 416, description = "`bad_range`: `Range` asks for what is not there, or for several parts"),
    ),
)]
pub async fn thumbnail(
    State(files): State<FileService>,
    caller: Caller,
    IdPath(id): IdPath<FileId>,
    AskedHeaders(headers): AskedHeaders,
) -> Result<Response, ApiError> {
    let file = files.readable(caller.user_id, id).await?;
    files.answer(&file, Variant::Thumbnail, &headers, "same-origin").await
}

impl FileService {
    /// The answer with a file that somebody may have.
    pub(super) async fn answer(
        &self,
        file: &File,
        variant: Variant,
        asked: &HeaderMap,
        shared_with: &'static str,
    ) -> Result<Response, ApiError> {
        let size = match variant {
            Variant::Original => file.size,
            Variant::Thumbnail => file.thumbnail.ok_or_else(unknown)?,
        };
        // A file never changes.
        let tag = format!("\"{}-{}\"", file.id.as_uuid().simple(), variant.name());
        let mut headers = HeaderMap::new();
        let mut set =
            |name: HeaderName, value: &str| HeaderValue::from_str(value).map(|value| headers.insert(name, value));
        let kept = [
            set(ETAG, &tag),
            set(CACHE_CONTROL, ASK_AGAIN),
            set(CONTENT_SECURITY_POLICY, POLICY),
            set(RESOURCE_POLICY, shared_with),
            set(ACCEPT_RANGES, "bytes"),
        ];
        debug_assert!(kept.iter().all(Result::is_ok), "they are plain texts");
        if asked.get(IF_NONE_MATCH).is_some_and(|known| matches_etag(known, &tag)) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let is_same = asked.get(IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
        let part = match Part::of(asked.get(RANGE).filter(|_| is_same), size) {
            Part::Whole => None,
            Part::Bytes(part) => Some(part),
            Part::Unsatisfiable => {
                let mut refused = ApiError::refused(ErrorCode::BadRange).into_response();
                refused.headers_mut().insert(CONTENT_RANGE, number(format!("bytes */{size}")));
                return Ok(refused);
            }
        };
        let opened = self.objects.open_part(&object(file.id, variant.name()), part.clone()).await;
        let bytes = self.counted(opened)?.ok_or_else(unknown)?;
        let status = match &part {
            Some(part) => {
                headers.insert(CONTENT_RANGE, number(format!("bytes {}-{}/{size}", part.start, part.end - 1)));
                StatusCode::PARTIAL_CONTENT
            }
            None => StatusCode::OK,
        };
        let length = part.map_or(size, |part| part.end - part.start);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(CONTENT_TYPE, content_type(file, variant));
        headers.insert(CONTENT_DISPOSITION, disposition(is_shown_inline(&file.media_type), &file.name));
        self.metrics.downloads.with_label_values(&[variant.name()]).inc();
        Ok((status, headers, Body::from_stream(bytes)).into_response())
    }
}

fn number(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// A small picture is written like the large one, but does not move.
fn content_type(file: &File, variant: Variant) -> HeaderValue {
    let text = if file.media_type == "image/gif" && variant == Variant::Thumbnail {
        "image/png".to_owned()
    } else if file.media_type.starts_with("text/") {
        format!("{}; charset=utf-8", file.media_type)
    } else {
        file.media_type.clone()
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
