//! Users.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::presence::PresenceView;
use rookery_store::user::{Bio, DisplayName, Language, Profile, ServerRole, User, Username};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::avatars::address_of;
use crate::http::openapi::schema;
use crate::limits::AVATAR_SIDES;

/// An account as everybody may see it.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    /// Id of the user.
    user_id: Uuid,
    /// Name of the user.
    #[schema(value_type = String)]
    username: Username,
    /// What it may do on the whole server.
    role: ServerRole,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            user_id: user.id.as_uuid(),
            username: user.username.clone(),
            role: user.role,
            created_at: user.created_at,
        }
    }
}

/// What an account says of itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Profile)]
pub struct ProfileView {
    /// How it wants to be called.
    #[schema(value_type = Option<String>)]
    display_name: Option<DisplayName>,
    /// About itself.
    #[schema(value_type = Option<String>)]
    bio: Option<Bio>,
    /// What it reads: a language tag.
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
    /// Where its picture is; null if it has none.
    avatar: Option<String>,
}

impl From<&User> for ProfileView {
    fn from(user: &User) -> Self {
        let Profile { display_name, bio, language, .. } = user.profile.clone();
        Self { display_name, bio, language, avatar: address_of(user, AVATAR_SIDES[0]) }
    }
}

/// An account as a search shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = FoundUser)]
pub struct FoundUserView {
    /// Id of the user.
    user_id: Uuid,
    /// Name of the user.
    #[schema(value_type = String)]
    username: Username,
    /// How it wants to be called.
    #[schema(value_type = Option<String>)]
    display_name: Option<DisplayName>,
    /// Where its picture is; null if it has none.
    avatar: Option<String>,
    /// How the user stands; absent for who shares no room with you beside `general`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PresenceView>, nullable = false)]
    presence: Option<PresenceView>,
}

impl FoundUserView {
    /// Of an account whose presence the caller may see, or not.
    pub(super) fn new(user: User, presence: Option<PresenceView>) -> Self {
        let avatar = address_of(&user, AVATAR_SIDES[0]);
        let Profile { display_name, .. } = user.profile;
        Self { user_id: user.id.as_uuid(), username: user.username, display_name, avatar, presence }
    }
}
