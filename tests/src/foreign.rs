//! Clients that nobody here wrote: Python `websockets` and npm `ws`, each behind a few lines in `tests/clients`.
//!
//! Such a program takes frames as lines on its input and prints what comes as lines: `{"frame":…}`, and at the end
//! `{"closed":CODE}`.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::mailbox::{ChatClient, Incoming, Mailbox};
use crate::{dirs, guardian, tools, traffic};

/// Whose client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// Python `websockets`, token in the `Authorization` header.
    PythonWebsockets,
    /// npm `ws`, token in the subprotocol.
    NodeWs,
}

/// A running client.
pub struct Foreign {
    child: Child,
    pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    mailbox: Mailbox,
}

impl Foreign {
    /// Starts a client that connects to `url` with `token`, and waits for `hello`.
    pub async fn login(make: Make, url: &str, token: &str) -> Self {
        let mut child = make
            .command()
            .args([url, token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{make:?} does not start: {error}; run `make deps`"));
        let pid = child.id().expect("a fresh child has an id");
        guardian::watch(pid);
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
        let mut client = Self { child, pid, input, output, mailbox: Mailbox::default() };
        client.expect_type("hello").await;
        client
    }

    /// Tells the client to say goodbye, and waits for its end.
    pub async fn leave(mut self) {
        let _ = self.input.shutdown().await;
        drop(self.input);
        let status = tokio::time::timeout(crate::wait::PATIENCE, self.child.wait()).await;
        guardian::release(self.pid);
        let status = status.expect("the client ends").expect("a child can be waited for");
        assert!(status.success(), "the client failed: {status}");
    }
}

impl ChatClient for Foreign {
    async fn send(&mut self, frame: Value) {
        let line = format!("{frame}\n");
        traffic::said(&line);
        self.input.write_all(line.as_bytes()).await.expect("the client reads its input");
    }

    async fn incoming(&mut self) -> Incoming {
        let line = match self.output.next_line().await {
            Ok(Some(line)) => line,
            Ok(None) => return Incoming::Lost("the client ended".to_owned()),
            Err(error) => return Incoming::Lost(error.to_string()),
        };
        let mut value: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({"odd": line}));
        match value.get_mut("frame").map(Value::take) {
            Some(frame) => {
                traffic::heard(&frame);
                Incoming::Frame(frame)
            }
            None => Incoming::Closed(value["closed"].as_u64().and_then(|code| u16::try_from(code).ok())),
        }
    }

    fn mailbox(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }
}

impl Make {
    fn command(self) -> Command {
        match self {
            Self::PythonWebsockets => {
                let mut command = Command::new(tools::python("python"));
                command.arg(tools::client("chat.py"));
                command
            }
            Self::NodeWs => {
                let mut command = Command::new("node");
                command.arg(beside_packages("chat.mjs"));
                command
            }
        }
    }
}

/// A copy of a client program in a folder from which Node finds the npm packages.
fn beside_packages(name: &str) -> PathBuf {
    let dir = node_dir("node-client");
    let path = dir.join(name);
    std::fs::copy(tools::client(name), &path).expect("the client can be copied");
    path
}

/// A new folder from which Node finds the npm packages.
pub fn node_dir(purpose: &str) -> PathBuf {
    let dir = dirs::fresh(purpose);
    std::os::unix::fs::symlink(tools::node_modules(), dir.join("node_modules")).expect("a link can be made");
    dir
}
