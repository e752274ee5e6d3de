//! A real Redis with an append-only file.

use std::path::PathBuf;

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
