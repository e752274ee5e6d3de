//! One of our service processes: a public listener, an internal one, and settings in the environment.

use std::path::PathBuf;

use crate::process::{Process, Spec};
use crate::{ports, tools, wait};

/// A service process.
pub struct Node {
    /// The process.
    pub process: Process,
    public_port: u16,
    internal_port: u16,
}

impl Node {
    /// Chooses ports; nothing runs yet. `settings` are keys and values as `docs/configuration.md` names them.
    pub fn prepare(binary: &str, dir: PathBuf, settings: &[(&str, String)], flags: &[&str]) -> Self {
        Self::prepare_with_variables(binary, dir, settings, &[], flags)
    }

    /// The same with variables that are no settings of ours.
    pub fn prepare_with_variables(
        binary: &str,
        dir: PathBuf,
        settings: &[(&str, String)],
        variables: &[(&str, String)],
        flags: &[&str],
    ) -> Self {
        let (public_port, internal_port) = (ports::free(), ports::free());
        let listeners = [
            ("listen", format!("127.0.0.1:{public_port}")),
            ("internal_listen", format!("127.0.0.1:{internal_port}")),
        ];
        let env = listeners
            .iter()
            .chain(settings)
            .map(|(key, value)| (format!("ROOKERY_{}", key.to_uppercase()), value.clone()))
            .chain(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
            .collect();
        let spec = Spec {
            name: format!("{binary}-{public_port}"),
            program: tools::binary(binary),
            args: flags.iter().map(|&flag| flag.to_owned()).collect(),
            env,
            dir,
        };
        Self { process: Process::prepare(spec), public_port, internal_port }
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(&self) {
        self.process.start();
        self.ready().await;
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        self.process
            .until("is ready", async || self.internal_status("/ready").await == Some(200))
            .await;
    }

    /// SIGTERM, waits for the end, starts it again without waiting until it is ready.
    pub async fn restart(&self) {
        self.process.terminate().await;
        self.process.start();
    }

    /// Status of an internal path; none while nothing listens.
    pub async fn internal_status(&self, path: &str) -> Option<u16> {
        let url = format!("{}{path}", self.internal_url());
        reqwest::get(url).await.ok().map(|response| response.status().as_u16())
    }

    /// Waits until an internal path answers with `status`.
    pub async fn until_internal(&self, path: &str, status: u16) {
        let what = format!("{path} answers {status}");
        self.process.until(&what, async || self.internal_status(path).await == Some(status)).await;
    }

    /// Waits until nothing accepts connections on the public port.
    pub async fn until_refusing(&self) {
        let address = self.public_address();
        wait::until("the public port is closed", async || tokio::net::TcpStream::connect(&address).await.is_err())
            .await;
    }

    /// `127.0.0.1:port` of the public listener.
    pub fn public_address(&self) -> String {
        format!("127.0.0.1:{}", self.public_port)
    }

    /// Port of the public listener.
    pub const fn public_port(&self) -> u16 {
        self.public_port
    }

    /// Base address of the public listener.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.public_address())
    }

    /// Base address for sockets.
    pub fn socket_url(&self) -> String {
        format!("ws://{}", self.public_address())
    }

    /// Base address of the internal listener.
    pub fn internal_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.internal_port)
    }
}
