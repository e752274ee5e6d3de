//! A real server of the MongoDB protocol; see `CONTRIBUTING.md` for which one and why.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::process::{Process, Spec};
use crate::{dirs, ports, tools};

static SHARED: OnceCell<Arc<Mongo>> = OnceCell::const_new();

/// One server and its data.
pub struct Mongo {
    /// The server.
    pub process: Process,
    port: u16,
}

impl Mongo {
    /// Chooses a port and a folder; nothing runs yet.
    pub fn prepare() -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("mongo"));
        let storage = dir.join("data").display().to_string();
        let args = ["--port", &port.to_string(), "--storage-path", &storage].map(str::to_owned).to_vec();
        let program = tools::python("secantusd-py");
        let spec = Spec { name: "mongo".into(), program, args, env: Vec::new(), dir };
        Self { process: Process::prepare(spec), port }
    }

    /// Starts it and waits until it accepts connections.
    pub async fn start(&self) {
        self.process.start();
        let port = self.port;
        self.process
            .until("accepts connections", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
            .await;
    }

    /// The server that every test of this process uses which does not harm it. Databases keep tests apart.
    pub async fn shared() -> Arc<Self> {
        let server = SHARED.get_or_init(|| async {
            let server = Self::prepare();
            server.start().await;
            Arc::new(server)
        });
        Arc::clone(server.await)
    }

    /// Its address for the services.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }
}
