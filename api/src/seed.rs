//! The command `seed`: users, rooms and tokens for load tests, printed as JSON.
//!
//! The accounts have no usable password and their tokens live as long as asked, so the command insists on being told
//! that this deployment is there to be tested.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::RoomId;
use rookery_runtime::token::{AUDIENCE, Claims, KeyError, Signer, SigningKeys, UnusableKeys};
use rookery_store::load::{LoadSet, Origin, Plan};
use rookery_store::user::Password;
use rookery_store::{StoreError, Stores};
use serde::Serialize;
use uuid::Uuid;

use crate::accounts::password::{PasswordError, Passwords};
use crate::limits::{SEED_GATEWAYS_MAX, SEED_ROOMS_MAX, SEED_ROOMS_PER_USER_MAX, SEED_TOKEN_LIFE_MAX, SEED_USERS_MAX};
use crate::metrics::{Metrics, MetricsError};

const CONSENT: &str = "for-load-tests";
const PUBLIC: &str = "public";

/// Why nothing was made, or not all.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// From hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// From the metrics that hashing counts in.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// From the keys of an api.
    #[error(transparent)]
    Keys(#[from] UnusableKeys),
    /// From signing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From what was made.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The parsed arguments of the command.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    plan: Plan,
    token_life: Duration,
}

/// What is printed: token `i` belongs to user `i`, who is in the rooms that [`Plan`] says.
#[derive(Debug, Serialize)]
pub struct Credentials {
    rooms: Vec<RoomId>,
    tokens: Vec<String>,
}

impl std::fmt::Display for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// The command, without the settings of its process.
pub fn command() -> Command {
    let consent = Arg::new(CONSENT)
        .long(CONSENT)
        .action(ArgAction::SetTrue)
        .required(true)
        .help("Says that this deployment is there to be tested: everybody who reads the output can log in");
    let number = |name: &'static str, default: &'static str, max: usize, help: String| {
        let range = value_parser!(u64).range(1..=u64::try_from(max).unwrap_or(u64::MAX));
        Arg::new(name)
            .long(name)
            .value_name("N")
            .default_value(default)
            .value_parser(range)
            .help(help)
    };
    let public = Arg::new(PUBLIC)
        .long(PUBLIC)
        .action(ArgAction::SetTrue)
        .help("Everybody may join the rooms; without it they are private");
    let minutes = usize::try_from(SEED_TOKEN_LIFE_MAX.as_secs() / 60).unwrap_or(usize::MAX);
    Command::new("seed")
        .about("Make users, rooms and tokens for a load test; prints {\"rooms\":[id…],\"tokens\":[jwt…]}")
        .arg(consent)
        .arg(public)
        .arg(number("rooms", "1", SEED_ROOMS_MAX, "Rooms".to_owned()))
        .arg(number("users", "1000", SEED_USERS_MAX, "Accounts without a usable password".to_owned()))
        .arg(number("rooms-per-user", "1", SEED_ROOMS_PER_USER_MAX, {
            "User i is in room i / gateways % rooms and in the ones after it, so many in all".to_owned()
        }))
        .arg(number(
            "gateways",
            "1",
            SEED_GATEWAYS_MAX,
            "Gateways over which users are spread in turn".to_owned(),
        ))
        .arg(number("token-minutes", "60", minutes, format!("Life of the tokens, at most {minutes}")))
}

impl Order {
    /// Reads the arguments of [`command`].
    pub fn read(matches: &ArgMatches) -> Self {
        let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or(1);
        let count = |name: &str| usize::try_from(number(name)).unwrap_or(1);
        let plan = Plan {
            rooms: count("rooms"),
            users: count("users"),
            rooms_per_user: count("rooms-per-user"),
            gateways: count("gateways"),
            visibility: if matches.get_flag(PUBLIC) { Visibility::Public } else { Visibility::Private },
        };
        Self { plan, token_life: Duration::from_mins(number("token-minutes")) }
    }

    /// Stores everything and returns what is to be printed.
    pub async fn execute(self, stores: &Stores, keys: &SigningKeys, issuer: &str) -> Result<Credentials, SeedError> {
        stores.backend.migrate().await?;
        let now = UnixMillis::now();
        let until = now.plus(self.token_life);
        let name: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
        let hash = hash_of_nothing().await?;
        let origin = Origin { name: &name, password_hash: &hash, now, until };
        let set = self.plan.make(origin).map_err(SeedError::Invalid)?;
        stores.backend.insert_load(&set).await?;
        let tokens = tokens(&set, keys, issuer)?;
        Ok(Credentials { rooms: set.rooms.iter().map(|room| room.id).collect(), tokens })
    }
}

/// The hash of a password that nobody knows; one for all accounts, because each costs a processor some 20 ms.
async fn hash_of_nothing() -> Result<String, SeedError> {
    let password = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    let password = Password::try_from(password).map_err(SeedError::Invalid)?;
    Ok(Passwords::new(Metrics::new()?.passwords_waiting, 1)?.hash(password, 0).await?)
}

fn tokens(set: &LoadSet, keys: &SigningKeys, issuer: &str) -> Result<Vec<String>, KeyError> {
    let token = |(user, session): (&rookery_store::user::User, &rookery_store::session::Session)| {
        keys.sign(&Claims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.id,
            sid: session.id,
            name: user.username.as_str().to_owned(),
            iat: session.created_at.seconds(),
            exp: session.expires_at.seconds(),
            signer: Signer::default(),
            ticket: None,
        })
    };
    set.users.iter().zip(&set.sessions).map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_insists_on_consent_and_bounds() {
        assert!(command().try_get_matches_from(["seed"]).is_err());
        let order = |more: &[&str]| {
            let words = ["seed", "--for-load-tests"].iter().chain(more);
            command().try_get_matches_from(words).map(|matches| Order::read(&matches))
        };
        assert_eq!(order(&["--rooms", "7"]).unwrap().plan.rooms, 7);
        assert!(order(&["--users", "0"]).is_err());
        assert!(order(&["--token-minutes", "100000"]).is_err());
    }
}
