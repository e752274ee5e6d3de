//! Asks Redis now and then how much memory it uses: the one figure of it by which a cluster may fail that nobody else tells.

use std::collections::BTreeSet;
use std::sync::Arc;

use fred::clients::Client;
use fred::cmd;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::Server;
use tokio::time::sleep;

use crate::limits::REDIS_FIGURES_INTERVAL;
use crate::metrics::METRICS;
use crate::{RedisBus, scripts};

/// Asks until the process stops.
pub(super) async fn watch(bus: Arc<RedisBus>) {
    loop {
        match memory(&bus.commands).await {
            Ok((used, max)) => {
                METRICS.used_memory.set(used);
                METRICS.max_memory.set(max);
            }
            Err(error) => tracing::debug!(%error, "Redis does not tell its figures"),
        }
        sleep(REDIS_FIGURES_INTERVAL).await;
    }
}

async fn memory(client: &Client) -> Result<(i64, i64), Error> {
    if !client.is_clustered() {
        return of_one(client).await;
    }
    let servers: BTreeSet<Server> = scripts::owners(client).into_iter().flatten().collect();
    let (mut used, mut max) = (0, 0);
    for server in servers {
        let one = of_one(&client.with_cluster_node(server)).await?;
        (used, max) = (used + one.0, max + one.1);
    }
    Ok((used, max))
}

async fn of_one<C: ClientLike>(client: &C) -> Result<(i64, i64), Error> {
    let text: String = client.custom(cmd!("INFO"), vec!["memory"]).await?;
    Ok((figure(&text, "used_memory:"), figure(&text, "maxmemory:")))
}

/// A number of the answer, which is a line for each.
fn figure(text: &str, name: &str) -> i64 {
    let found = text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.parse().ok());
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_answer() {
        let text = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:0\r\n";
        assert_eq!(
            (figure(text, "used_memory:"), figure(text, "maxmemory:"), figure(text, "gone:")),
            (1_048_576, 0, 0)
        );
    }
}
