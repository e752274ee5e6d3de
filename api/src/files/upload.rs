//! `POST /api/v1/files`: an upload waits on the disk, a piece at a time, until it is known what it is.

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use ring::digest::{Context, Digest, SHA256};
use rookery_media::limits::PICTURE_BYTES_MAX;
use rookery_media::picture::kind_of;
use rookery_media::spool::{Spool, SpoolError};
use rookery_protocol::cost::Work;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{FileId, UserId};
use rookery_store::file::{File, FileState, Pixels, Usage, name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::ApiError;
use crate::files::body::Incoming;
use crate::files::kind::{HEAD_BYTES, Kind};
use crate::files::multipart::{self, FormFile};
use crate::files::slots::Slot;
use crate::files::{FileService, ORIGINAL, THUMBNAIL, object};
use crate::http::extract::{Caller, QueryParams};
use crate::idempotency::{Accepted, Idempotency, Key};
use crate::limits::{FILE_ARRIVAL_MAX, FILE_UNATTACHED_KEPT, FILES_PER_USER_MAX};

/// What an upload is called.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Name of the file; what cannot be part of one is left out. If not given, that of the form's field, or `file`.
    #[param(example = "holiday.jpg")]
    name: Option<String>,
}

/// A file that you have uploaded.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileView {
    /// Its id, for messages.
    file_id: Uuid,
    /// Its name.
    #[schema(max_length = 120)]
    name: String,
    /// What it is.
    #[serde(rename = "type")]
    #[schema(example = "image/png")]
    media_type: String,
    /// Its bytes: of a picture, as it was drawn anew.
    size: u64,
    /// Pixels from left to right; absent if it is no picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    width: Option<u32>,
    /// Pixels from top to bottom; absent if it is no picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    height: Option<u32>,
    /// Whether there is a small picture of it.
    thumbnail: bool,
}

impl From<&File> for FileView {
    fn from(file: &File) -> Self {
        Self {
            file_id: file.id.as_uuid(),
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.size,
            width: file.pixels.map(|pixels| pixels.width),
            height: file.pixels.map(|pixels| pixels.height),
            thumbnail: file.thumbnail.is_some(),
        }
    }
}

/// What a request wants.
struct Asked {
    owner: UserId,
    name: Option<String>,
    key: Option<Key>,
}

/// What came in, and what its sender says of it.
struct Received {
    spool: Spool,
    name: String,
    media_type: Option<String>,
    digest: Digest,
    slot: Option<Slot>,
}

impl Received {
    /// What makes it the same upload as another. The boundary of a form does not: it differs each time.
    fn identity(&self) -> [Vec<u8>; 3] {
        let said = format!("file\0{}\0{}\0", self.name, self.media_type.as_deref().unwrap_or_default());
        [said.into_bytes(), self.spool.size().to_be_bytes().to_vec(), self.digest.as_ref().to_vec()]
    }
}

/// What is put away.
struct Contents {
    original: Spool,
    media_type: &'static str,
    pixels: Option<Pixels>,
    thumbnail: Option<bytes::Bytes>,
}

/// Upload a file
///
/// As the body itself, or as the field `file` of a form. What it is, its bytes say; a `Content-Type` or an ending of the name that says
/// something else is refused. PNG, JPEG, WebP and GIF pictures are drawn anew, without what they say beside the picture; HEIF and
/// AVIF pictures cannot be, and are not taken. Attach it to a message within 24 hours; until then only you see it.
#[utoipa::path(
    post,
    path = "/api/v1/files",
    operation_id = "upload_file",
    tag = "files",
    security(("bearer" = [])),
    params(UploadQuery),
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, description = "It is there", body = FileView),
        (status = 400, description = "`bad_field`: it did not come to its end, or the form has no file, or two; `bad_image`: a picture that is broken, is something else as well, or has too many pixels"),
        (status = 403, description = "`quota_exceeded`"),
        (status = 408, description = "`request_timeout`: nothing came for 30 seconds, or not all of it within 10 minutes"),
        (status = 413, description = "`file_too_large`"),
        (status = 415, description = "`file_type_refused`: of a kind that is not taken, or not of the kind that you say"),
        (status = 422, description = "`file_infected`"),
        (status = 429, description = "`too_many_uploads`: 4 of yours are under way"),
        (status = 507, description = "`storage_full`"),
    ),
)]
pub async fn upload(
    State(files): State<FileService>,
    State(keys): State<Idempotency>,
    caller: Caller,
    QueryParams(UploadQuery { name }): QueryParams<UploadQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let (owner, key) = (caller.user_id, Key::of(caller.user_id, request.headers())?);
    let received = files.take_in(Asked { owner, name, key }, request).await;
    let received = received.inspect_err(|error| files.count(Err(error)))?;
    let Some(key) = key else {
        return files.keep(owner, received).await.map(IntoResponse::into_response);
    };
    // A repeat is sent in whole: only the bytes say whether it is the same.
    let what = received.identity();
    let what: Vec<&[u8]> = what.iter().map(Vec::as_slice).collect();
    let work = async move {
        let kept = files.keep(owner, received).await;
        (kept.map_or_else(ApiError::into_response, IntoResponse::into_response), Accepted::Final)
    };
    keys.once(key, &what, FILE_ARRIVAL_MAX, work).await
}

impl FileService {
    /// Takes the bytes in; it holds a place among the uploads of its user until they are put away.
    async fn take_in(&self, asked: Asked, request: Request) -> Result<Received, ApiError> {
        let Asked { owner, name, key } = asked;
        self.objects.require()?;
        let slot = self.slots.take(owner)?;
        self.rooms.limits.spend(owner, Work::Upload).await?;
        let (parts, body) = request.into_parts();
        let declared = body.size_hint().lower();
        let settings = self.settings.now();
        let most = settings.file_bytes_max.saturating_add(multipart::BESIDE_BYTES_MAX);
        if declared > most {
            return Err(ApiError::refused(ErrorCode::FileTooLarge));
        }
        // What is sent again may have taken the last of it the first time.
        if key.is_none() {
            let used = self.store().usage(owner).await?;
            if used.files >= FILES_PER_USER_MAX || used.bytes >= settings.user_quota_bytes {
                return Err(ApiError::refused(ErrorCode::QuotaExceeded));
            }
        }
        let received = self.receive(&parts.headers, body, name, declared).await?;
        Ok(Received { slot: Some(slot), ..received })
    }

    /// Looks at what came, and puts it away.
    async fn keep(&self, owner: UserId, mut received: Received) -> Result<(StatusCode, Json<FileView>), ApiError> {
        let _slot = received.slot.take();
        let kept = match self.examine(received).await {
            Ok((name, contents)) => self.put_away(owner, name, contents).await,
            Err(error) => Err(error),
        };
        self.count(kept.as_ref());
        let file = kept?;
        self.metrics.uploaded_bytes.inc_by(file.bytes());
        tracing::debug!(file_id = %file.id, size = file.size, "file uploaded");
        Ok((StatusCode::CREATED, Json(FileView::from(&file))))
    }

    fn count(&self, kept: Result<&File, &ApiError>) {
        let result = match kept {
            Ok(_) => "stored",
            Err(error) if error.status().is_server_error() => "failed",
            Err(_) => "refused",
        };
        self.metrics.uploads.with_label_values(&[result]).inc();
    }

    /// Takes the bytes from the network onto the disk.
    async fn receive(
        &self,
        headers: &HeaderMap,
        body: Body,
        name: Option<String>,
        declared: u64,
    ) -> Result<Received, ApiError> {
        let (mut spool, mut hashing) = (self.spool.begin(declared).await?, Context::new(&SHA256));
        let most = self.settings.now().file_bytes_max;
        let Some(boundary) = multipart::boundary(headers)? else {
            let mut incoming = Incoming::new(body, most);
            while let Some(bytes) = incoming.next().await? {
                hashing.update(&bytes);
                spool.add(&bytes).await?;
            }
            let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let name = name::of(&name.unwrap_or_default());
            return Ok(Received { spool, name, media_type, digest: hashing.finish(), slot: None });
        };
        let incoming = Incoming::new(body, most.saturating_add(multipart::BESIDE_BYTES_MAX));
        let mut form = FormFile::begin(incoming, &boundary).await?;
        while let Some(bytes) = form.piece().await? {
            if spool.size() + bytes.len() as u64 > most {
                return Err(ApiError::refused(ErrorCode::FileTooLarge));
            }
            hashing.update(&bytes);
            spool.add(&bytes).await?;
        }
        form.finish().await?;
        let name = name.or(form.name.take()).unwrap_or_default();
        let (name, media_type) = (name::of(&name), form.media_type);
        Ok(Received { spool, name, media_type, digest: hashing.finish(), slot: None })
    }

    /// Finds out what came, and draws what is a picture.
    async fn examine(&self, received: Received) -> Result<(String, Contents), ApiError> {
        let Received { mut spool, name, media_type, .. } = received;
        spool.rewind().await?;
        let head = spool.part(HEAD_BYTES).await?;
        let kind = Kind::of(&head).filter(|kind| kind.agrees(media_type.as_deref(), &name));
        let kind = kind.ok_or_else(|| ApiError::refused(ErrorCode::FileTypeRefused))?;
        self.scanner.check(&mut spool).await?;
        if !kind.is_drawn() {
            let contents = Contents { original: spool, media_type: kind.media_type, pixels: None, thumbnail: None };
            return Ok((name, contents));
        }
        if spool.size() > PICTURE_BYTES_MAX {
            return Err(ApiError::refused(ErrorCode::FileTooLarge));
        }
        let place = self.pictures.enter()?;
        let drawn = self.pictures.redraw(place, spool.whole().await?).await?;
        let mut original = self.spool.begin(drawn.picture.len() as u64).await?;
        original.add(&drawn.picture).await?;
        let contents = Contents {
            original,
            media_type: kind_of(&drawn.picture).media_type(),
            pixels: Some(Pixels { width: drawn.width, height: drawn.height }),
            thumbnail: Some(drawn.thumbnail),
        };
        Ok((name, contents))
    }

    /// Makes it known to the store, then puts its bytes away, then says that it is there.
    async fn put_away(&self, owner: UserId, name: String, contents: Contents) -> Result<File, ApiError> {
        let Contents { mut original, media_type, pixels, thumbnail } = contents;
        let now = Self::now();
        let file = File {
            id: FileId::generate(),
            owner,
            name,
            media_type: media_type.to_owned(),
            size: original.size(),
            pixels,
            thumbnail: thumbnail.as_ref().map(|bytes| bytes.len() as u64),
            state: FileState::Arriving,
            holder: None,
            room: None,
            held_at: None,
            check_at: Some(now.plus(FILE_ARRIVAL_MAX)),
            created_at: now,
        };
        let most = Usage { files: FILES_PER_USER_MAX, bytes: self.settings.now().user_quota_bytes };
        if !self.store().insert(&file, most).await? {
            return Err(ApiError::refused(ErrorCode::QuotaExceeded));
        }
        let put = async {
            self.counted(self.objects.put_spool(&object(file.id, ORIGINAL), &mut original).await)?;
            if let Some(thumbnail) = thumbnail {
                self.counted(self.objects.put(&object(file.id, THUMBNAIL), thumbnail).await)?;
            }
            Ok::<_, ApiError>(())
        };
        if let Err(error) = put.await {
            self.give_up(&file).await;
            return Err(error);
        }
        let check_at = Self::now().plus(FILE_UNATTACHED_KEPT);
        if !self.store().arrived(file.id, check_at).await? {
            // It took so long that it was given up meanwhile.
            return Err(ApiError::refused(ErrorCode::Unavailable));
        }
        Ok(File { state: FileState::Ready, check_at: Some(check_at), ..file })
    }
}

impl From<SpoolError> for ApiError {
    fn from(error: SpoolError) -> Self {
        rookery_media::objects::ObjectError::from(error).into()
    }
}
