//! Accounts: registering, and looking up one's own.

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::reserved::is_reserved;
use rookery_store::Stores;
use rookery_store::room::GENERAL;
use rookery_store::user::{Email, Password, ServerRole, User, Username};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::password::common::is_common;
use crate::accounts::password::{PasswordError, Passwords};
use crate::accounts::registration::Registration;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::rooms::Rooms;

pub mod command;
pub mod login;
pub mod logout;
pub mod logout_all;
pub mod me;
pub mod password;
pub mod refresh;
pub mod refresh_token;
pub mod register;
pub mod registration;
pub mod sessions;
pub mod token_options;
pub mod tokens;
pub mod view;

/// The routes of accounts and login sessions.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Authentication: FromRef<S>,
    Limits: FromRef<S>,
    Sessions: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(logout_all::logout_all))
}

/// Registers accounts, and looks them up.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) stores: Stores,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) registration: Registration,
    pub(crate) rooms: Rooms,
}

/// What somebody registers with.
pub struct NewAccount {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
}

impl Accounts {
    /// Adds an account of somebody who chose the name and the password. `from` stands for the address that asks.
    pub async fn register(&self, new: NewAccount, from: u128, now: UnixMillis) -> Result<User, ApiError> {
        if is_reserved(&new.username.key()) {
            return Err(ApiError::field(ErrorCode::UsernameTaken, "username", "is reserved"));
        }
        let (new, common) = on_a_thread(new).await?;
        if common {
            return Err(ApiError::field(
                ErrorCode::PasswordTooCommon,
                "password",
                ErrorCode::PasswordTooCommon.message(),
            ));
        }
        self.add(new, from, now).await
    }

    /// Adds an account and makes it a member of `general`. `from` stands for the address that asks, 0 for nobody's.
    pub async fn add(&self, new: NewAccount, from: u128, now: UnixMillis) -> Result<User, ApiError> {
        let NewAccount { username, email, password } = new;
        // Hashed before the name is looked at: a taken name costs the time of a free one.
        let password_hash = self.passwords.hash(password, from).await?;
        let user = User {
            id: UserId::generate(),
            username,
            email,
            password_hash,
            role: ServerRole::User,
            created_at: now,
            disabled: false,
        };
        self.stores.users.insert(&user).await?;
        self.enter_general(&user, now).await;
        tracing::info!(user_id = %user.id, "account registered");
        Ok(user)
    }

    /// The account exists by now, so a failure here is not the client's: it would find its name taken by itself. It
    /// can still join the room like any other.
    async fn enter_general(&self, user: &User, now: UnixMillis) {
        let sender = Sender { user_id: user.id, username: user.username.as_str().to_owned() };
        let outcome = match GENERAL.parse::<RoomRef>() {
            Ok(room) => self.rooms.join(sender, &room, now).await.map(|_| ()),
            Err(_) => Err(ApiError::refused(ErrorCode::UnknownRoom)),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, user_id = %user.id, "new account is not in the general room");
        }
    }

    /// The account of a caller. A token outlives a removed account by minutes; it then opens nothing.
    pub async fn me(&self, id: UserId) -> Result<User, ApiError> {
        let user = self.stores.users.by_id(id).await?;
        user.filter(|user| !user.disabled)
            .ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))
    }
}

/// Looks at the password off the async threads: a long one takes milliseconds.
async fn on_a_thread(new: NewAccount) -> Result<(NewAccount, bool), ApiError> {
    let look = move || {
        let common = is_common(&new.password, &new.username, &new.email);
        (new, common)
    };
    let gone = |_| PasswordError::Failed("the look at a password was given up".to_owned()).into();
    tokio::task::spawn_blocking(look).await.map_err(gone)
}
