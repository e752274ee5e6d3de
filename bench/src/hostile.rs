//! One friendly client among hostile addresses: how long its logins, messages and pages of history take while others spray
//! passwords, register, read no answer, connect without end, and never finish a request.
//!
//! The hostile ones are a process of their own, so that what is measured is the server's patience and not ours.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::accounting::Watched;
use crate::attack::Kind;
use crate::clients::number_of;
use crate::finding::{Findings, Target};
use crate::link::Link;
use crate::quantiles::{Quantiles, Times};
use crate::{Failure, tell};

const PART: Findings = Findings("Hostile addresses");
const PASSWORD: &str = "correct horse 7";
/// Where nobody else says anything.
const ROOM: &str = "general";
/// One thing that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time in which the hostile ones get going, or what they left behind ends.
const SETTLE: Duration = Duration::from_secs(5);
/// What a time may be, as a multiple of the quiet one, or so many milliseconds more.
const TIMES: f64 = 2.0;
const MORE_MS: f64 = 50.0;
/// What the server may take beside what it had, in MiB.
const MEMORY_MIB: f64 = 256.0;

/// The subcommand.
#[derive(Args)]
pub(crate) struct Hostile {
    /// Public address of one process, or of the front of a cluster.
    #[arg(long)]
    server: SocketAddr,
    /// Logins, messages and pages of each phase.
    #[arg(long, default_value_t = 500)]
    samples: usize,
    /// How many of each in a second.
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// Hostile addresses, from 127.0.1.1 on.
    #[arg(long, default_value_t = 50)]
    sources: u8,
    /// The server, as `name=pid`.
    #[arg(long = "pid")]
    watched: Vec<Watched>,
}

/// A client that keeps to the rules.
struct NormalClient {
    base: String,
    http: reqwest::Client,
    name: String,
    token: String,
    link: Link,
    received: Vec<u8>,
}

/// What one phase showed.
#[derive(Default)]
struct Phase {
    login: Times,
    chat: Times,
    history: Times,
    refused: usize,
}

impl Hostile {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut client = NormalClient::arrive(self.server).await?;
        self.phase(&mut client, 20).await?;
        let quiet = self.phase(&mut client, self.samples).await?.quantiles();
        for (what, times) in ["login", "message to ack", "page of history"].into_iter().zip(quiet) {
            PART.tell(&format!("nobody is hostile: p99 of a {what}"), times.p99, "ms")?;
        }
        let before = self.rss_mib();
        for kind in Kind::ALL {
            self.among(&mut client, kind, quiet).await?;
        }
        let grown = self.rss_mib() - before;
        PART.judge("memory of the server after all of it", grown, "MiB more", Target::AtMost(MEMORY_MIB))
    }

    async fn among(&self, client: &mut NormalClient, kind: Kind, quiet: [Quantiles; 3]) -> Result<(), Failure> {
        tell(&format!("Hostile: {} …", kind.describe(self.sources)));
        let before = self.rss_mib();
        let mut hostile = self.attack(kind, &client.token)?;
        sleep(SETTLE).await;
        let mut phase = self.phase(client, self.samples).await?;
        let grown = self.rss_mib() - before;
        hostile.kill().await?;
        let who = kind.describe(self.sources);
        let names = ["login", "message to ack", "page of history"];
        for ((what, times), quiet) in names.into_iter().zip(phase.quantiles()).zip(quiet) {
            let most = (quiet.p99 * TIMES).max(quiet.p99 + MORE_MS);
            PART.judge(&format!("{who}: p99 of a {what}"), times.p99, "ms", Target::AtMost(most))?;
        }
        PART.judge(&format!("{who}: refused to the friendly one"), count(phase.refused), "", Target::AtMost(0.0))?;
        PART.judge(&format!("{who}: memory of the server"), grown, "MiB more", Target::AtMost(MEMORY_MIB))?;
        sleep(SETTLE).await;
        Ok(())
    }

    fn attack(&self, kind: Kind, token: &str) -> Result<Child, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["attack", "--kind", kind.name(), "--server", &self.server.to_string()])
            .args(["--sources", &self.sources.to_string(), "--token", token])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command.spawn()?)
    }

    async fn phase(&self, client: &mut NormalClient, samples: usize) -> Result<Phase, Failure> {
        let mut phase = Phase::default();
        let mut due = interval(Duration::from_secs_f64(1.0 / self.rate));
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..samples {
            due.tick().await;
            phase.refused += client.login(&mut phase.login).await?;
            client.say(&mut phase.chat).await?;
            phase.refused += client.read(&mut phase.history).await?;
        }
        Ok(phase)
    }

    fn rss_mib(&self) -> f64 {
        self.watched.iter().map(|watched| watched.usage().rss_kib).sum::<f64>() / 1024.0
    }
}

impl Phase {
    fn quantiles(&mut self) -> [Quantiles; 3] {
        [self.login.quantiles(), self.chat.quantiles(), self.history.quantiles()]
    }
}

impl NormalClient {
    async fn arrive(server: SocketAddr) -> Result<Self, Failure> {
        // A connection for each request: a client that comes for the first time has none.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).build()?;
        let (base, name) =
            (format!("http://{server}"), format!("friend-{}", &Uuid::new_v4().simple().to_string()[..8]));
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        post(&http, &format!("{base}/api/v1/auth/register"), &body).await?.error_for_status()?;
        let body = json!({"login": name, "password": PASSWORD});
        let answer = post(&http, &format!("{base}/api/v1/auth/login"), &body).await?.error_for_status()?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        let token = answer["access_token"].as_str().ok_or("a login without a token")?.to_owned();
        let headers = format!("Authorization: Bearer {token}\r\n");
        let link = Link::open(server, 0, &format!("/ws/{ROOM}"), &headers).await?;
        let mut client = Self { base, http, name, token, link, received: Vec::new() };
        client.receive("caught_up", "").await?;
        Ok(client)
    }

    async fn login(&self, times: &mut Times) -> Result<usize, Failure> {
        let body = json!({"login": self.name, "password": PASSWORD});
        let start = Instant::now();
        let answer = post(&self.http, &format!("{}/api/v1/auth/login", self.base), &body).await?;
        let refused = usize::from(!answer.status().is_success());
        let answer = answer.text().await?;
        times.add(micros(start));
        // A user has only so many sessions, and the socket lives by the first one.
        if let Some(token) = serde_json::from_str::<Value>(&answer)?.get("refresh_token") {
            let body = json!({"refresh_token": token});
            post(&self.http, &format!("{}/api/v1/auth/logout", self.base), &body)
                .await?
                .error_for_status()?;
        }
        Ok(refused)
    }

    async fn say(&mut self, times: &mut Times) -> Result<(), Failure> {
        let client_id = Uuid::new_v4().to_string();
        let message = json!({"type": "message", "room": ROOM, "client_id": client_id, "content": "hello"});
        let start = Instant::now();
        self.link.send(&message.to_string()).await?;
        self.receive("ack", &client_id).await?;
        times.add(micros(start));
        Ok(())
    }

    async fn read(&self, times: &mut Times) -> Result<usize, Failure> {
        let url = format!("{}/api/v1/rooms/{ROOM}/messages?limit=50", self.base);
        let start = Instant::now();
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        let refused = usize::from(!answer.status().is_success());
        answer.text().await?;
        times.add(micros(start));
        Ok(refused)
    }

    /// Until a frame of this type with this text in it has come.
    async fn receive(&mut self, kind: &str, text: &str) -> Result<(), Failure> {
        let begin = format!("{{\"type\":\"{kind}\"");
        loop {
            let received = String::from_utf8_lossy(&self.received).into_owned();
            if received
                .match_indices(&begin)
                .any(|(at, _)| received[at..].split("{\"type\"").nth(1).is_some_and(|it| it.contains(text)))
            {
                self.received.clear();
                return Ok(());
            }
            if timeout(PATIENCE, self.link.read(&mut self.received)).await?? == 0 {
                return Err(format!("the socket ended before {kind}: {received}").into());
            }
        }
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Result<reqwest::Response, reqwest::Error> {
    http.post(url)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
}

fn micros(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> f64 {
    number_of(number as u64)
}
