//! Logs: one line per event, JSON for machines or readable for people. Ids are fields; tokens, addresses of
//! people and message texts are never logged.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For a terminal.
    Pretty,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("must be json or pretty"),
        }
    }
}

/// Which lines are written: levels by module, as in `info,rookery_gateway=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EnvFilter::try_new(text).map(|_| Self(text.to_owned())).map_err(|error| error.to_string())
    }
}

/// Starts logging to standard error. Later calls change nothing.
pub fn init(format: LogFormat, filter: &LogFilter) {
    let filter = EnvFilter::new(&filter.0);
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that cannot be written (the disk is full) is lost. To complain about that on standard error would fail
        // as well, and panic in whichever task had something to say.
        .log_internal_errors(false)
        .with_ansi(colours);
    let outcome = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
        LogFormat::Pretty => builder.compact().try_init(),
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "logging was started before");
    }
}
