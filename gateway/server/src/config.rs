//! The gateway's settings.

use std::time::Duration;

use clap::ArgMatches;
use rookery_bus::limiter::{self, LimiterOptions};
use rookery_bus::pace::{self, RoomRateLimit};
use rookery_bus_redis as redis;
use rookery_bus_redis::RedisAddress;
use rookery_gateway::pending_sockets::{self, SocketCaps};
use rookery_gateway::polling;
use rookery_protocol::limits::DRAIN_MS_MAX;
use rookery_protocol::server::AckMode;
use rookery_runtime::config::{
    ConfigErrors, Effective, ListenAddress, Reader, Setting, Switch, count, internal_secret, joined,
};
use rookery_runtime::limits::CONNECTIONS_MAX_MAX;
use rookery_runtime::origin::{self, Origins};
use rookery_runtime::telemetry::{LogFilter, LogFormat};
use rookery_runtime::tls::{self, ClientKeys};
use rookery_runtime::trace::{self, TraceOptions};
use rustls::ClientConfig;
use secrecy::SecretString;
use url::Url;

const API_TLS: ClientKeys = ClientKeys { ca: "api_ca", certificate: "api_client_cert", key: "api_client_key" };

const SECTIONS: &[&[Setting]] = &[
    &[
        setting("listen", Some("127.0.0.1:8081"), "Public address: host and port."),
        setting(
            "internal_listen",
            None,
            "Address of live, ready and metrics; never publish it. If not given, 127.0.0.1 and the port of `listen` plus 1000.",
        ),
        Setting {
            secret: true,
            ..setting(
                "redis_url",
                None,
                "Redis, as redis://[user:password@]host:port[/db], redis-sentinel://… or redis-cluster://….",
            )
        },
    ],
    &redis::TLS_SETTINGS,
    &[
        setting(
            "api_url",
            None,
            "Base address of the api's internal listener, as http://host:port or https://host:port.",
        ),
        tls::setting(
            API_TLS.ca,
            "PEM file of the authorities that sign the api's certificate, for `https`; those of the system if not given.",
        ),
        tls::setting(API_TLS.certificate, "PEM file of the certificate that the api may ask for, for `https`."),
        tls::setting(API_TLS.key, "PEM file of its key."),
        Setting {
            secret: true,
            ..setting("internal_secret", None, "Shared by gateways and api; at least 16 characters.")
        },
        setting("issuer", Some("rookery"), "Name of the deployment in access tokens; the same as the api's."),
    ],
    &origin::SETTINGS,
    &[
        setting("connections_max", Some("15000"), "Connections at once; more are answered 503."),
        setting("drain_ms", Some("5000"), "Milliseconds from SIGTERM to the end."),
        setting("log_format", Some("json"), "json or pretty."),
        setting("log_filter", Some("info"), "Which lines are logged, as in info,rookery_gateway=debug."),
        setting(
            "ack",
            Some("stored"),
            "When a message is acknowledged: stored, or accepted, which a failover of Redis may lose.",
        ),
    ],
    &pace::SETTINGS,
    &pending_sockets::SETTINGS,
    &polling::SETTINGS,
    &limiter::SETTINGS,
    &trace::SETTINGS,
];

/// Every setting of this process.
pub(crate) const SETTINGS: &[Setting] = &joined::<{ count(SECTIONS) }>(SECTIONS);

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// Public address.
    pub listen: ListenAddress,
    /// Internal address.
    pub internal_listen: ListenAddress,
    /// Redis.
    pub redis_url: RedisAddress,
    /// The api.
    pub api_url: Url,
    /// How to speak TLS with it.
    pub api_tls: ClientConfig,
    /// Shared with the api.
    pub internal_secret: SecretString,
    /// In access tokens.
    pub issuer: String,
    /// Foreign pages that may connect.
    pub origins: Origins,
    /// Bound of the public listener.
    pub connections_max: usize,
    /// From the signal to the end.
    pub drain: Duration,
    /// Looks of log lines.
    pub log_format: LogFormat,
    /// Choice of log lines.
    pub log_filter: LogFilter,
    /// What an ack says.
    pub ack: AckMode,
    /// How fast one user may talk in one room.
    pub pace: RoomRateLimit,
    /// How many sockets there may be.
    pub caps: SocketCaps,
    /// Whether Socket.IO clients may connect by long-polling.
    pub polling: Switch,
    /// How much one user or one address may ask for.
    pub limits: LimiterOptions,
    /// Where traces go, if they do.
    pub traces: Option<TraceOptions>,
}

const fn setting(key: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { key, default, secret: false, help }
}

impl Config {
    /// Reads everything, then judges.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub(crate) fn read(matches: &ArgMatches) -> Result<(Self, Effective), ConfigErrors> {
        let mut reader = Reader::open(SETTINGS, matches);
        let config = gather(&mut reader);
        let effective = reader.finish()?;
        // A part is only missing where an error was reported.
        config.map(|config| (config, effective)).ok_or_else(ConfigErrors::unexplained)
    }

    /// Reads where the internal listener is, and nothing else.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub(crate) fn read_internal(matches: &ArgMatches) -> Result<ListenAddress, ConfigErrors> {
        Reader::open(SETTINGS, matches).into_internal_listen()
    }
}

fn gather(reader: &mut Reader) -> Option<Config> {
    let listen = reader.listen("listen");
    let internal_listen = reader.internal_listen("internal_listen", listen.as_ref());
    let redis_url = RedisAddress::read(reader);
    let api = api(reader);
    let internal_secret = internal_secret(reader);
    let issuer = reader.text("issuer");
    let origins = Origins::read(reader);
    let connections_max = reader.number("connections_max", 1..=CONNECTIONS_MAX_MAX);
    let drain_ms = reader.number("drain_ms", 0..=DRAIN_MS_MAX);
    let log_format = reader.required("log_format");
    let log_filter = reader.required("log_filter");
    let ack = reader.required("ack");
    let pace = RoomRateLimit::read(reader);
    let (caps, limits) = (SocketCaps::read(reader), LimiterOptions::read(reader));
    let polling = polling::read_switch(reader);
    let traces = TraceOptions::read(reader);
    let (api_url, api_tls) = api?;
    Some(Config {
        listen: listen?,
        internal_listen: internal_listen?,
        redis_url: redis_url?,
        api_url,
        api_tls,
        internal_secret: internal_secret?,
        issuer: issuer?,
        origins: origins?,
        connections_max: connections_max?,
        drain: Duration::from_millis(drain_ms?),
        log_format: log_format?,
        log_filter: log_filter?,
        ack: ack?,
        pace: pace?,
        caps: caps?,
        polling: polling?,
        limits: limits?,
        traces: traces?,
    })
}

fn api(reader: &mut Reader) -> Option<(Url, ClientConfig)> {
    let text = reader.text("api_url");
    let url = text.as_ref().and_then(|text| text.parse::<Url>().ok());
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.host().is_some());
    if text.is_some() && url.is_none() {
        reader.reject("api_url", "must be an http or https address with a host, as http://127.0.0.1:9080");
    }
    let is_secure = url.as_ref().is_none_or(|url| url.scheme() == "https");
    let tls = tls::client(reader, API_TLS, is_secure);
    let tls = if is_secure { tls } else { tls::without_authorities().ok() };
    Some((url?, tls?))
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use rookery_runtime::config::arguments;

    use super::*;

    fn read(file: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.toml");
        std::fs::write(&path, file).unwrap();
        let args = ["gateway".to_owned(), format!("--config={}", path.display())];
        let matches = arguments(Command::new("gateway"), SETTINGS).get_matches_from(args);
        Config::read(&matches).map(|(config, _)| config).map_err(|errors| errors.to_string())
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let errors = read("internal_secret = 'short'\nallowed_origins = '*'\napi_url = 'ftp://x'").unwrap_err();
        for part in ["redis_url is required", "16 characters", "is not an origin", "must be an http or https address"] {
            assert!(errors.contains(part), "{part} in {errors}");
        }
    }

    #[test]
    fn a_complete_file_is_enough() {
        let file = "redis_url = 'redis://127.0.0.1'\napi_url = 'http://127.0.0.1:9080'\n\
            internal_secret = '0123456789abcdef'";
        assert_eq!(read(file).unwrap().connections_max, 15_000);
    }
}
