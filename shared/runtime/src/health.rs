//! The command `health` of every program: whether the server with these settings, on this machine, wants requests.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use serde::Deserialize;

use crate::config::ListenAddress;
use crate::limits::HEALTH_DEADLINE;
use crate::probe::Probe;

/// What `/ready` answers.
#[derive(Deserialize)]
struct Readiness {
    reasons: Vec<String>,
}

/// Asks the internal listener of the server that was started with the same settings.
///
/// # Errors
/// With the reason why it is not ready, in one line.
pub async fn check(internal: &ListenAddress, is_secure: bool) -> Result<(), String> {
    let (host, port) = internal.from_here();
    if port == 0 {
        return Err(format!("{internal} is any port, so nobody knows which; give internal_listen a port"));
    }
    let tls = is_secure.then(unverified).transpose()?;
    let probe = Probe { host, port, tls, from: None, deadline: HEALTH_DEADLINE };
    let answer = probe
        .get("/ready", HeaderMap::new())
        .await
        .map_err(|error| format!("{internal}: {error}"))?;
    if answer.status == StatusCode::OK {
        return Ok(());
    }
    let reasons = serde_json::from_slice::<Readiness>(&answer.body).map(|said| said.reasons.join("; "));
    Err(format!(
        "not ready: {}",
        reasons.unwrap_or_else(|_| format!("{internal} answers {}", answer.status))
    ))
}

/// Whoever asks whether this machine's own server is ready tells it nothing and believes it nothing else, and its
/// certificate is for the name by which others call it. Probes of Kubernetes do the same.
fn unverified() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
