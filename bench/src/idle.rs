//! Connections that do nothing: what each of them costs.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::crowd::{Crew, number_of};
use crate::ledger::Ledger;
use crate::{Failure, report};

/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(3);

/// The subcommand.
#[derive(Args)]
pub(crate) struct Idle {
    /// Who is measured.
    #[arg(long)]
    server: String,
    /// How long nothing happens.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[command(flatten)]
    crew: Crew,
}

/// One result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdleResult {
    /// Who was measured.
    pub(crate) idle_server: String,
    /// Connections.
    pub(crate) connections: usize,
    /// Rooms of each.
    pub(crate) rooms_per_connection: usize,
    /// Resident memory of each watched process, KiB per connection.
    pub(crate) rss_kib: Vec<(String, f64)>,
    /// CPU of each watched process, microseconds per connection and second.
    pub(crate) cpu_us_per_s: Vec<(String, f64)>,
}

impl Idle {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let ledger = Arc::new(Ledger::new());
        let empty = self.crew.usage();
        let crowd = self.crew.gather(&ledger, 0).await?;
        sleep(REST).await;
        let before = self.crew.usage();
        sleep(Duration::from_secs(self.seconds)).await;
        let after = self.crew.usage();
        crowd.leave().await;
        if ledger.close().lost > 0 {
            return Err("idle connections were lost".into());
        }
        let connections = number_of(self.crew.connections as u64);
        let names = || self.crew.watched.iter().map(|watched| watched.name.clone());
        let rss = empty
            .iter()
            .zip(&before)
            .map(|(empty, full)| (full.rss_kib - empty.rss_kib) / connections);
        let seconds = number_of(self.seconds.max(1));
        let cpu = before
            .iter()
            .zip(&after)
            .map(|(before, after)| (after.cpu_s - before.cpu_s) * 1e6 / connections / seconds);
        report(&IdleResult {
            idle_server: self.server,
            connections: self.crew.connections,
            rooms_per_connection: self.crew.rooms_per_connection,
            rss_kib: names().zip(rss).collect(),
            cpu_us_per_s: names().zip(cpu).collect(),
        })
    }
}
