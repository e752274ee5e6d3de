//! Which web pages may ask: those of the deployment's own addresses, of loopback names, and of the origins that operators
//! allow. What a request says in `Host` is not believed: a page can make its own name lead here.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::{fmt, io};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::config::{Reader, Setting, SettingValue};

/// The settings of [`Origins`], the same in all processes.
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: "public_url",
        default: Some(""),
        secret: false,
        help: "Where people find this deployment: addresses by commas, as in https://chat.example. Their pages may connect, and those of loopback names, which need not be named; others are refused.",
    },
    Setting {
        key: "allowed_origins",
        default: Some(""),
        secret: false,
        help: "Origins by commas, whose pages may open sockets and use REST beside those of public_url.",
    },
];

/// The origins whose pages may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    named: Vec<Origin>,
    /// How many of them, the first ones, are addresses of the deployment itself.
    own: usize,
}

impl SettingValue for Origins {}

/// The text is not a list of origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin like https://chat.example")]
pub struct BadOrigin(String);

/// Scheme, host and port of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is `https`.
    pub secure: bool,
    host: String,
    /// Its port, that of the scheme if none is named.
    pub port: u16,
}

struct Host {
    host: String,
    port: Option<u16>,
}

impl Origins {
    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let [own, allowed] = SETTINGS.map(|setting| reader.required::<Self>(setting.key));
        let (mut own, allowed) = (own?, allowed?);
        own.named.extend(allowed.named);
        Some(own)
    }

    /// The addresses of the deployment itself.
    pub fn own(&self) -> &[Origin] {
        &self.named[..self.own]
    }

    /// Whether the deployment itself is found by TLS.
    pub fn is_https(&self) -> bool {
        self.own().iter().any(|origin| origin.secure)
    }

    /// Says so where people seem to come by a name that nobody has set.
    pub fn warn_of_names(&self, listens: io::Result<SocketAddr>) {
        if self.named.is_empty() && listens.is_ok_and(|address| !address.ip().is_loopback()) {
            tracing::warn!("public_url is not set: pages under other names than loopback ones cannot open sockets");
        }
    }

    /// Whether a request may open a socket: it comes from no page, or from one that may ask.
    pub fn may_connect(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(ORIGIN) {
            return true;
        }
        let Some(origin) = single(headers, &ORIGIN).and_then(text::<Origin>) else { return false };
        let host = single(headers, &HOST).and_then(text::<Host>);
        self.named.contains(&origin) || host.is_some_and(|host| host.is_loopback_of(&origin))
    }

    /// Whether an origin is one of those that are named.
    pub fn are_asked_by(&self, origin: &HeaderValue) -> bool {
        text(origin).is_some_and(|origin| self.named.contains(&origin))
    }
}

impl Host {
    /// Whether the page is of this very host, by whichever of its loopback names, to which no name of others can lead. A
    /// proxy may have dropped the port, but then the name is the same.
    fn is_loopback_of(&self, origin: &Origin) -> bool {
        let is_same = self.port.map_or(self.host == origin.host, |port| port == origin.port);
        is_same && origin.is_loopback() && is_loopback(&self.host)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for Origins {
    type Err = BadOrigin;

    /// Origins separated by commas; none in an empty text. A slash at the end is forgiven.
    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| entry.strip_suffix('/').unwrap_or(entry).parse())
            .collect::<Result<Vec<_>, _>>()
            .map(|named| Self { own: named.len(), named })
    }
}

impl Origin {
    /// Without TLS, at a host or an address, IPv6 without brackets.
    pub fn plain(host: &str, port: u16) -> Self {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_ascii_lowercase() };
        Self { secure: false, host, port }
    }

    /// The host, IPv6 without brackets.
    pub fn host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Origin {
    /// As a browser writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port(self.secure) {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(bad)?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(bad()),
        };
        let Host { host, port } = authority.parse().map_err(|()| bad())?;
        Ok(Self { secure, host, port: port.unwrap_or(default_port(secure)) })
    }
}

impl FromStr for Host {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // The library also takes paths and users; neither belongs here.
        let plain = !text.contains(['/', '@', '?', '#']);
        let uri: Uri = text.parse().map_err(|_| ())?;
        let authority = uri.authority().filter(|_| plain).ok_or(())?;
        let port = authority.port_u16();
        // Without a user, all that may follow the host is a port; one that is none makes no origin.
        let is_whole = port.is_some() || authority.as_str() == authority.host();
        let host = authority.host().to_ascii_lowercase();
        if is_whole && !host.is_empty() { Ok(Self { host, port }) } else { Err(()) }
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

fn text<T: FromStr>(value: &HeaderValue) -> Option<T> {
    value.to_str().ok()?.parse().ok()
}

/// The header's value, if there is exactly one.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(named: &str, origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(HOST, host.parse().unwrap());
        named.parse::<Origins>().unwrap().may_connect(&headers)
    }

    #[test]
    fn a_page_of_a_loopback_name_may_connect_to_its_own_port() {
        assert!(passes("", "http://localhost:8080", "localhost:8080"));
        assert!(passes("", "http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(passes("", "http://[::1]:8080", "[::1]:8080"));
        assert!(passes("", "http://127.0.0.1:8080", "127.0.0.1"), "a proxy may drop the port");
        assert!(!passes("", "http://127.0.0.1:8080", "127.0.0.1:8081"));
        assert!(passes("", "http://localhost:8080", "127.0.0.1:8080"));
        assert!(passes("", "http://127.0.0.1:8080", "[::1]:8080"));
        assert!(!passes("", "http://localhost:8080", "127.0.0.1:8081"));
        assert!(!passes("", "http://localhost:8080", "127.0.0.1"));
        assert!(!passes("", "http://localhost:8080", "chat.example:8080"));
        assert!(!passes("", "http://evil.example:8080", "127.0.0.1:8080"));
    }

    #[test]
    fn a_name_is_not_believed_because_host_and_origin_agree() {
        for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1"] {
            assert!(!passes("https://chat.example", &format!("http://{name}"), name), "{name}");
        }
    }

    #[test]
    fn the_own_address_may_connect_whatever_a_proxy_made_of_host() {
        for host in ["chat.example:8080", "chat.example", "gateway-1", "127.0.0.1:9000"] {
            assert!(passes("http://chat.example:8080/", "http://Chat.example:8080", host), "{host}");
        }
        assert!(!passes("http://chat.example:8080", "https://chat.example", "chat.example"));
    }

    #[test]
    fn a_foreign_page_may_not() {
        for origin in
            ["null", "", "http://evil.example", "http://chat.example.evil", "file://", "http://u@chat.example"]
        {
            assert!(!passes("http://chat.example", origin, "chat.example"), "{origin}");
        }
    }

    #[test]
    fn a_listed_page_may() {
        let allowed = "https://a.example, http://b.example:81";
        assert!(passes(allowed, "https://a.example", "chat.example"));
        assert!(passes(allowed, "http://b.example:81", "chat.example"));
        assert!(!passes(allowed, "http://a.example", "chat.example"));
        assert!(!passes(allowed, "http://b.example", "chat.example"));
        let origins: Origins = allowed.parse().unwrap();
        assert!(origins.are_asked_by(&HeaderValue::from_static("https://a.example")));
        assert!(!origins.are_asked_by(&HeaderValue::from_static("http://127.0.0.1")));
    }

    #[test]
    fn who_sends_no_origin_or_two_is_no_browser_page() {
        let mut headers = HeaderMap::new();
        assert!(Origins::default().may_connect(&headers));
        for _ in 0..2 {
            headers.append(ORIGIN, "http://127.0.0.1".parse().unwrap());
        }
        headers.insert(HOST, "127.0.0.1".parse().unwrap());
        assert!(!Origins::default().may_connect(&headers));
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for text in ["https://chat.example", "http://chat.example:8080", "http://[::1]:8080", "https://localhost:80"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        assert_eq!("https://chat.example:443".parse::<Origin>().unwrap().to_string(), "https://chat.example");
        assert_eq!(Origin::plain("::1", 80).to_string(), "http://[::1]");
        assert_eq!(Origin::plain("::1", 80).host(), "::1");
        assert!(Origin::plain("localhost", 1).is_loopback() && !Origin::plain("chat.example", 1).is_loopback());
    }

    #[test]
    fn the_setting_takes_origins_only() {
        for bad in ["*", "a.example", "https://", "ftp://a.example", "https://a.example/x", "https://a:99999"] {
            assert!(bad.parse::<Origins>().is_err(), "{bad}");
        }
    }
}
