//! Reports: what users tell those who keep order, who takes that up, and what is decided about it.
//!
//! Whoever decides sees the copy of the text that the report has, and nothing else of a room that it is not in. What is done
//! goes the way of the direct acts, so it is announced, noted and told like them.

use axum::extract::FromRef;
use rookery_protocol::access::is_moderator;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::report::{Report, ReportState};
use rookery_store::user::ServerRole;
use rookery_store::{StoreError, Stores};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::limits::{MODERATED_ROOMS_MAX, REPORT_KEPT, REPORT_PURGE_INTERVAL, REPORT_PURGE_MAX, REPORTS_COUNTED_MAX};
use crate::messages::Messages;
use crate::metrics::Metrics;
use crate::moderation::Moderation;
use crate::periodic::every;

pub mod claim;
pub mod create;
pub mod list;
pub mod resolve;

/// The routes of reports.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Reporting: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create::report))
        .routes(routes!(list::list))
        .routes(routes!(claim::claim))
        .routes(routes!(resolve::resolve))
}

/// Takes reports in and decides about them.
#[derive(Clone)]
pub struct Reporting {
    pub(crate) moderation: Moderation,
    pub(crate) messages: Messages,
    pub(crate) administration: Administration,
    pub(crate) metrics: Metrics,
}

/// Of which reports somebody may know.
pub(crate) enum Keeper {
    /// Of all: the role on the server.
    Staff(ServerRole),
    /// Of those of rooms in which the user keeps order, and who reported is not told.
    Rooms(Vec<RoomId>),
}

impl Reporting {
    fn stores(&self) -> &Stores {
        &self.moderation.rooms.stores
    }

    /// What somebody is who asks for reports.
    ///
    /// # Errors
    /// 403 `forbidden` for who keeps order nowhere.
    pub(crate) async fn keeper(&self, user: UserId) -> Result<Keeper, ApiError> {
        let stores = self.stores();
        let account = stores.users.enabled(user).await?;
        let account = account.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
        if account.role != ServerRole::User {
            return Ok(Keeper::Staff(account.role));
        }
        let members = stores.members.of_user(user, rookery_store::limits::ROOMS_OF_USER_MAX).await?;
        let kept = members.iter().filter(|member| is_moderator(member.role));
        let rooms: Vec<RoomId> = kept.map(|member| member.room_id).take(MODERATED_ROOMS_MAX).collect();
        if rooms.is_empty() {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        Ok(Keeper::Rooms(rooms))
    }

    /// A report that the user may decide about: not about itself.
    pub(crate) async fn decidable(&self, user: UserId, id: Option<Uuid>) -> Result<(Report, Keeper), ApiError> {
        let keeper = self.keeper(user).await?;
        let unknown = || ApiError::refused(ErrorCode::NotFound);
        let report = self.stores().reports.by_id(id.ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
        match &keeper {
            Keeper::Staff(_) if report.author == user => Err(ApiError::refused(ErrorCode::Forbidden)),
            Keeper::Staff(_) => Ok((report, keeper)),
            Keeper::Rooms(_) if report.staff_only || report.author == user => Err(unknown()),
            Keeper::Rooms(_) => {
                let member = self.stores().members.get(report.room, user).await?;
                if member.is_some_and(|member| is_moderator(member.role)) {
                    Ok((report, keeper))
                } else {
                    Err(unknown())
                }
            }
        }
    }

    /// Forgets what was decided long ago, and counts what waits, again and again.
    pub(crate) async fn follow(&self) {
        every(REPORT_PURGE_INTERVAL, "reports", || self.look(UnixMillis::now())).await;
    }

    async fn look(&self, now: UnixMillis) -> Result<(), StoreError> {
        let reports = &self.stores().reports;
        for state in [ReportState::Open, ReportState::Claimed] {
            let waiting = reports.count(state, REPORTS_COUNTED_MAX).await?;
            let gauge = self.metrics.reports_waiting.with_label_values(&[state.as_str()]);
            gauge.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
        reports.purge(now.minus(REPORT_KEPT), REPORT_PURGE_MAX).await.map(drop)
    }
}
