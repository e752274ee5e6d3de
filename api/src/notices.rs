//! Notices: the inbox of each user, kept in the store and told live to every device.
//!
//! Whoever does something that concerns somebody tells it with [`Notices::tell`]. What is told twice is one notice: its id
//! says what it is about and for whom. A notice that cannot be made stops nothing of what it is about.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::FromRef;
use moka::sync::Cache;
use rookery_bus::PubSub;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{NoticeId, RoomId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::position::Position;
use rookery_protocol::server::UserFrame;
use rookery_store::job::Job;
use rookery_store::notice::{Notice, NoticeKind, Occasion};
use rookery_store::preference::PreferencesChange;
use rookery_store::user::NotificationLevel;
use rookery_store::{Blocks, Preferences, StoreError, Stores, Unread, Users};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::limits::{
    INBOX_TRIM_INTERVAL, INBOX_TRIMS_MAX, NOTICE_KEPT, NOTICE_PURGE_INTERVAL, NOTICE_PURGE_MAX, NOTICES_PER_USER_MAX,
};
use crate::metrics::Metrics;
use crate::periodic::every;
use crate::push::Push;

pub mod acts;
pub mod announcing;
pub mod feed;
pub mod list;
pub mod read;
pub(crate) mod said;

/// The routes of the inbox.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Notices: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(read::read))
}

/// Tells users what concerns them. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    store: Arc<dyn rookery_store::Notices>,
    blocks: Arc<dyn Blocks>,
    unread: Arc<dyn Unread>,
    preferences: Arc<dyn Preferences>,
    users: Arc<dyn Users>,
    bus: Arc<dyn PubSub>,
    push: Push,
    metrics: Metrics,
    /// Whose inboxes were cut to their bound of late.
    trimmed: Cache<UserId, ()>,
}

impl Notices {
    /// Into these stores, and live over this bus.
    pub(crate) fn new(stores: &Stores, bus: Arc<dyn PubSub>, push: Push, metrics: Metrics) -> Self {
        let trimmed = Cache::builder().max_capacity(INBOX_TRIMS_MAX).time_to_live(INBOX_TRIM_INTERVAL).build();
        let (store, blocks, unread) =
            (Arc::clone(&stores.notices), Arc::clone(&stores.blocks), Arc::clone(&stores.unread));
        let (preferences, users) = (Arc::clone(&stores.preferences), Arc::clone(&stores.users));
        Self { store, blocks, unread, preferences, users, bus, push, metrics, trimmed }
    }

    /// Tells these users, but for the one who caused it. What it is about has happened by then, so a failure is counted and
    /// logged and stops nobody.
    pub async fn tell(&self, to: &[UserId], occasion: &Occasion) {
        let all: Vec<(UserId, Occasion)> = to.iter().map(|to| (*to, occasion.clone())).collect();
        if let Err(error) = self.tell_all(all).await {
            self.metrics.notice_failures.inc();
            tracing::warn!(%error, kind = occasion.kind.as_str(), "a notice was not made");
        }
    }

    /// The pushes of what these users were told, as long as they are known.
    pub(crate) async fn pushes(&self, told: &[(UserId, Occasion)]) -> Result<Vec<Job>, StoreError> {
        let mut notices = Vec::new();
        for (to, occasion) in told {
            // Made by now, it has the id of the one that was made then.
            let id = occasion.notice(*to, UnixMillis::now()).id;
            notices.extend(self.store.get(*to, id).await?.filter(|notice| notice.message == occasion.message));
        }
        self.push.of(&notices).await
    }

    /// Takes back what these users were told of this occasion.
    pub async fn withdraw(&self, kind: NoticeKind, of: Uuid, to: &[UserId]) -> Result<(), StoreError> {
        self.store.withdraw(kind, of, to).await.map(drop)
    }

    /// Tells many things at once.
    pub(crate) async fn tell_all(&self, mut all: Vec<(UserId, Occasion)>) -> Result<(), StoreError> {
        all.retain(|(to, occasion)| occasion.by != Some(*to));
        let all = self.without_blocked(all).await?;
        let now = UnixMillis::now();
        let all = self.without_unwanted(all, now).await?;
        let notices: Vec<Notice> = all.iter().map(|(to, occasion)| occasion.notice(*to, now)).collect();
        let new: HashSet<NoticeId> = self.store.add(&notices).await?.into_iter().collect();
        let mut unread = Vec::new();
        for notice in notices.into_iter().filter(|notice| new.contains(&notice.id)) {
            self.metrics.notices.with_label_values(&[notice.kind.as_str()]).inc();
            self.trim(notice.to).await;
            // It is in the inbox by now: whoever is told too much is better off than whoever is told nothing.
            let is_read = self.is_read_by_now(&notice).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "it is not known whether a notice is read by now");
                false
            });
            if !is_read {
                self.send(notice.to, UserFrame::Notification(notice.clone().view())).await;
                unread.push(notice);
            }
        }
        if let Err(error) = self.push.tell(&unread).await {
            // The inbox has them; made anew they would be none.
            self.metrics.notice_failures.inc();
            tracing::warn!(%error, notices = unread.len(), "notices are not pushed");
        }
        Ok(())
    }

    /// Without what users do not want to be told of what is said: in this room, else in all of them.
    async fn without_unwanted(
        &self,
        all: Vec<(UserId, Occasion)>,
        now: UnixMillis,
    ) -> Result<Vec<(UserId, Occasion)>, StoreError> {
        let said = all.iter().filter(|(_, occasion)| occasion.place.is_some());
        let places: HashSet<(RoomId, UserId)> =
            said.filter_map(|(to, occasion)| occasion.room.map(|room| (room, *to))).collect();
        if places.is_empty() {
            return Ok(all);
        }
        let told: HashSet<UserId> = places.iter().map(|(_, user)| *user).collect();
        let chosen = self.preferences.among(&places.into_iter().collect::<Vec<_>>()).await?;
        let users = self.users.by_ids(&told.into_iter().collect::<Vec<_>>()).await?;
        let levels: HashMap<UserId, NotificationLevel> =
            users.into_iter().map(|user| (user.id, user.settings.notifications.level)).collect();
        let is_wanted = |(to, occasion): &(UserId, Occasion)| {
            let chosen = occasion.room.and_then(|room| chosen.get(&(room, *to)).copied()).unwrap_or_default();
            let level = levels.get(to).copied().unwrap_or_default();
            occasion.place.is_none() || chosen.wants(occasion.kind, level, now)
        };
        Ok(all.into_iter().filter(is_wanted).collect())
    }

    /// The room is read: it is no longer marked as unread.
    pub(crate) async fn unmark(&self, user: UserId, room: RoomId) -> Result<(), StoreError> {
        if !self.preferences.get(user, room).await?.marked_unread {
            return Ok(());
        }
        let change = PreferencesChange { marked_unread: Some(false), ..PreferencesChange::default() };
        let preferences = self.preferences.change(user, room, &change).await?.view();
        self.send(user, UserFrame::RoomPreferences { room, preferences }).await;
        Ok(())
    }

    /// The room was read up to there: what its notices were about is seen.
    pub(crate) async fn room_read(&self, user: UserId, room: RoomId, upto: Position) -> Result<(), StoreError> {
        let count = self.store.read_room(user, room, upto).await?;
        if count > 0 {
            self.send(user, UserFrame::NotificationsRead { count, up_to: None, room: Some(room) })
                .await;
            self.clear(user, Some(room)).await;
        }
        Ok(())
    }

    /// Devices that show something of the room, or of the inbox, take it away.
    pub(crate) async fn clear(&self, user: UserId, room: Option<RoomId>) {
        if let Err(error) = self.push.read(user, room).await {
            tracing::debug!(%error, "devices go on showing what was read");
        }
    }

    /// Who reads a room while a notice of it is made has cleared it before it was there. The mark is looked at once it is,
    /// so that one of the two finds the other.
    async fn is_read_by_now(&self, notice: &Notice) -> Result<bool, StoreError> {
        let (Some(room), Some(place)) = (notice.room, notice.place) else { return Ok(false) };
        let mark = self.unread.marks(notice.to, &[room]).await?.pop().map(|member| member.read);
        match mark.filter(|mark| place <= *mark) {
            Some(mark) => self.store.read_room(notice.to, room, mark).await.map(|_| true),
            None => Ok(false),
        }
    }

    /// Tells every device of a user. It may be lost: the store has the truth.
    pub(crate) async fn send(&self, user: UserId, frame: UserFrame) {
        if let Err(error) = self.bus.notify_user(user, &UserNews::Frame { frame }).await {
            tracing::debug!(%error, "devices not told");
        }
    }

    /// A block silences what people say to each other, whoever has blocked whom.
    async fn without_blocked(&self, all: Vec<(UserId, Occasion)>) -> Result<Vec<(UserId, Occasion)>, StoreError> {
        let mut personal: HashMap<UserId, Vec<UserId>> = HashMap::new();
        for (to, occasion) in all.iter().filter(|(_, occasion)| occasion.is_personal()) {
            if let Some(by) = occasion.by {
                personal.entry(by).or_default().push(*to);
            }
        }
        let mut blocked = HashSet::new();
        for (by, to) in personal {
            let between = self.blocks.between(by, &to).await?;
            blocked.extend(between.into_iter().map(|to| (to, by)));
        }
        let is_heard = |(to, occasion): &(UserId, Occasion)| {
            !occasion.is_personal() || occasion.by.is_none_or(|by| !blocked.contains(&(*to, by)))
        };
        Ok(all.into_iter().filter(is_heard).collect())
    }

    /// Cuts an inbox to its bound, now and then.
    async fn trim(&self, user: UserId) {
        if self.trimmed.contains_key(&user) {
            return;
        }
        self.trimmed.insert(user, ());
        match self.store.trim(user, NOTICES_PER_USER_MAX).await {
            Ok(gone) => self.metrics.notices_trimmed.inc_by(gone),
            Err(error) => tracing::debug!(%error, "an inbox was not cut"),
        }
    }

    /// Forgets old notices, again and again. Every api does; twice is as good as once.
    pub(crate) async fn purge(&self) {
        let purge = || self.store.purge(UnixMillis::now().minus(NOTICE_KEPT), NOTICE_PURGE_MAX);
        every(NOTICE_PURGE_INTERVAL, "notice purge", purge).await;
    }
}
