//! The accept loop of every HTTP listener, with TLS or without: HTTP/1.1 with upgrades, deadlines and bounds for heads,
//! answers and idle connections, caps on connections and on their rate, and `TCP_NODELAY`. What holds for every request, whichever server
//! it is for, is in `exchange` and `rules`.
//!
//! `axum::serve` installs no timer, so a request head that never ends, or an answer that is never read, would hold its
//! socket for ever; see `stream`.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv6Addr, Shutdown as Half, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rookery_protocol::limits::{HEAD_BYTES_MAX, HEADERS_MAX};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tower::Service;

use crate::limits::{ACCEPT_QUEUE, ANSWER_BUFFER_BYTES};
use crate::shutdown::Shutdown;

mod addresses;
mod admission;
mod exchange;
mod headers;
mod options;
mod rules;
mod secure;
mod stream;

use crate::listener::admission::Admission;
pub use addresses::AddressBounds;
use addresses::Place;
use exchange::Caller;
pub use exchange::{REQUEST_ID, RequestBody};
pub use headers::RESOURCE_POLICY;
pub use options::{ACCEPTS_SETTING, ADDRESS_SETTINGS, ListenerOptions};
use secure::Secure;
pub use secure::VerifiedClient;
pub use stream::HttpStream;
use stream::Progress;

/// Name of the deadline of answers, as a metric label.
const ANSWER: &str = "answer";

/// Counts what is not let in, and who is shown out.
pub trait Refusals: Send + Sync + 'static {
    /// One more, by the limit of this name.
    fn refused(&self, limit: &'static str);
}

/// Where nobody counts.
impl Refusals for () {
    fn refused(&self, _limit: &'static str) {}
}

/// The address of the other end, as a request extension. Behind a proxy it is the proxy's.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// One accepted connection; it counts against the caps until it is dropped, also after an upgrade.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    _place: Option<Place>,
}

impl Connection {
    /// The bytes.
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes what the kernel takes now, without asking before whether it takes anything.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(&self.stream).send(bytes)
    }

    /// From here on the kernel takes no more than so much that the other end has not read.
    pub fn bound_unread(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.stream).set_send_buffer_size(bytes)
    }

    /// Ends our half; the other end reads what was written before, then the end.
    pub fn end_writing(&self) -> io::Result<()> {
        SockRef::from(&self.stream).shutdown(Half::Write)
    }
}

/// Listens on an address, with a queue that survives a moment without a free processor.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A process that starts again finds connections of the one before still ending.
    socket.set_reuseaddr(true)?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        SockRef::from(&socket).set_only_v6(false)?;
    }
    socket.bind(address)?;
    socket.listen(ACCEPT_QUEUE)
}

/// Serves a listener as a task of the process.
pub fn start<S, B>(listener: TcpListener, service: S, options: ListenerOptions, shutdown: &Shutdown)
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let until = shutdown.clone();
    shutdown.spawn_work("listener", async move { serve(listener, service, options, &until).await });
}

/// Accepts until the process drains, then lets open requests finish.
pub async fn serve<S, B>(listener: TcpListener, service: S, options: ListenerOptions, shutdown: &Shutdown)
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let refusals = Arc::clone(&options.refusals);
    let secure = options.tls.clone().map(|tls| Arc::new(Secure::new(tls, Arc::clone(&refusals))));
    let is_https = options.is_https;
    let door = Admission::new(options, shutdown);
    while let Some(accepted) = shutdown.drain.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                door.recover(&error, &listener).await;
                continue;
            }
        };
        let (permit, place) = match door.admit(peer.ip()) {
            Ok(admitted) => admitted,
            Err(limit) => {
                door.refuse(stream, limit);
                continue;
            }
        };
        let connection = Connection { stream, _permit: permit, _place: place };
        prepare(&connection);
        let progress = Arc::new(Progress::default());
        let stream = HttpStream::new(connection, Arc::clone(&progress), Arc::clone(&refusals));
        let client = Client { peer, progress, verified: None, is_https };
        match secure.clone() {
            None => shutdown.spawn_work("http", converse(stream, client, service.clone(), shutdown.clone())),
            Some(secure) => {
                let talk = converse_securely(secure, stream, client, service.clone(), shutdown.clone());
                shutdown.spawn_work("https", talk);
            }
        }
    }
}

fn prepare(connection: &Connection) {
    let prepared = connection
        .stream
        .set_nodelay(true)
        .and_then(|()| connection.bound_unread(ANSWER_BUFFER_BYTES));
    if let Err(error) = prepared {
        tracing::debug!(%error, "socket keeps its own ways");
    }
}

/// The other end of a connection.
struct Client {
    peer: SocketAddr,
    progress: Arc<Progress>,
    verified: Option<VerifiedClient>,
    is_https: bool,
}

async fn converse_securely<S, B>(
    secure: Arc<Secure>,
    stream: HttpStream,
    mut client: Client,
    service: S,
    shutdown: Shutdown,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let greeted = shutdown.drain.run_until_cancelled(secure.handshake(stream, client.peer)).await;
    if let Some((stream, verified)) = greeted.flatten() {
        client.verified = verified;
        converse(stream, client, service, shutdown).await;
    }
}

async fn converse<T, S, B>(stream: T, client: Client, service: S, shutdown: Shutdown)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(verified) = client.verified {
            request.extensions_mut().insert(verified);
        }
        let Client { peer, is_https, .. } = client;
        exchange::exchange(service.clone(), request, Caller { peer, progress: Arc::clone(&client.progress), is_https })
    });
    let connection = http1::Builder::new()
        // The stream keeps the time, and knows a head from an idle connection.
        .header_read_timeout(None)
        // A half-closed peer may still read (RFC 9112 §9.6).
        .half_close(true)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "http connection ended");
    }
}
