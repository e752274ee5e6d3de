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
    is_shared: bool,
}

impl Mongo {
    /// Chooses a port and a folder; nothing runs yet.
    pub fn prepare() -> Self {
        let (port, dir) = (ports::free(), dirs::fresh("mongo"));
        let storage = dir.join("data").display().to_string();
        let args = ["--port", &port.to_string(), "--storage-path", &storage].map(str::to_owned).to_vec();
        let program = tools::python("secantusd-py");
        let spec = Spec { name: "mongo".into(), program, args, env: Vec::new(), dir };
        Self { process: Process::prepare(spec), port, is_shared: false }
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
            let server = Self { is_shared: true, ..Self::prepare() };
            server.start().await;
            Arc::new(server)
        });
        Arc::clone(server.await)
    }

    /// Its address for the services.
    ///
    /// The server keeps what it answered to the last 10,000 writes that may be repeated, and looks through all of them at
    /// every write: after some hundred tests each takes as long as all else that it does. Nothing harms the shared one, so
    /// nothing has to be repeated there.
    pub fn url(&self) -> String {
        let repeats = if self.is_shared { "&retryWrites=false" } else { "" };
        format!("mongodb://127.0.0.1:{}/?directConnection=true{repeats}", self.port)
    }
}
