//! A real Redis with an append-only file.

use std::path::PathBuf;
use std::time::Duration;

use rookery_bus_redis::keys;
use rookery_protocol::partition::partitions;
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
        Self::prepare_with(&[])
    }

    /// The same with more options.
    pub fn prepare_with(options: &[&str]) -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("redis"));
        let args = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--appendonly", "yes"]
            .into_iter()
            .chain(["--appendfsync", "everysec", "--dir", &dir.display().to_string()])
            // A replica need not wait for others that might want to copy the data, too.
            .chain(["--repl-diskless-sync-delay", "0"])
            .chain(options.iter().copied())
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
        self.answering().await;
    }

    /// Waits until it answers.
    pub async fn answering(&self) {
        let answers = async || ask(self.port, &["DBSIZE"]).await.is_some_and(|answer| answer.starts_with(':'));
        self.process.until("answers a ping", answers).await;
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
        let mut sum = 0;
        for partition in partitions() {
            let answer = ask(self.port, &["XPENDING", &keys::log(partition), "ingest"])
                .await
                .expect("Redis answers");
            sum += answer
                .lines()
                .nth(1)
                .and_then(|line| line.strip_prefix(':')?.parse::<u64>().ok())
                .unwrap_or(0);
        }
        sum
    }

    /// Waits until its replica has everything.
    pub async fn replicated(&self) {
        self.process
            .until("its replica has everything", async || {
                let info = ask(self.port, &["INFO", "replication"]).await.unwrap_or_default();
                let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
                offset.is_some_and(|offset| info.contains(&format!("state=online,offset={},", offset.trim())))
            })
            .await;
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// What ends an answer: that of a PING which is sent behind the command.
const END: &str = "+PONG\r\n";

/// One command to a server on this machine, and its answer as it comes over the wire; none if there is none within
/// a second.
pub async fn ask(port: u16, command: &[&str]) -> Option<String> {
    let answer = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(format!("{}\r\nPING\r\n", command.join(" ")).as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        while !bytes.ends_with(END.as_bytes()) {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let text = String::from_utf8(bytes).ok()?;
        text.strip_suffix(END).map(str::to_owned)
    };
    tokio::time::timeout(Duration::from_secs(1), answer).await.ok()?
}
