//! A backup of the database that is made while everybody talks, and put back as the documents say.

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::Stage;
use crate::dirs;

/// Seconds of talk that the backup does not have.
const AFTERWARDS: u64 = 3;

impl Stage {
    pub(super) async fn restore_backup(&self) {
        let file = dirs::fresh("backup").join("load.backup").display().to_string();
        let begin = Instant::now();
        self.command(&["backup", &file]).await;
        self.pause(AFTERWARDS).await;
        for node in self.field.nodes() {
            self.terminate(node).await;
        }
        self.command(&["restore", &file, "--replace"]).await;
        self.field.nodes().for_each(|node| node.process.start());
        self.field.ready().await;
        *self.restored.lock() = Some((begin, Instant::now()));
    }

    /// Runs a command of `rookery-api` to its end.
    async fn command(&self, args: &[&str]) {
        let command = self.field.api.process.command(args);
        let output = spawn_blocking(move || command.fed("")).await.expect("the command is waited for");
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            self.complain(format!("{args:?} ended with {}\n{errors}", output.status));
        }
    }
}
