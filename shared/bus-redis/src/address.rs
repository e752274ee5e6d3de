//! Where Redis is, and how to speak TLS with it.

use fred::types::config::{Config, TlsConnector};
use rookery_bus::error::BusError;
use rookery_runtime::config::{Reader, Setting};
use rookery_runtime::tls::{self, ClientKeys};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};

const KEYS: ClientKeys = ClientKeys { ca: "redis_ca", certificate: "redis_client_cert", key: "redis_client_key" };

/// The settings of TLS with Redis.
pub const TLS_SETTINGS: [Setting; 3] = [
    tls::setting(
        KEYS.ca,
        "PEM file of the authorities that sign Redis' certificate, for `rediss://`; those of the system if not given.",
    ),
    tls::setting(KEYS.certificate, "PEM file of the certificate that Redis may ask for, for `rediss://`."),
    tls::setting(KEYS.key, "PEM file of its key."),
];

/// `redis://…`, `redis-sentinel://…` or `redis-cluster://…`, with a second `s` after `redis` for TLS; see
/// `docs/operations.md`.
#[derive(Clone, Debug)]
pub struct RedisAddress {
    url: SecretString,
    tls: Option<ClientConfig>,
}

impl RedisAddress {
    /// Reads `redis_url` and [`TLS_SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let url = reader.secret("redis_url", true);
        let is_secure = url.as_ref().is_none_or(|url| url.expose_secret().starts_with("rediss"));
        let (tls, url) = (tls::client(reader, KEYS, is_secure), url?);
        // To the library TLS in an address means the system's authorities, also where others are named.
        let plain = url.expose_secret().strip_prefix("rediss").map(|rest| format!("redis{rest}"));
        let address = Self { url: plain.map_or(url, SecretString::from), tls };
        if address.config().is_err() {
            let form = "must be an address of the form redis://[user:password@]host[:port][/db], redis-sentinel://… or redis-cluster://…";
            reader.reject("redis_url", form);
        }
        Some(address)
    }

    /// What the library makes of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn config(&self) -> Result<Config, BusError> {
        let mut config = Config::from_url(self.url.expose_secret())
            .map_err(|error| BusError::Protocol(format!("redis_url: {}", error.details())))?;
        if let Some(tls) = &self.tls {
            config.tls = Some(TlsConnector::from(tls.clone()).into());
        }
        Ok(config)
    }
}

impl From<String> for RedisAddress {
    fn from(url: String) -> Self {
        Self { url: url.into(), tls: None }
    }
}

impl From<&str> for RedisAddress {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}
