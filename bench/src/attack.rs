//! Hostile clients, until they are killed: each kind from many addresses of the loopback network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use uuid::Uuid;

use crate::Failure;

/// Password tries, or registrations, of one address in a second.
const TRIES_PER_SECOND: f64 = 4.0;
/// Connections of one source in a second.
const CONNECTIONS_PER_SECOND: u32 = 3_500;
/// Connections of one address that read nothing.
const SILENT_EACH: usize = 2;
/// Large answers that each of them asks for at once.
const ASKED: usize = 8;
const LARGE: &str = "/docs/swagger-ui-bundle.js";
/// Connections of one address that never finish a request.
const HALF_EACH: usize = 20;
/// Before a connection that was ended is made again.
const PAUSE: Duration = Duration::from_millis(200);
/// One try.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the hostile ones do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Passwords are tried, with a valid token attached.
    Passwords,
    /// Accounts are registered, with a valid token attached.
    Registrations,
    /// Large answers are asked for and never read.
    Unread,
    /// Connections are made without end.
    Connections,
    /// Requests are begun and never finished.
    Heads,
}

/// The subcommand.
#[derive(Args)]
pub(crate) struct Attack {
    /// Public address of the server.
    #[arg(long)]
    server: SocketAddr,
    /// What to do.
    #[arg(long)]
    kind: Kind,
    /// Addresses, from 127.0.1.1 on.
    #[arg(long)]
    sources: u8,
    /// A valid access token.
    #[arg(long)]
    token: String,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Passwords, Self::Registrations, Self::Unread, Self::Connections, Self::Heads];

    /// As it is chosen.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Passwords => "passwords",
            Self::Registrations => "registrations",
            Self::Unread => "unread",
            Self::Connections => "connections",
            Self::Heads => "heads",
        }
    }

    /// What it is, with its rate.
    pub(crate) fn describe(self, sources: u8) -> String {
        let count = usize::from(sources);
        match self {
            Self::Passwords => format!("{sources} addresses try {TRIES_PER_SECOND} passwords/s each, with a token"),
            Self::Registrations => {
                format!("{sources} addresses register {TRIES_PER_SECOND} accounts/s each, with a token")
            }
            Self::Unread => format!("{} connections ask for {ASKED} large files and read nothing", count * SILENT_EACH),
            Self::Connections => format!("one address makes {CONNECTIONS_PER_SECOND} connections/s"),
            Self::Heads => format!("{} connections never finish a request", count * HALF_EACH),
        }
    }
}

impl Attack {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut tasks = JoinSet::new();
        let (server, kind) = (self.server, self.kind);
        for source in (1..=self.sources).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 1, n))) {
            match kind {
                Kind::Passwords | Kind::Registrations => {
                    tasks.spawn(try_on(server, source, kind, self.token.clone()));
                }
                Kind::Unread => {
                    let request = format!("GET {LARGE} HTTP/1.1\r\nHost: {server}\r\n\r\n").repeat(ASKED);
                    (0..SILENT_EACH).for_each(|_| drop(tasks.spawn(hold(server, source, request.clone()))));
                }
                Kind::Heads => {
                    let half = format!("GET / HTTP/1.1\r\nHost: {server}\r\nX-Half: ");
                    (0..HALF_EACH).for_each(|_| drop(tasks.spawn(hold(server, source, half.clone()))));
                }
                Kind::Connections => {
                    tasks.spawn(connect_on(server, source));
                    break;
                }
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

async fn connect(server: SocketAddr, source: IpAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Ports of connections that ended a moment ago are good enough.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(source, 0))?;
    timeout(PATIENCE, socket.connect(server)).await?
}

async fn try_on(server: SocketAddr, source: IpAddr, kind: Kind, token: String) {
    let mut due = interval(Duration::from_secs_f64(1.0 / TRIES_PER_SECOND));
    loop {
        due.tick().await;
        let name = Uuid::new_v4().simple().to_string();
        let (path, body) = if kind == Kind::Passwords {
            ("login", format!(r#"{{"login":"{name}","password":"not the password"}}"#))
        } else {
            let body = format!(r#"{{"username":"{}","email":"{name}@example.org","password":"{name}"}}"#, &name[..20]);
            ("register", body)
        };
        let request = format!(
            "POST /api/v1/auth/{path} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        tokio::spawn(async move { timeout(PATIENCE, ask(server, source, request)).await });
    }
}

async fn ask(server: SocketAddr, source: IpAddr, request: String) -> io::Result<usize> {
    let mut stream = connect(server, source).await?;
    stream.write_all(request.as_bytes()).await?;
    stream.read_to_end(&mut Vec::new()).await
}

/// Says something, reads nothing, and comes back when it is shown out.
async fn hold(server: SocketAddr, source: IpAddr, said: String) {
    loop {
        if let Ok(mut stream) = connect(server, source).await
            && stream.write_all(said.as_bytes()).await.is_ok()
        {
            // Only an end makes it readable here that takes no bytes away: what is sent is left where it is.
            while stream.peek(&mut [0; 1]).await.is_ok_and(|count| count > 0) {
                sleep(PAUSE).await;
            }
        }
        sleep(PAUSE).await;
    }
}

async fn connect_on(server: SocketAddr, source: IpAddr) {
    let at_once = CONNECTIONS_PER_SECOND / 100;
    let mut due = interval(Duration::from_millis(10));
    loop {
        due.tick().await;
        for _ in 0..at_once {
            tokio::spawn(async move { connect(server, source).await.map(drop) });
        }
    }
}
