//! A MongoDB-protocol server for the tests of one process: real sockets, real files, a free port, throw-away data.
//!
//! The server must not outlive the tests, however they end. A shell stands between: it waits until the pipe from this
//! process closes, which the system does for any death, then kills the server and removes its folder.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// `$1` is the folder, the rest is the server's command line.
const WATCHDOG: &str = r#"
dir=$1; shift
"$@" >"$dir/log" 2>&1 </dev/null & server=$!
cat >/dev/null
kill -9 "$server"; wait "$server"
rm -rf "$dir"
"#;

struct Server {
    url: String,
    /// Holds the pipe's end.
    _watchdog: Child,
}

/// The server's address; starts it at the first call.
pub(crate) fn url() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    &SERVER.get_or_init(start).url
}

fn start() -> Server {
    let program = tools().join("venv/bin/secantusd-py");
    assert!(program.is_file(), "{} is missing: run `make deps`", program.display());
    let folder = tempfile::Builder::new().prefix("api-mongo-").tempdir_in(test_folder()).unwrap().keep();
    let address = free_address();
    let watchdog = Command::new("sh")
        .args(["-c", WATCHDOG, "sh"])
        .arg(&folder)
        .arg(&program)
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--log-level", "WARNING"])
        .arg("--storage-path")
        .arg(folder.join("data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: an interrupt at the terminal must end the tests, not the shell that cleans up.
        .process_group(0)
        .spawn()
        .unwrap();
    wait_until_ready(address, &folder);
    Server { url: format!("mongodb://{address}/?directConnection=true"), _watchdog: watchdog }
}

/// The folder with the installed tools.
fn tools() -> PathBuf {
    let named = std::env::var_os("ROOKERY_TOOLS").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools"))
}

/// Where throw-away data belongs; whoever runs the tests may clean it up by its name.
fn test_folder() -> PathBuf {
    std::env::var_os("ROOKERY_TEST_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

fn wait_until_ready(address: SocketAddr, folder: &Path) {
    let start = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
        if start.elapsed() > READY_WITHIN {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("the MongoDB-protocol server did not start:\n{log}");
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
