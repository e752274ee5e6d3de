//! A publication over a log that answers as it is told: how often it appends, and when it gives up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rookery_protocol::access::Rights;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{AclVersion, ClientId, Epoch, LogPosition, Seq, UserId};

use super::*;
use crate::limits::PUBLISH_DEADLINE;

/// Answers as it is told, then takes everything.
#[derive(Default)]
struct Answering {
    answers: Mutex<VecDeque<AppendError>>,
    is_silent: bool,
    appends: AtomicUsize,
    opened: AtomicUsize,
}

impl Answering {
    fn with(answers: &[AppendError]) -> Self {
        Self { answers: Mutex::new(answers.iter().cloned().collect()), ..Self::default() }
    }

    fn appends(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }
}

impl Log for Answering {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        if self.is_silent {
            std::future::pending::<()>().await;
        }
        if let Some(error) = self.answers.lock().pop_front() {
            return Err(error);
        }
        let epoch = Epoch(1);
        Ok(Appended {
            id: append.event.id,
            epoch,
            seq: Seq::new(1),
            timestamp: UnixMillis(1),
            position: LogPosition { epoch, ms: 1, n: 0 },
            repeated: false,
            answered: epoch,
            stored: false,
        })
    }

    async fn open(&self, _room: RoomId) -> Result<(), BusError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Wants to say something.
struct TestPublication {
    room: RoomId,
    is_current: fn(Cause) -> bool,
    prepared: AtomicUsize,
    /// Answers that it takes for stale.
    stale: AtomicUsize,
}

impl TestPublication {
    fn new() -> Self {
        let (prepared, stale) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { room: RoomId::generate(), is_current: |_| true, prepared, stale }
    }
}

impl Publication for TestPublication {
    type Done = Appended;
    type Error = AppendError;

    async fn prepare(&self, cause: Cause) -> Result<Step<Appended>, AppendError> {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        if !(self.is_current)(cause) {
            return Ok(Step::Later);
        }
        let sender = Sender { user_id: UserId::generate(), username: "ada".to_owned() };
        let new = NewMessage {
            content: "hi".to_owned(),
            client_id: ClientId::generate(),
            reply_to: None,
            attachments: Vec::new(),
        };
        let client_id = new.client_id.clone();
        let event = Event::message(self.room, sender, new);
        let rights = Rights::At(AclVersion(1));
        Ok(Step::Append(Box::new(Append { room: self.room, event, client_id, rights, epoch: None })))
    }

    fn accept(&self, _room: RoomId, appended: Appended) -> Result<Appended, StaleAnswer> {
        let is_stale = self.stale.load(Ordering::Relaxed) > 0;
        self.stale.fetch_sub(usize::from(is_stale), Ordering::Relaxed);
        if is_stale { Err(StaleAnswer) } else { Ok(appended) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_bus_is_given_up_at_the_deadline() {
    let (log, publication) = (Answering { is_silent: true, ..Answering::default() }, TestPublication::new());
    let began = Instant::now();
    let outcome = in_time(&log, PUBLISH_DEADLINE, &publication).await;
    assert!(matches!(outcome, Err(AppendError::Bus(BusError::Unavailable(_)))), "{outcome:?}");
    // Timers count whole milliseconds.
    let late = began.elapsed().saturating_sub(PUBLISH_DEADLINE);
    assert_eq!((late.as_millis() <= 1, log.appends()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cold_room_under_stale_rights_is_one_publication() {
    let (log, publication) =
        (Answering::with(&[AppendError::NotOpen, AppendError::StaleRights]), TestPublication::new());
    assert!(in_time(&log, PUBLISH_DEADLINE, &publication).await.is_ok());
    assert_eq!((log.appends(), log.opened.load(Ordering::Relaxed)), (3, 1));
    assert_eq!(publication.prepared.load(Ordering::Relaxed), 3, "authorized anew each time");
}

#[tokio::test(start_paused = true)]
async fn appends_are_counted_over_all_causes() {
    for error in [AppendError::NotOpen, AppendError::StaleRights] {
        let (log, publication) = (Answering::with(&vec![error.clone(); 100]), TestPublication::new());
        let outcome = in_time(&log, PUBLISH_DEADLINE, &publication).await;
        assert_eq!((outcome, log.appends()), (Err(AppendError::AttemptsExhausted), PUBLISH_APPENDS_MAX), "{error:?}");
    }
    let (log, publication) = (Answering::default(), TestPublication::new());
    publication.stale.store(100, Ordering::Relaxed);
    let outcome = in_time(&log, PUBLISH_DEADLINE, &publication).await;
    assert_eq!((outcome, log.appends()), (Err(AppendError::AttemptsExhausted), PUBLISH_APPENDS_MAX));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_settle_is_looked_at_for_a_while_only() {
    let log = Answering::default();
    let publication = TestPublication { is_current: |_| false, ..TestPublication::new() };
    assert_eq!(in_time(&log, PUBLISH_DEADLINE, &publication).await, Err(AppendError::AttemptsExhausted));
    assert_eq!((log.appends(), publication.prepared.load(Ordering::Relaxed)), (0, PUBLISH_LOOKS_MAX + 1));
    let current = TestPublication { is_current: |cause| cause != Cause::Start, ..TestPublication::new() };
    assert!(in_time(&log, PUBLISH_DEADLINE, &current).await.is_ok());
}
