//! A slow database: its process is stopped for 80 of every 100 ms.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::field::Shared;
use crate::process::Process;

const STOPPED: Duration = Duration::from_millis(80);
const RUNNING: Duration = Duration::from_millis(20);
/// Times that a row allows are so much longer meanwhile.
pub const SLOWER: u32 = 4;

/// The database of a field is slow as long as this exists.
pub struct Slowdown {
    task: JoinHandle<()>,
}

/// A process that was stopped goes on when this ends, however it ends.
struct Stopped<'a>(&'a Process);

impl Slowdown {
    /// Slows the database of a field.
    pub fn begin(field: Shared) -> Self {
        let task = tokio::spawn(async move {
            loop {
                let turn = field.database_turn.take().await;
                let stopped = Stopped::stop(&field.mongo.process);
                sleep(STOPPED).await;
                drop(stopped);
                drop(turn);
                sleep(RUNNING).await;
            }
        });
        Self { task }
    }

    /// Returns when the database is at its own speed again.
    pub async fn end(mut self) {
        self.task.abort();
        // It never ends by itself.
        (&mut self.task).await.ok();
    }
}

impl Drop for Slowdown {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<'a> Stopped<'a> {
    fn stop(process: &'a Process) -> Self {
        process.signal_if_running("STOP");
        Self(process)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal_if_running("CONT");
    }
}
