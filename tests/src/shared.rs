//! The deployments that all tests of one test process use which harm nobody. Started when first asked for; the
//! guardian ends them.

use tokio::sync::OnceCell;

use crate::deployment::Deployment;
use crate::dialect::Dialect;

static CLUSTER: OnceCell<Deployment> = OnceCell::const_new();
static STANDALONE: OnceCell<Deployment> = OnceCell::const_new();

/// The shared cluster.
pub async fn cluster() -> &'static Deployment {
    CLUSTER.get_or_init(Deployment::cluster).await
}

/// The shared single process.
pub async fn standalone() -> &'static Deployment {
    STANDALONE.get_or_init(Deployment::standalone).await
}

/// Both.
pub async fn both() -> [&'static Deployment; 2] {
    [cluster().await, standalone().await]
}

/// Those that a suite is played on in this dialect. Both have the same gateway, so one of them is enough for all but the
/// first.
pub async fn speaking(dialect: Dialect) -> Vec<&'static Deployment> {
    match dialect {
        Dialect::Native => both().await.to_vec(),
        Dialect::SocketIo => vec![cluster().await],
    }
}
