//! How pushes leave the house, as operators choose it.

use rookery_runtime::config::{Reader, Setting};
use rookery_runtime::outgoing::{self, Exempt, Outgoing};
use rookery_runtime::tls;

/// The settings.
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: "push_contact",
        default: None,
        secret: false,
        help: "Whom push services write to about pushes of this server, `mailto:…` or `https://…`; the first address of `public_url` if it is one of those. Apple's refuses pushes without.",
    },
    outgoing::SETTINGS[0],
];

/// How pushes leave the house.
#[derive(Clone)]
pub struct PushOptions {
    /// Whom push services write to.
    pub contact: Option<String>,
    /// Asks them.
    pub outgoing: Outgoing,
}

impl PushOptions {
    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader. `links` is what links of mails begin with.
    pub fn read(reader: &mut Reader, links: &str) -> Option<Self> {
        let (contact, exempt) = (reader.optional_text("push_contact"), Exempt::read(reader));
        if contact.as_deref().is_some_and(|contact| !is_contact(contact)) {
            reader.reject("push_contact", "must begin with mailto: or https://");
            return None;
        }
        let contact = contact.or_else(|| is_contact(links).then(|| links.to_owned()));
        // Whoever pushes nothing needs no authorities; whoever does is told.
        let tls = tls::of_system()
            .inspect_err(|why| tracing::warn!(%why, "pushes will fail: no certificate is trusted"))
            .or_else(|_| tls::without_authorities());
        let tls = tls.inspect_err(|why| reader.reject("outgoing_allow", why)).ok()?;
        Some(Self { contact, outgoing: Outgoing::new(tls, exempt?) })
    }
}

impl std::fmt::Debug for PushOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushOptions").field("contact", &self.contact).finish_non_exhaustive()
    }
}

fn is_contact(text: &str) -> bool {
    let has_rest = |prefix| text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    has_rest("mailto:") || has_rest("https://")
}
