//! One HTTP request to a server, for the commands `health` and `doctor`. The whole exchange is bounded by a deadline, the
//! answer by its size.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::limits::PROBE_ANSWER_BYTES_MAX;

/// Where to ask, and how.
#[derive(Clone)]
pub struct Probe {
    /// Name or address of the server, IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How to speak TLS with it, if it does.
    pub tls: Option<Arc<ClientConfig>>,
    /// From which address to ask a server of the same kind of address; the system chooses if there is none.
    pub from: Option<IpAddr>,
    /// For the whole exchange.
    pub deadline: Duration,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty after an upgrade.
    pub body: Bytes,
    /// Our end of the connection.
    pub local: SocketAddr,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The name or the connection.
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    /// TLS with it.
    #[error("no TLS: {0}")]
    Tls(#[source] io::Error),
    /// What it says is no answer.
    #[error("no answer in HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The answer, or reading it.
    #[error("the answer cannot be read: {0}")]
    Body(String),
    /// The question makes no request.
    #[error("no request: {0}")]
    Request(#[from] http::Error),
    /// It takes too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

impl Probe {
    /// Asks with GET. `headers` may ask for an upgrade, which is given up as soon as it is granted.
    ///
    /// # Errors
    /// If there is no answer, or a larger one than anybody reads.
    pub async fn get(&self, path: &str, headers: HeaderMap) -> Result<Answer, ProbeError> {
        timeout(self.deadline, self.exchange(path, headers))
            .await
            .unwrap_or(Err(ProbeError::Late(self.deadline)))
    }

    async fn exchange(&self, path: &str, headers: HeaderMap) -> Result<Answer, ProbeError> {
        let stream = self.connect().await.map_err(ProbeError::Connect)?;
        let local = stream.local_addr().map_err(ProbeError::Connect)?;
        let mut request = Request::get(path).header(HOST, self.authority()).body(Empty::<Bytes>::new())?;
        if !headers.contains_key(CONNECTION) {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        request.headers_mut().extend(headers);
        match &self.tls {
            None => ask(stream, local, request).await,
            Some(config) => {
                let name = ServerName::try_from(self.host.clone());
                let name = name.map_err(|error| ProbeError::Tls(io::Error::other(error)))?;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name, stream).await.map_err(ProbeError::Tls)?;
                ask(stream, local, request).await
            }
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let mut outcome = Err(io::Error::other("the name has no address"));
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match self.connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    async fn connect_to(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(from) = self.from.filter(|from| from.is_ipv4() == address.is_ipv4()) {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        socket.connect(address).await
    }

    fn authority(&self) -> String {
        let standard = if self.tls.is_some() { 443 } else { 80 };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == standard { host } else { format!("{host}:{}", self.port) }
    }
}

async fn ask<S>(stream: S, local: SocketAddr, request: Request<Empty<Bytes>>) -> Result<Answer, ProbeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            Bytes::new()
        } else {
            let read = Limited::new(body, PROBE_ANSWER_BYTES_MAX).collect().await;
            read.map_err(|error| ProbeError::Body(error.to_string()))?.to_bytes()
        };
        Ok(Answer { status: parts.status, headers: parts.headers, body, local })
    };
    // The connection is the other half of the exchange; it may end first.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => {
            ended?;
            exchange.await
        }
    }
}
