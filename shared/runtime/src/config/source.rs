//! Where a value comes from, and how its author wrote the setting's name there.

use super::ENV_PREFIX;

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) text: String,
    pub(super) source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The table of settings.
    Default,
    /// Variables that other back ends call so.
    Alias(String),
    /// The file of this path.
    File(String),
    /// The variable of this name.
    Environment(String),
    /// The command line.
    Flag,
}

impl Found {
    /// `ROOKERY_DRAIN_MS="-1"`, `--drain-ms="-1"`, `drain_ms="-1" in rookery.toml`.
    pub(super) fn describe(&self, key: &str, secret: bool) -> String {
        let value = if secret { "(hidden)".to_owned() } else { format!("{:?}", self.text) };
        self.source.describe(key, &format!("={value}"))
    }
}

impl Source {
    /// In one word, for the list of what is in force.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Alias(_) => "alias",
            Self::File(_) => "file",
            Self::Environment(_) => "environment",
            Self::Flag => "flag",
        }
    }

    /// The setting's name as its author wrote it, followed by its value or by nothing.
    pub(super) fn describe(&self, key: &str, value: &str) -> String {
        match self {
            Self::Default => format!("{key}{value} (default)"),
            Self::File(path) => format!("{key}{value} in {path}"),
            Self::Environment(name) | Self::Alias(name) => format!("{name}{value}"),
            Self::Flag => format!("--{}{value}", flag_name(key)),
        }
    }

    /// How another setting would be named there.
    pub(super) fn spelled(&self, key: &str) -> String {
        match self {
            Self::Default | Self::File(_) => key.to_owned(),
            Self::Environment(_) | Self::Alias(_) => env_name(key),
            Self::Flag => format!("--{}", flag_name(key)),
        }
    }
}

pub(super) fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}_{}", key.to_uppercase())
}

pub(super) fn flag_name(key: &str) -> String {
    key.replace('_', "-")
}
