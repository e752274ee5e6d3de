//! The program `rookery-api`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rookery_api::accounts::command as user_command;
use rookery_api::accounts::command::UserError;
use rookery_api::demo::{self, Demo};
use rookery_api::metrics::Metrics;
use rookery_api::search::command as search_command;
use rookery_api::{router, seed};
use rookery_runtime::config::{arguments, section};
use rookery_runtime::doctor as doctor_command;
use rookery_runtime::file_mode::private_by_default;
use rookery_runtime::metrics::page;
use rookery_runtime::terminal::{complain, print};
use rookery_runtime::token::{KeyFolder, command as key_command, install_provider};
use rookery_runtime::trace::{self, Exporter};
use rookery_runtime::{health, telemetry, this_build};
use rookery_store::inventory::Comparison;
use rookery_store_mongo::backup::Copied;
use rookery_store_mongo::metrics as mongo_metrics;

mod config;
mod doctor;
mod ingest;
mod limits;
mod server;
mod timeline;

use config::{Config, SETTINGS};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a configuration that cannot be used.
const BAD_CONFIG: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    private_by_default();
    install_provider();
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("keygen", matches)) => finish(keygen(matches)),
        Some(("key", matches)) => changed_keys(matches),
        Some(("openapi", _)) => finish(openapi()),
        Some(("health", matches)) => finish(health(matches).await),
        Some(("settings", _)) => finish(print(&section("rookery-api", SETTINGS)).map_err(|error| error.to_string())),
        Some(("metrics", _)) => finish(describe_metrics()),
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
        .version(this_build!().text())
        .about("Accounts, rooms and history of a Rookery chat cluster")
        .args(demo::arguments());
    let replace = Arg::new("replace")
        .long("replace")
        .action(ArgAction::SetTrue)
        .help("Put the backup in the place of what the database has");
    let restore = "Put a backup back, and empty Redis; no api or gateway may run";
    let verify = "Read all of a backup and compare it with the database; an error if that lacks any of it";
    let settings = Arg::new("settings")
        .long("settings")
        .action(ArgAction::SetTrue)
        .help("Print the settings that were in force, without secrets, instead");
    let restored = "Empty Redis after the database was put back by other means; no api or gateway may run";
    arguments(root, SETTINGS)
        .subcommand(Command::new("serve").about("Serve until a signal ends it (the default)"))
        .subcommand(Command::new("migrate").about("Bring the database up to date and end"))
        .subcommand(
            Command::new("health").about("Ask the server with these settings, on this machine, whether it is ready"),
        )
        .subcommand(Command::new("config").about("Print the configuration in force"))
        .subcommand(Command::new("settings").about("Print the reference of the settings"))
        .subcommand(Command::new("metrics").about("Print what apis count"))
        .subcommand(user_command::command())
        .subcommand(
            Command::new("backup")
                .about("Copy database, signing keys and settings into one new file")
                .arg(file()),
        )
        .subcommand(Command::new("verify").about(verify).arg(file()).arg(settings))
        .subcommand(Command::new("restore").about(restore).arg(file()).arg(replace))
        .subcommand(Command::new("restored").about(restored))
        .subcommand(seed::command())
        .subcommand(search_command::command())
        .subcommand(doctor_command::command())
        .subcommand(key_command::command())
        .subcommand(Command::new("keygen").about("Write a new signing key into a folder").arg(out))
        .subcommand(Command::new("openapi").about("Print the OpenAPI document"))
}

fn file() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("The backup: one file")
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
    start_telemetry(&config, name);
    if name == "migrate" {
        return finish(server::migrate(&config).await.map_err(|error| error.to_string()));
    }
    if name == "doctor" {
        return examined(&config, matches).await;
    }
    if let "backup" | "restore" | "restored" | "verify" = name {
        return finish(copied(&config, effective.to_string(), name, matches).await);
    }
    if let Some(order) = user_command::Order::read(name, matches) {
        return finish(changed(&config, order).await);
    }
    if name == "seed" {
        return finish(seeded(&config, matches).await);
    }
    if let ("search", Some(order)) = (name, search_command::Order::read(matches)) {
        return finish(searched(&config, order).await);
    }
    effective.log_remarks();
    let served = server::serve(config, Demo::read(matches)).await;
    trace::finish().await;
    finish(served.map_err(|error| error.to_string()))
}

/// Exit code 0 or 1, also where the settings are wrong: whoever asks knows no other.
async fn health(matches: &ArgMatches) -> Result<(), String> {
    let (internal, is_secure) = Config::read_internal(matches).map_err(|errors| errors.to_string())?;
    health::check(&internal, is_secure).await
}

/// Says what the copy has; an error if the database lacks any of it.
fn verified(copied: &Copied, compared: &Comparison) -> Result<(), String> {
    let keys = copied.beside.key_count();
    print(&format!("whole: {}; {keys} signing key(s)\n", copied.inventory.summary()))
        .map_err(|error| error.to_string())?;
    if compared.lacking_count > 0 {
        let told = compared.lacking.join("\n  ");
        return Err(format!("the database lacks {} of what the backup has:\n  {told}", compared.lacking_count));
    }
    let same = if compared.is_same {
        "the database has exactly that"
    } else {
        "the database has all of it, and has changed since"
    };
    print(&format!("{same}\n")).map_err(|error| error.to_string())
}

/// Commands are not traced.
fn start_telemetry(config: &Config, command: &str) {
    match &config.traces {
        Some(options) if command == "serve" => {
            let exporter = Exporter { program: "rookery-api", version: env!("CARGO_PKG_VERSION"), options };
            telemetry::init_with_traces(config.log_format, &config.log_filter, exporter);
        }
        _ => telemetry::init(config.log_format, &config.log_filter),
    }
}

async fn copied(config: &Config, settings: String, name: &str, matches: &ArgMatches) -> Result<(), String> {
    let file = matches.try_get_one::<PathBuf>("file").ok().flatten().cloned().unwrap_or_default();
    let summary = match name {
        "backup" => server::back_up(config, settings, &file).await.map(|copied| {
            let (documents, keys) = (copied.documents, copied.beside.key_count());
            format!("{} has {documents} documents and {keys} signing key(s)\n", file.display())
        }),
        "restore" => server::restore(config, &file, matches.get_flag("replace")).await.map(|copied| {
            let keys = copied.beside.key_count();
            format!("{} documents and {keys} signing key(s) are back\n", copied.documents)
        }),
        "verify" => {
            let (copied, compared) = server::verify(config, &file).await.map_err(|error| error.to_string())?;
            if matches.get_flag("settings") {
                return print(&copied.beside.settings).map_err(|error| error.to_string());
            }
            return verified(&copied, &compared);
        }
        _ => server::restored(config).await.map(|keys| format!("{keys} keys of Redis are gone\n")),
    };
    print(&summary.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

/// Exit code 1 if anything is an error.
async fn examined(config: &Config, matches: &ArgMatches) -> ExitCode {
    let report = doctor::look(config).await;
    let text = if matches.get_flag("json") {
        report.json().map_err(|error| error.to_string())
    } else {
        Ok(report.text())
    };
    let printed = finish(text.and_then(|text| print(&text).map_err(|error| error.to_string())));
    if report.has_errors() { ExitCode::FAILURE } else { printed }
}

async fn changed(config: &Config, order: Result<user_command::Order, UserError>) -> Result<(), String> {
    let order = order.map_err(|error| error.to_string())?;
    let show = |line: &str| print(line).unwrap_or_else(|error| tracing::debug!(%error, "nobody reads"));
    let done = server::change_user(config, order, show).await.map_err(|error| error.to_string())?;
    print(&done).map_err(|error| error.to_string())
}

async fn seeded(config: &Config, matches: &ArgMatches) -> Result<(), String> {
    let made = server::seed(config, seed::Order::read(matches))
        .await
        .map_err(|error| error.to_string())?;
    print(&format!("{made}\n")).map_err(|error| error.to_string())
}

async fn searched(config: &Config, order: search_command::Order) -> Result<(), String> {
    let done = server::search(config, order).await.map_err(|error| error.to_string())?;
    print(&done).map_err(|error| error.to_string())
}

fn keygen(matches: &ArgMatches) -> Result<(), String> {
    let dir = matches.get_one::<PathBuf>("out").ok_or("--out is required")?;
    let path = KeyFolder::new(dir, None)
        .add(&key_command::name_of_now())
        .map_err(|error| error.to_string())?;
    print(&format!("{}\n", path.display())).map_err(|error| error.to_string())
}

/// The command `key`, which needs the folder of the keys and no other setting.
fn changed_keys(matches: &ArgMatches) -> ExitCode {
    let Some((verb, matches)) = matches.subcommand() else { return ExitCode::FAILURE };
    let Some(order) = key_command::Order::read(verb, matches) else { return ExitCode::FAILURE };
    let (folder, token_life) = match Config::read_keys(matches) {
        Ok(read) => read,
        Err(errors) => {
            complain(&format!("rookery-api: {errors}"));
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let done = order.execute(&folder, token_life).map_err(|error| error.to_string());
    finish(done.and_then(|text| print(&text).map_err(|error| error.to_string())))
}

fn describe_metrics() -> Result<(), String> {
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    let mongo = page::section("MongoDB, as apis see it", mongo_metrics::described());
    let text = format!("{}{mongo}", page::section("Apis", metrics.described()));
    print(&text).map_err(|error| error.to_string())
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
