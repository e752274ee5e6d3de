//! What a user wants of a room: when to be told, and where it stands in the list. Who never chose has the default, which is
//! not kept.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
pub use rookery_protocol::notice::Notify;
use rookery_protocol::notice::{NoticeKind, RoomPreferencesView};

use crate::StoreError;
use crate::change::Change;
use crate::user::NotificationLevel;

/// What one user wants of one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomPreferences {
    /// Of what there are notices; none as the user's settings have it.
    pub notify: Option<Notify>,
    /// Until when there are none.
    pub muted_until: Option<UnixMillis>,
    /// Whether it is one of the user's favourites.
    pub favourite: bool,
    /// Whether it is left out of the list.
    pub hidden: bool,
    /// Whether the user has marked it as unread.
    pub marked_unread: bool,
}

/// A change of them; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreferencesChange {
    /// Of what there are notices.
    pub notify: Option<Notify>,
    /// Until when there are none.
    pub muted_until: Change<UnixMillis>,
    /// Whether it is one of the user's favourites.
    pub favourite: Option<bool>,
    /// Whether it is left out of the list.
    pub hidden: Option<bool>,
    /// Whether the user has marked it as unread.
    pub marked_unread: Option<bool>,
}

impl PreferencesChange {
    /// The preferences after it.
    #[must_use]
    pub fn applied_to(self, before: RoomPreferences) -> RoomPreferences {
        let Self { notify, muted_until, favourite, hidden, marked_unread } = self;
        RoomPreferences {
            notify: notify.or(before.notify),
            muted_until: muted_until.applied_to(before.muted_until),
            favourite: favourite.unwrap_or(before.favourite),
            hidden: hidden.unwrap_or(before.hidden),
            marked_unread: marked_unread.unwrap_or(before.marked_unread),
        }
    }
}

impl RoomPreferences {
    /// Whether a notice of this kind, about something said in the room, is wanted then. What was chosen for the room counts,
    /// else what was chosen for all of them. Everything else that happens there is told in any case.
    pub fn wants(&self, kind: NoticeKind, level: NotificationLevel, now: UnixMillis) -> bool {
        let of_all = match level {
            // Both have direct messages: who wants none of a direct room says so there.
            NotificationLevel::All | NotificationLevel::Mentions => Notify::All,
            NotificationLevel::None => Notify::None,
        };
        match (kind, self.notify.unwrap_or(of_all)) {
            (NoticeKind::Mention | NoticeKind::Reply, Notify::All | Notify::Mentions)
            | (NoticeKind::DirectMessage, Notify::All) => !self.is_muted(now),
            (NoticeKind::Mention | NoticeKind::Reply, Notify::None)
            | (NoticeKind::DirectMessage, Notify::Mentions | Notify::None) => false,
            (_, _) => true,
        }
    }

    /// Whether the room is muted then.
    pub fn is_muted(&self, now: UnixMillis) -> bool {
        self.muted_until.is_some_and(|until| now < until)
    }

    /// As the user's devices are told.
    pub const fn view(self) -> RoomPreferencesView {
        let Self { notify, muted_until, favourite, hidden, marked_unread } = self;
        let notify = match notify {
            Some(notify) => notify,
            None => Notify::All,
        };
        RoomPreferencesView { notify, muted_until, favourite, hidden, marked_unread }
    }
}

/// What users want of rooms.
#[async_trait]
pub trait Preferences: Send + Sync {
    /// Changes what one user wants of one room, and gives it as it is then.
    async fn change(
        &self,
        user: UserId,
        room: RoomId,
        change: &PreferencesChange,
    ) -> Result<RoomPreferences, StoreError>;
    /// What one user wants of one room.
    async fn get(&self, user: UserId, room: RoomId) -> Result<RoomPreferences, StoreError>;
    /// All that a user has chosen, at most `limit` rooms. The order is not promised.
    async fn of_user(&self, user: UserId, limit: usize) -> Result<HashMap<RoomId, RoomPreferences>, StoreError>;
    /// What was chosen at these places; where nothing was, nothing is given.
    async fn among(
        &self,
        places: &[(RoomId, UserId)],
    ) -> Result<HashMap<(RoomId, UserId), RoomPreferences>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_less_is_told_less_and_of_office_in_any_case() {
        let now = UnixMillis(1_000);
        let wants = |notify, muted: Option<i64>, kind| {
            RoomPreferences { notify: Some(notify), muted_until: muted.map(UnixMillis), ..RoomPreferences::default() }
                .wants(kind, NotificationLevel::None, now)
        };
        for (notify, muted, kind, told) in [
            (Notify::All, None, NoticeKind::DirectMessage, true),
            (Notify::All, Some(1_001), NoticeKind::DirectMessage, false),
            (Notify::All, Some(1_000), NoticeKind::DirectMessage, true),
            (Notify::Mentions, None, NoticeKind::Mention, true),
            (Notify::Mentions, None, NoticeKind::Reply, true),
            (Notify::Mentions, None, NoticeKind::DirectMessage, false),
            (Notify::Mentions, Some(2_000), NoticeKind::Mention, false),
            (Notify::None, None, NoticeKind::Mention, false),
            (Notify::None, Some(2_000), NoticeKind::Sanctioned, true),
        ] {
            assert_eq!(wants(notify, muted, kind), told, "{notify:?} {muted:?} {kind:?}");
        }
    }

    #[test]
    fn a_room_without_a_choice_follows_the_settings() {
        let now = UnixMillis(1_000);
        let (plain, muted) = (
            RoomPreferences::default(),
            RoomPreferences { muted_until: Some(UnixMillis(2_000)), ..RoomPreferences::default() },
        );
        for (level, told) in [
            (NotificationLevel::All, true),
            (NotificationLevel::Mentions, true),
            (NotificationLevel::None, false),
        ] {
            for kind in [NoticeKind::Mention, NoticeKind::Reply, NoticeKind::DirectMessage] {
                assert_eq!(plain.wants(kind, level, now), told, "{kind:?} {level:?}");
                assert!(!muted.wants(kind, level, now), "{kind:?} {level:?}");
            }
            assert!(plain.wants(NoticeKind::Sanctioned, level, now));
        }
    }

    #[test]
    fn a_change_names_what_is_different() {
        let before =
            RoomPreferences { favourite: true, muted_until: Some(UnixMillis(5)), ..RoomPreferences::default() };
        let hide = PreferencesChange { hidden: Some(true), muted_until: Change::Clear, ..PreferencesChange::default() };
        let after = RoomPreferences { hidden: true, muted_until: None, ..before };
        assert_eq!(hide.applied_to(before), after);
        assert_eq!(PreferencesChange::default().applied_to(before), before);
    }
}
