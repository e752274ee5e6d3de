//! `GET /api/v1/users/me`

use axum::Json;
use axum::extract::State;
use rookery_store::user::User;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::accounts::my_settings::SettingsView;
use crate::accounts::view::{ProfileView, UserView};
use crate::error::ApiError;
use crate::http::extract::Caller;

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// What everybody may see.
    #[serde(flatten)]
    user: UserView,
    /// What it says of itself.
    #[serde(flatten)]
    profile: ProfileView,
    /// The address.
    #[schema(format = Email)]
    email: String,
    /// Whether it is known that the address is yours.
    verified: bool,
    /// What you have chosen.
    settings: SettingsView,
    /// Whether logins ask for a second factor.
    two_factor: bool,
}

/// Your own account
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "The account", body = Me)),
)]
pub async fn me(State(accounts): State<Accounts>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let user = accounts.me(caller.user_id).await?;
    accounts.shown(user).await.map(Json)
}

impl Accounts {
    /// The account as its owner sees it.
    pub(crate) async fn shown(&self, user: User) -> Result<Me, ApiError> {
        let factor = self.stores.second_factors.get(user.id).await?;
        Ok(Me {
            user: UserView::from(&user),
            profile: ProfileView::from(&user),
            email: user.email.as_str().to_owned(),
            verified: user.verified,
            settings: SettingsView(user.settings),
            two_factor: factor.is_some_and(|factor| factor.is_confirmed),
        })
    }
}
