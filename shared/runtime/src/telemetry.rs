//! Logs: one line per event, JSON for machines or readable for people. Ids are fields; tokens, names of
//! people and message texts are never logged, an address only where a login was refused.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::SettingValue;
use crate::metrics::process::CountLines;
use crate::trace::{self, Exporter};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For a terminal.
    Pretty,
}

impl SettingValue for LogFormat {}

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

impl SettingValue for LogFilter {}

impl FromStr for LogFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The library takes a word alone for a module of that name, and a level that is misspelled with it.
        let known = |part: &str| !part.is_empty() && (part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok());
        let words = text.split(',').map(str::trim).all(known);
        let filter = EnvFilter::try_new(text).ok().filter(|_| words);
        filter
            .map(|_| Self(text.to_owned()))
            .ok_or("must be a level (error, warn, info, debug, trace, off), alone or by module, as in info,rookery_gateway=debug")
    }
}

/// Starts logging to standard error, without traces. Later calls change nothing.
pub fn init(format: LogFormat, filter: &LogFilter) {
    start(tracing_subscriber::registry(), format, filter);
}

/// Starts logging to standard error, and exporting traces. To be called once, inside of the runtime.
pub fn init_with_traces(format: LogFormat, filter: &LogFilter, exporter: Exporter<'_>) {
    match trace::layer(exporter) {
        Ok(traces) => start(tracing_subscriber::registry().with(traces), format, filter),
        Err(error) => {
            init(format, filter);
            tracing::error!(error, "no traces are exported");
        }
    }
}

fn start<S>(subscriber: S, format: LogFormat, filter: &LogFilter)
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync + 'static,
{
    trace::described();
    let filter = EnvFilter::new(&filter.0);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // A line that cannot be written (the disk is full) is lost. To complain about that on standard error would fail
        // as well, and panic in whichever task had something to say.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Pretty => lines.compact().boxed(),
    };
    let counted = lines.and_then(CountLines).with_filter(filter);
    if let Err(error) = subscriber.with(counted).try_init() {
        tracing::debug!(%error, "logging was started before");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_misspelled_is_no_filter() {
        for text in ["info", "WARN", "off", "info,rookery_gateway=debug", "info,[span]=trace"] {
            assert!(text.parse::<LogFilter>().is_ok(), "{text}");
        }
        for text in ["", "inof", "info,debgu", "info,rookery=loud", "-1?"] {
            assert!(text.parse::<LogFilter>().is_err(), "{text}");
        }
    }
}
