//! Accounts: registering, and looking up one's own.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::reserved::is_reserved;
use rookery_store::room::GENERAL;
use rookery_store::user::{Email, Password, ServerRole, User, Username};

use crate::app::App;
use crate::error::ApiError;
use crate::password::PasswordError;
use crate::password::common::is_common;
use crate::service::rooms;

/// What somebody registers with.
pub struct NewAccount {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
}

/// Adds an account of somebody who chose the name and the password. `from` stands for the address that asks.
pub async fn register(app: &App, new: NewAccount, from: u128, now: UnixMillis) -> Result<User, ApiError> {
    if is_reserved(&new.username.key()) {
        return Err(ApiError::field(ErrorCode::UsernameTaken, "username", "is reserved"));
    }
    let (new, common) = on_a_thread(new).await?;
    if common {
        return Err(ApiError::field(ErrorCode::PasswordTooCommon, "password", ErrorCode::PasswordTooCommon.message()));
    }
    add(app, new, from, now).await
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

/// Adds an account and makes it a member of `general`. `from` stands for the address that asks, 0 for nobody's.
pub async fn add(app: &App, new: NewAccount, from: u128, now: UnixMillis) -> Result<User, ApiError> {
    let NewAccount { username, email, password } = new;
    // Hashed before the name is looked at: a taken name costs the time of a free one.
    let password_hash = app.passwords.hash(password, from).await?;
    let user = User {
        id: UserId::generate(),
        username,
        email,
        password_hash,
        role: ServerRole::User,
        created_at: now,
        disabled: false,
    };
    app.stores.users.insert(&user).await?;
    enter_general(app, &user, now).await;
    tracing::info!(user_id = %user.id, "account registered");
    Ok(user)
}

/// The account exists by now, so a failure here is not the client's: it would find its name taken by itself. It
/// can still join the room like any other.
async fn enter_general(app: &App, user: &User, now: UnixMillis) {
    let sender = Sender { user_id: user.id, username: user.username.as_str().to_owned() };
    let outcome = match GENERAL.parse::<RoomRef>() {
        Ok(room) => rooms::join(app, sender, &room, now).await.map(|_| ()),
        Err(_) => Err(ApiError::refused(ErrorCode::UnknownRoom)),
    };
    if let Err(error) = outcome {
        tracing::warn!(%error, user_id = %user.id, "new account is not in the general room");
    }
}

/// The account of a caller. A token outlives a removed account by minutes; it then opens nothing.
pub async fn me(app: &App, id: UserId) -> Result<User, ApiError> {
    let user = app.stores.users.by_id(id).await?;
    user.filter(|user| !user.disabled)
        .ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))
}
