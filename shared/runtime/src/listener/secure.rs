//! TLS under the HTTP of a listener. It lies between HTTP and the bytes whose deadlines are kept in `stream`, so the
//! handshake counts as a part of the first request's head.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{HttpStream, Refusals};
use crate::log_throttle::LogThrottle;

/// Name of handshakes that fail, as a metric label.
const TLS: &str = "tls";

/// The client has proved itself by a certificate that is trusted; a request extension.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedClient;

/// A connection that is still in its TLS handshake, or through it.
pub(super) struct Secure {
    acceptor: TlsAcceptor,
    refusals: Arc<dyn Refusals>,
    warnings: LogThrottle,
}

impl Secure {
    pub(super) fn new(config: Arc<ServerConfig>, refusals: Arc<dyn Refusals>) -> Self {
        Self { acceptor: config.into(), refusals, warnings: LogThrottle::default() }
    }

    /// None if there is no connection that both ends trust.
    pub(super) async fn handshake(
        &self,
        stream: HttpStream,
        peer: SocketAddr,
    ) -> Option<(TlsStream<HttpStream>, Option<VerifiedClient>)> {
        match self.acceptor.accept(stream).await {
            Ok(stream) => {
                let verified = stream.get_ref().1.peer_certificates().map(|_| VerifiedClient);
                Some((stream, verified))
            }
            Err(error) => {
                self.refusals.refused(TLS);
                // Other errors are of clients that only look whether somebody listens, or that are gone.
                if error.kind() == io::ErrorKind::InvalidData && self.warnings.allows(&error.to_string()) {
                    tracing::warn!(%error, %peer, "TLS handshake failed");
                }
                None
            }
        }
    }
}
