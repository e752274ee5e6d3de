//! Redis and the database have to belong together.
//!
//! What Redis holds of rooms (numbers, rights, results of sends) goes on from what the database has. If the database was
//! put back to an earlier state, or is another one, that is wrong in ways that nobody would notice. Each process raises a
//! count in the database every few seconds and notes it in Redis afterwards; whoever finds in Redis what the database
//! never had, or not yet, serves nothing, and says what to do.

use std::sync::Arc;

use rookery_api::app::App;
use rookery_bus::error::BusError;
use rookery_bus_redis::RedisBus;
use rookery_runtime::shutdown::Shutdown;
use rookery_store::{Backend, StoreError, Timeline};
use tokio::time::sleep;
use uuid::Uuid;

use crate::limits::TIMELINE_EVERY;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimelineError {
    /// They do not belong together.
    #[error(
        "Redis knows more than the database has: it was put back, or is another one; stop all gateways and apis, run \
         `rookery-api restored`, and start them again"
    )]
    Apart,
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// One look, which is noted.
pub(crate) async fn look(backend: &dyn Backend, bus: &RedisBus) -> Result<(), TimelineError> {
    // In this order: what is noted was counted before.
    let noted = bus.timeline().await?.as_deref().map(parse);
    let Some(now) = backend.beat().await? else { return Ok(()) };
    match noted {
        Some(None) => return Err(TimelineError::Apart),
        Some(Some(noted)) if noted.id != now.id || noted.beat >= now.beat => return Err(TimelineError::Apart),
        Some(Some(_)) | None => {}
    }
    Ok(bus.record_timeline(&format!("{} {}", now.id, now.beat)).await?)
}

/// Looks again and again. Whoever finds that they are apart stays unready: it does not heal by itself.
pub(crate) fn watch(app: Arc<App>, bus: Arc<RedisBus>, shutdown: &Shutdown) {
    shutdown.spawn("timeline", async move {
        loop {
            sleep(TIMELINE_EVERY).await;
            match look(&*app.stores.backend, &bus).await {
                Ok(()) => {}
                Err(error @ TimelineError::Apart) => {
                    tracing::error!(%error, "this process serves no more");
                    app.readiness.halt(error.to_string());
                    return;
                }
                Err(error) => tracing::debug!(%error, "the timeline was not looked at"),
            }
        }
    });
}

fn parse(text: &str) -> Option<Timeline> {
    let (id, beat) = text.split_once(' ')?;
    Some(Timeline { id: Uuid::try_parse(id).ok()?, beat: beat.parse().ok()? })
}
