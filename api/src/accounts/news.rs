//! What devices are told when an account changes: those of others who watch the user, and the user's own.

use rookery_protocol::id::UserId;
use rookery_protocol::server::UserFrame;
use rookery_store::StoreError;
use rookery_store::user::{DisplayName, User};

use crate::accounts::Accounts;
use crate::accounts::avatars::address_of;
use crate::limits::AVATAR_SIDES;

impl Accounts {
    /// The account has another name or picture.
    pub(crate) async fn tell_of_profile(&self, user: &User) {
        let frame = UserFrame::UserUpdated {
            user_id: user.id,
            username: user.username.as_str().to_owned(),
            display_name: user.profile.display_name.as_ref().map(|name| DisplayName::as_str(name).to_owned()),
            avatar: address_of(user, AVATAR_SIDES[0]),
        };
        self.rooms.notices.send(user.id, frame).await;
    }

    /// The same, of an account that was changed elsewhere.
    pub(crate) async fn tell_of_picture(&self, user: UserId) -> Result<(), StoreError> {
        if let Some(user) = self.stores.users.by_id(user).await? {
            self.tell_of_profile(&user).await;
        }
        Ok(())
    }

    /// The account has other settings.
    pub(crate) async fn tell_of_settings(&self, user: &User) {
        let (read_receipts, typing) = (user.settings.read_receipts, user.settings.typing);
        self.rooms
            .notices
            .send(user.id, UserFrame::SettingsUpdated { read_receipts, typing })
            .await;
    }
}
