//! Rookery in one process: page, REST, sockets, in-process bus and SQLite, without external services.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use rookery_api::accounts::command as user_command;
use rookery_api::demo::{self, Demo};
use rookery_api::search::command as search_command;
use rookery_api::{policy, router, seed};
use rookery_protocol::{asyncapi, socketio, typescript};
use rookery_runtime::config::{ConfigErrors, arguments};
use rookery_runtime::file_mode::private_by_default;
use rookery_runtime::terminal::{complain, print};
use rookery_runtime::token::command as key_command;
use rookery_runtime::trace::{self, Exporter};
use rookery_runtime::{doctor, health, telemetry, this_build, token};

mod commands;
mod config;
mod limits_page;
mod metrics_page;
mod operations;
mod server;

use config::{Options, SETTINGS};
use server::{Start, StartError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why the process ends with an error.
#[derive(Debug, thiserror::Error)]
enum MainError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Unready(String),
    #[error("something is wrong with the deployment; see above")]
    Unwell,
    #[error("no runtime: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("nothing can be printed: {0}")]
    Output(#[source] std::io::Error),
}

fn main() -> ExitCode {
    private_by_default();
    token::install_provider();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("rookery: {error}"));
            // A wrong configuration can be told from a failed start.
            if matches!(error, MainError::Config(_)) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run() -> Result<(), MainError> {
    let command = Command::new("rookery")
        .version(this_build!().text())
        .about("A chat server in one process")
        .args(demo::arguments())
        .arg(
            Arg::new("admin")
                .long("admin")
                .value_name("NAME")
                .help("Makes this user an admin of the server"),
        )
        .subcommand(user_command::command())
        .subcommand(doctor::command())
        .subcommand(key_command::command())
        .subcommand(commands::backup_command())
        .subcommand(commands::restore_command())
        .subcommand(Command::new("health").about("Asks the server with these settings whether it is ready"))
        .subcommand(commands::verify_command())
        .subcommand(Command::new("config").about("Prints the settings in force"))
        .subcommand(seed::command())
        .subcommand(search_command::command())
        .subcommand(Command::new("settings").about("Prints the reference of the settings"))
        .subcommand(Command::new("permissions").about("Prints the page of who may do what"))
        .subcommand(Command::new("limits").about("Prints the page of all limits"))
        .subcommand(Command::new("metrics").about("Prints what every process counts"))
        .subcommand(Command::new("openapi").about("Prints the OpenAPI document of the REST interface"))
        .subcommand(Command::new("asyncapi").about("Prints the AsyncAPI document of the sockets"))
        .subcommand(Command::new("asyncapi-socketio").about("Prints the AsyncAPI document of Socket.IO"))
        .subcommand(Command::new("typescript").about("Prints the frames of the sockets as TypeScript types"));
    let matches = arguments(command, SETTINGS).get_matches();
    match matches.subcommand() {
        Some(("settings", _)) => return show(&config::reference()),
        Some(("asyncapi", _)) => return show(&asyncapi::text()),
        Some(("asyncapi-socketio", _)) => return show(&socketio::asyncapi::text()),
        Some(("typescript", _)) => return show(&typescript::text()),
        Some(("openapi", _)) => return show(&router::text()),
        Some(("permissions", _)) => return show(&policy::page()),
        Some(("limits", _)) => return show(&limits_page::page(SETTINGS)),
        Some(("health", matches)) => return ready(matches),
        Some(("metrics", _)) => return show(&metrics_page::page()),
        Some(("seed", matches)) => return seeded(matches),
        Some(("search", matches)) => return searched(matches),
        Some(("user", matches)) => return changed(matches),
        Some(("doctor", matches)) => return examined(matches),
        Some(("key", matches)) => return changed_keys(matches),
        Some(("backup", matches)) => {
            let settings = Options::read(matches)?.1.to_string();
            return show(&commands::back_up(&prepared(matches)?, &settings, matches)?);
        }
        Some(("verify", matches)) => return show(&commands::verify(&prepared(matches)?, matches)?),
        Some(("restore", matches)) => return show(&commands::restore(&prepared(matches)?, matches)?),
        _ => {}
    }
    let (options, effective) = Options::read(&matches)?;
    if matches.subcommand_name() == Some("config") {
        return show(&effective.to_string());
    }
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    start_telemetry(&runtime, &options);
    effective.log_remarks();
    let start = Start { demo: Demo::read(&matches), admin: matches.get_one("admin").cloned() };
    let served = runtime.block_on(server::serve(Arc::new(options), start));
    runtime.block_on(trace::finish());
    Ok(served?)
}

fn start_telemetry(runtime: &tokio::runtime::Runtime, options: &Options) {
    let _inside = runtime.enter();
    match &options.traces {
        Some(traces) => {
            let exporter = Exporter { program: "rookery", version: env!("CARGO_PKG_VERSION"), options: traces };
            telemetry::init_with_traces(options.log_format, &options.log_filter, exporter);
        }
        None => telemetry::init(options.log_format, &options.log_filter),
    }
}

/// The settings of a command, and its log.
fn prepared(matches: &ArgMatches) -> Result<Options, MainError> {
    let (options, _) = Options::read(matches)?;
    telemetry::init(options.log_format, &options.log_filter);
    Ok(options)
}

fn ready(matches: &ArgMatches) -> Result<(), MainError> {
    // Exit code 1 for wrong settings, too: whoever asks knows no other.
    let internal = Options::read_internal(matches).map_err(|errors| MainError::Unready(errors.to_string()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    runtime.block_on(health::check(&internal, false)).map_err(MainError::Unready)
}

fn changed(matches: &ArgMatches) -> Result<(), MainError> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let Some(order) = user_command::Order::read(verb, matches) else { return Ok(()) };
    let (options, order) = (prepared(matches)?, order.map_err(StartError::User)?);
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    let mut lost = None;
    let line = |line: &str| lost = lost.take().or_else(|| print(line).err());
    let done = runtime.block_on(commands::change_user(&options, order, line))?;
    lost.map_or(Ok(()), |error| Err(MainError::Output(error)))?;
    show(&done)
}

fn examined(matches: &ArgMatches) -> Result<(), MainError> {
    let options = prepared(matches)?;
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    let report = runtime.block_on(commands::examine(&options));
    if matches.get_flag("json") {
        show(&report.json().map_err(|error| MainError::Output(error.into()))?)?;
    } else {
        show(&report.text())?;
    }
    if report.has_errors() { Err(MainError::Unwell) } else { Ok(()) }
}

fn changed_keys(matches: &ArgMatches) -> Result<(), MainError> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let Some(order) = key_command::Order::read(verb, matches) else { return Ok(()) };
    show(&commands::change_keys(&prepared(matches)?, order)?)
}

fn seeded(matches: &ArgMatches) -> Result<(), MainError> {
    let options = prepared(matches)?;
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    let made = runtime.block_on(commands::seed(&options, seed::Order::read(matches)))?;
    show(&format!("{made}\n"))
}

fn searched(matches: &ArgMatches) -> Result<(), MainError> {
    let Some(order) = search_command::Order::read(matches) else { return Ok(()) };
    let options = prepared(matches)?;
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    show(&runtime.block_on(commands::search(&options, order))?)
}

fn show(text: &str) -> Result<(), MainError> {
    print(text).map_err(MainError::Output)
}

/// Says where the server is, for people who started it by hand.
pub(crate) fn announce(options: &Options, public: SocketAddr, internal: SocketAddr) {
    let data = options.data_dir.display();
    let text = format!("Rookery serves http://{public}/ (data in {data}; health and metrics on http://{internal}/)\n");
    if let Err(error) = print(&text) {
        tracing::warn!(%error, "the address is not printed");
    }
}
