//! How mail leaves the house, as operators choose it.

use lettre::message::Mailbox;
use rookery_runtime::config::{Reader, Setting};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The settings.
pub const SETTINGS: [Setting; 3] = [
    Setting {
        key: "mail_url",
        default: None,
        secret: true,
        help: "The mail server: `smtp://[user:password@]host[:port]` (STARTTLS, port 587), `smtps://…` (TLS, port 465), `smtp://host:port?tls=off` for one that is reached without, or `log:` to print mails into the log. Without it there is no mail.",
    },
    Setting {
        key: "mail_from",
        default: None,
        secret: false,
        help: "Sender of mails, as in `Rookery <no-reply@chat.example>`; needed with a mail server.",
    },
    Setting {
        key: "mail_ca",
        default: None,
        secret: false,
        help: "PEM file of the authorities that sign the mail server's certificate; those that Mozilla trusts if not given.",
    },
];

/// How mail leaves the house.
#[derive(Clone, Debug, Default)]
pub struct MailOptions {
    /// Where it goes.
    pub target: MailTarget,
    /// Whom it is from; empty where it goes nowhere.
    pub from: String,
    /// Certificates to trust, PEM.
    pub authorities: Option<Vec<u8>>,
    /// What links begin with, as in `https://chat.example`.
    pub links: String,
}

/// Where mail goes.
#[derive(Clone, Debug, Default)]
pub enum MailTarget {
    /// Nowhere.
    #[default]
    Off,
    /// Into the log.
    Log,
    /// To a mail server.
    Server(MailServer),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User name and password, if it asks for them.
    pub login: Option<(String, SecretString)>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS once the server has greeted, or no mail.
    StartTls,
    /// Not at all.
    Off,
}

impl MailOptions {
    /// Whether mail leaves the house at all.
    pub const fn is_on(&self) -> bool {
        !matches!(self.target, MailTarget::Off)
    }

    /// The same, where mails are printed into the log if they go nowhere else.
    #[must_use]
    pub fn or_printed(mut self) -> Self {
        if !self.is_on() {
            self.target = MailTarget::Log;
        }
        self
    }

    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader. Links begin with the first address of `public_url`,
    /// or with `fallback`.
    pub fn read(reader: &mut Reader, fallback: &str) -> Option<Self> {
        // All are read before one is missed.
        let (target, from) = (target(reader), sender(reader));
        let authorities = authorities(reader);
        let public: Option<String> = reader.required("public_url");
        let (target, from, authorities) = (target?, from.ok()?, authorities.ok()?);
        if matches!(target, MailTarget::Server(_)) && from.is_none() {
            reader.reject("mail_from", "must be given with a mail server");
            return None;
        }
        let first = public.unwrap_or_default();
        let first = first.split(',').next().unwrap_or_default().trim().trim_end_matches('/');
        let links = if first.is_empty() { fallback.to_owned() } else { first.to_owned() };
        Some(Self { target, from: from.unwrap_or_default(), authorities, links })
    }
}

fn target(reader: &mut Reader) -> Option<MailTarget> {
    let url = reader.secret("mail_url", false);
    match url.as_ref().map(ExposeSecret::expose_secret) {
        None => Some(MailTarget::Off),
        Some("log:") => Some(MailTarget::Log),
        Some(text) => server(text)
            .map(MailTarget::Server)
            .inspect_err(|why| reader.reject("mail_url", why))
            .ok(),
    }
}

/// A value that the reader has refused, and remembers.
struct Refused;

fn sender(reader: &mut Reader) -> Result<Option<String>, Refused> {
    let Some(from) = reader.optional_text("mail_from") else { return Ok(None) };
    if from.parse::<Mailbox>().is_err() {
        reader.reject("mail_from", "must be an address, as in Rookery <no-reply@chat.example>");
        return Err(Refused);
    }
    Ok(Some(from))
}

fn authorities(reader: &mut Reader) -> Result<Option<Vec<u8>>, Refused> {
    let Some(file) = reader.optional_text("mail_ca") else { return Ok(None) };
    std::fs::read(file).map(Some).map_err(|error| {
        reader.reject("mail_ca", &format!("must be a file that can be read: {error}"));
        Refused
    })
}

fn server(text: &str) -> Result<MailServer, &'static str> {
    let bad = "must be smtp://…, smtps://… or log:";
    let url = Url::parse(text).map_err(|_| bad)?;
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let (security, port) = match (url.scheme(), tls.as_deref()) {
        ("smtp", None) => (Security::StartTls, 587),
        ("smtp", Some("off")) => (Security::Off, 25),
        ("smtps", None) => (Security::Tls, 465),
        _ => return Err(bad),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(bad)?;
    let user = decoded(url.username())?;
    let login = match url.password() {
        Some(_) if security == Security::Off => return Err("must not send a password without TLS"),
        Some(password) => Some((user, SecretString::from(decoded(password)?))),
        None if user.is_empty() => None,
        None => return Err("must have a password beside the user name"),
    };
    Ok(MailServer { host: host.to_owned(), port: url.port().unwrap_or(port), security, login })
}

/// What stands in a URL as `%41`.
fn decoded(text: &str) -> Result<String, &'static str> {
    let bad = "must have its user name and password percent-encoded";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(bad);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).map_err(|_| bad)?);
    }
    String::from_utf8(bytes).map_err(|_| bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let read = |text: &str| server(text).map(|server| (server.host, server.port, server.security));
        assert_eq!(read("smtp://mail.example").unwrap(), ("mail.example".to_owned(), 587, Security::StartTls));
        assert_eq!(read("smtps://mail.example").unwrap(), ("mail.example".to_owned(), 465, Security::Tls));
        assert_eq!(read("smtp://127.0.0.1:1025?tls=off").unwrap(), ("127.0.0.1".to_owned(), 1025, Security::Off));
        for bad in ["", "http://x", "smtp://", "smtp://u:p@x?tls=off", "smtp://u@x", "smtp://x?tls=maybe"] {
            assert!(server(bad).is_err(), "{bad}");
        }
        let (user, password) = server("smtp://a%40b:p%3A%2F@x").unwrap().login.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("a@b", "p:/"));
    }
}
