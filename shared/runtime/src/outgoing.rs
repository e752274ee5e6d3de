//! Requests to addresses that somebody else has named: push services, webhooks. Never into this server's own network.
//!
//! # Promise
//! * A destination that is written as a number, in whatever form, is looked at when it is named; one that is written as a
//!   name is looked at when a connection is made, and the address that was looked at is the one that is connected to. A
//!   name that leads somewhere else a moment later leads nowhere.
//! * A redirect is an answer like any other: nobody follows it. No proxy is used.
//! * A request has a deadline, and its answer a bound.
//! * Operators may name origins of their own that are exempt: `outgoing_allow`.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rookery_protocol::clock::UnixMillis;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;
use url::{Host, Url};

use crate::config::{Reader, Setting};
use crate::limits::{
    OUTGOING_ANSWER_BYTES_MAX, OUTGOING_CONNECT_DEADLINE, OUTGOING_IDLE, OUTGOING_IDLE_MAX, OUTGOING_RETRY_AFTER_MAX,
    OUTGOING_URL_BYTES_MAX,
};

mod public;

pub use public::is_public;

/// The setting of [`Exempt`].
pub const SETTINGS: [Setting; 1] = [Setting {
    key: "outgoing_allow",
    default: None,
    secret: false,
    help: "Origins by commas, as in `http://127.0.0.1:8081,https://push.chat.example`, that pushes and other requests to addresses of users may go to although they are not https or not public. Everything else that is inside of your network is refused.",
}];

/// Origins that may be asked although they are inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exempt(Arc<HashSet<String>>);

/// What kind of address is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether it may be without TLS.
    pub plain: bool,
    /// The ports that will do: a request to another one may be one to a database.
    pub ports: &'static [u16],
}

/// With TLS, on its port.
pub const SECURE: Rules = Rules { plain: false, ports: &[443] };

/// An address that may be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination(Url);

/// Why an address may not be asked; a sentence for whoever has named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    /// It is none.
    #[error("must be an address of the form https://host/path")]
    Malformed,
    /// It is too long.
    #[error("must have at most 2048 bytes")]
    Long,
    /// Not TLS.
    #[error("must begin with https://")]
    Scheme,
    /// It has a user name or a password.
    #[error("must have no user name and no password")]
    Credentials,
    /// A port that is not allowed.
    #[error("must have no port, or the usual one")]
    Port,
    /// It is inside.
    #[error("must be a public address")]
    Private,
}

/// Why a request was not answered. For operators and logs: it names no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The name leads to no public address.
    #[error("the name has no public address")]
    Private,
    /// No answer in time.
    #[error("no answer in time")]
    Late,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// How long it asks to wait, if it does.
    pub retry_after: Option<Duration>,
}

/// Asks. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    exempt: Exempt,
}

impl Exempt {
    /// Reads the setting; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let Some(text) = reader.optional_text("outgoing_allow") else { return Some(Self::default()) };
        match Self::parse(&text) {
            Ok(exempt) => Some(exempt),
            Err(bad) => {
                reader.reject("outgoing_allow", &format!("{bad:?} is not an origin like http://127.0.0.1:8081"));
                None
            }
        }
    }

    /// Origins by commas; the one that is none, if there is one.
    pub fn parse(text: &str) -> Result<Self, &str> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origins = parts.map(|part| -> Result<String, &str> {
            let url = Url::parse(part).map_err(|_| part)?;
            let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
            if is_bare && is_web { Ok(origin(&url)) } else { Err(part) }
        });
        Ok(Self(Arc::new(origins.collect::<Result<_, _>>()?)))
    }

    fn has(&self, url: &Url) -> bool {
        self.0.contains(&origin(url))
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Destination {
    /// Where it leads, for `aud` of a token.
    pub fn origin(&self) -> String {
        origin(&self.0)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path is often a secret.
        write!(f, "Destination({})", self.origin())
    }
}

impl Outgoing {
    /// Asks with this TLS.
    pub fn new(tls: ClientConfig, exempt: Exempt) -> Self {
        let tcp = Connector { resolver: Arc::new(SystemResolver), exempt: exempt.clone() };
        Self::over(tcp, tls, exempt)
    }

    fn over(tcp: Connector, tls: ClientConfig, exempt: Exempt) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(OUTGOING_IDLE)
            .pool_max_idle_per_host(OUTGOING_IDLE_MAX)
            .build(connector);
        Self { client, exempt }
    }

    /// Whether this may be asked, as far as it says by itself. Numbers are looked at here, names when they are asked.
    pub fn destination(&self, text: &str, rules: Rules) -> Result<Destination, Unwelcome> {
        if text.len() > OUTGOING_URL_BYTES_MAX {
            return Err(Unwelcome::Long);
        }
        // What a parser of addresses forgives is no address to whoever reads the text elsewhere.
        let rest = text.split_once("://").map_or("/", |(_, rest)| rest);
        if rest.starts_with(['/', '\\']) || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(Unwelcome::Malformed);
        }
        let url = Url::parse(text).map_err(|_| Unwelcome::Malformed)?;
        let host = url.host().ok_or(Unwelcome::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unwelcome::Credentials);
        }
        if self.exempt.has(&url) {
            return Ok(Destination(url));
        }
        if url.scheme() != "https" && !(rules.plain && url.scheme() == "http") {
            return Err(Unwelcome::Scheme);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !rules.ports.contains(&port) {
            return Err(Unwelcome::Port);
        }
        if number(&host).is_some_and(|address| !is_public(address)) || is_own_name(&host) {
            return Err(Unwelcome::Private);
        }
        Ok(Destination(url))
    }

    /// Posts, and gives the answer without its body.
    pub async fn post(
        &self,
        to: &Destination,
        headers: HeaderMap,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Answer, OutgoingError> {
        let asked = timeout(deadline, self.exchange(to, headers, body)).await;
        asked.unwrap_or(Err(OutgoingError::Late))
    }

    async fn exchange(&self, to: &Destination, headers: HeaderMap, body: Bytes) -> Result<Answer, OutgoingError> {
        let uri: Uri = to.0.as_str().parse().map_err(|_| OutgoingError::Failed("not an address".to_owned()))?;
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, uri, headers);
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        // Read, so that the connection may be used again; what it says is of no use. A body that is too long ends it.
        Limited::new(body, OUTGOING_ANSWER_BYTES_MAX).collect().await.ok();
        Ok(Answer { status: head.status, retry_after: retry_after(&head.headers) })
    }
}

/// The host as an address, if it is written as one. [`Url`] has read every form of it, such as `0x7f.1` and `2130706433`.
fn number(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
        Host::Domain(_) => None,
    }
}

/// Names that are this machine by definition (RFC 6761).
fn is_own_name(host: &Host<&str>) -> bool {
    let Host::Domain(name) = host else { return false };
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => until(httpdate::parse_http_date(text).ok()?)?,
    };
    Some(wait.min(OUTGOING_RETRY_AFTER_MAX))
}

fn until(time: SystemTime) -> Option<Duration> {
    let now = Duration::from_millis(u64::try_from(UnixMillis::now().0).ok()?);
    Some(time.duration_since(UNIX_EPOCH).ok()?.saturating_sub(now))
}

fn failed(error: &(dyn std::error::Error + 'static)) -> OutgoingError {
    let mut cause = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        if error.downcast_ref::<Inside>().is_some() {
            return OutgoingError::Private;
        }
        // An error of input and output hides what it was made of.
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if hidden.is_some_and(|hidden| hidden.downcast_ref::<Inside>().is_some()) {
            return OutgoingError::Private;
        }
        last = error.to_string();
        cause = error.source();
    }
    OutgoingError::Failed(last)
}

/// The name leads inside.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no public address")]
struct Inside;

type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a name.
trait Resolver: Send + Sync {
    fn resolve(&self, host: String, port: u16) -> Resolved;
}

struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> Resolved {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Connects to public addresses, and to whom operators have exempted.
#[derive(Clone)]
struct Connector {
    resolver: Arc<dyn Resolver>,
    exempt: Exempt,
}

impl Connector {
    async fn connect(self, uri: Uri) -> io::Result<TokioIo<TcpStream>> {
        let url = Url::parse(&uri.to_string()).map_err(io::Error::other)?;
        let port = url.port_or_known_default().unwrap_or(443);
        let found = match url.host() {
            Some(Host::Domain(name)) => self.resolver.resolve(name.to_owned(), port).await?,
            Some(host) => number(&host).map(|address| SocketAddr::new(address, port)).into_iter().collect(),
            None => Vec::new(),
        };
        let is_exempt = self.exempt.has(&url);
        let mut last = io::Error::other(Inside);
        for address in found.into_iter().filter(|found| is_exempt || is_public(found.ip())) {
            // The very address that was looked at.
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = timeout(OUTGOING_CONNECT_DEADLINE, connector.connect(uri)).await;
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

#[cfg(test)]
mod tests;
