//! Word filters as a process applies them, to what it is about to append: that of the server, then that of the room.
//!
//! The server's filter is read again every two seconds, so a change holds everywhere soon; until it was read once, nothing can
//! be said. That of a room has a version,
//! which the rights to the room name; whoever sets it raises the version of the rights as well, so that no message is
//! appended under an older one after the answer. Compiled filters are remembered by their version.

use std::sync::Arc;

use moka::sync::Cache;
use parking_lot::RwLock;
use rookery_filter::WordFilter;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MessageChanged};
use rookery_protocol::filter::{FilterMode, FilterRules};
use rookery_protocol::id::RoomId;
use tokio::time::sleep;

use crate::authority::{AuthorityError, FilterSource, Permission, VersionedFilter};
use crate::limits::{FILTER_FIRST_POLL_INTERVAL, FILTER_POLL_INTERVAL, FILTERS_REMEMBERED_MAX};

/// A filter that is ready.
struct Compiled {
    version: u64,
    mode: FilterMode,
    words: WordFilter,
}

impl Compiled {
    fn new(VersionedFilter { version, rules }: &VersionedFilter) -> Self {
        let FilterRules { mode, words, allow, builtin } = rules;
        let words = match mode {
            FilterMode::Off => WordFilter::default(),
            FilterMode::Mask | FilterMode::Reject => WordFilter::new(words.iter(), allow.iter(), *builtin),
        };
        Self { version: *version, mode: *mode, words }
    }

    /// The text as it may be sent; none if it may be sent as it is.
    fn apply(&self, text: &str) -> Result<Option<String>, AuthorityError> {
        match self.mode {
            FilterMode::Off => Ok(None),
            FilterMode::Mask => Ok(self.words.mask(text)),
            FilterMode::Reject if self.words.find(text).is_empty() => Ok(None),
            FilterMode::Reject => Err(AuthorityError::Refused(ErrorCode::Filtered)),
        }
    }
}

/// The filters of a process.
pub struct Filters {
    source: Arc<dyn FilterSource>,
    /// None until the source has answered.
    server: RwLock<Option<Arc<Compiled>>>,
    rooms: Cache<(RoomId, u64), Arc<Compiled>>,
}

impl Filters {
    /// Everything that would be filtered is unavailable until the source has answered.
    pub fn new(source: Arc<dyn FilterSource>) -> Arc<Self> {
        Arc::new(Self { source, server: RwLock::default(), rooms: Cache::new(FILTERS_REMEMBERED_MAX) })
    }

    fn of_server(&self) -> Result<Arc<Compiled>, AuthorityError> {
        let unknown = || AuthorityError::Unavailable("the word filter is not known yet".to_owned());
        self.server.read().clone().ok_or_else(unknown)
    }

    /// Applies the filters to the text of an event, whose id stays that of the text as it was sent. Refused with
    /// [`ErrorCode::Filtered`] where unwelcome words are refused.
    pub async fn apply(&self, permission: &Permission, event: &mut Event) -> Result<(), AuthorityError> {
        let Some(content) = content(event) else { return Ok(()) };
        if let Some(masked) = self.of_server()?.apply(content)? {
            *content = masked;
        }
        if let Some(version) = permission.filter {
            let filter = self.of_room(permission.room, version).await?;
            if let Some(masked) = filter.apply(content)? {
                *content = masked;
            }
        }
        Ok(())
    }

    /// Whether the server's filter has nothing against a name, nor that of a room, if it is about one with a filter. Names
    /// are never masked.
    pub async fn allows(&self, name: &str, room: Option<(RoomId, u64)>) -> Result<bool, AuthorityError> {
        let of_room = match room {
            None => None,
            Some((room, version)) => Some(self.of_room(room, version).await?),
        };
        Ok([Some(self.of_server()?), of_room]
            .into_iter()
            .flatten()
            .all(|filter| filter.words.find(name).is_empty()))
    }

    /// Takes over the server's filter if it is another one.
    pub async fn look(&self) -> Result<(), AuthorityError> {
        let known = self.server.read().as_ref().map(|known| known.version);
        let newer = self.source.server_filter(known.unwrap_or_default()).await?;
        if newer.is_some() || known.is_none() {
            *self.server.write() = Some(Arc::new(Compiled::new(&newer.unwrap_or_default())));
        }
        Ok(())
    }

    /// Does so again and again, and at first more often.
    pub async fn follow(self: Arc<Self>) {
        loop {
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "filter not looked at");
            }
            let is_known = self.server.read().is_some();
            sleep(if is_known { FILTER_POLL_INTERVAL } else { FILTER_FIRST_POLL_INTERVAL }).await;
        }
    }

    async fn of_room(&self, room: RoomId, version: u64) -> Result<Arc<Compiled>, AuthorityError> {
        if let Some(known) = self.rooms.get(&(room, version)) {
            return Ok(known);
        }
        let filter = Arc::new(Compiled::new(&self.source.room_filter(room).await?));
        // It may be newer than the one that was asked for, and is then right as well.
        self.rooms.insert((room, version), Arc::clone(&filter));
        Ok(filter)
    }
}

fn content(event: &mut Event) -> Option<&mut String> {
    match &mut event.body {
        EventBody::Message(message) => Some(&mut message.content),
        EventBody::MessageChange(MessageChanged::Edited { content, .. }) => Some(content),
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// Refuses all names with one word once it answers.
    #[derive(Default)]
    struct Late(AtomicBool);

    #[async_trait]
    impl FilterSource for Late {
        async fn server_filter(&self, known: u64) -> Result<Option<VersionedFilter>, AuthorityError> {
            if !self.0.load(Ordering::Relaxed) {
                return Err(AuthorityError::Unavailable("not yet".to_owned()));
            }
            let words = serde_json::from_str(r#"["snarfle"]"#).unwrap();
            let rules = FilterRules { mode: FilterMode::Reject, words, ..FilterRules::default() };
            Ok((known == 0).then_some(VersionedFilter { version: 1, rules }))
        }

        async fn room_filter(&self, _room: RoomId) -> Result<VersionedFilter, AuthorityError> {
            Ok(VersionedFilter::default())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_passes_until_the_filter_is_known() {
        let source = Arc::new(Late::default());
        let filters = Filters::new(source.clone());
        tokio::spawn(Arc::clone(&filters).follow());
        sleep(FILTER_POLL_INTERVAL * 2).await;
        assert!(matches!(filters.allows("snarfle", None).await, Err(AuthorityError::Unavailable(_))));
        source.0.store(true, Ordering::Relaxed);
        sleep(FILTER_FIRST_POLL_INTERVAL).await;
        assert_eq!(filters.allows("snarfle", None).await, Ok(false));
        assert_eq!(filters.allows("ada", None).await, Ok(true));
        source.0.store(false, Ordering::Relaxed);
        sleep(FILTER_POLL_INTERVAL * 2).await;
        assert_eq!(filters.allows("snarfle", None).await, Ok(false), "what is known stays");
    }
}
