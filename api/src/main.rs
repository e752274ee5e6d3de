//! The program `rookery-api`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};
use rookery_api::config::{Config, SETTINGS};
use rookery_api::{demo, router, seed, server};
use rookery_shared::clock::UnixMillis;
use rookery_shared::config::arguments;
use rookery_shared::telemetry;
use rookery_shared::terminal::{complain, print};
use rookery_shared::token::{SigningKeys, install_provider};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a configuration that cannot be used.
const BAD_CONFIG: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    install_provider();
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("keygen", matches)) => finish(keygen(matches)),
        Some(("openapi", _)) => finish(openapi()),
        Some(("user", matches)) => match matches.subcommand() {
            Some((verb, matches)) => configured(verb, matches).await,
            None => ExitCode::FAILURE,
        },
        Some((name, matches)) => configured(name, matches).await,
        None => configured("serve", &matches).await,
    }
}

fn command() -> Command {
    let out = Arg::new("out")
        .long("out")
        .value_name("DIR")
        .required(true)
        .value_parser(value_parser!(PathBuf));
    let root = Command::new("rookery-api")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Accounts, rooms and history of a Rookery chat cluster")
        .arg(demo::argument());
    arguments(root, SETTINGS)
        .subcommand(Command::new("serve").about("Serve until a signal ends it (the default)"))
        .subcommand(Command::new("migrate").about("Bring the database up to date and end"))
        .subcommand(Command::new("config").about("Print the configuration in force"))
        .subcommand(user())
        .subcommand(seed::command())
        .subcommand(Command::new("keygen").about("Write a new signing key into a folder").arg(out))
        .subcommand(Command::new("openapi").about("Print the OpenAPI document"))
}

fn user() -> Command {
    let name = || Arg::new("name").value_name("NAME").required(true).help("User name or e-mail address");
    let act = |verb: &'static str, about: &'static str| Command::new(verb).about(about).arg(name());
    Command::new("user")
        .about("Change an account")
        .subcommand_required(true)
        .subcommand(act("disable", "End all sessions of an account and refuse its logins"))
        .subcommand(act("enable", "Let an account log in again"))
}

async fn configured(name: &str, matches: &ArgMatches) -> ExitCode {
    let (config, effective) = match Config::read(matches) {
        Ok(read) => read,
        Err(errors) => {
            complain(&format!("rookery-api: {errors}"));
            return ExitCode::from(BAD_CONFIG);
        }
    };
    if name == "config" {
        return finish(print(&effective.to_string()).map_err(|error| error.to_string()));
    }
    telemetry::init(config.log_format, &config.log_filter);
    if name == "migrate" {
        return finish(server::migrate(&config).await.map_err(|error| error.to_string()));
    }
    if let ("disable" | "enable", Some(user)) = (name, matches.try_get_one::<String>("name").ok().flatten()) {
        let changed = server::set_disabled(&config, user, name == "disable").await;
        return finish(changed.map_err(|error| error.to_string()));
    }
    if name == "seed" {
        return finish(seeded(&config, matches).await);
    }
    finish(
        server::serve(config, matches.get_flag(demo::FLAG))
            .await
            .map_err(|error| error.to_string()),
    )
}

async fn seeded(config: &Config, matches: &ArgMatches) -> Result<(), String> {
    let made = server::seed(config, seed::Order::read(matches))
        .await
        .map_err(|error| error.to_string())?;
    print(&format!("{made}\n")).map_err(|error| error.to_string())
}

fn keygen(matches: &ArgMatches) -> Result<(), String> {
    let dir = matches.get_one::<PathBuf>("out").ok_or("--out is required")?;
    // Names that are times sort by age, and the youngest key signs where none is named.
    let stem: String = UnixMillis::now().to_string().chars().take(19).collect();
    let stem = stem.replace(':', "-");
    SigningKeys::generate(dir, &stem).map_err(|error| error.to_string())?;
    let path = Path::new(dir).join(stem).with_extension("pem");
    print(&format!("{}\n", path.display())).map_err(|error| error.to_string())
}

fn openapi() -> Result<(), String> {
    let text = router::document().to_pretty_json().map_err(|error| error.to_string())?;
    print(&format!("{text}\n")).map_err(|error| error.to_string())
}

fn finish(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("rookery-api: {error}"));
            ExitCode::FAILURE
        }
    }
}
