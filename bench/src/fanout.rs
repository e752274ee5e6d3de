//! Messages to many members: what a delivery costs the servers, and how late it is.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::clients::{ClientOptions, Talk, number_of};
use crate::finding::{Findings, Target};
use crate::ledger::Ledger;
use crate::quantiles::Quantiles;
use crate::{Failure, report};

/// Time in which the last deliveries come in.
const SETTLE: Duration = Duration::from_millis(1500);
/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(2);

/// The subcommand.
#[derive(Args)]
pub(crate) struct Fanout {
    /// Row of the table.
    #[arg(long)]
    row: String,
    /// Who is measured.
    #[arg(long)]
    server: String,
    /// Milliseconds in which all but one of a hundred deliveries should come; with it, rate and lateness are judged.
    #[arg(long)]
    p99_ms: Option<f64>,
    #[command(flatten)]
    options: ClientOptions,
    #[command(flatten)]
    talk: Talk,
}

/// One result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FanoutResult {
    /// Row of the table.
    pub(crate) row: String,
    /// Who was measured.
    pub(crate) server: String,
    /// Messages that were sent.
    pub(crate) sent: u64,
    /// What came back.
    pub(crate) deliveries: u64,
    /// Deliveries that did not come.
    pub(crate) missing: i64,
    /// Deliveries twice or out of order.
    pub(crate) repeats: u64,
    /// Bytes of a delivery.
    pub(crate) frame_bytes: f64,
    /// CPU of each watched process, in microseconds per delivery.
    pub(crate) cpu_us: Vec<(String, f64)>,
    /// CPU of each watched process, in microseconds per message.
    pub(crate) cpu_us_per_message: Vec<(String, f64)>,
    /// From due to delivered.
    pub(crate) latency_ms: Quantiles,
}

impl Fanout {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let ledger = Arc::new(Ledger::new());
        let clients = self.options.gather(&ledger, self.talk.size).await?;
        sleep(REST).await;
        let used = self.options.usage();
        let start = Instant::now();
        let (sent, expected) = clients.talk(&self.talk, &ledger).await?;
        let took = start.elapsed();
        sleep(SETTLE).await;
        let used = self.options.since(&used);
        clients.leave().await;
        let mut totals = ledger.close();
        let missing =
            i64::try_from(expected).unwrap_or(i64::MAX) - i64::try_from(totals.deliveries).unwrap_or(i64::MAX);
        let result = FanoutResult {
            row: self.row,
            server: self.server,
            sent,
            deliveries: totals.deliveries,
            missing,
            repeats: totals.repeats,
            frame_bytes: number_of(totals.bytes) / number_of(totals.deliveries.max(1)),
            cpu_us: self.options.spent(&used, totals.deliveries),
            cpu_us_per_message: self.options.spent(&used, sent),
            latency_ms: totals.delivery.quantiles(),
        };
        report(&result)?;
        match self.p99_ms {
            Some(p99_ms) => result.judge(self.talk.rate, took, p99_ms),
            None => Ok(()),
        }
    }
}

impl FanoutResult {
    /// Whether as much was said as was to be, and heard in time.
    fn judge(&self, rate: f64, took: Duration, p99_ms: f64) -> Result<(), Failure> {
        let (part, row) = (Findings("Throughput"), &self.row);
        let said = number_of(self.sent) / took.as_secs_f64();
        // Whoever sends at a fixed rate is at most a hundredth off.
        part.judge(&format!("{row}: messages"), said, "/s", Target::AtLeast(rate * 0.99))?;
        let each = number_of(self.deliveries) / number_of(self.sent.max(1));
        part.tell(&format!("{row}: deliveries of each"), each, "")?;
        part.judge(&format!("{row}: p99 from due to delivered"), self.latency_ms.p99, "ms", Target::AtMost(p99_ms))?;
        part.judge(
            &format!("{row}: deliveries missing"),
            number_of(self.missing.unsigned_abs()),
            "",
            Target::AtMost(0.0),
        )
    }
}
