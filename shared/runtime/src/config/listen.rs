//! An address to listen on: a number or a name, and a port.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::{fmt, io};

use tokio::net::{TcpListener, lookup_host};

use super::Unusable;
use crate::listener;

/// From the public port to the internal one, where nobody chooses it.
const INTERNAL_PORT_STEP: u16 = 1_000;
const LOCAL: &str = "127.0.0.1";

/// Where to listen, and how that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    port: u16,
    given: String,
}

/// The text is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a host and a port, as 127.0.0.1:8080, [::1]:8080, localhost:8080 or 0.0.0.0:8080")]
pub struct NotAnAddress;

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(NotAnAddress)?;
        let is_number = text.parse::<SocketAddr>().is_ok();
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port && (is_number || is_name(host)) {
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok(Self { host, port: port.parse().map_err(|_| NotAnAddress)?, given: text.to_owned() })
        } else {
            Err(NotAnAddress)
        }
    }
}

/// Letters, digits and hyphens between dots, and not only numbers: `1.2.3` and `256.0.0.1` are mistakes.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inside) && !label.starts_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label) && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

impl ListenAddress {
    /// The same, as its author wrote it.
    #[must_use]
    pub(super) fn given_as(self, given: String) -> Self {
        Self { given, ..self }
    }

    /// Where the internal listener is when nobody says: on this machine, on a port that follows the public one.
    pub(super) fn follower(&self, key: &str) -> Self {
        let port = match self.port {
            0 => 0,
            port => port.checked_add(INTERNAL_PORT_STEP).unwrap_or(port - INTERNAL_PORT_STEP),
        };
        let given = format!("{key} (not given, so {LOCAL}:{port} after {})", self.given);
        Self { host: LOCAL.to_owned(), port, given }
    }

    /// Whether only this machine can reach it, as far as that can be told without asking anybody.
    pub fn is_loopback(&self) -> bool {
        let is_number = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        is_number || self.host.eq_ignore_ascii_case("localhost")
    }

    /// Host and port by which this machine itself reaches what listens there: whatever listens on all addresses listens on
    /// the loopback one.
    pub fn from_here(&self) -> (String, u16) {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) if address.is_unspecified() => LOCAL.to_owned(),
            Ok(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
            Ok(_) | Err(_) => self.host.clone(),
        };
        (host, self.port)
    }

    /// Listens there. A name is looked up, and the first of its addresses that this machine has is taken.
    ///
    /// # Errors
    /// With the setting, the address and what to do about it.
    pub async fn bind(&self) -> Result<TcpListener, Unusable> {
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let addresses = found.map_err(|error| self.unusable(&format!("the name is not found: {error}")))?;
        let mut outcome = Err(self.unusable("the name has no address"));
        for address in addresses {
            match listener::bind(address) {
                Ok(listener) => return Ok(listener),
                // Another address of the same name would be another server's neighbour, and clients would get either.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    return Err(self.unusable(&in_use(address, &error)));
                }
                Err(error) => outcome = Err(self.unusable(&not_bound(address, &error))),
            }
        }
        outcome
    }

    fn unusable(&self, why: &str) -> Unusable {
        Unusable::new(format!("{}: {why}", self.given))
    }
}

fn in_use(address: SocketAddr, error: &io::Error) -> String {
    format!("something listens on {address} already; choose another port ({error})")
}

fn not_bound(address: SocketAddr, error: &io::Error) -> String {
    let kind = error.kind();
    let hint = if kind == io::ErrorKind::AddrNotAvailable {
        "; this machine has no such address"
    } else if kind == io::ErrorKind::PermissionDenied {
        "; ports below 1024 need a privilege"
    } else {
        ""
    };
    format!("cannot listen on {address}{hint} ({error})")
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ListenAddress {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn numbers_and_names_are_addresses() {
        for text in ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "localhost:28080", "chat-1.example.org:65535"] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            ":8080",
            "8080",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "::1:8080",
            "[::1]",
            "256.0.0.1:80",
            "http://localhost:80",
            "local host:80",
            "localhost:http",
            "-x:80",
            "a..b:80",
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NotAnAddress), "{text:?}");
        }
    }

    #[test]
    fn the_internal_port_follows_the_public_one() {
        for (public, internal) in [
            ("127.0.0.1:8080", "127.0.0.1:9080"),
            ("0.0.0.0:9000", "127.0.0.1:10000"),
            ("localhost:65000", "127.0.0.1:64000"),
            ("[::]:0", "127.0.0.1:0"),
        ] {
            assert_eq!(parsed(public).follower("internal_listen").to_string(), internal);
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_on_loopback() {
        for (text, host) in [
            ("0.0.0.0:9081", "127.0.0.1"),
            ("[::]:9081", "::1"),
            ("10.0.0.7:9081", "10.0.0.7"),
            ("localhost:9081", "localhost"),
        ] {
            assert_eq!(parsed(text).from_here(), (host.to_owned(), 9081), "{text}");
        }
    }

    #[test]
    fn loopback_is_known_without_asking() {
        for (text, loopback) in [
            ("127.0.0.9:1", true),
            ("[::1]:1", true),
            ("LOCALHOST:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("chat.example:1", false),
        ] {
            assert_eq!(parsed(text).is_loopback(), loopback, "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_setting_and_the_address() {
        let first = parsed("localhost:0").bind().await.unwrap().local_addr().map(|address| address.port());
        let holder = parsed("127.0.0.1:0").bind().await.unwrap();
        assert!(first.is_ok_and(|port| port > 0), "names resolve");
        let address = holder.local_addr().unwrap();
        let second = parsed(&address.to_string()).given_as("--listen=…".to_owned());
        let error = second.bind().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("--listen=…: something listens on {address} already")), "{error}");
    }
}
