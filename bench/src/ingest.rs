//! Messages through the log into the store: how long until they are stored, and whether each is there once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::clients::{ClientOptions, Talk};
use crate::depth::Depth;
use crate::history::{self, Readers};
use crate::ledger::Ledger;
use crate::quantiles::Quantiles;
use crate::{Failure, report, tell};

const DEPTH_INTERVAL: Duration = Duration::from_millis(200);

/// The subcommand.
#[derive(Args)]
pub(crate) struct Ingest {
    /// Row of the table.
    #[arg(long, default_value = "ingest")]
    row: String,
    #[command(flatten)]
    options: ClientOptions,
    #[command(flatten)]
    talk: Talk,
    /// Redis, to read the depth of the logs.
    #[arg(long)]
    redis: SocketAddr,
    /// Base address of an api; with it, the history of every room is compared with the ledger.
    #[arg(long)]
    api: Option<String>,
    /// Seconds to wait for the last acks.
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

/// One result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IngestResult {
    /// Row of the table.
    pub(crate) ingest_row: String,
    /// Messages in a second that were wanted.
    pub(crate) rate: f64,
    /// Messages that were sent.
    pub(crate) sent: usize,
    /// Messages that were acked.
    pub(crate) acked: usize,
    /// From due to ack.
    pub(crate) ack_ms: Quantiles,
    /// From the time of acceptance to the ack.
    pub(crate) lag_ms: Quantiles,
    /// From due to delivered.
    pub(crate) delivery_ms: Quantiles,
    /// Entries in the logs at their fullest.
    pub(crate) depth_max: u64,
    /// Sends that were refused and made again.
    pub(crate) refused: u64,
    /// Acked and not in history; none where it was not compared.
    pub(crate) lost: Option<u64>,
    /// In history more than once.
    pub(crate) twice: Option<u64>,
    /// In history without having been sent.
    pub(crate) ghosts: Option<u64>,
    /// CPU of each watched process, in microseconds per message.
    pub(crate) cpu_us_per_message: Vec<(String, f64)>,
}

impl Ingest {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let ledger = Arc::new(Ledger::new());
        let clients = self.options.gather(&ledger, self.talk.size).await?;
        let depths = watch(Depth::connect(self.redis).await?);
        let used = self.options.usage();
        let (sent, _) = clients.talk(&self.talk, &ledger).await?;
        self.wait_for_acks(&ledger).await;
        let used = self.options.since(&used);
        let depth_max = depths.end();
        let credentials = clients.credentials().clone();
        clients.leave().await;
        let mut totals = ledger.close();
        let verdict = match &self.api {
            None => None,
            Some(api) => {
                let members = (0..self.options.rooms).map(|room| room * self.options.nodes.len()).collect();
                let readers = Readers { api, members, credentials: &credentials };
                Some(history::compare(&readers, &ledger, &totals).await?)
            }
        };
        let result = IngestResult {
            ingest_row: self.row,
            rate: self.talk.rate,
            sent: totals.sent.len(),
            acked: totals.acked.len(),
            ack_ms: totals.ack.quantiles(),
            lag_ms: totals.lag.quantiles(),
            delivery_ms: totals.delivery.quantiles(),
            depth_max,
            refused: totals.refused.values().sum(),
            lost: verdict.as_ref().map(|verdict| verdict.lost),
            twice: verdict.as_ref().map(|verdict| verdict.twice),
            ghosts: verdict.as_ref().map(|verdict| verdict.ghosts),
            cpu_us_per_message: self.options.spent(&used, sent),
        };
        report(&result)?;
        result.judge(verdict.map(|verdict| verdict.stored), totals.lost)
    }

    async fn wait_for_acks(&self, ledger: &Ledger) {
        let end = Instant::now() + Duration::from_secs(self.patience);
        while Instant::now() < end {
            let (sent, acked) = ledger.progress();
            if acked == sent {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let (sent, acked) = ledger.progress();
        tell(&format!("{} messages have no ack after {} s", sent - acked, self.patience));
    }
}

impl IngestResult {
    /// What the project promises, whatever the machine: it fails the command.
    fn judge(&self, stored: Option<u64>, connections_lost: u64) -> Result<(), Failure> {
        let wrong = [self.lost, self.twice, self.ghosts].iter().flatten().sum::<u64>();
        if wrong > 0 || self.acked != self.sent || connections_lost > 0 {
            return Err(format!(
                "the ledgers differ: {self:?}; {stored:?} stored, {connections_lost} connections lost"
            )
            .into());
        }
        Ok(())
    }
}

/// Reads the depth again and again.
fn watch(mut depth: Depth) -> Watch {
    let largest = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&largest);
    let task = tokio::spawn(async move {
        while let Ok(now) = depth.read().await {
            seen.fetch_max(now, Ordering::Relaxed);
            sleep(DEPTH_INTERVAL).await;
        }
    });
    Watch { task, largest }
}

struct Watch {
    task: JoinHandle<()>,
    largest: Arc<AtomicU64>,
}

impl Watch {
    /// The largest depth so far; nothing is read any more.
    fn end(self) -> u64 {
        self.task.abort();
        self.largest.load(Ordering::Relaxed)
    }
}
