//! Users.

use rookery_protocol::clock::UnixMillis;
use rookery_store::user::{ServerRole, User, Username};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

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
