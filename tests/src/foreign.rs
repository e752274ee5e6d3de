//! Clients that nobody here wrote: Python `websockets` and npm `ws`, and those of Socket.IO, Python `python-socketio` and
//! npm `socket.io-client`; each behind a few lines in `tests/clients`.
//!
//! Such a program takes frames as lines on its input and prints what comes as lines: `{"frame":…}`, and at the end
//! `{"closed":CODE}`. Those of Socket.IO take and print events and acknowledgements, and come back by themselves.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::mailbox::{ChatClient, Incoming, Mailbox};
use crate::socketio::{Conversation, Emit};
use crate::{dirs, guardian, tools, traffic};

/// Whose client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// Python `websockets`, token in the `Authorization` header.
    PythonWebsockets,
    /// npm `ws`, token in the subprotocol.
    NodeWs,
    /// npm `socket.io-client`.
    SocketIoJs,
    /// Its build for browsers, in a world that has a page's globals and none of Node's.
    SocketIoPage,
    /// Python `python-socketio`.
    SocketIoPython,
}

/// How a client of Socket.IO connects.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The token, if it brings one.
    pub token: &'a str,
    /// `auth`, `header` or `none`.
    pub way: &'a str,
    /// The transports it tries, in this order; those of its make if there are none.
    pub transports: &'a [&'a str],
}

/// A running client.
pub struct Foreign {
    child: Child,
    pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    mailbox: Mailbox,
    /// Of a client of Socket.IO.
    conversation: Option<Conversation>,
    /// The transports that it has had, oldest first.
    pub transports: Vec<String>,
}

impl Foreign {
    /// Starts a client that connects to `url` with `token`, and waits for `hello`.
    pub async fn login(make: Make, url: &str, token: &str) -> Self {
        let mut client = match make {
            Make::PythonWebsockets | Make::NodeWs => Self::start(make, url, token),
            Make::SocketIoJs | Make::SocketIoPage | Make::SocketIoPython => {
                Self::connect(make, url, &Options { token, way: "auth", transports: &["websocket"] })
            }
        };
        client.expect_type("hello").await;
        client
    }

    /// Starts a client of Socket.IO; says nothing about whether the server likes it.
    pub fn connect(make: Make, url: &str, options: &Options<'_>) -> Self {
        let Options { token, way, transports } = options;
        let mut options = json!({"token": token, "way": way, "page": make == Make::SocketIoPage});
        if !transports.is_empty() {
            options["transports"] = json!(transports);
        }
        Self {
            conversation: Some(Conversation::default()),
            ..Self::start(make, url, &options.to_string())
        }
    }

    fn start(make: Make, url: &str, how: &str) -> Self {
        let mut child = make
            .command()
            .args([url, how])
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
        let (mailbox, transports) = (Mailbox::default(), Vec::new());
        Self { child, pid, input, output, mailbox, conversation: None, transports }
    }

    /// Waits until a client of Socket.IO whose connection broke is back, and has said so by `hello`.
    pub async fn until_back(&mut self) {
        let back = async {
            loop {
                match self.incoming().await {
                    Incoming::Frame(frame) if frame["type"] == "hello" => return,
                    Incoming::Frame(_) | Incoming::Lost(_) => {}
                    Incoming::Closed(code) => panic!("it was told not to come back: {code:?}"),
                }
            }
        };
        tokio::time::timeout(crate::wait::PATIENCE, back).await.expect("the client comes back");
    }

    /// Emits an event as it is, to be acknowledged under this number.
    pub async fn emit(&mut self, event: &str, payload: &Value, ack: u64) {
        self.write(&json!({"emit": event, "payload": payload, "ack": ack})).await;
    }

    async fn write(&mut self, line: &Value) {
        let line = format!("{line}\n");
        self.input.write_all(line.as_bytes()).await.expect("the client reads its input");
    }

    /// What a line of a client of Socket.IO says, if it is for the one who listens.
    fn told(&mut self, mut line: Value) -> Option<Incoming> {
        let conversation = self.conversation.as_mut()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let (Some(name), payload) = (text(&line["event"]), line["payload"].take()) {
            return Some(Incoming::Frame(conversation.event(&name, payload)));
        }
        if let (Some(ack), Some(answer)) = (line["ack"].as_u64(), line.get_mut("answer").map(Value::take)) {
            return conversation.acknowledged(ack, answer).map(Incoming::Frame);
        }
        if let Some(refused) = line.get_mut("refused").map(Value::take) {
            return Some(Incoming::Frame(conversation.refused(refused)));
        }
        if let Some(why) = text(&line["disconnected"]) {
            let code = line["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            return Some(if line["back"] == true { Incoming::Lost(why) } else { Incoming::Closed(code) });
        }
        if let Some(why) = text(&line["unreachable"]) {
            return Some(Incoming::Lost(why));
        }
        self.transports.extend(text(&line["transport"]));
        None
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
        let emit = self.conversation.as_mut().map(|conversation| conversation.emit(&frame));
        if let Some(Emit { event, payload, ack }) = emit {
            self.emit(event, &payload, ack).await;
        } else {
            traffic::said(&frame.to_string());
            self.write(&frame).await;
        }
    }

    async fn incoming(&mut self) -> Incoming {
        loop {
            let line = match self.output.next_line().await {
                Ok(Some(line)) => line,
                Ok(None) => return Incoming::Lost("the client ended".to_owned()),
                Err(error) => return Incoming::Lost(error.to_string()),
            };
            let mut value: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({"odd": line}));
            if self.conversation.is_some() {
                match self.told(value) {
                    Some(incoming) => return incoming,
                    None => continue,
                }
            }
            return match value.get_mut("frame").map(Value::take) {
                Some(frame) => {
                    traffic::heard(&frame);
                    Incoming::Frame(frame)
                }
                None => Incoming::Closed(value["closed"].as_u64().and_then(|code| u16::try_from(code).ok())),
            };
        }
    }

    fn mailbox(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }
}

impl Make {
    fn command(self) -> Command {
        let (program, client) = match self {
            Self::PythonWebsockets => (tools::python("python"), tools::client("chat.py")),
            Self::NodeWs => ("node".into(), beside_packages("chat.mjs")),
            Self::SocketIoJs | Self::SocketIoPage => ("node".into(), beside_packages("socketio.mjs")),
            Self::SocketIoPython => (tools::python("python"), tools::client("socketio_client.py")),
        };
        let mut command = Command::new(program);
        command.arg(client);
        command
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
