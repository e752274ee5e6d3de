//! Proxies of other makers in front of our processes, with the configurations that the project ships.

use std::path::{Path, PathBuf};

use tokio::net::TcpStream;

use crate::node::Node;
use crate::process::{Process, Spec};
use crate::{dirs, ports, tools};

/// Whose proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// HAProxy.
    Haproxy,
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
    /// Traefik.
    Traefik,
}

/// What stands behind it; the same process may be all of them.
#[derive(Clone, Copy)]
pub struct Servers<'a> {
    /// Two gateways.
    pub gateways: [&'a Node; 2],
    /// The api.
    pub api: &'a Node,
}

impl<'a> Servers<'a> {
    /// One process as all of them.
    pub const fn one(node: &'a Node) -> Self {
        Self { gateways: [node, node], api: node }
    }
}

/// A running proxy.
pub struct Front {
    process: Process,
    port: u16,
}

impl Front {
    /// A proxy with what the project ships for it; ready when it reaches the api.
    pub async fn start(make: Make, servers: Servers<'_>) -> Self {
        let (dir, port) = (dirs::fresh("front"), ports::free());
        let spec = match make {
            Make::Haproxy => haproxy(servers, dir, port),
            Make::Nginx => nginx(servers, dir, port),
            Make::Caddy => caddy(servers, dir, port),
            Make::Traefik => traefik(servers, dir, port),
        };
        let front = Self { process: Process::prepare(spec), port };
        front.process.start();
        let answers = async || {
            TcpStream::connect(front.address()).await.is_ok()
                && reqwest::get(format!("http://{}/.well-known/jwks.json", front.address()))
                    .await
                    .is_ok_and(|answer| answer.status() == 200)
        };
        front.process.until("reaches the server", answers).await;
        front
    }

    /// `127.0.0.1:port` of it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn haproxy(servers: Servers<'_>, dir: PathBuf, port: u16) -> Spec {
    // One connection to the server for all: what one request leaves behind is what the next one meets.
    let config = replaced(&shipped("haproxy/haproxy.cfg"), "defaults\n", "defaults\n    http-reuse always\n");
    write(&dir, "haproxy.cfg", &config);
    write(&dir, "servers.cfg", &shipped("haproxy/servers.cfg"));
    let [left, right] = servers.gateways;
    let mut env = vec![("FRONT".to_owned(), format!("127.0.0.1:{port}"))];
    for (name, node) in [("API", servers.api), ("GATEWAY_1", left), ("GATEWAY_2", right)] {
        env.push((name.to_owned(), node.public_address()));
        env.push((format!("{name}_INTERNAL_PORT"), internal_port(node)));
    }
    let args = ["-db", "-f", "haproxy.cfg", "-f", "servers.cfg"].map(str::to_owned).to_vec();
    Spec { name: "haproxy".into(), program: system("haproxy"), args, env, dir }
}

fn nginx(servers: Servers<'_>, dir: PathBuf, port: u16) -> Spec {
    let [left, right] = servers.gateways;
    let mut config = shipped("nginx/nginx.conf");
    for (example, node) in [("127.0.0.1:8080", servers.api), ("127.0.0.1:8081", left), ("127.0.0.1:8082", right)] {
        config = replaced(&config, &format!("server {example};"), &format!("server {};", node.public_address()));
    }
    config = replaced(&config, "127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {kind};\n"))
        .concat();
    config = replaced(&config, "http {\n", &format!("http {{\n{temporary}"));
    let alone = "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n";
    write(&dir, "nginx.conf", &format!("{alone}{config}"));
    let here = format!("{}/", dir.display());
    let args = ["-p", &here, "-e", "stderr", "-c", "nginx.conf"].map(str::to_owned).to_vec();
    Spec { name: "nginx".into(), program: system("nginx"), args, env: Vec::new(), dir }
}

/// It asks all gateways for health on one port: that of the first.
fn caddy(servers: Servers<'_>, dir: PathBuf, port: u16) -> Spec {
    write(&dir, "Caddyfile", &shipped("caddy/Caddyfile"));
    let gateways = servers.gateways.map(Node::public_address).join(" ");
    let env = [
        ("SITE", format!("http://127.0.0.1:{port}")),
        ("GATEWAYS", gateways),
        ("GATEWAY_INTERNAL_PORT", internal_port(servers.gateways[0])),
        ("APIS", servers.api.public_address()),
        ("API_INTERNAL_PORT", internal_port(servers.api)),
        ("XDG_DATA_HOME", dir.display().to_string()),
        ("XDG_CONFIG_HOME", dir.display().to_string()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    let args = ["run", "--config", "Caddyfile", "--adapter", "caddyfile"].map(str::to_owned).to_vec();
    Spec { name: "caddy".into(), program: system("caddy"), args, env, dir }
}

/// Like Caddy.
fn traefik(servers: Servers<'_>, dir: PathBuf, port: u16) -> Spec {
    let config = replaced(&shipped("traefik/traefik.yml"), "127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    write(&dir, "traefik.yml", &config);
    let [left, right] = servers.gateways;
    let mut config = shipped("traefik/servers.yml");
    for (example, node) in [("127.0.0.1:8080", servers.api), ("127.0.0.1:8081", left), ("127.0.0.1:8082", right)] {
        config = replaced(&config, example, &node.public_address());
    }
    for (example, node) in [("port: 9080", servers.api), ("port: 9081", left)] {
        config = replaced(&config, example, &format!("port: {}", internal_port(node)));
    }
    write(&dir, "servers.yml", &config);
    let args = vec!["--configfile=traefik.yml".to_owned()];
    Spec { name: "traefik".into(), program: tools::python("traefik"), args, env: Vec::new(), dir }
}

fn internal_port(node: &Node) -> String {
    node.internal_url().rsplit(':').next().unwrap_or_default().to_owned()
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("a file can be written");
}

fn shipped(name: &str) -> String {
    let path = tools::repository().join("deploy/proxies").join(name);
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
