//! Files that people upload and attach to messages.
//!
//! # Promise
//! * What a file is, its bytes say. Pictures are drawn anew; nothing that could run is shown in a page.
//! * A file belongs to its uploader, then to one message. Who reads the message's room may have it, and nobody else; when the message
//!   goes, nobody may, and its bytes go, too.
//! * A file is known to the store before its first byte is put away, so whatever ends meanwhile, nothing is left that nobody
//!   looks at again (`collector`).

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_media::objects::Objects;
use rookery_media::picture::Pictures;
use rookery_media::spool::SpoolFolder;
use rookery_protocol::access::Action;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{FileId, RoomId, RoomRef, UserId};
use rookery_store::file::{File, FileState, Holder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::files::options::FileOptions;
use crate::files::scan::Scanner;
use crate::files::slots::Slots;
use crate::history;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::idempotency::Idempotency;
use crate::mail::Secrets;
use crate::metrics::Metrics;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;

mod body;
pub(crate) mod collector;
pub mod download;
mod headers;
pub mod kind;
pub mod linked;
pub mod links;
pub mod multipart;
pub mod options;
pub mod remove;
pub mod room_avatars;
mod scan;
mod slots;
pub mod upload;

/// The name of the picture or file itself among the objects of a file.
const ORIGINAL: &str = "original";
/// The name of the small picture.
const THUMBNAIL: &str = "thumbnail";

/// The routes of files.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    FileService: FromRef<S>,
    Idempotency: FromRef<S>,
    Limits: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(upload::upload))
        .routes(routes!(links::links))
        .routes(routes!(download::file, remove::remove))
        .routes(routes!(download::thumbnail))
        .routes(routes!(room_avatars::put, room_avatars::delete))
        .routes(routes!(room_avatars::picture))
        .routes(routes!(linked::file))
        .routes(routes!(linked::thumbnail))
}

/// Takes files in and gives them out. Cheap to clone.
#[derive(Clone)]
pub struct FileService {
    pub(crate) rooms: Rooms,
    pub(crate) objects: Objects,
    pub(crate) pictures: Pictures,
    pub(crate) secrets: Secrets,
    pub(crate) metrics: Metrics,
    spool: SpoolFolder,
    scanner: Scanner,
    slots: Slots,
    settings: LiveSettings,
    options: Arc<FileOptions>,
}

/// What a [`FileService`] is made of.
pub(crate) struct FileParts {
    pub(crate) rooms: Rooms,
    pub(crate) objects: Objects,
    pub(crate) pictures: Pictures,
    pub(crate) secrets: Secrets,
    pub(crate) metrics: Metrics,
    pub(crate) settings: LiveSettings,
    pub(crate) options: FileOptions,
}

impl FileService {
    /// From these parts.
    pub(crate) fn new(parts: FileParts) -> Self {
        let FileParts { rooms, objects, pictures, secrets, metrics, settings, options } = parts;
        let beside = objects.folder().map(|folder| folder.join("uploads"));
        let folder = options.uploads_dir.clone().or(beside).unwrap_or_else(std::env::temp_dir);
        Self {
            rooms,
            objects,
            pictures,
            secrets,
            metrics,
            spool: SpoolFolder::new(folder),
            scanner: Scanner::new(options.scanner.clone()),
            slots: Slots::default(),
            settings,
            options: Arc::new(options),
        }
    }

    /// The origin of its own that files have.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.options.origin.as_ref().map(|origin| origin.address.as_str())
    }

    fn store(&self) -> &dyn rookery_store::Files {
        &*self.rooms.stores.files
    }

    /// Those of these files that are there.
    async fn all_ready(&self, ids: &[FileId]) -> Result<Vec<File>, ApiError> {
        let mut files = self.store().by_ids(ids).await?;
        files.retain(|file| file.state == FileState::Ready);
        self.without_purged(files).await
    }

    /// A file that is there.
    async fn ready(&self, id: FileId) -> Result<File, ApiError> {
        self.all_ready(&[id]).await?.pop().ok_or_else(unknown)
    }

    /// A purge hides what it removes before it is erased.
    async fn without_purged(&self, mut files: Vec<File>) -> Result<Vec<File>, ApiError> {
        let mut rooms: Vec<RoomId> = files.iter().filter_map(File::shown_in).collect();
        rooms.sort_unstable();
        rooms.dedup();
        if rooms.is_empty() {
            return Ok(files);
        }
        let stores = &self.rooms.stores;
        let purges = stores.purges.hiding(&rooms, Self::now()).await?;
        let may_be_purged = |file: &File| {
            let room = file.shown_in();
            purges.iter().any(|purge| purge.user == file.owner && Some(purge.room) == room)
        };
        let mut erased = Vec::new();
        for file in files.iter().filter(|file| may_be_purged(file)) {
            if let (Some(Holder::Message(message)), Some(room)) = (file.holder, file.room) {
                let found = history::find_message(stores, &*self.rooms.log, (room, message), &[]).await?;
                if found.is_some_and(|found| found.state.deleted) {
                    erased.push(file.id);
                }
            }
        }
        files.retain(|file| !erased.contains(&file.id));
        Ok(files)
    }

    /// A file that is there, if the user may have it: the uploader, and who reads the room it is shown in. Everybody else is
    /// answered as if there were none.
    async fn readable(&self, user: UserId, id: FileId) -> Result<File, ApiError> {
        let file = self.ready(id).await?;
        if file.owner == user {
            return Ok(file);
        }
        let room = file.shown_in().ok_or_else(unknown)?;
        let may_have = self.reads(user, room).await? && self.is_shown(&file).await?;
        if may_have { Ok(file) } else { Err(unknown()) }
    }

    /// Whether the user reads in a room.
    async fn reads(&self, user: UserId, room: RoomId) -> Result<bool, ApiError> {
        match self.rooms.find(user, &RoomRef::Id(room), Action::Read).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn now() -> UnixMillis {
        UnixMillis::now()
    }
}

/// Where the bytes of a file are.
fn object(id: FileId, name: &str) -> String {
    format!("{}/{name}", folder_of(id))
}

fn folder_of(id: FileId) -> String {
    format!("files/{id}")
}

fn unknown() -> ApiError {
    ApiError::refused(ErrorCode::NotFound)
}
