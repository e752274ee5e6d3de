//! The one way from "somebody wants to say this" to an event with a position: sockets, REST and whatever else sends.
//!
//! Prepare (authorize, look at what it is about), append, open the room if the bus does not know it, prepare anew if rights
//! changed, append anew if the answer came from a server that was replaced; all within one deadline and one count of appends.

use std::time::Duration;

use rookery_protocol::id::RoomId;
use rookery_protocol::trace::TraceParent;
use rookery_runtime::stage_span;
use rookery_runtime::trace::{self, Parent};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::acks::StaleAnswer;
use crate::authority::RoomOpener;
use crate::error::BusError;
use crate::limits::{PUBLISH_APPENDS_MAX, PUBLISH_LOOKS_MAX, PUBLISH_PAUSE};
use crate::{Append, AppendError, Appended, RoomLog, auto_open};

/// What comes next for a publication.
pub enum Step<T> {
    /// It is to be appended.
    Append(Box<Append>),
    /// Nothing: what it asks for is so already.
    Done(T),
    /// To be looked at again in a moment: something that it would repeat is not stored yet.
    Later,
}

/// What an attempt follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing: it is the first one.
    Start,
    /// The rights were not those of this room any more.
    StaleRights(RoomId),
    /// Anything else that says that it has to be tried again.
    Retry,
}

/// Something that is to become an event.
pub trait Publication: Sync {
    /// What it comes to.
    type Done: Send;
    /// Why it does not.
    type Error: From<AppendError> + Send;

    /// Decides whether it is allowed, and what is to be appended.
    fn prepare(&self, cause: Cause) -> impl Future<Output = Result<Step<Self::Done>, Self::Error>> + Send;

    /// Takes the position, unless the answer is stale: then it is appended anew, which gives the same event.
    fn accept(&self, room: RoomId, appended: Appended) -> Result<Self::Done, StaleAnswer>;
}

/// Publishes within `within`, after at most [`PUBLISH_APPENDS_MAX`] appends.
///
/// # Errors
/// Those of the publication; [`AppendError::AttemptsExhausted`] where it did not come to an end in so many attempts; that the bus is
/// unavailable where time ran out: then the outcome is unknown, and a repeat under the same `client_id` is safe.
pub async fn publish<P: Publication>(
    log: &dyn RoomLog,
    rooms: &dyn RoomOpener,
    within: Duration,
    publication: &P,
) -> Result<P::Done, P::Error> {
    in_time(&Live { log, rooms }, within, publication).await
}

/// What a publication asks for.
trait Log: Sync {
    fn append(&self, append: Append) -> impl Future<Output = Result<Appended, AppendError>> + Send;
    fn open(&self, room: RoomId) -> impl Future<Output = Result<(), BusError>> + Send;
}

struct Live<'a> {
    log: &'a dyn RoomLog,
    rooms: &'a dyn RoomOpener,
}

impl Log for Live<'_> {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.log.append(append).await
    }

    async fn open(&self, room: RoomId) -> Result<(), BusError> {
        auto_open::open(self.rooms, room).await
    }
}

async fn in_time<P: Publication>(log: &impl Log, within: Duration, publication: &P) -> Result<P::Done, P::Error> {
    let outcome = timeout_at(Instant::now() + within, attempt(log, publication)).await;
    outcome.unwrap_or_else(|_| {
        let late = BusError::Unavailable("not published in time".to_owned());
        Err(AppendError::Bus(late).into())
    })
}

async fn attempt<P: Publication>(log: &impl Log, publication: &P) -> Result<P::Done, P::Error> {
    let (mut cause, mut appends, mut looks) = (Cause::Start, 0, 0);
    loop {
        match publication.prepare(cause).await? {
            Step::Done(done) => return Ok(done),
            Step::Later if looks == PUBLISH_LOOKS_MAX => return Err(AppendError::AttemptsExhausted.into()),
            Step::Later => {
                looks += 1;
                cause = Cause::Retry;
                sleep(PUBLISH_PAUSE).await;
            }
            Step::Append(_) if appends == PUBLISH_APPENDS_MAX => return Err(AppendError::AttemptsExhausted.into()),
            Step::Append(append) => {
                appends += 1;
                let room = append.room;
                cause = match traced(log, append, appends).await {
                    Ok(appended) => match publication.accept(room, appended) {
                        Ok(done) => return Ok(done),
                        Err(StaleAnswer) => Cause::Retry,
                    },
                    Err(AppendError::StaleRights) => Cause::StaleRights(room),
                    Err(AppendError::NotOpen) => {
                        log.open(room).await.map_err(AppendError::Bus)?;
                        Cause::Retry
                    }
                    Err(error) => return Err(error.into()),
                };
            }
        }
    }
}

/// An append; in a recorded trace a span of it, which the event names as its cause.
async fn traced(log: &impl Log, append: Box<Append>, attempt: usize) -> Result<Appended, AppendError> {
    match trace::current() {
        None => log.append(*append).await,
        // In a box, so that whoever is not traced does not carry it about.
        Some(cause) => Box::pin(recorded(log, append, attempt, cause)).await,
    }
}

async fn recorded(
    log: &impl Log,
    mut append: Box<Append>,
    attempt: usize,
    cause: TraceParent,
) -> Result<Appended, AppendError> {
    let attempt = u64::try_from(attempt).unwrap_or(u64::MAX);
    let (room, message) = (append.room, append.event.id);
    let span = stage_span!("append", "producer", attempt, %room, %message, seq = Empty, epoch = Empty, answer = Empty);
    let span = trace::begin(span, Parent::Local(cause));
    append.event.trace = trace::traceparent(&span);
    let outcome = log.append(*append).instrument(span.clone()).await;
    match &outcome {
        Ok(appended) => {
            span.record("seq", appended.seq.get());
            span.record("epoch", tracing::field::display(appended.epoch));
        }
        Err(AppendError::Bus(error)) => trace::fail(&span, &error.to_string()),
        Err(error) => {
            span.record("answer", tracing::field::display(error));
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
