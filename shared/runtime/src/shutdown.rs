//! Stopping in two steps: drain (finish, say goodbye) and stop (end now). Every task of a process is tracked, either
//! as *work*, which a drain waits for, or as *background*, which serves the work and ends after it.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shared by all parts of a process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Cancelled when no new work is to be taken.
    pub drain: CancellationToken,
    /// Cancelled when everything must end now.
    pub stop: CancellationToken,
    work: TaskTracker,
    background: TaskTracker,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A process that is not stopping.
    pub fn new() -> Self {
        Self {
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
            work: TaskTracker::new(),
            background: TaskTracker::new(),
        }
    }

    /// Runs a task that a drain does not wait for: it ends when the process stops.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.background.spawn(self.until_stop(name, task));
    }

    /// Runs a task that a drain waits for: it should look at [`Shutdown::drain`] and end soon after.
    pub fn spawn_work<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.work.spawn(self.until_stop(name, task));
    }

    /// Waits for SIGTERM or SIGINT, drains, and stops when the work is done, when `deadline` has passed, or on a
    /// second signal. Returns when every task has ended.
    ///
    /// # Errors
    /// If the process may not install signal handlers.
    pub async fn on_signals(&self, deadline: Duration) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("signal received, draining");
        self.drain.cancel();
        self.work.close();
        tokio::select! {
            () = self.work.wait() => {}
            () = tokio::time::sleep(deadline) => tracing::warn!("drain deadline passed, stopping"),
            _ = terminate.recv() => tracing::warn!("second signal, stopping"),
            _ = interrupt.recv() => tracing::warn!("second signal, stopping"),
        }
        self.stop().await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Ends everything now and waits until it has ended.
    pub async fn stop(&self) {
        self.drain.cancel();
        self.stop.cancel();
        self.work.close();
        self.background.close();
        self.work.wait().await;
        self.background.wait().await;
    }

    fn until_stop<F>(&self, name: &'static str, task: F) -> impl Future<Output = ()> + Send + 'static
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        async move {
            if stop.run_until_cancelled(task).await.is_none() {
                tracing::debug!(task = name, "task ended by stop");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_end_on_stop() {
        let shutdown = Shutdown::new();
        shutdown.spawn("endless", std::future::pending());
        shutdown.spawn_work("endless too", std::future::pending());
        shutdown.stop().await;
    }
}
