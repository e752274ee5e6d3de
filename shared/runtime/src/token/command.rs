//! The command `key` of every program that signs: its keys, and which of them signs.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::TOKEN_LEEWAY;

use super::error::KeyError;
use super::folder::KeyFolder;
use crate::limits::KEY_RELOAD_INTERVAL;

/// Letters of a time up to the second.
const SECONDS_CHARS: usize = 19;

/// The parsed arguments of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Name, id and use of each key.
    List,
    /// A new key, named after the time if it has no name.
    Add(Option<String>),
    /// The key that is to sign.
    Use(String),
    /// A key that is to be gone.
    Remove {
        /// Its name.
        name: String,
        /// Also if tokens of it may be valid.
        now: bool,
    },
}

/// `key list`, `key add`, `key use` and `key remove`.
pub fn command() -> Command {
    let name = || Arg::new("name").value_name("NAME").help("Name of the key's file, without .pem");
    let now = Arg::new("now")
        .long("now")
        .action(ArgAction::SetTrue)
        .help("Refuse its tokens although they may be valid");
    Command::new("key")
        .about("List, add, choose and remove the keys that sign access tokens; running servers follow within seconds")
        .subcommand_required(true)
        .subcommand(Command::new("list").about("Print name, id and use of each key, with tabs between them"))
        .subcommand(Command::new("add").about("Add a key that verifies and does not sign yet").arg(name()))
        .subcommand(Command::new("use").about("Sign with this key from now on").arg(name().required(true)))
        .subcommand(
            Command::new("remove")
                .about("Remove a key that does not sign")
                .arg(name().required(true))
                .arg(now),
        )
}

impl Order {
    /// What the arguments of a subcommand say; none if it is not one of `key`.
    pub fn read(verb: &str, matches: &ArgMatches) -> Option<Self> {
        let name = matches.try_get_one::<String>("name").ok().flatten().cloned();
        match verb {
            "list" => Some(Self::List),
            "add" => Some(Self::Add(name)),
            "use" => name.map(Self::Use),
            "remove" => name.map(|name| Self::Remove { name, now: matches.get_flag("now") }),
            _ => None,
        }
    }

    /// Does it and returns what to print. `token_life` is how long a token lives at most.
    ///
    /// # Errors
    /// If the folder cannot be read or written, or if tokens would be refused.
    pub fn execute(self, folder: &KeyFolder, token_life: Duration) -> Result<String, KeyError> {
        match self {
            Self::List => list(folder),
            Self::Add(name) => {
                let path = folder.add(&name.unwrap_or_else(name_of_now))?;
                Ok(format!("{}\n", path.display()))
            }
            Self::Use(name) => {
                folder.choose(&name)?;
                Ok(format!("{name} signs from now on\n"))
            }
            Self::Remove { name, now } => {
                // Who signed with it a moment longer than others, and whose clock is behind.
                let last = token_life + KEY_RELOAD_INTERVAL * 2 + TOKEN_LEEWAY * 2;
                folder.remove(&name, if now { Duration::ZERO } else { last })?;
                Ok(format!("{name} is removed\n"))
            }
        }
    }
}

/// Names that are times sort by age.
pub fn name_of_now() -> String {
    UnixMillis::now()
        .to_string()
        .chars()
        .take(SECONDS_CHARS)
        .collect::<String>()
        .replace(':', "-")
}

fn list(folder: &KeyFolder) -> Result<String, KeyError> {
    let set = folder.read(None)?;
    let line = |name: &str, id: &str, signs: bool| {
        let what = if signs { "signs" } else { "verifies" };
        format!("{name}\t{id}\t{what}\n")
    };
    Ok(set.iter().map(|(key, signs)| line(key.name(), key.id(), signs)).collect())
}
