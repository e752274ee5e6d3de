//! Settings of the api process.

use std::time::Duration;

use clap::ArgMatches;
use rookery_api::accounts::token_options::{self, TokenOptions};
use rookery_api::files::options::{self as files, FileOptions};
use rookery_api::mail::{self, MailOptions};
use rookery_api::push::{self, PushOptions};
use rookery_api::settings::{self, ServerSettings};
use rookery_bus::limiter::{self, LimiterOptions};
use rookery_bus::pace::{self, RoomRateLimit};
use rookery_bus_redis as redis;
use rookery_bus_redis::RedisAddress;
use rookery_media::options::{self as objects, ObjectOptions};
use rookery_protocol::limits::DRAIN_MS_MAX;
use rookery_runtime::config::{
    ConfigErrors, Effective, Folder, ListenAddress, Reader, Setting, count, internal_secret, joined,
};
use rookery_runtime::limits::CONNECTIONS_MAX_MAX;
use rookery_runtime::origin::{self, Origins};
use rookery_runtime::telemetry::{LogFilter, LogFormat};
use rookery_runtime::tls::{self, ServerKeys, ServerTls};
use rookery_runtime::token::KeyFolder;
use rookery_runtime::trace::{self, TraceOptions};
use rookery_store_mongo as mongo;
use rookery_store_mongo::MongoAddress;
use secrecy::SecretString;
use uuid::Uuid;

const INTERNAL_TLS: ServerKeys =
    ServerKeys { certificate: "internal_cert", key: "internal_cert_key", client_ca: "internal_client_ca" };

const SECTIONS: &[&[Setting]] = &[
    &[
        Setting {
            key: "listen",
            default: Some("127.0.0.1:8080"),
            secret: false,
            help: "Address of REST, documents and the web page.",
        },
        Setting {
            key: "internal_listen",
            default: None,
            secret: false,
            help: "Address of live, ready, metrics and the gateways' calls; never publish it. If not given, 127.0.0.1 and the port of `listen` plus 1000.",
        },
        Setting {
            key: "redis_url",
            default: None,
            secret: true,
            help: "Redis, as `redis://[user:password@]host:port[/db]`, `redis-sentinel://…` or `redis-cluster://…`.",
        },
    ],
    &redis::TLS_SETTINGS,
    &mongo::SETTINGS,
    &[
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
        tls::setting(INTERNAL_TLS.certificate, "PEM file of the internal listener's certificate; turns TLS on there."),
        tls::setting(INTERNAL_TLS.key, "PEM file of its key."),
        tls::setting(
            INTERNAL_TLS.client_ca,
            "PEM file of the authorities that sign gateways' certificates; then a gateway needs one beside the secret.",
        ),
        Setting {
            key: "keys_dir",
            default: None,
            secret: false,
            help: "Folder of the signing keys, see the commands `keygen` and `key`; the same keys in all api processes. It is read again every few seconds.",
        },
        Setting {
            key: "signing_key",
            default: None,
            secret: false,
            help: "File name without `.pem` of the key that signs. If not given, the folder decides, see the command `key`.",
        },
    ],
    &token_options::SETTINGS,
    &[Setting {
        key: "node_name",
        default: None,
        secret: false,
        help: "Name of this process, unique in the cluster; random if not given.",
    }],
    &origin::SETTINGS,
    &[
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
    ],
    &settings::SETTINGS,
    &mail::SETTINGS,
    &objects::SETTINGS,
    &push::SETTINGS,
    &files::SETTINGS,
    &pace::SETTINGS,
    &limiter::SETTINGS,
    &trace::SETTINGS,
];

/// Every setting, with its default.
pub(crate) const SETTINGS: &[Setting] = &joined::<{ count(SECTIONS) }>(SECTIONS);

/// The settings, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Public address.
    pub listen: ListenAddress,
    /// Internal address.
    pub internal_listen: ListenAddress,
    /// Redis.
    pub redis_url: RedisAddress,
    /// MongoDB.
    pub mongo_url: MongoAddress,
    /// Database in it.
    pub mongo_database: String,
    /// Secret of gateways.
    pub internal_secret: SecretString,
    /// How the internal listener speaks TLS, if it does.
    pub internal_tls: Option<ServerTls>,
    /// Folder of the signing keys.
    pub keys_dir: Folder,
    /// The key that signs.
    pub signing_key: Option<String>,
    /// What is in access tokens.
    pub tokens: TokenOptions,
    /// Name of this process.
    pub node_name: String,
    /// Whose pages may ask.
    pub origins: Origins,
    /// Cap of each listener.
    pub connections_max: usize,
    /// From the signal to the end.
    pub drain: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_filter: LogFilter,
    /// What admins may change, as the configuration says it.
    pub settings: ServerSettings,
    /// How mail leaves the house.
    pub mail: MailOptions,
    /// Where avatars and files are kept.
    pub objects: ObjectOptions,
    /// How pushes leave the house.
    pub push: PushOptions,
    /// How files are taken.
    pub files: FileOptions,
    /// How long tokens live.
    /// How fast one user may talk in one room.
    pub pace: RoomRateLimit,
    /// How much one user or one address may ask for.
    pub limits: LimiterOptions,
    /// Where traces go, if they do.
    pub traces: Option<TraceOptions>,
}

impl Config {
    /// Reads all sources. All errors are reported together.
    pub(crate) fn read(matches: &ArgMatches) -> Result<(Self, Effective), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let config = Self::collect(&mut reader);
        let effective = reader.finish()?;
        // A value is only missing where an error was reported.
        config.map(|config| (config, effective)).ok_or_else(ConfigErrors::unexplained)
    }

    /// Reads where the internal listener is, and whether it speaks TLS.
    pub(crate) fn read_internal(matches: &ArgMatches) -> Result<(ListenAddress, bool), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let is_secure = reader.optional_text(INTERNAL_TLS.certificate).is_some();
        Ok((reader.into_internal_listen()?, is_secure))
    }

    /// Reads what the command `key` needs: the folder, and how long a token lives. Nothing else has to be known where keys
    /// are made.
    pub(crate) fn read_keys(matches: &ArgMatches) -> Result<(KeyFolder, Duration), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let (dir, fixed) = (reader.folder("keys_dir"), reader.optional_text("signing_key"));
        let tokens = TokenOptions::read(&mut reader);
        reader.finish()?;
        let keys = dir.map(|dir| KeyFolder::new(&dir, fixed.as_deref()));
        keys.zip(tokens.map(|tokens| tokens.lifetimes.access))
            .ok_or_else(ConfigErrors::unexplained)
    }

    fn collect(reader: &mut Reader) -> Option<Self> {
        // All are read before one is missed.
        let listen = reader.listen("listen");
        let internal_listen = reader.internal_listen("internal_listen", listen.as_ref());
        let (redis_url, mongo_url) = (RedisAddress::read(reader), MongoAddress::read(reader));
        let (mongo_database, keys_dir) = (reader.text("mongo_database"), reader.folder("keys_dir"));
        let internal_tls = tls::server(reader, INTERNAL_TLS);
        let (internal_secret, tokens) = (internal_secret(reader), TokenOptions::read(reader));
        let connections_max = reader.number("connections_max", 1..=CONNECTIONS_MAX_MAX);
        let drain_ms = reader.number("drain_ms", 0..=DRAIN_MS_MAX);
        let (log_format, log_filter) = (reader.required("log_format"), reader.required("log_filter"));
        let (pace, limits, origins) =
            (RoomRateLimit::read(reader), LimiterOptions::read(reader), Origins::read(reader));
        let traces = TraceOptions::read(reader);
        let fallback = listen.as_ref().map(|listen| format!("http://{listen}")).unwrap_or_default();
        let mail = MailOptions::read(reader, &fallback);
        let objects = ObjectOptions::read(reader);
        let links = mail.as_ref().map(|mail| mail.links.clone()).unwrap_or_default();
        let push = PushOptions::read(reader, &links);
        let files = FileOptions::read(reader);
        let has_mail = mail.as_ref().is_none_or(MailOptions::is_on);
        let settings = ServerSettings::read(reader, has_mail);
        let (signing_key, node_name) = (reader.optional_text("signing_key"), reader.optional_text("node_name"));
        Some(Self {
            listen: listen?,
            internal_listen: internal_listen?,
            redis_url: redis_url?,
            mongo_url: mongo_url?,
            mongo_database: mongo_database?,
            internal_secret: internal_secret?,
            internal_tls,
            keys_dir: keys_dir?,
            signing_key,
            tokens: tokens?,
            node_name: node_name.unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
            origins: origins?,
            connections_max: connections_max?,
            drain: Duration::from_millis(drain_ms?),
            log_format: log_format?,
            log_filter: log_filter?,
            settings: settings?,
            mail: mail?,
            push: push?,
            objects: objects?,
            files,
            pace: pace?,
            limits: limits?,
            traces: traces?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;
    use rookery_runtime::config::arguments;

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
        for part in [
            "redis_url is required",
            "keys_dir is required",
            "16 characters",
            "must be an address of the form mongodb://",
        ] {
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
