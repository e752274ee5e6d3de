//! Takes away what nobody needs: files that were never attached, whose message was not sent, or whose message, room or owner has gone.
//! Every file that may have to go has a time of its next check, so nothing is forgotten, whatever process ends, and two
//! processes at it do no harm.

use async_trait::async_trait;
use rookery_media::objects::ObjectError;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, RoomRef, ScheduleId, UserId};
use rookery_store::StoreError;
use rookery_store::file::{Doomed, File, FileState, Holder};

use crate::accounts::erasure::ErasureStep;
use crate::error::ApiError;
use crate::files::{FileService, ORIGINAL, THUMBNAIL, folder_of};
use crate::history;
use crate::jobs::JobError;
use crate::limits::{FILE_CLAIM_HOLDS, FILE_LOOK_INTERVAL, FILE_UNATTACHED_KEPT, FILES_PER_LOOK};
use crate::periodic::every;
use crate::rooms::avatar;

/// What a check of a file decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// It is needed as long as what it belongs to.
    Keep,
    /// It is needed for now.
    CheckAgain(UnixMillis),
    /// Nobody needs it.
    Erase,
}

impl FileService {
    /// Looks at what is due, again and again. Endless.
    pub(crate) async fn collect(&self) {
        every(FILE_LOOK_INTERVAL, "file collector", || self.collect_due(Self::now())).await;
    }

    async fn collect_due(&self, now: UnixMillis) -> Result<(), ApiError> {
        loop {
            let due = self.store().due(now, FILES_PER_LOOK).await?;
            for file in &due {
                self.check(file, now).await?;
            }
            if due.len() < FILES_PER_LOOK {
                return Ok(());
            }
        }
    }

    async fn check(&self, file: &File, now: UnixMillis) -> Result<(), ApiError> {
        let decision = match (file.state, file.holder, file.room) {
            (FileState::Ready, Some(Holder::Message(id)), Some(room)) => self.with_message(room, id, now).await?,
            (FileState::Ready, Some(Holder::Schedule(id)), _) => self.with_schedule(id, now).await?,
            (FileState::Ready, Some(Holder::Room(id)), _) => {
                let found = self.rooms.stores.rooms.find(&RoomRef::Id(id)).await?;
                let is_shown = found.is_some_and(|room| avatar::file_of(&room) == Some(file.id));
                if is_shown { Decision::Keep } else { Decision::Erase }
            }
            (FileState::Condemned | FileState::Arriving | FileState::Ready, ..) => Decision::Erase,
        };
        match decision {
            Decision::Keep => self.store().check_again(file, None).await?,
            Decision::CheckAgain(at) => self.store().check_again(file, Some(at)).await?,
            Decision::Erase => {
                if self.condemn(file).await? {
                    self.erase(file).await?;
                }
            }
        }
        Ok(())
    }

    /// A message that was not sent within a day is none.
    async fn with_message(&self, room: RoomId, id: MessageId, now: UnixMillis) -> Result<Decision, ApiError> {
        let stores = &self.rooms.stores;
        if stores.messages.message(room, id).await?.is_some() {
            let states = stores.messages.states(&[id], &[]).await?;
            let is_deleted = states.get(&id).is_some_and(|state| state.deleted);
            return Ok(if is_deleted { Decision::Erase } else { Decision::Keep });
        }
        let waits = history::find_message(stores, &*self.rooms.log, (room, id), &[]).await?.is_some();
        Ok(if waits {
            Decision::CheckAgain(now.plus(FILE_UNATTACHED_KEPT))
        } else {
            Decision::Erase
        })
    }

    /// Whether others may have a file of theirs: once its message is there. What is known to be stored is not checked again.
    pub(super) async fn is_shown(&self, file: &File) -> Result<bool, ApiError> {
        if file.is_settled() {
            return Ok(true);
        }
        let (Some(Holder::Message(id)), Some(room)) = (file.holder, file.room) else { return Ok(false) };
        match self.with_message(room, id, Self::now()).await? {
            Decision::Keep => self.store().check_again(file, None).await.map(|()| true).map_err(ApiError::from),
            Decision::CheckAgain(_) => Ok(true),
            Decision::Erase => Ok(false),
        }
    }

    /// The message that a file was to belong to, if it was not sent and is not about to be.
    pub(super) async fn unsent(&self, file: &File) -> Result<Option<Holder>, ApiError> {
        let now = Self::now();
        let is_old = file.held_at.is_some_and(|at| now.since(at) >= FILE_CLAIM_HOLDS);
        match (file.holder, file.room) {
            (Some(holder @ Holder::Message(id)), Some(room)) if is_old && !file.is_settled() => {
                let decision = self.with_message(room, id, now).await?;
                Ok(Some(holder).filter(|_| decision == Decision::Erase))
            }
            _ => Ok(None),
        }
    }

    async fn with_schedule(&self, id: ScheduleId, now: UnixMillis) -> Result<Decision, StoreError> {
        let found = self.rooms.stores.schedules.get(id).await?;
        let waits = found.filter(|schedule| schedule.state.is_pending());
        Ok(waits.map_or(Decision::Erase, |schedule| {
            Decision::CheckAgain(schedule.send_at.max(now).plus(FILE_UNATTACHED_KEPT))
        }))
    }

    /// Makes sure that nobody gets it any more; false if it passed to another holder meanwhile.
    async fn condemn(&self, file: &File) -> Result<bool, StoreError> {
        if file.state == FileState::Condemned {
            return Ok(true);
        }
        Ok(self.store().condemn(Doomed::One(file.id, file.holder)).await? > 0)
    }

    /// Erases the bytes, then what is known of it.
    async fn erase(&self, file: &File) -> Result<(), ApiError> {
        let names: &[&str] = if file.thumbnail.is_some() { &[ORIGINAL, THUMBNAIL] } else { &[ORIGINAL] };
        self.counted(self.objects.delete_all(&folder_of(file.id), names).await)?;
        self.store().remove(file.id).await?;
        self.metrics.files_erased.inc();
        tracing::debug!(file_id = %file.id, "file erased");
        Ok(())
    }

    /// Erases one that was condemned, or leaves it to the next look.
    pub(super) async fn erase_soon(&self, file: &File) {
        if let Err(error) = self.erase(file).await {
            tracing::debug!(%error, file_id = %file.id, "file is erased later");
        }
    }

    /// Takes back one whose bytes were not put away.
    pub(super) async fn give_up(&self, file: &File) {
        match self.store().condemn(Doomed::One(file.id, None)).await {
            Ok(_) => self.erase_soon(file).await,
            Err(error) => tracing::debug!(%error, file_id = %file.id, "file is erased later"),
        }
    }

    pub(super) fn counted<T>(&self, outcome: Result<T, ObjectError>) -> Result<T, ObjectError> {
        outcome.inspect_err(|_| self.metrics.object_failures.inc())
    }
}

#[async_trait]
impl ErasureStep for FileService {
    /// What was sent stays, like what was said. Everything else goes at once.
    async fn erase(&self, user: UserId) -> Result<u64, JobError> {
        let gone = self.store().condemn(Doomed::Unattached(user)).await?;
        let mut after = None;
        loop {
            let page = self.store().of_user(user, after, FILES_PER_LOOK).await?;
            after = page.last().map(|file| file.id);
            for file in page.iter().filter(|file| file.state == FileState::Condemned) {
                Self::erase(self, file).await?;
            }
            if page.len() < FILES_PER_LOOK {
                return Ok(gone);
            }
        }
    }
}
