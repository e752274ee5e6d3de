//! Settings of traces.

use rustls::ClientConfig;
use url::Url;

use crate::config::{Reader, Setting};
use crate::tls::{self, ClientKeys};

const KEYS: ClientKeys = ClientKeys { ca: "otlp_ca", certificate: "otlp_client_cert", key: "otlp_client_key" };

/// The settings of [`TraceOptions`], the same in all processes.
pub const SETTINGS: [Setting; 5] = [
    Setting {
        key: "otlp_endpoint",
        default: None,
        secret: false,
        help: "Where traces are sent, by OTLP over HTTP, as http://host:4318; without it there are none.",
    },
    Setting {
        key: "trace_ratio",
        default: Some("0.01"),
        secret: false,
        help: "How many of the messages and requests that nobody traces already are traced, from 0 to 1. Failures always are.",
    },
    tls::setting(
        KEYS.ca,
        "PEM file of the authorities that sign the receiver's certificate, for `https`; those of the system if not given.",
    ),
    tls::setting(KEYS.certificate, "PEM file of the certificate that the receiver may ask for, for `https`."),
    tls::setting(KEYS.key, "PEM file of its key."),
];

/// Where traces go, and how many there are.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// The receiver's address for traces.
    pub(super) endpoint: Url,
    /// How to speak TLS with it.
    pub(super) tls: ClientConfig,
    /// Share of what begins here that is recorded.
    pub(super) ratio: f64,
}

impl TraceOptions {
    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader. None inside if traces are off.
    pub fn read(reader: &mut Reader) -> Option<Option<Self>> {
        let endpoint = endpoint(reader);
        let ratio = ratio(reader);
        let is_secure = matches!(&endpoint, Some(Some(url)) if url.scheme() == "https");
        let tls = tls::client(reader, KEYS, is_secure);
        let tls = if is_secure { tls } else { tls::without_authorities().ok() };
        let (endpoint, ratio, tls) = (endpoint?, ratio?, tls?);
        Some(endpoint.map(|endpoint| Self { endpoint, tls, ratio }))
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one is missing where an error was reported, as for every setting"
)]
fn endpoint(reader: &mut Reader) -> Option<Option<Url>> {
    const KEY: &str = "otlp_endpoint";
    let Some(text) = reader.optional_text(KEY) else { return Some(None) };
    let url = text.parse::<Url>().ok();
    let Some(mut url) = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.host().is_some()) else {
        reader.reject(KEY, "must be an http or https address with a host, as http://127.0.0.1:4318");
        return None;
    };
    // As the standard has it: the address of a receiver, or that of its traces.
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    Some(Some(url))
}

fn ratio(reader: &mut Reader) -> Option<f64> {
    const KEY: &str = "trace_ratio";
    let ratio = reader.text(KEY)?.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    if ratio.is_none() {
        reader.reject(KEY, "must be a number from 0 to 1");
    }
    ratio
}
