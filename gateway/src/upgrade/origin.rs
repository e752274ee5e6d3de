//! Which web pages may connect. Browsers send a page's origin and cannot be made to lie about it; other programs
//! send none and are not stopped by this check. It guards users against pages that use their login.

use std::str::FromStr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri};
use rookery_shared::config::SettingValue;

use super::handshake::single;
use super::refusal::Refusal;

/// Origins that may connect beside the node's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

/// The text is not a list of origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin like https://chat.example")]
pub struct BadOrigin(String);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origins {
    /// Passes requests without an origin, of the same host, or of a listed origin.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !headers.contains_key(ORIGIN) {
            return Ok(());
        }
        let origin: Origin = text(single(headers, &ORIGIN)).ok_or(Refusal::Origin)?;
        let host = text::<Host>(single(headers, &HOST));
        let same = host.is_some_and(|host| host.is_of(&origin));
        if same || self.0.contains(&origin) { Ok(()) } else { Err(Refusal::Origin) }
    }
}

impl SettingValue for Origins {}

impl FromStr for Origins {
    type Err = BadOrigin;

    /// Origins separated by commas; none in an empty text.
    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(str::parse).collect::<Result<_, _>>().map(Self)
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

struct Host {
    host: String,
    port: Option<u16>,
}

impl Host {
    fn is_of(&self, origin: &Origin) -> bool {
        self.host == origin.host && self.port.unwrap_or(default_port(origin.secure)) == origin.port
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

fn text<T: FromStr>(value: Option<&HeaderValue>) -> Option<T> {
    value?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(allowed: &str, origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(HOST, host.parse().unwrap());
        allowed.parse::<Origins>().unwrap().check(&headers).is_ok()
    }

    #[test]
    fn a_page_of_the_same_host_may_connect() {
        assert!(passes("", "http://chat.example:8080", "chat.example:8080"));
        assert!(passes("", "https://Chat.example", "chat.example"));
        assert!(passes("", "https://chat.example", "chat.example:443"));
        assert!(passes("", "http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(passes("", "http://[::1]:8080", "[::1]:8080"));
        assert!(!passes("", "http://chat.example:8080", "chat.example:8081"));
    }

    #[test]
    fn a_foreign_page_may_not() {
        for origin in
            ["null", "", "http://evil.example", "http://chat.example.evil", "file://", "http://u@chat.example"]
        {
            assert!(!passes("", origin, "chat.example"), "{origin}");
        }
    }

    #[test]
    fn a_listed_page_may() {
        let allowed = "https://a.example, http://b.example:81";
        assert!(passes(allowed, "https://a.example", "chat.example"));
        assert!(passes(allowed, "http://b.example:81", "chat.example"));
        assert!(!passes(allowed, "http://a.example", "chat.example"));
        assert!(!passes(allowed, "http://b.example", "chat.example"));
    }

    #[test]
    fn who_sends_no_origin_or_two_is_no_browser_page() {
        let mut headers = HeaderMap::new();
        assert!(Origins::default().check(&headers).is_ok());
        for _ in 0..2 {
            headers.append(ORIGIN, "http://chat.example".parse().unwrap());
        }
        headers.insert(HOST, "chat.example".parse().unwrap());
        assert!(Origins::default().check(&headers).is_err());
    }

    #[test]
    fn the_setting_takes_origins_only() {
        for bad in ["*", "a.example", "https://", "ftp://a.example", "https://a.example/x", "https://a:99999"] {
            assert!(bad.parse::<Origins>().is_err(), "{bad}");
        }
    }
}
