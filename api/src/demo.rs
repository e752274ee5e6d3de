//! The two users of demo mode. Nothing else ever has a password that is written down.
//!
//! They log in only while the server was started in demo mode: on another start they are disabled, whatever they are called
//! by then and whatever their password is. They are known by their ids, which follow from their names. Those of older
//! programs had random ones, and are known by a name and a password of before; an account with such a name and another
//! password is somebody's, and is left alone.

use std::net::SocketAddr;

use clap::{Arg, ArgAction, ArgMatches};
use ring::digest::{SHA256, digest};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_store::StoreError;
use rookery_store::user::{Email, Password, PasswordAttempt, User, Username};
use tokio::net::TcpListener;

use crate::accounts::NewAccount;
use crate::app::{App, AppError};
use crate::error::ApiError;
use crate::mail::MailOptions;

const USERS: [[&str; 3]; 2] =
    [["testuser", "testuser@example.org", "testpass123"], ["alice", "alice@example.org", "alicepass123"]];

const FLAG: &str = "demo";
const ANYWHERE: &str = "demo-anywhere";

/// Whether a process is in demo mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demo {
    /// It is not.
    #[default]
    Off,
    /// As long as nobody else reaches it.
    OnLoopback,
    /// Whoever reaches it may log in.
    Anywhere,
}

/// Demo mode was asked for where others reach the server.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("--demo lets everybody log in who reaches {0}; say --demo-anywhere if that is wanted")]
pub struct OpenDemo(SocketAddr);

/// The flags, for the command lines of all that can make demo users.
pub fn arguments() -> [Arg; 2] {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).global(true);
    [
        flag(FLAG)
            .help("Creates testuser/testpass123 and alice/alicepass123, for this start; only on a loopback address"),
        flag(ANYWHERE).help("Like --demo, on any address: everybody who reaches the server can log in"),
    ]
}

impl Demo {
    /// What the command line says.
    pub fn read(matches: &ArgMatches) -> Self {
        match (matches.get_flag(FLAG), matches.get_flag(ANYWHERE)) {
            (_, true) => Self::Anywhere,
            (true, false) => Self::OnLoopback,
            (false, false) => Self::Off,
        }
    }

    /// The mail settings for this mode: where everybody may try the server, mails are printed if they go nowhere else.
    pub fn mail(self, options: MailOptions) -> MailOptions {
        if self == Self::Off { options } else { options.or_printed() }
    }

    /// An error where more people would log in than was meant.
    pub fn check(self, listener: &TcpListener) -> Result<(), OpenDemo> {
        match listener.local_addr() {
            Ok(address) if self == Self::OnLoopback && !address.ip().is_loopback() => Err(OpenDemo(address)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Lets the demo users in, or keeps those of earlier starts out.
pub async fn apply(app: &App, demo: Demo) -> Result<(), AppError> {
    let outcome = if demo == Demo::Off { disable_all(app).await } else { register_all(app).await };
    outcome.map_err(|error| AppError::Demo(Box::new(error)))
}

/// Registers them where they do not exist yet, and lets them log in.
async fn register_all(app: &App) -> Result<(), ApiError> {
    for demo @ [username, email, password] in USERS {
        let found = existing(app, demo).await?;
        for user in found.iter().filter(|user| user.disabled) {
            app.stores.users.set_disabled(user.id, false).await?;
        }
        let id = id_of(username);
        if !found.is_empty() || app.stores.erasures.get(id).await?.is_some() {
            continue;
        }
        let bad = |why: &str| ApiError::field(ErrorCode::BadField, username, why);
        let account = NewAccount {
            username: Username::try_from(username.to_owned()).map_err(bad)?,
            email: Email::try_from(email.to_owned()).map_err(bad)?,
            password: Password::try_from(password.to_owned()).map_err(bad)?,
        };
        match app.accounts.add(id, account, 0, UnixMillis::now()).await {
            Ok(_) | Err(ApiError::Store(StoreError::Taken(_))) => {}
            // It is somebody's.
            Err(error) if matches!(error.code(), ErrorCode::UsernameTaken | ErrorCode::AccountExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Disables those of earlier starts, and says so.
async fn disable_all(app: &App) -> Result<(), ApiError> {
    for demo in USERS {
        for user in existing(app, demo).await?.into_iter().filter(|user| !user.disabled) {
            match app.stores.users.set_disabled(user.id, true).await {
                // It stays an admin, but nobody knows its password any more.
                Err(StoreError::LastAdmin) if knows(app, &user, demo[2]).await? => {
                    app.accounts.forget_password(user.id).await?;
                }
                Err(StoreError::LastAdmin) => {
                    tracing::warn!(user_id = %user.id, "a user of demo mode stays: it is the last admin");
                    continue;
                }
                outcome => outcome?,
            }
            app.sessions.end_all(user.id, UnixMillis::now()).await?;
            tracing::warn!(user_id = %user.id, "a user of demo mode was disabled: this start is without --demo");
        }
    }
    Ok(())
}

/// The accounts that demo mode has made for one of its users: the one with its id, and one of an older program.
async fn existing(app: &App, [username, _, password]: [&str; 3]) -> Result<Vec<User>, ApiError> {
    let users = &app.stores.users;
    let mut found: Vec<User> = users.by_id(id_of(username)).await?.into_iter().collect();
    if let Some(named) = users
        .by_login(username)
        .await?
        .filter(|named| found.iter().all(|user| user.id != named.id))
        && knows(app, &named, password).await?
    {
        found.push(named);
    }
    Ok(found)
}

/// The id of a user of demo mode (UUID version 8 over SHA-256): nobody else gets it, and it stays with the account.
fn id_of(username: &str) -> UserId {
    let hash = digest(&SHA256, format!("rookery demo user 1\0{username}").as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    UserId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Whether this is the password of the account.
async fn knows(app: &App, user: &User, password: &str) -> Result<bool, ApiError> {
    let bad = |why: &str| ApiError::field(ErrorCode::BadField, "password", why);
    let attempt = PasswordAttempt::try_from(password.to_owned()).map_err(bad)?;
    Ok(app.accounts.passwords.verify(Some(user.password_hash.clone()), attempt, 0).await?)
}
