//! Publishing what a client sends, and the promise of an ack for it.

use std::time::Duration;

use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::Permission;
use rookery_bus::limits::PUBLISH_DEADLINE;
use rookery_bus::publish::{Cause, Publication, publish};
use rookery_bus::{Append, Appended};
use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef};
use rookery_protocol::position::StoredPosition;
use rookery_protocol::server::{AckMode, ServerFrame};
use rookery_runtime::stage_span;
use rookery_runtime::trace::{self, Parent};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::Commands;
use crate::acks::Sent;
use crate::connection_trace::ConnectionTrace;
use crate::error::CommandError;

/// A position that the store has: nothing is to be appended.
pub(super) struct KnownPosition {
    /// Of the event or, where nothing changes, of the message.
    pub(super) id: MessageId,
    /// Position of the event, or of the message if nothing changed.
    pub(super) first: StoredPosition,
    /// Whether nothing changes.
    pub(super) unchanged: bool,
}

/// The span of what a client sends, from its turn to its number in the room.
async fn traced(
    parent: Parent,
    publishing: impl Future<Output = Result<(), CommandError>>,
) -> Result<(), CommandError> {
    let span = trace::begin(stage_span!("send", "server", code = Empty), parent);
    let outcome = publishing.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        span.record("code", error.code().as_str());
        if error.is_ours() {
            trace::fail(&span, &error.to_string());
        }
        span.in_scope(|| tracing::info!(%error, "not published"));
    }
    outcome
}

impl Commands {
    /// Publishes and promises the ack.
    pub(super) async fn publish(
        &self,
        publication: &impl Publication<Done = (), Error = CommandError>,
    ) -> Result<(), CommandError> {
        if !self.member.may_wait() {
            self.node.metrics.sheds.with_label_values(&["acks"]).inc();
            return Err(CommandError::Overloaded);
        }
        let timer = self.node.metrics.append_seconds.start_timer();
        let (bus, authority) = (self.node.bus.as_ref(), self.node.authority.as_ref());
        let started = Instant::now();
        let publishing = || publish(bus, authority, PUBLISH_DEADLINE, publication);
        let outcome = match ConnectionTrace::next(self.trace.as_deref()) {
            None => publishing().await.inspect_err(|error| self.trace_failure(error, started.elapsed())),
            // In a box, so that whoever is not traced does not carry it about.
            Some(parent) => Box::pin(traced(parent, publishing())).await,
        };
        if outcome.is_ok() {
            timer.observe_duration();
        } else {
            timer.stop_and_discard();
        }
        outcome
    }

    /// What fails by our fault is in a trace, whoever asked.
    fn trace_failure(&self, error: &CommandError, took: Duration) {
        if trace::is_on() && error.is_ours() {
            let caller = ConnectionTrace::caller(self.trace.as_deref());
            let place = trace::failed("send", caller, took, &error.to_string());
            if let Some(place) = place {
                let (trace_id, span_id) = (place.trace_id(), place.parent_id());
                tracing::info!(
                    trace_id = format_args!("{trace_id:032x}"),
                    span_id = format_args!("{span_id:016x}"),
                    %error,
                    "not published"
                );
            }
        }
    }

    /// A remembered permission that turned out to be stale is asked for anew.
    pub(super) fn invalidate_stale(&self, cause: Cause) {
        if let Cause::StaleRights(room) = cause {
            self.node.permissions.invalidate(self.member.user, room);
        }
    }

    /// What is to be appended under the permission, after the word filters. A refusal may be that of a filter which does not
    /// hold any more.
    pub(super) async fn to_append_filtered(
        &self,
        permission: Permission,
        mut event: Event,
        client_id: ClientId,
    ) -> Result<Box<Append>, CommandError> {
        let (filters, permissions) = (&self.node.filters, &self.node.permissions);
        let Err(refused) = filters.apply(&permission, &mut event).await else {
            return self.to_append(&permission, event, client_id);
        };
        let (user, room) = (self.member.user, permission.room);
        permissions.invalidate(user, room);
        let now = permissions.check(user, &RoomRef::Id(room), Action::Send).await?;
        if now.filter == permission.filter {
            return Err(refused.into());
        }
        filters.apply(&now, &mut event).await?;
        self.to_append(&now, event, client_id)
    }

    /// What is to be appended under the permission.
    pub(super) fn to_append(
        &self,
        permission: &Permission,
        event: Event,
        client_id: ClientId,
    ) -> Result<Box<Append>, CommandError> {
        // The last moment at which the end of a login can keep it from happening.
        if self.member.verdict().is_some() {
            return Err(CommandError::Refused(ErrorCode::Unauthenticated));
        }
        Ok(permission.append(event, client_id))
    }

    /// Acks at once, or when it is stored.
    pub(super) fn acknowledge(&self, sent: Sent, appended: &Appended) -> Result<(), StaleAnswer> {
        match self.node.ack {
            AckMode::Stored => self.node.acks.wait(&self.member, sent, appended),
            AckMode::Accepted => {
                let (Sent { room, client_id }, Appended { id: message_id, epoch, seq, timestamp, .. }) =
                    (sent, *appended);
                let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged: false };
                self.member.send_queue.send(&ack);
                Ok(())
            }
        }
    }

    /// Acks what the store has.
    pub(super) fn acknowledge_known(&self, room: RoomId, client_id: ClientId, known: &KnownPosition) {
        let KnownPosition { id: message_id, first: StoredPosition { epoch, seq, timestamp }, unchanged } = *known;
        let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged };
        self.member.send_queue.send(&ack);
    }
}
