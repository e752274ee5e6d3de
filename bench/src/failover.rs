//! The master of Redis dies: when has everybody what was said since, and what did that cost the database?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::clients::{ClientOptions, number_of};
use crate::cost::value_of;
use crate::finding::{Findings, Target};
use crate::resident::Residents;
use crate::{Failure, tell};

/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(3);
/// Between two words of a sender, and before it repeats what has no ack.
const PAUSE: Duration = Duration::from_millis(250);
/// Between two looks whether it is over.
const LOOK: Duration = Duration::from_millis(5);
/// After which the run is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// Reads of histories in the database.
const READS: [&str; 2] = ["rookery_api_history_reads_total", "rookery_api_missed_reads_total"];

/// The subcommand.
#[derive(Args)]
pub(crate) struct Failover {
    /// The watched process that is killed: the master.
    #[arg(long, default_value = "redis")]
    kill: String,
    /// Its replica.
    #[arg(long)]
    replica: SocketAddr,
    /// The internal listener of the api.
    #[arg(long)]
    api: SocketAddr,
    /// Seconds that it may take from the promotion on.
    #[arg(long, default_value_t = 5.0)]
    target_s: f64,
    #[command(flatten)]
    options: ClientOptions,
}

impl Failover {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        self.options.fits_with(0)?;
        let mut residents = Residents::new(&self.options, self.options.credentials()?);
        for user in 0..self.options.connections {
            residents.visit(user, vec![self.options.nodes[user % self.options.nodes.len()]]);
            self.options.pace().await;
        }
        residents.subscribed(self.options.connections).await?;
        sleep(REST).await;
        let residents = Arc::new(residents);
        let words = Arc::new(AtomicU64::new(0));
        let senders: Vec<usize> = (0..self.options.rooms).map(|room| room * self.options.nodes.len()).collect();
        let talks: Vec<_> = senders
            .iter()
            .enumerate()
            .map(|(room, user)| tokio::spawn(talk(Arc::clone(&residents), room, *user, Arc::clone(&words))))
            .collect();
        sleep(REST).await;
        let before = self.reads().await?;
        self.options.kill(&self.kill)?;
        let killed = Instant::now();
        self.promoted().await?;
        let (promoted, first) = (Instant::now(), words.load(Ordering::Relaxed));
        let acked = until("all are acked", || all_acked(&residents, self.options.rooms, first)).await? - promoted;
        talks.iter().for_each(tokio::task::JoinHandle::abort);
        let caught_up = until("all are caught up", || residents.behind() == 0).await? - promoted;
        tell(&format!(
            "promoted after {:?}, acked {acked:?} and caught up {caught_up:?} later",
            promoted - killed
        ));
        sleep(REST).await;
        self.tell(&residents, acked, caught_up, &before).await
    }

    async fn tell(
        &self,
        residents: &Residents,
        acked: Duration,
        caught_up: Duration,
        before: &BTreeMap<&str, f64>,
    ) -> Result<(), Failure> {
        let (findings, account) = (Findings("Failover of Redis"), residents.account());
        let (rooms, clients) = (self.options.rooms, self.options.connections);
        let none = Target::AtMost(0.0);
        let title = format!("{rooms} senders acked since the promotion");
        findings.judge(&title, acked.as_secs_f64(), "s", Target::AtMost(self.target_s))?;
        let title = format!("{clients} clients in {rooms} rooms caught up since the promotion");
        findings.judge(&title, caught_up.as_secs_f64(), "s", Target::AtMost(self.target_s))?;
        for (name, value) in self.reads().await? {
            findings.judge(name, value - before.get(name).copied().unwrap_or_default(), "", none)?;
        }
        findings.judge("clients that had to read history", number_of(account.skipped), "", none)?;
        findings.judge("connections that ended", number_of(residents.endings() as u64), "", none)?;
        findings.judge("numbers lost", number_of(account.lost), "", none)?;
        findings.judge("numbers twice", number_of(account.repeats), "", none)?;
        if account.lost + account.repeats > 0 {
            return Err(format!("messages were lost or came twice: {account:?}").into());
        }
        Ok(())
    }

    async fn reads(&self) -> Result<BTreeMap<&'static str, f64>, Failure> {
        let text = reqwest::get(format!("http://{}/metrics", self.api))
            .await?
            .error_for_status()?
            .text()
            .await?;
        let value = |name: &'static str| Ok((name, value_of(&text, name).ok_or_else(|| format!("no {name}"))?));
        READS.into_iter().map(value).collect()
    }

    /// Waits until the replica is a master.
    async fn promoted(&self) -> Result<(), Failure> {
        let asked = async {
            loop {
                if self.is_master().await.unwrap_or(false) {
                    return;
                }
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, asked).await.map_err(|_| "the replica is not promoted".into())
    }

    async fn is_master(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(self.replica).await?;
        stream.write_all(b"ROLE\r\n").await?;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..length]).contains("master"))
    }
}

/// Whether each room has an ack for something that was said with this number or a later one.
fn all_acked(residents: &Residents, rooms: usize, first: u64) -> bool {
    let acks = residents.acks();
    let number = |name: &str| name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
    let is_new = |name: &str| number(name).is_some_and(|number| number >= first);
    acks.len() == rooms && acks.values().all(|(name, _)| is_new(name))
}

/// When it was so.
async fn until(what: &str, is_so: impl Fn() -> bool) -> Result<Instant, Failure> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return Err(format!("in vain: {what}").into());
        }
        sleep(LOOK).await;
    }
    Ok(Instant::now())
}

/// One sender, who says something new when the last was acked, and else the same again.
async fn talk(residents: Arc<Residents>, room: usize, user: usize, words: Arc<AtomicU64>) {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let (mut ticks, mut name) = (interval(PAUSE), String::new());
    loop {
        ticks.tick().await;
        let is_acked = residents.acks().get(&room).is_some_and(|(acked, _)| *acked == name);
        if name.is_empty() || is_acked {
            name = format!("{run}-{}", words.fetch_add(1, Ordering::Relaxed));
        }
        residents.say(user, &name).await;
    }
}
