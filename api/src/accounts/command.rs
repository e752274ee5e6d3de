//! The command `user` of every program that has a store: accounts, for whoever may run programs beside it.
//!
//! It works on the store alone, beside the processes that serve it. They read accounts with each request, and look for
//! ended sessions every few seconds; where there is a bus, the caller pushes them at once. A password is read from
//! standard input or made here, and never comes as an argument, which everybody on the machine could read.

use std::io::BufRead as _;

use clap::{Arg, ArgAction, ArgMatches, Command};
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MembershipChange, Sender, SequencedEvent};
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::position::Position;
use rookery_store::message::Window;
use rookery_store::room::{GENERAL, Member};
use rookery_store::user::{Email, Password, ServerRole, User, Username};
use rookery_store::{PageQuestion, StoreError, Stores};

use crate::accounts::password::{PasswordError, Passwords};
use crate::limits::{NAME_CLAIM_LIFE, USERS_PER_PAGE};
use crate::metrics::{Metrics, MetricsError};
use crate::random::{self, NoRandomness};
use crate::rooms::room_event;

/// What passwords are made of: 32 signs that nobody takes for each other.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const SIGNS_PER_PASSWORD: usize = 20;

/// Why an account is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody has this name.
    #[error("there is no account {0}")]
    Unknown(String),
    /// A value that an account cannot have.
    #[error("{0} {1}")]
    Value(&'static str, String),
    /// From hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// From the metrics that hashing counts in.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// From making a password.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// The parsed arguments of the command.
#[derive(Debug)]
pub enum Order {
    /// A new account.
    Add {
        /// Name of the account.
        name: String,
        /// Its address.
        email: String,
        /// Its role.
        role: ServerRole,
        /// Its password; none to make one.
        password: Option<String>,
    },
    /// All accounts are shown.
    List,
    /// Another password; none to make one.
    Password(String, Option<String>),
    /// Another role.
    Role(String, ServerRole),
    /// No logins any more.
    Disable(String),
    /// Logins again.
    Enable(String),
    /// All sessions end.
    Logout(String),
    /// No second factor any more.
    TotpReset(String),
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// For whoever gave the order.
    pub text: String,
    /// Whose sessions have ended.
    pub ended: Option<UserId>,
}

/// The command.
pub fn command() -> Command {
    let name = || Arg::new("name").value_name("NAME").required(true).help("User name or e-mail address");
    let role = || Arg::new("role").value_name("ROLE").value_parser(ServerRole::ALL.map(ServerRole::as_str));
    let password = || {
        Arg::new("password-stdin")
            .long("password-stdin")
            .action(ArgAction::SetTrue)
            .help("Read the password from the first line of standard input; without it one is made and printed")
    };
    let verb = |verb: &'static str, about: &'static str| Command::new(verb).about(about);
    let email = Arg::new("email")
        .long("email")
        .value_name("ADDRESS")
        .required(true)
        .help("E-mail address");
    Command::new("user")
        .about("See and change accounts; the server may run meanwhile")
        .subcommand_required(true)
        .subcommand(
            verb("add", "Add an account")
                .arg(name())
                .arg(email)
                .arg(role().long("role").default_value("user"))
                .arg(password()),
        )
        .subcommand(verb("list", "Print all accounts: name, address, role, state, when they were made"))
        .subcommand(
            verb("password", "Give an account another password and end its sessions")
                .arg(name())
                .arg(password()),
        )
        .subcommand(
            verb("role", "Give an account a role on the whole server")
                .arg(name())
                .arg(role().required(true)),
        )
        .subcommand(verb("disable", "End all sessions of an account and refuse its logins").arg(name()))
        .subcommand(verb("enable", "Let an account log in again").arg(name()))
        .subcommand(verb("logout", "End all sessions of an account").arg(name()))
        .subcommand(verb("totp-reset", "Remove the second factor of an account whose owner has lost it").arg(name()))
}

impl Order {
    /// Reads the arguments of the verb, and the password from standard input if asked to; none for an unknown verb.
    pub fn read(verb: &str, matches: &ArgMatches) -> Option<Result<Self, UserError>> {
        if !["add", "list", "password", "role", "disable", "enable", "logout", "totp-reset"].contains(&verb) {
            return None;
        }
        let text = |key: &str| matches.try_get_one::<String>(key).ok().flatten().cloned().unwrap_or_default();
        let role = || ServerRole::from_word(&text("role")).unwrap_or(ServerRole::User);
        let name = text("name");
        Some(match verb {
            "add" => password(matches).map(|password| Self::Add { name, email: text("email"), role: role(), password }),
            "password" => password(matches).map(|password| Self::Password(name, password)),
            "role" => Ok(Self::Role(name, role())),
            "disable" => Ok(Self::Disable(name)),
            "enable" => Ok(Self::Enable(name)),
            "logout" => Ok(Self::Logout(name)),
            "totp-reset" => Ok(Self::TotpReset(name)),
            _ => Ok(Self::List),
        })
    }

    /// Changes the store. A list is given to `show` line by line.
    pub async fn execute(self, stores: &Stores, show: impl FnMut(&str)) -> Result<Done, UserError> {
        stores.backend.migrate().await?;
        match self {
            Self::Add { name, email, role, password } => add(stores, [name, email], role, password).await,
            Self::List => list(stores, show).await.map(|()| Done::default()),
            Self::Password(name, given) => {
                let (user, (password, made)) = (find(stores, &name).await?, chosen(given)?);
                stores.users.set_password(user.id, &hash(password).await?).await?;
                let done = ended(stores, user, "has another password").await?;
                Ok(Done { text: format!("{}{made}", done.text), ..done })
            }
            Self::Role(name, role) => {
                let user = find(stores, &name).await?;
                stores.users.set_role(user.id, role).await?;
                Ok(Done { text: format!("{} is {} now\n", user.username.as_str(), role.as_str()), ended: None })
            }
            Self::Disable(name) => {
                let user = find(stores, &name).await?;
                // In this order: a login that is under way looks at the account again after its session is there.
                stores.users.set_disabled(user.id, true).await?;
                ended(stores, user, "is disabled").await
            }
            Self::Enable(name) => {
                let user = find(stores, &name).await?;
                stores.users.set_disabled(user.id, false).await?;
                Ok(Done { text: format!("{} may log in again\n", user.username.as_str()), ended: None })
            }
            Self::Logout(name) => {
                let user = find(stores, &name).await?;
                ended(stores, user, "is logged out everywhere").await
            }
            Self::TotpReset(name) => {
                let user = find(stores, &name).await?;
                stores.second_factors.remove(user.id).await?;
                Ok(Done { text: format!("{} has no second factor now\n", user.username.as_str()), ended: None })
            }
        }
    }
}

async fn find(stores: &Stores, name: &str) -> Result<User, UserError> {
    stores.users.by_login(name).await?.ok_or_else(|| UserError::Unknown(name.to_owned()))
}

async fn ended(stores: &Stores, user: User, what: &str) -> Result<Done, UserError> {
    stores.sessions.revoke_all(user.id, UnixMillis::now()).await?;
    Ok(Done { text: format!("{} {what}\n", user.username.as_str()), ended: Some(user.id) })
}

async fn add(
    stores: &Stores,
    [name, email]: [String; 2],
    role: ServerRole,
    given: Option<String>,
) -> Result<Done, UserError> {
    let bad = |field: &'static str| move |why: &str| UserError::Value(field, why.to_owned());
    let username = Username::try_from(name).map_err(bad("the name"))?;
    let email = Email::try_from(email).map_err(bad("the address"))?;
    let (password, made) = chosen(given)?;
    let (id, now, hash) = (UserId::generate(), UnixMillis::now(), hash(password).await?);
    let user = User { role, ..User::new(id, username, email, hash, now) };
    let (key, owner) = (user.username.key(), user.id.as_uuid());
    if !stores.names.claim(&key, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
        return Err(UserError::Value("the name", "is kept for somebody else".to_owned()));
    }
    let inserted = stores.users.insert(&user).await;
    stores.names.release(&key, owner).await?;
    inserted?;
    enter_general(stores, &user).await?;
    Ok(Done {
        text: format!("{} was added ({})\n{made}", user.username.as_str(), role.as_str()),
        ended: None,
    })
}

/// The server announces it to the room; if it does not run, when it is started. Before its first start there is no room,
/// and the account joins it like any other.
async fn enter_general(stores: &Stores, user: &User) -> Result<(), UserError> {
    let Ok(general) = GENERAL.parse::<RoomRef>() else { return Ok(()) };
    let Some(room) = stores.rooms.find(&general).await? else { return Ok(()) };
    let newest = stores.messages.page(room.id, PageQuestion::all(Window::Latest, 1)).await?;
    let read = newest.last().map_or(Position::START, SequencedEvent::position);
    let (role, joined_at) = (RoomRole::Member, user.created_at);
    let member = Member { room_id: room.id, user_id: user.id, role, joined_at, read };
    let sender = Sender { user_id: user.id, username: user.username.as_str().to_owned() };
    stores
        .members
        .join(&member, &room_event(sender, EventBody::Membership(MembershipChange::Joined {})))
        .await?;
    Ok(())
}

async fn list(stores: &Stores, mut show: impl FnMut(&str)) -> Result<(), UserError> {
    let mut after = None;
    loop {
        let page = stores.users.list(after, USERS_PER_PAGE).await?;
        for user in &page {
            let state = if user.disabled { "disabled" } else { "enabled" };
            let (name, email, role) = (user.username.as_str(), user.email.as_str(), user.role.as_str());
            show(&format!("{name}\t{email}\t{role}\t{state}\t{}\n", user.created_at));
        }
        match page.last() {
            Some(last) if page.len() == USERS_PER_PAGE => after = Some(last.id),
            Some(_) | None => return Ok(()),
        }
    }
}

fn password(matches: &ArgMatches) -> Result<Option<String>, UserError> {
    if !matches.get_flag("password-stdin") {
        return Ok(None);
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| UserError::Value("the password", format!("cannot be read: {error}")))?;
    // The end of the line is not part of it; anything else is.
    Ok(Some(line.strip_suffix('\n').unwrap_or(&line).trim_end_matches('\r').to_owned()))
}

/// The password, and the line that prints it if it was generated here.
fn chosen(given: Option<String>) -> Result<(Password, String), UserError> {
    let made = given.is_none();
    let text = match given {
        Some(text) => text,
        None => generated()?,
    };
    let shown = if made { format!("password: {text}\n") } else { String::new() };
    let password = Password::try_from(text).map_err(|why| UserError::Value("the password", why.to_owned()))?;
    Ok((password, shown))
}

fn generated() -> Result<String, NoRandomness> {
    let bytes = random::bytes::<SIGNS_PER_PASSWORD>()?;
    Ok(bytes.iter().map(|byte| char::from(SIGNS[usize::from(*byte) % SIGNS.len()])).collect())
}

async fn hash(password: Password) -> Result<String, UserError> {
    Ok(Passwords::new(Metrics::new()?.passwords_waiting, 1)?.hash(password, 0).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_are_valid_and_differ() {
        let [one, other] = [generated().unwrap(), generated().unwrap()];
        assert_ne!(one, other);
        assert!(Password::try_from(one).is_ok());
    }

    #[test]
    fn a_password_is_no_argument() {
        let read = |words: &[&str]| command().try_get_matches_from(words);
        assert!(read(&["user", "password", "ada", "secret-word"]).is_err());
        assert!(read(&["user", "password", "ada", "--password", "secret-word"]).is_err());
        assert!(read(&["user", "password", "ada", "--password-stdin"]).is_ok());
        assert!(read(&["user", "role", "ada", "owner"]).is_err());
        assert!(read(&["user"]).is_err());
    }
}
