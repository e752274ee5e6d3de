//! The two users of demo mode. Nothing else ever has a password that is written down.
//!
//! They log in only while the server was started in demo mode: on another start they are disabled. An account that has one
//! of these names and another password is somebody's, and is left alone.

use std::net::SocketAddr;

use clap::{Arg, ArgAction, ArgMatches};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
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
    for [username, email, password] in USERS {
        let bad = |why: &str| ApiError::field(ErrorCode::BadField, username, why);
        let account = NewAccount {
            username: Username::try_from(username.to_owned()).map_err(bad)?,
            email: Email::try_from(email.to_owned()).map_err(bad)?,
            password: Password::try_from(password.to_owned()).map_err(bad)?,
        };
        match app.accounts.add(account, 0, UnixMillis::now()).await {
            Ok(_) => {}
            Err(error) if matches!(error.code(), ErrorCode::UsernameTaken | ErrorCode::AccountExists) => {
                if let Some(user) = demo_user(app, [username, password]).await?.filter(|user| user.disabled) {
                    app.stores.users.set_disabled(user.id, false).await?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Disables those of earlier starts, and says so.
async fn disable_all(app: &App) -> Result<(), ApiError> {
    for [username, _, password] in USERS {
        if let Some(user) = demo_user(app, [username, password]).await?.filter(|user| !user.disabled) {
            match app.stores.users.set_disabled(user.id, true).await {
                // It stays an admin, but nobody knows its password any more.
                Err(StoreError::LastAdmin) => app.accounts.forget_password(user.id).await?,
                outcome => outcome?,
            }
            app.sessions.end_all(user.id, UnixMillis::now()).await?;
            tracing::warn!(user_id = %user.id, "a user of demo mode was disabled: this start is without --demo");
        }
    }
    Ok(())
}

/// The account of this name, if it has the password that everybody knows.
async fn demo_user(app: &App, [username, password]: [&str; 2]) -> Result<Option<User>, ApiError> {
    let Some(user) = app.stores.users.by_login(username).await? else { return Ok(None) };
    let bad = |why: &str| ApiError::field(ErrorCode::BadField, username, why);
    let attempt = PasswordAttempt::try_from(password.to_owned()).map_err(bad)?;
    let known = app.accounts.passwords.verify(Some(user.password_hash.clone()), attempt, 0).await?;
    Ok(known.then_some(user))
}
