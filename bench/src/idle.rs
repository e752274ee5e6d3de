//! Connections that do nothing: what each of them costs, and how soon many of them are back after a cut.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::accounting::Usage;
use crate::clients::{ClientOptions, number_of};
use crate::dialect::Dialect;
use crate::finding::{Findings, Target};
use crate::ledger::Ledger;
use crate::resident::Residents;
use crate::{Failure, report};

/// Resident memory of the gateway for each connection, KiB.
const RSS_TARGET: f64 = 4.0;
/// The same of a client of Socket.IO.
const SOCKETIO_RSS_TARGET: f64 = 12.0;
/// CPU of the gateway for each connection, microseconds per second.
const CPU_TARGET: f64 = 1.0;

/// The subcommand.
#[derive(Args)]
pub(crate) struct Idle {
    /// Who is measured.
    #[arg(long)]
    server: String,
    /// How long nothing happens.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds in which the servers finish what connecting left behind: caches of the last minute, for one.
    #[arg(long, default_value_t = 3)]
    rest: u64,
    /// Connections that are cut afterwards, all at once, and come back as fast as they can.
    #[arg(long, default_value_t = 0)]
    returning: usize,
    /// The watched process that has the connections.
    #[arg(long, default_value = "gateway-1")]
    holder: String,
    #[command(flatten)]
    options: ClientOptions,
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
        self.options.fits_with(0)?;
        let empty = self.options.usage();
        if self.options.dialect != Dialect::Rookery {
            let clients = self.options.gather(&Arc::new(Ledger::new()), 0).await?;
            self.judge(&self.measure(&empty).await?)?;
            clients.leave().await;
            return Ok(());
        }
        let mut residents = Residents::new(&self.options, self.options.credentials()?);
        for user in 0..self.options.connections {
            self.visit(&mut residents, user);
            self.options.pace().await;
        }
        residents.subscribed(self.options.connections).await?;
        let result = self.measure(&empty).await?;
        if residents.endings() > 0 {
            return Err("idle connections were lost".into());
        }
        self.judge(&result)?;
        self.come_back(residents).await
    }

    /// What nothing costs.
    async fn measure(&self, empty: &[Usage]) -> Result<IdleResult, Failure> {
        sleep(Duration::from_secs(self.rest)).await;
        let before = self.options.usage();
        sleep(Duration::from_secs(self.seconds)).await;
        let after = self.options.usage();
        let connections = number_of(self.options.connections as u64);
        let names = || self.options.watched.iter().map(|watched| watched.name.clone());
        let rss = empty
            .iter()
            .zip(&before)
            .map(|(empty, full)| (full.rss_kib - empty.rss_kib) / connections);
        let seconds = number_of(self.seconds.max(1));
        let cpu = before
            .iter()
            .zip(&after)
            .map(|(before, after)| after.cpu_since(before) * 1e6 / connections / seconds);
        let result = IdleResult {
            idle_server: self.server.clone(),
            connections: self.options.connections,
            rooms_per_connection: self.options.rooms_per_connection,
            rss_kib: names().zip(rss).collect(),
            cpu_us_per_s: names().zip(cpu).collect(),
        };
        report(&result)?;
        Ok(result)
    }

    fn visit(&self, residents: &mut Residents, user: usize) {
        residents.visit(user, vec![self.options.nodes[user % self.options.nodes.len()]]);
    }

    fn judge(&self, result: &IdleResult) -> Result<(), Failure> {
        let findings = Findings("Idle connections");
        let of = |list: &[(String, f64)]| list.iter().find(|(name, _)| *name == self.holder).map(|(_, value)| *value);
        let title = |what: &str| {
            let IdleResult { idle_server, connections, rooms_per_connection, .. } = result;
            format!("{what}, {idle_server}, {connections} connections in {rooms_per_connection} rooms")
        };
        let target = match self.options.dialect {
            Dialect::Rookery => RSS_TARGET,
            Dialect::RookerySocketio => SOCKETIO_RSS_TARGET,
            // Peers have no targets.
            Dialect::Bare | Dialect::Ws | Dialect::Socketio => return Ok(()),
        };
        if let Some(rss) = of(&result.rss_kib) {
            findings.judge(&title("memory of a connection"), rss, "KiB", Target::AtMost(target))?;
        }
        if let Some(cpu) = of(&result.cpu_us_per_s) {
            findings.judge(&title("CPU of a connection"), cpu, "µs/s", Target::AtMost(CPU_TARGET))?;
        }
        Ok(())
    }

    async fn come_back(&self, mut residents: Residents) -> Result<(), Failure> {
        let returning = self.returning.min(self.options.connections);
        if returning > 0 {
            residents.cut(0..returning).await;
            let (start, used) = (Instant::now(), self.options.usage());
            for user in 0..returning {
                self.visit(&mut residents, user);
            }
            residents.subscribed(self.options.connections).await?;
            let findings = Findings("Idle connections");
            let title = format!("{returning} are cut and come back, all caught up");
            findings.tell(&title, start.elapsed().as_secs_f64(), "s")?;
            for (name, cpu_us) in self.options.spent(&self.options.since(&used), returning as u64) {
                findings.tell(&format!("CPU of {name} for each that came back"), cpu_us, "µs")?;
            }
        }
        residents.leave().await;
        Ok(())
    }
}
