//! Clients that never read, in a room that others talk in: what they cost the others, and the server.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep, timeout};

use crate::clients::{ClientOptions, ConnectedClients, Talk, number_of};
use crate::finding::{Findings, Target};
use crate::ledger::Ledger;
use crate::link::Link;
use crate::{Failure, tell};

/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(3);
/// Time in which the last deliveries come in.
const SETTLE: Duration = Duration::from_secs(2);
/// A connection that is still open says something, or nothing, within this.
const OPEN: Duration = Duration::from_millis(100);
/// What one reader that stands still may add to the memory of the gateway, KiB.
const MEMORY_EACH: f64 = 256.0;
/// What it may add to the slowest hundredth of the others' deliveries.
const DELAY_BY_ONE: f64 = 1.05;
/// The same for many of them.
const DELAY_BY_MANY: f64 = 1.2;
const PART: Findings = Findings("Readers that stand still");

/// The subcommand.
#[derive(Args)]
pub(crate) struct Stalled {
    /// Readers that never read, in the last run.
    #[arg(long, default_value_t = 500)]
    deaf: usize,
    /// Bytes of a text in the last run: enough for their sockets to be full soon.
    #[arg(long, default_value_t = 3900)]
    deaf_size: usize,
    /// Messages in a second of the last run: few enough that one core has time for them with all readers, also as long as
    /// the sockets of those who do not read still take something. Otherwise this is about a full core.
    #[arg(long, default_value_t = 20.0)]
    deaf_rate: f64,
    /// Seconds of the last run.
    #[arg(long, default_value_t = 25.0)]
    deaf_seconds: f64,
    /// The watched process that has the connections.
    #[arg(long, default_value = "gateway-1")]
    holder: String,
    #[command(flatten)]
    options: ClientOptions,
    #[command(flatten)]
    talk: Talk,
}

/// What one run showed.
#[derive(Clone, Copy, Debug)]
struct Measured {
    p99_ms: f64,
    /// Of the gateway, at its end.
    rss_kib: f64,
}

impl Stalled {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        self.options.fits_with(self.deaf)?;
        let ledger = Arc::new(Ledger::new());
        let clients = self.options.gather(&ledger, self.talk.size).await?;
        sleep(REST).await;
        // The first one also fills the caches.
        self.listen(&clients, &ledger, &self.talk).await?;
        let without = self.listen(&clients, &ledger, &self.talk).await?;
        let one = self.connect_deaf(&clients, 1).await?;
        let with_one = self.listen(&clients, &ledger, &self.talk).await?;
        let ratio = with_one.p99_ms / without.p99_ms.max(f64::EPSILON);
        PART.tell("nobody stands still: p99 of the others", without.p99_ms, "ms")?;
        PART.judge("one stands still: p99 of the others, times that", ratio, "×", Target::AtMost(DELAY_BY_ONE))?;
        let grown = with_one.rss_kib - without.rss_kib;
        PART.judge("one stands still: memory of the gateway", grown, "KiB more", Target::AtMost(MEMORY_EACH))?;
        drop(one);
        self.many(&clients, &ledger).await
    }

    async fn many(&self, clients: &ConnectedClients, ledger: &Arc<Ledger>) -> Result<(), Failure> {
        let loud = Talk {
            size: self.deaf_size,
            rate: self.deaf_rate,
            seconds: self.deaf_seconds,
            ..self.talk.clone()
        };
        let without = self.listen(clients, ledger, &Talk { seconds: self.talk.seconds, ..loud.clone() }).await?;
        let deaf = self.connect_deaf(clients, self.deaf).await?;
        let with = self.listen(clients, ledger, &loud).await?;
        let still_open = open(&deaf).await;
        let ratio = with.p99_ms / without.p99_ms.max(f64::EPSILON);
        let who = format!("{} stand still", self.deaf);
        PART.tell("texts are long: p99 of the others", without.p99_ms, "ms")?;
        PART.judge(&format!("{who}: p99 of the others, times that"), ratio, "×", Target::AtMost(DELAY_BY_MANY))?;
        let each = (with.rss_kib - without.rss_kib) / number_of(self.deaf.max(1) as u64);
        PART.judge(&format!("{who}: memory of the gateway for each"), each, "KiB more", Target::AtMost(MEMORY_EACH))?;
        let title = format!("{who}: not closed after {} s", self.deaf_seconds);
        PART.judge(&title, number_of(still_open as u64), "", Target::AtMost(0.0))
    }

    /// Connections in the first room of the clients that are never read.
    async fn connect_deaf(&self, clients: &ConnectedClients, count: usize) -> Result<Vec<Link>, Failure> {
        let mut deaf = Vec::new();
        for n in 0..count {
            // The same people once more: what counts is that these connections are not read.
            deaf.push(self.options.connect_deaf(clients.credentials(), n % self.options.connections).await?);
        }
        sleep(REST).await;
        Ok(deaf)
    }

    async fn listen(&self, clients: &ConnectedClients, ledger: &Arc<Ledger>, talk: &Talk) -> Result<Measured, Failure> {
        let start = Instant::now();
        let (_, expected) = clients.talk(talk, ledger).await?;
        let late = start.elapsed().as_secs_f64() - talk.seconds;
        sleep(SETTLE).await;
        let rss = self.options.watched.iter().find(|watched| watched.name == self.holder);
        let rss_kib = rss.map_or(0.0, |watched| watched.usage().rss_kib);
        let mut totals = ledger.close();
        if totals.deliveries != expected || totals.lost > 0 {
            let (heard, lost) = (totals.deliveries, totals.lost);
            return Err(format!("{heard} of {expected} deliveries came, {lost} of the others were cut").into());
        }
        let shown = Measured { p99_ms: totals.delivery.quantiles().p99, rss_kib };
        tell(&format!("{shown:?}, said {late:.1} s too slowly"));
        Ok(shown)
    }
}

/// How many of the connections still are.
async fn open(links: &[Link]) -> usize {
    let mut count = 0;
    for link in links {
        let (mut buffer, mut is_open) = (Vec::new(), true);
        while is_open {
            buffer.clear();
            buffer.reserve(64 * 1024);
            match timeout(OPEN, link.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => is_open = false,
                Ok(Ok(_)) => {}
                Err(_) => break,
            }
        }
        count += usize::from(is_open);
    }
    count
}
