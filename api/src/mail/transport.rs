//! The way to the mail server.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::options::{MailOptions, MailServer, MailTarget, Security};
use super::templates::Written;
use crate::limits::MAIL_DEADLINE;

/// Sends mails.
pub struct Mailer {
    way: Way,
    from: Option<Mailbox>,
    links: String,
}

enum Way {
    Off,
    Log,
    Server(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// The mail settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The sender is no address.
    #[error("mail_from: {0}")]
    From(#[source] lettre::address::AddressError),
    /// From the certificates or the name of the server.
    #[error("mail_url or mail_ca: {0}")]
    Server(#[source] lettre::transport::smtp::Error),
}

/// Why a mail was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It may be, later.
    Later(String),
    /// It never will be.
    Never(String),
}

impl Mailer {
    /// A way as the options say.
    pub fn new(options: &MailOptions) -> Result<Self, MailerError> {
        let way = match &options.target {
            MailTarget::Off => Way::Off,
            MailTarget::Log => Way::Log,
            MailTarget::Server(server) => Way::Server(Box::new(connection(server, options.authorities.as_deref())?)),
        };
        let from = options.from.as_str();
        let from = if from.is_empty() {
            None
        } else {
            Some(from.parse().map_err(MailerError::From)?)
        };
        Ok(Self { way, from, links: options.links.clone() })
    }

    /// Whether mail leaves the house at all.
    pub const fn is_on(&self) -> bool {
        !matches!(self.way, Way::Off)
    }

    /// A link to the page. What it carries stands behind `#`, which no server and no log sees.
    pub fn link(&self, action: &str, token: &str) -> String {
        format!("{}/#{action}={token}", self.links)
    }

    /// Sends a mail to an address. The same id makes the same mail again.
    pub(super) async fn send(&self, id: Uuid, to: &str, mail: Written) -> Result<(), SendError> {
        match &self.way {
            Way::Off => Err(SendError::Later("mail is off".to_owned())),
            Way::Log => {
                tracing::info!(subject = mail.subject, "mail printed, not sent:\n{}", mail.text);
                Ok(())
            }
            Way::Server(server) => {
                let message = self.message(id, to, mail)?;
                server.send(message).await.map(drop).map_err(|error| {
                    // Its text may have the address in it: what went wrong is enough.
                    let what = error.status().map_or_else(|| kind_of(&error), |code| format!("the server said {code}"));
                    if error.is_permanent() {
                        SendError::Never(what)
                    } else {
                        SendError::Later(what)
                    }
                })
            }
        }
    }

    fn message(&self, id: Uuid, to: &str, mail: Written) -> Result<Message, SendError> {
        let never = |what: &str| SendError::Never(what.to_owned());
        let to: Address = to.parse().map_err(|_| never("the address cannot be written to"))?;
        let from = self.from.clone().ok_or_else(|| never("mail_from is missing"))?;
        let id = format!("<{}@{}>", id.simple(), from.email.domain());
        let part = |kind, text| SinglePart::builder().header(kind).body(text);
        let both = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, mail.text))
            .singlepart(part(ContentType::TEXT_HTML, mail.html));
        let message = Message::builder().message_id(Some(id)).from(from).to(Mailbox::new(None, to));
        let message = message.subject(mail.subject).multipart(both);
        message.map_err(|_| never("the mail cannot be written"))
    }
}

fn kind_of(error: &lettre::transport::smtp::Error) -> String {
    let what = if error.is_timeout() {
        "the server does not answer in time"
    } else if error.is_tls() {
        "TLS with the server failed"
    } else {
        "the server cannot be reached"
    };
    what.to_owned()
}

fn connection(
    server: &MailServer,
    authorities: Option<&[u8]>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailerError> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(pem) = authorities {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(MailerError::Server)?);
    }
    let parameters = || parameters.build_rustls().map_err(MailerError::Server);
    let tls = match server.security {
        Security::Tls => Tls::Wrapper(parameters()?),
        Security::StartTls => Tls::Required(parameters()?),
        Security::Off => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host);
    let builder = builder.port(server.port).tls(tls).timeout(Some(MAIL_DEADLINE));
    Ok(match &server.login {
        Some((user, password)) => builder
            .credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()))
            .build(),
        None => builder.build(),
    })
}
