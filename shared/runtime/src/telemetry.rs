//! Logs: one line per event, JSON for machines or readable for people. Ids are fields; tokens, names of
//! people and message texts are never logged, an address only where a login was refused.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::SettingValue;

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
