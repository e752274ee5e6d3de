//! The accept loop of every HTTP listener: HTTP/1.1 with upgrades, a deadline and bounds for the request head, a
//! cap on connections and on their rate, and `TCP_NODELAY`.
//!
//! `axum::serve` installs no timer, so a request head that never ends would hold its socket for ever; here it is
//! closed after [`HEAD_DEADLINE`].

use std::convert::Infallible;
use std::io;
use std::net::{Shutdown as Half, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tower::{Service, ServiceExt};

use crate::config::Setting;
use crate::limits::{HEAD_BYTES_MAX, HEAD_DEADLINE, HEADERS_MAX};
use crate::shutdown::Shutdown;

mod door;

use door::Door;

/// The setting of [`ListenerOptions::accepts_per_second`].
pub const ACCEPTS_SETTING: Setting = Setting {
    key: "accepts_per_second",
    default: Some("1000"),
    secret: false,
    help: "Connections that the public listener accepts in a second, twice as many at once; more are answered 503. 0 for no limit.",
};

/// Bounds of one listener. What they keep out is answered 503 and closed.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Connections at once, upgraded ones included. Fewer, if the process may not open so many files.
    pub connections_max: usize,
    /// Connections accepted in a second, twice as many at once; 0 for no limit.
    pub accepts_per_second: u32,
    /// Who counts them.
    pub refusals: Arc<dyn Refusals>,
}

/// Counts what is not let in.
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

/// One accepted connection; it counts against the cap until it is dropped, also after an upgrade.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
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

/// Accepts until the process drains, then lets open requests finish.
pub async fn serve<S, B>(listener: TcpListener, service: S, options: ListenerOptions, shutdown: &Shutdown)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let door = Door::new(options, shutdown);
    while let Some(accepted) = shutdown.drain.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                door.recover(&error, &listener).await;
                continue;
            }
        };
        let permit = match door.admit() {
            Ok(permit) => permit,
            Err(limit) => {
                door.refuse(stream, limit);
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let connection = Connection { stream, _permit: permit };
        shutdown.spawn_work("http connection", converse(connection, peer, service.clone(), shutdown.clone()));
    }
}

async fn converse<S, B>(connection: Connection, peer: SocketAddr, service: S, shutdown: Shutdown)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        service.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(connection), service)
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

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
