//! The two users of demo mode. Nothing else ever has a password that is written down.

use clap::{Arg, ArgAction};
use rookery_shared::clock::UnixMillis;
use rookery_shared::protocol::error_code::ErrorCode;

use crate::app::{App, AppError};
use crate::domain::user::{Email, Password, Username};
use crate::error::ApiError;
use crate::service::accounts::{NewAccount, add};

const USERS: [[&str; 3]; 2] =
    [["testuser", "testuser@example.org", "testpass123"], ["alice", "alice@example.org", "alicepass123"]];

/// The flag that asks for them.
pub const FLAG: &str = "demo";

/// [`FLAG`], for the command lines of all that can make them.
pub fn argument() -> Arg {
    Arg::new(FLAG)
        .long(FLAG)
        .action(ArgAction::SetTrue)
        .global(true)
        .help("Creates testuser/testpass123 and alice/alicepass123. Not where strangers can reach the server")
}

/// Registers the demo users, where they do not exist yet.
pub async fn create_users(app: &App) -> Result<(), AppError> {
    register_all(app).await.map_err(|error| AppError::Demo(Box::new(error)))
}

async fn register_all(app: &App) -> Result<(), ApiError> {
    for [username, email, password] in USERS {
        let bad = |why: &str| ApiError::field(ErrorCode::BadField, username, why);
        let account = NewAccount {
            username: Username::try_from(username.to_owned()).map_err(bad)?,
            email: Email::try_from(email.to_owned()).map_err(bad)?,
            password: Password::try_from(password.to_owned()).map_err(bad)?,
        };
        match add(app, account, 0, UnixMillis::now()).await {
            Ok(_) => {}
            Err(error) if matches!(error.code(), ErrorCode::UsernameTaken | ErrorCode::AccountExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
