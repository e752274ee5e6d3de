//! Proxies of other makers in front of our processes, with the configurations that the project ships.

use std::path::{Path, PathBuf};

use tokio::net::TcpStream;

use crate::node::Node;
use crate::process::{Process, Spec};
use crate::{dirs, ports, tools};

/// A running proxy.
pub struct Front {
    process: Process,
    port: u16,
}

impl Front {
    /// HAProxy, with everything of `deploy/haproxy`, in front of one process.
    pub async fn haproxy(server: &Node) -> Self {
        Self::haproxy_over(server, [server, server]).await
    }

    /// The same in front of an api and two gateways.
    pub async fn haproxy_over(api: &Node, gateways: [&Node; 2]) -> Self {
        let (dir, port) = (dirs::fresh("haproxy"), ports::free());
        let config = shipped("haproxy/haproxy.cfg");
        // One connection to the server for all: what one request leaves behind is what the next one meets.
        let pooled = replaced(&config, "defaults\n", "defaults\n    http-reuse always\n");
        std::fs::write(dir.join("haproxy.cfg"), pooled).expect("a file can be written");
        let mut env = vec![("FRONT".to_owned(), format!("127.0.0.1:{port}"))];
        for (name, node) in [("API", api), ("GATEWAY_1", gateways[0]), ("GATEWAY_2", gateways[1])] {
            let internal = node.internal_url().rsplit(':').next().unwrap_or_default().to_owned();
            env.push((name.to_owned(), node.public_address()));
            env.push((format!("{name}_INTERNAL_PORT"), internal));
        }
        let args = ["-db", "-f", "haproxy.cfg"].map(str::to_owned).to_vec();
        let spec = Spec { name: "haproxy".into(), program: system("haproxy"), args, env, dir };
        Self::start(Process::prepare(spec), port).await
    }

    /// nginx, with everything of `deploy/nginx`.
    pub async fn nginx(server: &Node) -> Self {
        let (dir, port) = (dirs::fresh("nginx"), ports::free());
        let config = replaced(&shipped("nginx/nginx.conf"), "127.0.0.1:8080", &server.public_address());
        let config = replaced(&config, "127.0.0.1:8000", &format!("127.0.0.1:{port}"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {kind};\n"))
            .concat();
        let config = replaced(&config, "http {\n", &format!("http {{\n{temporary}"));
        let alone = "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n";
        std::fs::write(dir.join("nginx.conf"), format!("{alone}{config}")).expect("a file can be written");
        let here = format!("{}/", dir.display());
        let args = ["-p", &here, "-e", "stderr", "-c", "nginx.conf"].map(str::to_owned).to_vec();
        let spec = Spec { name: "nginx".into(), program: system("nginx"), args, env: Vec::new(), dir };
        Self::start(Process::prepare(spec), port).await
    }

    /// `127.0.0.1:port` of it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn start(process: Process, port: u16) -> Self {
        process.start();
        let front = Self { process, port };
        let answers = async || {
            TcpStream::connect(front.address()).await.is_ok()
                && reqwest::get(format!("http://{}/.well-known/jwks.json", front.address()))
                    .await
                    .is_ok_and(|answer| answer.status() == 200)
        };
        front.process.until("reaches the server", answers).await;
        front
    }
}

fn shipped(name: &str) -> String {
    let path = tools::repository().join("deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the shipped configuration has {from:?}");
    text.replace(from, to)
}

/// Debian keeps servers where not everybody's path leads.
fn system(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/local/sbin"]
        .map(|folder| Path::new(folder).join(name))
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(name))
}
