//! What one message costs each process above what the process costs anyway, and what the gateways have counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use crate::clients::{ClientOptions, Talk, number_of};
use crate::finding::{Findings, Target};
use crate::ledger::Ledger;
use crate::{Failure, tell};

/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(3);
/// What a gateway without members of a room must not do for its messages.
const COUNTERS: [&str; 2] = ["rookery_gateway_events_total", "rookery_gateway_deliveries_total"];
const PART: Findings = Findings("CPU of a message");

/// The subcommand.
#[derive(Args)]
pub(crate) struct Cost {
    /// Row of the table.
    #[arg(long)]
    row: String,
    /// What a process may cost, as name=microseconds.
    #[arg(long)]
    at_most: Vec<Bound>,
    /// Internal listener of a gateway that has no members, as name=address: it must have done nothing.
    #[arg(long)]
    bystander: Vec<Bystander>,
    #[command(flatten)]
    options: ClientOptions,
    #[command(flatten)]
    talk: Talk,
}

#[derive(Clone, Debug)]
struct Bound {
    name: String,
    most: f64,
}

#[derive(Clone, Debug)]
struct Bystander {
    name: String,
    address: SocketAddr,
}

impl std::str::FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, most) = text.split_once('=').ok_or("write name=microseconds")?;
        Ok(Self { name: name.to_owned(), most: most.parse().map_err(|_| "the part after = is no number")? })
    }
}

impl std::str::FromStr for Bystander {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once('=').ok_or("write name=address")?;
        Ok(Self {
            name: name.to_owned(),
            address: address.parse().map_err(|_| "the part after = is no address")?,
        })
    }
}

impl Cost {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let ledger = Arc::new(Ledger::new());
        let clients = self.options.gather(&ledger, self.talk.size).await?;
        sleep(REST).await;
        let quiet = self.options.usage();
        sleep(Duration::from_secs_f64(self.talk.seconds)).await;
        let quiet = self.options.since(&quiet);
        let (counted, busy) = (self.counters().await?, self.options.usage());
        let (sent, expected) = clients.talk(&self.talk, &ledger).await?;
        let busy = self.options.since(&busy);
        sleep(REST).await;
        let counted_after = self.counters().await?;
        clients.leave().await;
        let received = ledger.close().deliveries;
        if received != expected {
            tell(&format!("{}: {received} of {expected} deliveries came", self.row));
        }
        let above: Vec<f64> = busy.iter().zip(&quiet).map(|(busy, quiet)| busy - quiet).collect();
        for (name, cpu_us) in self.options.spent(&above, sent) {
            let what = format!("{}: {name}", self.row);
            match self.at_most.iter().find(|bound| bound.name == name) {
                Some(bound) => PART.judge(&what, cpu_us, "µs", Target::AtMost(bound.most))?,
                None => PART.tell(&what, cpu_us, "µs")?,
            }
        }
        for (counter, before) in &counted {
            let done = counted_after.get(counter).copied().unwrap_or_default() - before;
            PART.judge(&format!("{}: {counter}", self.row), done, "", Target::AtMost(0.0))?;
        }
        PART.tell(&format!("{}: messages", self.row), number_of(sent), "")
    }

    async fn counters(&self) -> Result<BTreeMap<String, f64>, Failure> {
        let mut all = BTreeMap::new();
        for Bystander { name, address } in &self.bystander {
            let text = reqwest::get(format!("http://{address}/metrics"))
                .await?
                .error_for_status()?
                .text()
                .await?;
            for counter in COUNTERS {
                let value = value_of(&text, counter).ok_or_else(|| format!("{name} has no {counter}"))?;
                all.insert(format!("{counter} of {name}"), value);
            }
        }
        Ok(all)
    }
}

/// What a counter stands at.
pub(crate) fn value_of(text: &str, counter: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(counter)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let text = "# HELP a_total x\na_total_more 3\na_total 4\n";
        assert_eq!((value_of(text, "a_total"), value_of(text, "b_total")), (Some(4.0), None));
    }
}
