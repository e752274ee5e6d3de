//! The program `rookery-gateway`.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use rookery_bus_redis::metrics as redis_metrics;
use rookery_gateway::metrics::Metrics;
use rookery_runtime::config::{self as settings, arguments};
use rookery_runtime::metrics::page::section;
use rookery_runtime::terminal::{complain, print};
use rookery_runtime::token::install_provider;
use rookery_runtime::trace::{self, Exporter};
use rookery_runtime::{health, telemetry, this_build};

mod authority_http;
mod config;
mod limits;
mod server;

use config::{Config, SETTINGS};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a configuration that cannot be used.
const BAD_CONFIG: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    install_provider();
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("config", matches)) => print_config(matches),
        Some(("health", matches)) => finish(health(matches).await),
        Some(("settings", _)) => finish(print(&settings::section("rookery-gateway", SETTINGS))),
        Some(("metrics", _)) => describe_metrics(),
        Some((_, matches)) => serve(matches).await,
        None => serve(&matches).await,
    }
}

fn command() -> Command {
    let root = Command::new("rookery-gateway")
        .version(this_build!().text())
        .about("Sockets of a Rookery chat cluster");
    arguments(root, SETTINGS)
        .subcommand(Command::new("serve").about("Serve until a signal ends it (the default)"))
        .subcommand(
            Command::new("health").about("Ask the server with these settings, on this machine, whether it is ready"),
        )
        .subcommand(Command::new("config").about("Print the configuration in force"))
        .subcommand(Command::new("settings").about("Print the reference of the settings"))
        .subcommand(Command::new("metrics").about("Print what gateways count"))
}

async fn serve(matches: &ArgMatches) -> ExitCode {
    let (config, effective) = match Config::read(matches) {
        Ok(read) => read,
        Err(errors) => return fail(&errors, BAD_CONFIG),
    };
    start_telemetry(&config);
    effective.log_remarks();
    let served = server::serve(config).await;
    trace::finish().await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Exit code 0 or 1, also where the settings are wrong: whoever asks knows no other.
async fn health(matches: &ArgMatches) -> Result<(), String> {
    let internal = Config::read_internal(matches).map_err(|errors| errors.to_string())?;
    health::check(&internal, false).await
}

fn start_telemetry(config: &Config) {
    match &config.traces {
        Some(options) => {
            let exporter = Exporter { program: "rookery-gateway", version: env!("CARGO_PKG_VERSION"), options };
            telemetry::init_with_traces(config.log_format, &config.log_filter, exporter);
        }
        None => telemetry::init(config.log_format, &config.log_filter),
    }
}

fn print_config(matches: &ArgMatches) -> ExitCode {
    match Config::read(matches) {
        Ok((_, effective)) => finish(print(&effective.to_string())),
        Err(errors) => fail(&errors, BAD_CONFIG),
    }
}

/// Those of Redis are printed here once; an api has them as well.
fn describe_metrics() -> ExitCode {
    match Metrics::new() {
        Ok(metrics) => {
            let redis = section("Redis, as gateways and apis see it", redis_metrics::described());
            finish(print(&format!("{}{redis}", section("Gateways", metrics.described()))))
        }
        Err(error) => fail(&error, 1),
    }
}

fn finish(outcome: Result<(), impl std::fmt::Display>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Logs may not be running yet, so the last words go to standard error in any case.
fn fail(error: &impl std::fmt::Display, code: u8) -> ExitCode {
    complain(&format!("rookery-gateway: {error}"));
    ExitCode::from(code)
}
