//! Rookery in one process: page, REST, sockets, in-process bus and SQLite, with nothing beside it.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};
use rookery_api::seed;
use rookery_shared::config::{ConfigErrors, arguments};
use rookery_shared::{asyncapi, bounds, telemetry, token};

mod config;
mod operations;
mod server;

use config::{Options, SETTINGS};
use server::StartError;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why the process ends with an error.
#[derive(Debug, thiserror::Error)]
enum MainError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("no runtime: {0}")]
    Runtime(#[source] std::io::Error),
}

fn main() -> ExitCode {
    token::install_provider();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
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
    let demo = Arg::new("demo")
        .long("demo")
        .action(ArgAction::SetTrue)
        .help("Creates testuser/testpass123 and alice/alicepass123. Not where strangers can reach the server");
    let command = Command::new("rookery")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A chat server in one process")
        .arg(demo)
        .subcommand(Command::new("config").about("Prints the settings in force"))
        .subcommand(arguments(seed::command(), SETTINGS))
        .subcommand(Command::new("settings").about("Prints the reference of the settings of every process"))
        .subcommand(Command::new("limits").about("Prints the page of all limits"))
        .subcommand(Command::new("asyncapi").about("Prints the AsyncAPI document of the sockets"));
    let matches = arguments(command, SETTINGS).get_matches();
    if matches.subcommand_name() == Some("settings") {
        print(&config::reference());
        return Ok(());
    }
    if matches.subcommand_name() == Some("asyncapi") {
        print(&asyncapi::text());
        return Ok(());
    }
    if matches.subcommand_name() == Some("limits") {
        print(&bounds::page(SETTINGS));
        return Ok(());
    }
    if let Some(matches) = matches.subcommand_matches("seed") {
        return seeded(matches);
    }
    let (options, effective) = Options::read(&matches)?;
    if matches.subcommand_name() == Some("config") {
        print(&effective.to_string());
        return Ok(());
    }
    telemetry::init(options.log_format, &options.log_filter);
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    Ok(runtime.block_on(server::serve(Arc::new(options), matches.get_flag("demo")))?)
}

fn seeded(matches: &ArgMatches) -> Result<(), MainError> {
    let (options, _) = Options::read(matches)?;
    telemetry::init(options.log_format, &options.log_filter);
    let runtime = tokio::runtime::Runtime::new().map_err(MainError::Runtime)?;
    let made = runtime.block_on(server::seed(&options, seed::Order::read(matches)))?;
    print(&format!("{made}\n"));
    Ok(())
}

/// Says where the server is, for people who started it by hand.
pub(crate) fn announce(options: &Options, address: std::net::SocketAddr) {
    let data: &Path = &options.data_dir;
    print(&format!("Rookery serves http://{address}/ (data in {})\n", data.display()));
}

#[expect(clippy::print_stdout, reason = "what a person who starts the program is to read")]
fn print(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "the log may not have been started")]
fn report(error: &MainError) {
    eprintln!("{error}");
}
