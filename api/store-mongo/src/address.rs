//! Where MongoDB is, and who signs its certificate.

use std::path::PathBuf;

use mongodb::options::{ClientOptions, ConnectionString, HostInfo, Tls, TlsOptions};
use rookery_runtime::config::{Reader, Setting};
use rookery_runtime::tls;
use rookery_store::StoreError;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::Failed;

const URL: &str = "mongo_url";
const CA: &str = "mongo_ca";
const FORM: &str = "must be an address of the form mongodb://[user:password@]host[:port]/[?options] or mongodb+srv://…";

/// The settings of [`MongoAddress`].
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: URL,
        default: None,
        secret: true,
        help: "MongoDB replica set, as `mongodb://…` or `mongodb+srv://…`.",
    },
    tls::setting(
        CA,
        "PEM file of the authorities that sign MongoDB's certificate; turns TLS on. Without it, `tls=true` in `mongo_url` trusts those that Mozilla trusts.",
    ),
];

/// An address that can be read.
#[derive(Clone, Debug)]
pub struct MongoAddress {
    url: SecretString,
    ca: Option<PathBuf>,
}

impl MongoAddress {
    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let (url, ca) = (reader.secret(URL, true), tls::authorities_file(reader, CA));
        let url = url?;
        // The driver's own error may quote the password.
        match ConnectionString::parse(url.expose_secret()) {
            Err(_) => reader.reject(URL, FORM),
            Ok(read) if ca.is_some() && read.tls == Some(Tls::Disabled) => {
                reader.reject(CA, "is not used: mongo_url turns TLS off");
            }
            Ok(_) => {}
        }
        Some(Self { url, ca })
    }

    /// Whether the servers are found by DNS.
    pub fn is_looked_up(&self) -> bool {
        let read = ConnectionString::parse(self.url.expose_secret());
        read.is_ok_and(|read| matches!(read.host_info, HostInfo::DnsRecord(_)))
    }

    pub(super) async fn options(&self) -> Result<ClientOptions, Failed> {
        // The driver's own text may quote the address, which may hold a password.
        let options = ClientOptions::parse(self.url.expose_secret()).await;
        let mut options =
            options.map_err(|_| StoreError::Unavailable("the MongoDB address cannot be used".to_owned()))?;
        if let Some(ca) = &self.ca {
            let mut tls = match options.tls.take() {
                Some(Tls::Enabled(tls)) => tls,
                Some(Tls::Disabled) | None => TlsOptions::default(),
            };
            tls.ca_file_path = Some(ca.clone());
            options.tls = Some(Tls::Enabled(tls));
        }
        Ok(options)
    }
}

impl From<String> for MongoAddress {
    fn from(url: String) -> Self {
        Self { url: url.into(), ca: None }
    }
}

impl From<&str> for MongoAddress {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}
