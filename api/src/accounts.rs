//! Accounts: registering, and looking up one's own.

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_runtime::origin::Origins;
use rookery_store::room::GENERAL;
use rookery_store::user::{Email, Password, User, Username};
use rookery_store::{StoreError, Stores, Unique};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::avatars::Avatars;
use crate::accounts::erasure::Erasing;
use crate::accounts::exporting::Exporting;
use crate::accounts::password::Passwords;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::limits::{ACCOUNT_PURGE_INTERVAL, ACCOUNT_PURGE_MAX, EXPORT_PURGE_MAX, NAME_CLAIM_LIFE};
use crate::mail::{Letter, Post, Secrets};
use crate::periodic::every;
use crate::presence::Presence;
use crate::random;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;

pub(crate) mod archive;
pub mod avatar;
pub mod avatars;
pub mod blocks;
pub mod change_password;
pub mod command;
pub mod cookie;
pub mod delete_me;
pub mod email;
pub mod erasure;
pub mod exporting;
pub mod exports;
pub mod invites;
pub mod login;
pub mod logout;
pub mod logout_all;
pub mod me;
pub mod my_sessions;
pub mod my_settings;
mod news;
pub mod password;
pub mod password_request;
pub mod profile;
pub mod recovery;
pub mod refresh;
pub mod refresh_token;
pub mod register;
pub mod registration;
pub mod registrations;
pub mod resend;
mod room_archive;
pub mod search;
pub mod second_factor;
pub mod sessions;
pub mod ticket;
pub mod token_options;
pub mod tokens;
pub mod totp;
pub mod username;
pub mod verify;
pub mod view;

/// The routes of accounts and login sessions.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Authentication: FromRef<S>,
    Avatars: FromRef<S>,
    Cursors: FromRef<S>,
    Erasing: FromRef<S>,
    Exporting: FromRef<S>,
    Limits: FromRef<S>,
    Origins: FromRef<S>,
    Presence: FromRef<S>,
    Sessions: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me, profile::change_me))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(ticket::ticket))
        .routes(routes!(verify::verify))
        .routes(routes!(resend::resend))
        .routes(routes!(recovery::forgot))
        .routes(routes!(recovery::reset))
        .routes(routes!(my_sessions::list))
        .routes(routes!(my_sessions::end))
        .routes(routes!(profile::user))
        .routes(routes!(avatar::put, avatar::delete))
        .routes(routes!(avatar::of_user))
        .routes(routes!(avatar::picture))
        .routes(routes!(search::search))
        .routes(routes!(my_settings::read, my_settings::change))
        .routes(routes!(blocks::block, blocks::unblock))
        .routes(routes!(blocks::list))
        .routes(routes!(username::rename))
        .routes(routes!(change_password::change_password))
        .routes(routes!(email::change_email))
        .routes(routes!(email::confirm_email))
        .routes(routes!(totp::begin))
        .routes(routes!(totp::confirm))
        .routes(routes!(totp::disable))
        .routes(routes!(totp::recovery_codes))
        .routes(routes!(invites::create, invites::list))
        .routes(routes!(invites::revoke))
        .routes(routes!(delete_me::delete_me))
        .routes(routes!(exports::export_me, exports::my_export))
        .routes(routes!(exports::download))
}

/// Registers accounts, and looks them up.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) stores: Stores,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) settings: LiveSettings,
    pub(crate) rooms: Rooms,
    pub(crate) post: Post,
    pub(crate) secrets: Secrets,
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
    /// What people are called and say of themselves may not have words that are not welcome on the server.
    async fn check_name(&self, field: &'static str, name: &str) -> Result<(), ApiError> {
        if self.rooms.filters.allows(name, None).await? {
            Ok(())
        } else {
            Err(ApiError::unwelcome(field))
        }
    }

    /// Adds an account with this id and makes it a member of `general`. `from` stands for the address that asks, 0 for
    /// nobody's.
    pub async fn add(&self, id: UserId, new: NewAccount, from: u128, now: UnixMillis) -> Result<User, ApiError> {
        let NewAccount { username, email, password } = new;
        // Hashed before the name is looked at: a taken name costs the time of a free one.
        let password_hash = self.passwords.hash(password, from).await?;
        let user = User::new(id, username, email, password_hash, now);
        let (key, owner) = (user.username.key(), user.id.as_uuid());
        if !self.stores.names.claim(&key, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
            return Err(ApiError::refused(ErrorCode::UsernameTaken));
        }
        let begun = self.begin(user, now).await;
        self.stores.names.release(&key, owner).await?;
        begun
    }

    /// Adds an account whose name is claimed, and makes it a member of `general`.
    async fn begin(&self, user: User, now: UnixMillis) -> Result<User, ApiError> {
        let (names, address, owner) = (&self.stores.names, email::address_key(&user.email), user.id.as_uuid());
        // Kept for somebody who had it and may still want it back.
        if !names.claim(&address, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
            return Err(StoreError::Taken(Unique::Email).into());
        }
        let inserted = self.stores.users.insert(&user).await;
        names.release(&address, owner).await?;
        inserted?;
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

    /// Gives the account a password that nobody knows.
    pub(crate) async fn forget_password(&self, user: UserId) -> Result<(), ApiError> {
        let unknown = random::text::<32>()?;
        let unknown =
            Password::try_from(unknown).map_err(|why| ApiError::field(ErrorCode::BadField, "password", why))?;
        let hash = self.passwords.hash(unknown, 0).await?;
        Ok(self.stores.users.set_password(user, &hash).await?)
    }

    /// Its owner is told that the account has another password.
    pub(crate) async fn tell_of_password(&self, user: UserId, now: UnixMillis) -> Result<(), StoreError> {
        let key = format!("password {user} {}", now.0);
        self.post.send(&Letter::PasswordChanged { user }, &key, Some(user), now).await
    }

    /// Forgets registrations, names and links that have ended, again and again. Every api does; twice is as good as once.
    pub(crate) async fn purge(&self) {
        let (most, stores) = (ACCOUNT_PURGE_MAX, &self.stores);
        let purge = async || {
            let before = UnixMillis::now();
            stores.registrations.purge(before, most).await?;
            stores.names.purge(before, most).await?;
            stores.one_time_tokens.purge(before, most).await?;
            stores.exports.purge(before, EXPORT_PURGE_MAX).await?;
            stores.server_invites.purge(before, most).await
        };
        every(ACCOUNT_PURGE_INTERVAL, "account purge", purge).await;
    }

    /// The account of a caller. A token outlives a removed account by minutes; it then opens nothing.
    pub async fn me(&self, id: UserId) -> Result<User, ApiError> {
        let user = self.stores.users.enabled(id).await?;
        user.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))
    }
}
