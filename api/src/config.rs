//! Settings of the api process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use rookery_shared::config::{ConfigErrors, Effective, Reader, Setting, is_strong};
use rookery_shared::limiter::{self, LimiterOptions};
use rookery_shared::pace::{self, Pace};
use rookery_shared::telemetry::{LogFilter, LogFormat};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Every setting, with its default.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        default: Some("127.0.0.1:8080"),
        secret: false,
        help: "Address of REST, documents and the web page.",
    },
    Setting {
        key: "internal_listen",
        default: Some("127.0.0.1:9080"),
        secret: false,
        help: "Address of live, ready, metrics and the gateways' calls; never publish it.",
    },
    Setting {
        key: "redis_url",
        default: None,
        secret: true,
        help: "Redis, as `redis://[user:password@]host:port[/db]`, `redis-sentinel://…` or `redis-cluster://…`.",
    },
    Setting {
        key: "mongo_url",
        default: None,
        secret: true,
        help: "MongoDB replica set, as `mongodb://…` or `mongodb+srv://…`.",
    },
    Setting {
        key: "mongo_database",
        default: Some("rookery"),
        secret: false,
        help: "Name of the database.",
    },
    Setting {
        key: "internal_secret",
        default: None,
        secret: true,
        help: "What gateways prove themselves with, at least 16 characters, the same in all processes.",
    },
    Setting {
        key: "keys_dir",
        default: None,
        secret: false,
        help: "Folder of the signing keys, see the command `keygen`; the same keys in all api processes.",
    },
    Setting {
        key: "signing_key",
        default: None,
        secret: false,
        help: "File name without `.pem` of the key that signs; the last in alphabetical order if not given.",
    },
    Setting {
        key: "issuer",
        default: Some("rookery"),
        secret: false,
        help: "Issuer named in access tokens.",
    },
    Setting {
        key: "node_name",
        default: None,
        secret: false,
        help: "Name of this process, unique in the cluster; random if not given.",
    },
    Setting {
        key: "connections_max",
        default: Some("4096"),
        secret: false,
        help: "Connections at once per listener.",
    },
    Setting {
        key: "drain_ms",
        default: Some("10000"),
        secret: false,
        help: "Milliseconds between the signal to stop and the end.",
    },
    Setting { key: "log_format", default: Some("json"), secret: false, help: "`json` or `pretty`." },
    Setting {
        key: "log_filter",
        default: Some("info"),
        secret: false,
        help: "Which log lines are written, as in `info,rookery_api=debug`.",
    },
    pace::SETTINGS[0],
    pace::SETTINGS[1],
    limiter::SETTINGS[0],
    limiter::SETTINGS[1],
    limiter::SETTINGS[2],
    limiter::SETTINGS[3],
    limiter::SETTINGS[4],
    limiter::SETTINGS[5],
    limiter::SETTINGS[6],
    limiter::SETTINGS[7],
    limiter::SETTINGS[8],
    limiter::SETTINGS[9],
];

/// The settings, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Public address.
    pub listen: SocketAddr,
    /// Internal address.
    pub internal_listen: SocketAddr,
    /// Redis.
    pub redis_url: SecretString,
    /// MongoDB.
    pub mongo_url: SecretString,
    /// Database in it.
    pub mongo_database: String,
    /// Secret of gateways.
    pub internal_secret: SecretString,
    /// Folder of the signing keys.
    pub keys_dir: PathBuf,
    /// The key that signs.
    pub signing_key: Option<String>,
    /// Issuer of tokens.
    pub issuer: String,
    /// Name of this process.
    pub node_name: String,
    /// Cap of each listener.
    pub connections_max: usize,
    /// From the signal to the end.
    pub drain: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_filter: LogFilter,
    /// How fast one user may talk in one room.
    pub pace: Pace,
    /// How much one user or one address may ask for.
    pub limits: LimiterOptions,
}

impl Config {
    /// Reads all sources. Every error is told at once.
    pub fn read(matches: &ArgMatches) -> Result<(Self, Effective), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let config = Self::collect(&mut reader);
        let effective = reader.finish()?;
        // A value is only missing where an error was told.
        config.map(|config| (config, effective)).ok_or_else(ConfigErrors::unexplained)
    }

    fn collect(reader: &mut Reader) -> Option<Self> {
        // All are read before one is missed.
        let (listen, internal_listen) = (reader.required("listen"), reader.required("internal_listen"));
        let (redis_url, mongo_url) = (reader.secret("redis_url", true), reader.secret("mongo_url", true));
        let (mongo_database, keys_dir) = (reader.required("mongo_database"), reader.required("keys_dir"));
        let (internal_secret, issuer) = (reader.secret("internal_secret", true), reader.required("issuer"));
        let (connections_max, drain_ms) = (reader.required("connections_max"), reader.required("drain_ms"));
        let (log_format, log_filter) = (reader.required("log_format"), reader.required("log_filter"));
        let (pace, limits) = (Pace::read(reader), LimiterOptions::read(reader));
        let (signing_key, node_name) = (reader.optional("signing_key"), reader.optional("node_name"));
        check_secrets(reader, internal_secret.as_ref(), mongo_url.as_ref());
        Some(Self {
            listen: listen?,
            internal_listen: internal_listen?,
            redis_url: redis_url?,
            mongo_url: mongo_url?,
            mongo_database: mongo_database?,
            internal_secret: internal_secret?,
            keys_dir: keys_dir?,
            signing_key,
            issuer: issuer?,
            node_name: node_name.unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
            connections_max: connections_max?,
            drain: Duration::from_millis(drain_ms?),
            log_format: log_format?,
            log_filter: log_filter?,
            pace: pace?,
            limits: limits?,
        })
    }
}

fn check_secrets(reader: &mut Reader, internal: Option<&SecretString>, mongo_url: Option<&SecretString>) {
    if internal.is_some_and(|secret| !is_strong(secret)) {
        reader.reject("internal_secret", "must have at least 16 characters");
    }
    let is_mongo = |url: &SecretString| url.expose_secret().starts_with("mongodb");
    if mongo_url.is_some_and(|url| !is_mongo(url)) {
        reader.reject("mongo_url", "must begin with mongodb:// or mongodb+srv://");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;
    use rookery_shared::config::arguments;

    fn read(file: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.toml");
        std::fs::write(&path, file).unwrap();
        let args = ["api".to_owned(), format!("--config={}", path.display())];
        let matches = arguments(Command::new("api"), SETTINGS).get_matches_from(args);
        Config::read(&matches).map(|(config, _)| config).map_err(|errors| errors.to_string())
    }

    #[test]
    fn what_is_missing_is_told_at_once() {
        let errors = read("internal_secret = 'short'\nmongo_url = 'http://x'").unwrap_err();
        for part in ["redis_url is required", "keys_dir is required", "16 characters", "must begin with mongodb"] {
            assert!(errors.contains(part), "{part} in {errors}");
        }
    }

    #[test]
    fn a_complete_file_is_enough() {
        let file = "redis_url = 'redis://127.0.0.1'\nmongo_url = 'mongodb://127.0.0.1'\nkeys_dir = 'keys'\n\
            internal_secret = '0123456789abcdef'";
        assert_eq!(read(file).unwrap().mongo_database, "rookery");
    }
}
