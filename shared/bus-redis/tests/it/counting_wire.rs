//! A wire to one Redis that counts the script calls which leave the client, whether or not Redis ever reads them, and
//! that may stop the server in front of one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rookery_tests::redis::Redis;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// How a script call begins: its name is the first argument of the command.
const SCRIPT_CALL: &[u8] = b"\r\n$7\r\nEVALSHA\r\n";
const CHUNK: usize = 16 * 1024;

pub(crate) struct CountingWire {
    address: String,
    calls: Arc<Calls>,
    accepting: AbortHandle,
}

struct Calls {
    redis: Arc<Redis>,
    seen: AtomicUsize,
    /// Redis is stopped before it can read this one; 0 for none.
    silent_from: AtomicUsize,
}

impl CountingWire {
    pub(crate) async fn start(redis: Arc<Redis>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = Arc::new(Calls { redis, seen: AtomicUsize::new(0), silent_from: AtomicUsize::new(0) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&calls))).abort_handle();
        Self { address, calls, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Counts from zero, and stops Redis in front of this call; 0 for none.
    pub(crate) fn count_anew(&self, silent_from: usize) {
        self.calls.silent_from.store(silent_from, Ordering::SeqCst);
        self.calls.seen.store(0, Ordering::SeqCst);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.seen.load(Ordering::SeqCst)
    }
}

impl Drop for CountingWire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, calls: Arc<Calls>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, Arc::clone(&calls)));
    }
}

/// Carries one connection until either side ends it.
async fn carry(client: TcpStream, calls: Arc<Calls>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", calls.redis.port())).await else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    tokio::select! {
        () = requests(from_client, to_server, &calls) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, calls: &Calls) {
    // What was read, behind the end of what was read before: a call may lie across both.
    let mut bytes = Vec::with_capacity(2 * CHUNK);
    loop {
        let old = bytes.len();
        let Ok(1..) = from.read_buf(&mut bytes).await else { return };
        for _ in bytes.windows(SCRIPT_CALL.len()).filter(|window| *window == SCRIPT_CALL) {
            calls.record();
        }
        if to.write_all(&bytes[old..]).await.is_err() {
            return;
        }
        bytes.drain(..bytes.len().saturating_sub(SCRIPT_CALL.len() - 1));
    }
}

impl Calls {
    fn record(&self) {
        let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if seen == self.silent_from.load(Ordering::SeqCst) {
            self.redis.process.signal("STOP");
        }
    }
}
