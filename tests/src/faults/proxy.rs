//! A TCP proxy that misbehaves on demand: it cuts, swallows, delays, slows, slices, and loses replies. It forwards to
//! one address, in this process, and ends when dropped. It may treat one calling process differently from all others: so
//! a network is parted, where each wire is known by its two ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::caller;

const CHUNK: usize = 16 * 1024;
/// Chunks of one direction that may be on the way.
const ON_THE_WAY_MAX: usize = 256;

/// How the wire behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Open,
    /// Every connection is reset, every new one too.
    Cut,
    /// Nothing gets through, nobody is told; what was held back goes on later, as after lost packets.
    Swallow,
    /// Requests get through, replies do not; nobody is told, and the replies go on later.
    SwallowReplies,
    /// Everything arrives later by a time between these two.
    Delay(Duration, Duration),
    /// At most so many bytes a second, each direction of each connection.
    Rate(u32),
    /// In pieces of one byte.
    Slice,
    /// Requests go through; the first reply on each connection is lost and the connection reset.
    DropReplies,
}

/// A wire.
pub struct Proxy {
    port: u16,
    modes: Arc<Modes>,
    accepting: AbortHandle,
}

/// How a wire behaves, and for whom.
struct Modes {
    /// For everybody but the single one.
    others: watch::Sender<Mode>,
    /// For the process that was singled out.
    single: watch::Sender<Mode>,
    /// Its number, 0 if there is none.
    process: AtomicU32,
}

impl Modes {
    /// What applies to the connection that came from one port of this machine to another.
    fn of(&self, from: u16, to: u16) -> watch::Receiver<Mode> {
        let process = self.process.load(Ordering::Relaxed);
        let is_single = process != 0 && caller::is_of(process, from, to);
        if is_single { &self.single } else { &self.others }.subscribe()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Reply,
}

impl Direction {
    fn is_swallowed(self, mode: Mode) -> bool {
        mode == Mode::Swallow || (mode == Mode::SwallowReplies && self == Self::Reply)
    }
}

impl Proxy {
    /// Listens on a free port and forwards to `target`, `127.0.0.1:port`.
    pub async fn start(target: String) -> Self {
        Self::start_at(crate::ports::free(), target).await
    }

    /// The same on a port that is known before.
    pub async fn start_at(port: u16, target: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port can be bound");
        let (others, single) = (watch::Sender::new(Mode::Open), watch::Sender::new(Mode::Open));
        let modes = Arc::new(Modes { others, single, process: AtomicU32::new(0) });
        let accepting = tokio::spawn(accept(listener, port, target, Arc::clone(&modes))).abort_handle();
        Self { port, modes, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Behaves differently from now on, also on connections that exist.
    pub fn set(&self, mode: Mode) {
        self.modes.others.send_replace(mode);
        self.modes.single.send_replace(mode);
    }

    /// Connections that this process makes from now on may be treated differently.
    pub fn single_out(&self, process: u32) {
        self.modes.process.store(process, Ordering::Relaxed);
    }

    /// Behaves differently from now on for the process that was singled out.
    pub fn set_for_single(&self, mode: Mode) {
        self.modes.single.send_replace(mode);
    }

    /// Behaves differently from now on for all other processes.
    pub fn set_for_others(&self, mode: Mode) {
        self.modes.others.send_replace(mode);
    }

    /// Open connections of the process that was singled out.
    pub fn of_single(&self) -> usize {
        self.modes.single.receiver_count()
    }

    /// Resets every connection once; new ones go through.
    pub async fn reset(&self) {
        self.set(Mode::Cut);
        sleep(Duration::from_millis(50)).await;
        self.set(Mode::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, port: u16, target: String, modes: Arc<Modes>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, from)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        connections.spawn(carry(client, target.clone(), modes.of(from.port(), port)));
    }
}

async fn carry(client: TcpStream, target: String, mut mode: watch::Receiver<Mode>) {
    if *mode.borrow() == Mode::Cut {
        return reset(&client);
    }
    // A swallowed handshake never reaches the other side.
    mode.wait_for(|mode| *mode != Mode::Swallow).await.ok();
    let Ok(server) = TcpStream::connect(target).await else { return reset(&client) };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let handles = [handle(&client), handle(&server)];
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = async {
        let mut mode = mode.clone();
        mode.wait_for(|mode| *mode == Mode::Cut).await.ok();
    };
    let both = async {
        let request = pump(from_client, to_server, mode.clone(), Direction::Request);
        tokio::try_join!(request, pump(from_server, to_client, mode.clone(), Direction::Reply))
    };
    let is_over = tokio::select! {
        () = cut => false,
        carried = both => carried.is_ok(),
    };
    if !is_over {
        handles.iter().flatten().for_each(|handle| drop(handle.set_linger(Some(Duration::ZERO))));
    }
}

/// A second handle of a socket, to reset it when its halves are elsewhere.
fn handle(stream: &TcpStream) -> Option<socket2::Socket> {
    socket2::SockRef::from(stream).try_clone().ok()
}

fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
}

/// The connection has to be reset.
struct Broken;

/// Carries one direction until it ends or the mode forbids more.
async fn pump(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
    direction: Direction,
) -> Result<(), Broken> {
    let (chunks, arriving) = mpsc::channel(ON_THE_WAY_MAX);
    tokio::try_join!(collect(from, chunks, mode.clone()), deliver(to, arriving, mode, direction)).map(|_| ())
}

/// Reads as fast as it comes, and stamps each chunk with the time at which it may arrive.
async fn collect(
    mut from: OwnedReadHalf,
    chunks: mpsc::Sender<(Instant, Vec<u8>)>,
    mode: watch::Receiver<Mode>,
) -> Result<(), Broken> {
    let mut buffer = vec![0; CHUNK];
    let mut count: u32 = 0;
    loop {
        let read = from.read(&mut buffer).await.map_err(|_| Broken)?;
        if read == 0 {
            return Ok(());
        }
        count = count.wrapping_add(1);
        let delay = match *mode.borrow() {
            Mode::Delay(least, most) => {
                least + most.saturating_sub(least).mul_f64(f64::from(count.wrapping_mul(37) % 100) / 100.0)
            }
            Mode::Open
            | Mode::Cut
            | Mode::Swallow
            | Mode::SwallowReplies
            | Mode::Rate(_)
            | Mode::Slice
            | Mode::DropReplies => Duration::ZERO,
        };
        chunks.send((Instant::now() + delay, buffer[..read].to_vec())).await.map_err(|_| Broken)?;
    }
}

async fn deliver(
    mut to: OwnedWriteHalf,
    mut arriving: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut mode: watch::Receiver<Mode>,
    direction: Direction,
) -> Result<(), Broken> {
    while let Some((due, chunk)) = arriving.recv().await {
        sleep_until(due).await;
        mode.wait_for(|mode| !direction.is_swallowed(*mode)).await.ok();
        let now = *mode.borrow();
        let written = match now {
            Mode::DropReplies if direction == Direction::Reply => return Err(Broken),
            Mode::Slice => slice(&mut to, &chunk).await,
            Mode::Rate(bytes_per_second) => {
                sleep(Duration::from_secs(1).mul_f64(bytes_of(&chunk) / f64::from(bytes_per_second))).await;
                to.write_all(&chunk).await
            }
            Mode::Open | Mode::Cut | Mode::Swallow | Mode::SwallowReplies | Mode::Delay(..) | Mode::DropReplies => {
                to.write_all(&chunk).await
            }
        };
        written.map_err(|_| Broken)?;
    }
    to.shutdown().await.map_err(|_| Broken)
}

fn bytes_of(chunk: &[u8]) -> f64 {
    u32::try_from(chunk.len()).map_or(f64::MAX, f64::from)
}

async fn slice(to: &mut OwnedWriteHalf, chunk: &[u8]) -> std::io::Result<()> {
    for byte in chunk.chunks(1) {
        to.write_all(byte).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who sends back what comes.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> std::io::Result<[u8; 5]> {
        let mut answer = [0; 5];
        stream.write_all(b"hello").await?;
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn carries_cuts_slices_and_carries_again() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        for mode in [Mode::Open, Mode::Slice, Mode::Rate(10_000), Mode::Delay(Duration::ZERO, Duration::from_millis(5))]
        {
            proxy.set(mode);
            assert_eq!(&ask(&mut stream).await.unwrap(), b"hello", "{mode:?}");
        }
        proxy.reset().await;
        assert!(ask(&mut stream).await.is_err(), "the old connection is gone");
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&ask(&mut again).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn one_process_can_be_apart_from_all_others() {
        let proxy = Proxy::start(echo().await).await;
        proxy.set_for_single(Mode::Cut);
        assert!(ask(&mut TcpStream::connect(proxy.address()).await.unwrap()).await.is_ok(), "nobody is singled out");
        proxy.single_out(std::process::id());
        assert!(ask(&mut TcpStream::connect(proxy.address()).await.unwrap()).await.is_err());
        proxy.set_for_others(Mode::Cut);
        proxy.set_for_single(Mode::Open);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut stream).await.is_ok());
        assert!(proxy.of_single() > 0);
    }

    #[tokio::test]
    async fn requests_get_through_while_replies_are_held_back() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.set(Mode::SwallowReplies);
        let asking = tokio::spawn(async move { ask(&mut stream).await });
        sleep(Duration::from_millis(50)).await;
        assert!(!asking.is_finished(), "no reply gets through");
        proxy.set(Mode::Open);
        assert_eq!(&asking.await.unwrap().unwrap(), b"hello");
    }

    #[tokio::test]
    async fn loses_replies_and_holds_back_what_it_swallows() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut stream).await.is_ok());
        proxy.set(Mode::Swallow);
        let asking = tokio::spawn(async move { (ask(&mut stream).await, stream) });
        sleep(Duration::from_millis(50)).await;
        assert!(!asking.is_finished(), "nothing gets through");
        proxy.set(Mode::Open);
        let (answer, mut stream) = asking.await.unwrap();
        assert_eq!(&answer.unwrap(), b"hello");
        proxy.set(Mode::DropReplies);
        assert!(ask(&mut stream).await.is_err(), "the reply is lost");
    }
}
