//! What `make bench` and `make bench-ingest` run: a load generator, the bare limit, and the table of results.
//!
//! It speaks to servers that somebody else started, knows the process ids of those it accounts for, and prints one line
//! of JSON for each run. Times are measured from the moment a message was due, so a slow server cannot hide by slowing
//! the sender down.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rookery_runtime::terminal;

mod accounting;
mod attack;
mod bare;
mod clients;
mod cost;
mod depth;
mod dialect;
mod failover;
mod fanout;
mod finding;
mod frame;
mod history;
mod hostile;
mod idle;
mod ingest;
mod ledger;
mod link;
mod quantiles;
mod raw_store;
mod resident;
mod resume;
mod stalled;
mod table;
mod tag;

/// Whatever ends a run early.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(name = "rookery-bench", about = "Load for a Rookery cluster and its peers")]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Messages at a fixed rate to many members; CPU per delivery, latency.
    Fanout(fanout::Fanout),
    /// Connections that do nothing; memory and CPU of each.
    Idle(idle::Idle),
    /// CPU of one message, above what the processes use anyway.
    Cost(cost::Cost),
    /// Readers that never read, and what the others notice.
    Stalled(stalled::Stalled),
    /// One friendly client among hostile addresses.
    Hostile(hostile::Hostile),
    /// The hostile addresses, until they are killed.
    Attack(attack::Attack),
    /// A node is killed under load; time until its clients are caught up elsewhere, and what they lost.
    Resume(resume::Resume),
    /// The master of Redis is killed under load; time until everybody has what was said since, and what it cost the database.
    Failover(failover::Failover),
    /// Many messages through the log into the store; time to the ack, lag, depth of the log, and the ledger.
    Ingest(ingest::Ingest),
    /// The bare limit: one thread that writes frames to sockets and does nothing else. Serves until it is killed.
    Bare(bare::Bare),
    /// The database alone: inserts of the same documents with the same guarantees, without anything of ours.
    Store(raw_store::RawStore),
    /// The table of results from lines that other runs printed.
    Table(table::Table),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().job {
        Job::Fanout(run) => run.run().await,
        Job::Idle(run) => run.run().await,
        Job::Cost(run) => run.run().await,
        Job::Stalled(run) => run.run().await,
        Job::Hostile(run) => run.run().await,
        Job::Attack(run) => run.run().await,
        Job::Resume(run) => run.run().await,
        Job::Failover(run) => run.run().await,
        Job::Ingest(run) => run.run().await,
        Job::Bare(run) => run.serve(),
        Job::Store(run) => run.run().await,
        Job::Table(table) => table.write(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("rookery-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One line of results.
pub(crate) fn report(result: &impl serde::Serialize) -> Result<(), Failure> {
    show(&format!("{}\n", serde_json::to_string(result)?))
}

/// What a command was asked for.
pub(crate) fn show(text: &str) -> Result<(), Failure> {
    Ok(terminal::print(text)?)
}

/// A line for the person who waits.
pub(crate) fn tell(text: &str) {
    terminal::complain(text);
}
