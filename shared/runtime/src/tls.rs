//! TLS between processes: whom to trust and who we are, both from PEM files that settings name.
//!
//! Files are read when a process starts, together with its settings; a certificate that was renewed takes a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::config::{Reader, Setting};
use crate::metrics::process;

/// Which settings a client reads.
#[derive(Clone, Copy, Debug)]
pub struct ClientKeys {
    /// Names who signs the servers' certificates.
    pub ca: &'static str,
    /// Names our certificate, for servers that ask for one.
    pub certificate: &'static str,
    /// Names its key.
    pub key: &'static str,
}

/// Which settings a server reads.
#[derive(Clone, Copy, Debug)]
pub struct ServerKeys {
    /// Names our certificate.
    pub certificate: &'static str,
    /// Names its key.
    pub key: &'static str,
    /// Names who signs the certificates of clients.
    pub client_ca: &'static str,
}

/// How a server speaks TLS.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// With an authority for clients, a client may bring a certificate; one that it did not sign ends the handshake.
    pub config: Arc<ServerConfig>,
    /// Whether there is an authority for clients. Which requests need a certificate is the server's to say.
    pub asks_clients: bool,
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A setting is wrong, which the reader remembers.
struct Rejected;

/// A setting that names a PEM file.
pub const fn setting(key: &'static str, help: &'static str) -> Setting {
    Setting { key, default: None, secret: false, help }
}

/// How a client speaks TLS, with an address that asks for it. None if it does not, or if a setting is wrong, which the
/// reader remembers.
pub fn client(reader: &mut Reader, keys: ClientKeys, is_asked_for: bool) -> Option<ClientConfig> {
    let roots = authorities(reader, keys.ca);
    let identity = identity(reader, keys.certificate, keys.key);
    let (roots, identity) = (roots.ok()?, identity.ok()?);
    if !is_asked_for {
        let unused = [roots.map(|_| keys.ca), identity.map(|_| keys.certificate)];
        for key in unused.into_iter().flatten() {
            reader.reject(key, "is not used: the address is not one of TLS (https, rediss)");
        }
        return None;
    }
    let roots = match roots {
        Some(roots) => roots,
        None => checked(reader, keys.ca, system()).ok()?,
    };
    checked(reader, keys.certificate, client_config(roots, identity)).ok()
}

/// A client that trusts no server, where there is no TLS.
///
/// # Errors
/// If the library refuses its own provider.
pub fn without_authorities() -> Result<ClientConfig, String> {
    client_config(RootCertStore::empty(), None)
}

/// A client that trusts whom the system trusts.
///
/// # Errors
/// If the system trusts nobody.
pub fn of_system() -> Result<ClientConfig, String> {
    client_config(system()?, None)
}

/// How a server speaks TLS. None if no setting says so, or if one is wrong, which the reader remembers.
pub fn server(reader: &mut Reader, keys: ServerKeys) -> Option<ServerTls> {
    let clients = authorities(reader, keys.client_ca);
    let identity = identity(reader, keys.certificate, keys.key);
    let (clients, identity) = (clients.ok()?, identity.ok()?);
    let asks_clients = clients.is_some();
    if asks_clients && identity.is_none() {
        reader.reject(keys.client_ca, &format!("is not used without {} and {}", keys.certificate, keys.key));
    }
    let config = checked(reader, keys.certificate, server_config(clients, identity?)).ok()?;
    Some(ServerTls { config: Arc::new(config), asks_clients })
}

/// A file of authorities that a library will read; what is wrong with it is remembered by the reader.
pub fn authorities_file(reader: &mut Reader, key: &'static str) -> Option<PathBuf> {
    authorities(reader, key).ok()??;
    reader.optional_text(key).map(PathBuf::from)
}

fn checked<T>(reader: &mut Reader, key: &'static str, outcome: Result<T, String>) -> Result<T, Rejected> {
    outcome.map_err(|why| {
        reader.reject(key, &why);
        Rejected
    })
}

fn identity(reader: &mut Reader, certificate: &'static str, key: &'static str) -> Result<Option<Identity>, Rejected> {
    match (reader.optional_text(certificate), reader.optional_text(key)) {
        (Some(chain), Some(path)) => {
            let chain = checked(reader, certificate, certificates(&chain));
            if let Ok([own, ..]) = chain.as_deref() {
                note_end(certificate, own);
            }
            let key = checked(reader, key, private_key(&path));
            Ok(Some((chain?, key?)))
        }
        (Some(_), None) => checked(reader, certificate, Err(format!("is not used without {key}"))),
        (None, Some(_)) => checked(reader, key, Err(format!("is not used without {certificate}"))),
        (None, None) => Ok(None),
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(Path::new(path)).and_then(Iterator::collect);
    let found: Vec<_> = found.map_err(|error| format!("must be a PEM file of certificates: {error}"))?;
    if found.is_empty() {
        return Err("must be a PEM file of certificates: it has none".to_owned());
    }
    Ok(found)
}

/// A certificate that the library cannot read is refused where it is used.
fn note_end(setting: &'static str, certificate: &CertificateDer<'_>) {
    if let Ok((_, certificate)) = X509Certificate::from_der(certificate) {
        process::certificate_ends(setting, certificate.validity().not_after.timestamp());
    }
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(Path::new(path)).map_err(|error| format!("must be a PEM file with a key: {error}"))
}

fn authorities(reader: &mut Reader, key: &'static str) -> Result<Option<RootCertStore>, Rejected> {
    let Some(path) = reader.optional_text(key) else { return Ok(None) };
    checked(reader, key, root_store(&path)).map(Some)
}

fn root_store(path: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| format!("must be a PEM file of certificates: {error}"))?;
    }
    Ok(roots)
}

/// Whom the system trusts. A certificate of the system that cannot be read is one that is not trusted.
fn system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("is needed: the system has no certificate authorities".to_owned());
    }
    Ok(roots)
}

fn client_config(roots: RootCertStore, identity: Option<Identity>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&error)),
        None => Ok(builder.with_no_client_auth()),
    }
}

fn server_config(clients: Option<RootCertStore>, (chain, key): Identity) -> Result<ServerConfig, String> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match clients {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.allow_unauthenticated().build().map_err(|error| error.to_string())?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    builder.with_single_cert(chain, key).map_err(|error| unusable(&error))
}

fn unusable(error: &rustls::Error) -> String {
    format!("must be a certificate that can be used with its key: {error}")
}
