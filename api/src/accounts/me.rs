//! `GET /api/v1/users/me`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::accounts::view::UserView;
use crate::error::ApiError;
use crate::http::extract::Caller;

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// What everybody may see.
    #[serde(flatten)]
    user: UserView,
    /// The address.
    #[schema(format = Email)]
    email: String,
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
    Ok(Json(Me { user: UserView::from(&user), email: user.email.as_str().to_owned() }))
}
