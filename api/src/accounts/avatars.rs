//! The pictures of accounts, and what becomes of those that are replaced.
//!
//! Objects and store are no one step. So before a picture is put there is a job that looks at it again, and one before it is
//! replaced: whatever ends meanwhile, in a minute nothing is left that no account shows.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use rookery_media::objects::{ObjectError, Objects};
use rookery_media::picture::{PictureError, PicturePlace, Pictures};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_store::change::Change;
use rookery_store::job::Job;
use rookery_store::user::{User, UserChange};
use rookery_store::{StoreError, Users};
use serde::{Deserialize, Serialize};

use crate::accounts::erasure::{ErasureStep, count};
use crate::error::ApiError;
use crate::jobs::{Handler, JobError, JobQueue, Order, job_payload};
use crate::limits::{AVATAR_LOOK_AFTER, AVATAR_SIDES};
use crate::metrics::Metrics;
use crate::random;

/// Names the picture of an account: 128 random bits as 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AvatarId(String);

/// Keeps the pictures of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Avatars {
    pub(crate) users: Arc<dyn Users>,
    pub(crate) objects: Objects,
    pub(crate) pictures: Pictures,
    pub(crate) jobs: JobQueue,
    pub(crate) metrics: Metrics,
}

/// A picture that is to be looked at: unless the account shows it, it goes.
#[derive(Serialize, Deserialize)]
struct Look {
    user: UserId,
    avatar: AvatarId,
}

/// The kind of these jobs.
const KIND: &str = "avatar";

impl AvatarId {
    fn generate() -> Result<Self, ApiError> {
        Ok(Self(format!("{:032x}", u128::from_be_bytes(random::bytes()?))))
    }

    /// Where it is in a size.
    pub fn address(&self, side: u32) -> String {
        format!("/api/v1/avatars/{self}/{side}")
    }

    fn object(&self, side: u32) -> String {
        format!("avatars/{self}/{side}")
    }
}

impl fmt::Display for AvatarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AvatarId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_ours = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_ours.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl TryFrom<String> for AvatarId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|()| "must be 32 hexadecimal digits")
    }
}

/// Which picture an account shows.
fn avatar_of(user: &User) -> Option<AvatarId> {
    user.profile.avatar.as_deref()?.parse().ok()
}

/// Where the picture of an account is.
pub(crate) fn address_of(user: &User, side: u32) -> Option<String> {
    Some(avatar_of(user)?.address(side))
}

impl Avatars {
    /// The squares of an uploaded picture.
    pub(crate) async fn draw(&self, place: PicturePlace, bytes: Bytes) -> Result<Vec<Bytes>, ApiError> {
        let drawn = self.pictures.squares(place, bytes, AVATAR_SIDES).await;
        let result = match &drawn {
            Ok(_) => "drawn",
            Err(PictureError::Busy) => "busy",
            Err(PictureError::Kind | PictureError::Pixels | PictureError::Broken(_)) => "refused",
        };
        self.metrics.pictures.with_label_values(&[result]).inc();
        Ok(drawn?)
    }

    fn counted<T>(&self, outcome: Result<T, ObjectError>) -> Result<T, ObjectError> {
        outcome.inspect_err(|_| self.metrics.object_failures.inc())
    }

    /// Gives an account a picture of these squares, which have the sides of [`AVATAR_SIDES`].
    pub(crate) async fn put(&self, user: UserId, squares: Vec<Bytes>, now: UnixMillis) -> Result<AvatarId, ApiError> {
        let avatar = AvatarId::generate()?;
        self.look_later(user, &avatar, now).await?;
        let puts = AVATAR_SIDES.iter().zip(squares).map(|(side, bytes)| {
            let name = avatar.object(*side);
            async move { self.counted(self.objects.put(&name, bytes).await) }
        });
        try_join_all(puts).await?;
        let _shown = self.replace(user, Some(&avatar), now).await?;
        Ok(avatar)
    }

    /// Shows another picture of the account, or none; the one before goes. False if there was none and is none.
    pub(crate) async fn replace(
        &self,
        id: UserId,
        avatar: Option<&AvatarId>,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let gone = || ApiError::refused(ErrorCode::Unauthenticated);
        let before = avatar_of(&self.users.by_id(id).await?.ok_or_else(gone)?);
        if before.is_none() && avatar.is_none() {
            return Ok(false);
        }
        if let Some(before) = &before {
            self.look_later(id, before, now).await?;
        }
        let wanted = avatar.map_or(Change::Clear, |avatar| Change::Set(avatar.to_string()));
        let change = UserChange { avatar: wanted, ..UserChange::default() };
        let _changed = self.users.change(id, &change).await?.ok_or_else(gone)?;
        if let Some(before) = before
            && let Err(error) = self.remove(&before).await
        {
            tracing::debug!(%error, user_id = %id, "picture is removed by its job");
        }
        Ok(true)
    }

    /// One of the sizes; none if there is no such picture.
    pub(crate) async fn get(&self, avatar: &AvatarId, side: u32) -> Result<Option<Bytes>, ApiError> {
        Ok(self.counted(self.objects.get(&avatar.object(side)).await)?)
    }

    /// Erases what there is of a picture.
    ///
    /// # Errors
    /// If the object store does not answer.
    pub(crate) async fn remove(&self, avatar: &AvatarId) -> Result<(), ApiError> {
        for side in AVATAR_SIDES {
            self.counted(self.objects.delete(&avatar.object(*side)).await)?;
        }
        Ok(())
    }

    /// Which picture an account shows; none if there is no such account, either.
    async fn shown(&self, user: UserId) -> Result<Option<AvatarId>, StoreError> {
        Ok(self.users.by_id(user).await?.as_ref().and_then(avatar_of))
    }

    /// The job has no account that it is about: it has to be carried out above all when there is none any more.
    async fn look_later(&self, user: UserId, avatar: &AvatarId, now: UnixMillis) -> Result<(), ApiError> {
        let (look, key) = (Look { user, avatar: avatar.clone() }, format!("avatar {avatar} {}", now.0));
        let order = Order { kind: KIND, key: &key, about: None, payload: &look };
        self.jobs.add_later(order, now, now.plus(AVATAR_LOOK_AFTER)).await?;
        Ok(())
    }
}

#[async_trait]
impl Handler for Avatars {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Look { user, avatar } = job_payload(job, "which picture is meant")?;
        if self.shown(user).await?.as_ref() == Some(&avatar) {
            return Ok(());
        }
        Ok(self.remove(&avatar).await?)
    }
}

#[async_trait]
impl ErasureStep for Avatars {
    async fn erase(&self, id: UserId) -> Result<u64, JobError> {
        let Some(avatar) = self.shown(id).await? else { return Ok(0) };
        self.remove(&avatar).await?;
        self.users
            .change(id, &UserChange { avatar: Change::Clear, ..UserChange::default() })
            .await?;
        Ok(count(AVATAR_SIDES.len()))
    }
}
