//! A real Redis with an append-only file.

use std::path::PathBuf;

use rookery_shared::keys;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Process, Spec};
use crate::{dirs, ports};

/// One Redis server and its data.
pub struct Redis {
    /// The server.
    pub process: Process,
    port: u16,
    dir: PathBuf,
}

impl Redis {
    /// Chooses a port and a folder; nothing runs yet.
    pub fn prepare() -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("redis"));
        let args = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--appendonly", "yes"]
            .into_iter()
            .chain(["--appendfsync", "everysec", "--dir", &dir.display().to_string()])
            .map(str::to_owned)
            .collect();
        let spec = Spec {
            name: "redis".into(),
            program: "redis-server".into(),
            args,
            env: Vec::new(),
            dir: dir.clone(),
        };
        // Full disks are among the faults that tests make for it.
        Self { process: Process::prepare(spec).with_full_disks_as_errors(), port, dir }
    }

    /// Starts it and waits until it answers.
    pub async fn start(&self) {
        self.process.start();
        self.process.until("answers a ping", async || self.answers().await).await;
    }

    /// Throws all data away. It must not be running.
    pub fn wipe(&self) {
        assert!(!self.process.runs(), "stop Redis before its data is removed");
        std::fs::remove_dir_all(self.dir.join("appendonlydir")).expect("the data can be removed");
        let dump = self.dir.join("dump.rdb");
        if dump.exists() {
            std::fs::remove_file(dump).expect("the data can be removed");
        }
    }

    /// Its address for the services.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Entries of all partitions' logs that a worker was given and has not marked as stored yet.
    pub async fn entries_in_hand(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("Redis runs");
        let mut sum = 0;
        for partition in keys::partitions() {
            let question = format!("XPENDING {} ingest\r\n", keys::log(partition));
            stream.write_all(question.as_bytes()).await.expect("Redis listens");
            sum += first_number(&mut stream).await;
        }
        sum
    }

    async fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await else {
            return false;
        };
        let mut answer = [0_u8; 5];
        stream.write_all(b"PING\r\n").await.is_ok()
            && stream.read_exact(&mut answer).await.is_ok()
            && &answer == b"+PONG"
    }
}

/// The number of entries in an answer to XPENDING; none if there is no such log. The rest of the answer is skipped.
async fn first_number(stream: &mut TcpStream) -> u64 {
    let mut answer = vec![0; 16 * 1024];
    let read = stream.read(&mut answer).await.expect("Redis answers");
    let text = String::from_utf8_lossy(&answer[..read]);
    text.lines().nth(1).and_then(|line| line.strip_prefix(':')?.parse().ok()).unwrap_or(0)
}
