//! A publication over a real Redis that falls silent, or makes it try again: when it is given up, after how many script
//! calls, and that none of them is made later.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::error::BusError;
use rookery_bus::limits::{BUS_COMMAND_DEADLINE, PUBLISH_APPENDS_MAX, PUBLISH_DEADLINE};
use rookery_bus::publish::{Cause, Publication, Step, publish};
use rookery_bus::{Append, AppendError, Appended};
use rookery_bus_redis::limits::APPEND_ATTEMPTS;
use rookery_protocol::id::{RoomId, UserId};
use rookery_tests::redis::{Redis, ask};
use tokio::time::{sleep, timeout};

use crate::bus_contract::message;
use crate::counting_wire::CountingWire;
use crate::fixture::{Fixture, PATIENCE};

mod opener;

use opener::{Opener, Opening};

/// Script calls of one publication, whatever happens.
const CALLS_MAX: usize = 6;
/// Below the deadline of one command, so that it is the publication's own which ends it.
const WITHIN: Duration = Duration::from_secs(1);

/// A node behind a wire that counts, and an api beside it.
struct Scene {
    redis: Arc<Redis>,
    wire: CountingWire,
    node: Fixture,
    api: Fixture,
}

/// What is done to Redis before each append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// Its scripts are gone, so that each append takes all its attempts.
    FlushScripts,
    /// It is killed and started again: another incarnation.
    Restart,
}

/// Somebody who wants to say something.
struct TestPublication {
    room: RoomId,
    user: UserId,
    redis: Arc<Redis>,
    before: Before,
    /// Whether no answer counts.
    stale: bool,
    within: Duration,
    prepared: AtomicUsize,
}

/// How a publication went.
#[derive(Debug)]
struct Report {
    outcome: Result<Appended, AppendError>,
    elapsed: Duration,
    prepared: usize,
    calls: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, elapsed, prepared, calls } = self;
        let outcome = outcome
            .as_ref()
            .map_or_else(ToString::to_string, |appended| format!("seq {}", appended.seq));
        write!(f, "{calls} script calls, prepared {prepared} times, {elapsed:.3?}, {outcome}")
    }
}

impl Publication for TestPublication {
    type Done = Appended;
    type Error = AppendError;

    async fn prepare(&self, _cause: Cause) -> Result<Step<Appended>, AppendError> {
        self.prepared.fetch_add(1, Ordering::SeqCst);
        match self.before {
            Before::Nothing => {}
            Before::FlushScripts => drop(ask(self.redis.port(), &["SCRIPT", "FLUSH"]).await.unwrap()),
            Before::Restart => restart(&self.redis).await,
        }
        Ok(Step::Append(Box::new(message(self.room, self.user, "c-1", "hi"))))
    }

    fn accept(&self, _room: RoomId, appended: Appended) -> Result<Appended, StaleAnswer> {
        if self.stale { Err(StaleAnswer) } else { Ok(appended) }
    }
}

impl Scene {
    /// The node knows the scripts, as after any append before.
    async fn start() -> Self {
        let redis = Arc::new(Redis::prepare());
        redis.start().await;
        let wire = CountingWire::start(Arc::clone(&redis)).await;
        let (api, node) = (Fixture::at(redis.url()), Fixture::at(wire.url()));
        api.until_up().await;
        node.until_up().await;
        let scene = Self { redis, wire, node, api };
        let room = scene.api.room(0, 1).await;
        scene.node.bus.append(scene.publication(room).append()).await.unwrap();
        scene
    }

    fn publication(&self, room: RoomId) -> TestPublication {
        let (user, prepared) = (UserId::generate(), AtomicUsize::new(0));
        TestPublication {
            room,
            user,
            redis: Arc::clone(&self.redis),
            before: Before::Nothing,
            stale: false,
            within: WITHIN,
            prepared,
        }
    }

    /// Publishes; Redis falls silent in front of the script call with this number, or never for 0.
    async fn publish(&self, publication: TestPublication, opening: Opening, silent_from: usize) -> Report {
        let opener = Opener { api: self.api.bus.clone(), redis: Arc::clone(&self.redis), opening };
        self.wire.count_anew(silent_from);
        let begin = Instant::now();
        let publishing = publish(&*self.node.bus, &opener, publication.within, &publication);
        let outcome = timeout(publication.within + PATIENCE, publishing).await.expect("it comes to an end");
        let elapsed = begin.elapsed();
        let prepared = publication.prepared.load(Ordering::SeqCst);
        Report { outcome, elapsed, prepared, calls: self.wire.calls() }
    }

    /// Lets Redis go on, and waits until nothing can be left of what was begun before.
    async fn resume_redis(&self) {
        self.redis.process.signal("CONT");
        self.node.until_up().await;
        sleep(BUS_COMMAND_DEADLINE + Duration::from_millis(500)).await;
    }

    /// The publication was given up unanswered. When Redis goes on, it gets no call beyond the one that was under way, and
    /// that only until its own deadline.
    async fn holds_given_up(&self, report: &Report) {
        assert!(matches!(report.outcome, Err(AppendError::Bus(BusError::Unavailable(_)))), "{report:?}");
        self.holds_calls(report).await;
    }

    /// Nothing is tried again behind the back of who asked.
    async fn holds_calls(&self, report: &Report) {
        self.resume_redis().await;
        let calls = self.wire.calls();
        assert!(calls <= CALLS_MAX && calls <= report.calls + 1, "{calls} in all: {report:?}");
    }
}

impl TestPublication {
    fn append(&self) -> Append {
        message(self.room, self.user, "c-0", "before")
    }
}

async fn restart(redis: &Redis) {
    redis.process.kill();
    redis.process.start();
    while ask(redis.port(), &["DBSIZE"]).await.is_none_or(|answer| !answer.starts_with(':')) {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Script calls that Redis has carried out since its statistics were reset.
async fn carried_out(redis: &Redis) -> usize {
    let stats = ask(redis.port(), &["INFO", "commandstats"]).await.unwrap();
    let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    calls.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn the_bound_is_what_the_limits_multiply_to() {
    assert_eq!(PUBLISH_APPENDS_MAX * APPEND_ATTEMPTS, CALLS_MAX);
}

#[tokio::test]
async fn a_redis_that_is_silent_before_a_publication_gets_one_call_of_it() {
    let scene = Scene::start().await;
    let room = scene.api.room(0, 1).await;
    scene.redis.process.signal("STOP");
    let report = scene.publish(scene.publication(room), Opening::Nothing, 0).await;
    println!("silent before: {report}");
    scene.holds_given_up(&report).await;
    assert_eq!(report.calls, 1);
}

/// The client has noticed, and is about to connect anew: what it could not send before its deadline it never sends.
#[tokio::test]
async fn a_redis_that_has_been_silent_for_long_gets_no_call_when_it_goes_on() {
    let scene = Scene::start().await;
    let room = scene.api.room(0, 1).await;
    scene.redis.process.signal("STOP");
    let first = scene.node.bus.append(scene.publication(room).append()).await;
    assert!(matches!(first, Err(AppendError::Bus(_))), "{first:?}");
    sleep(Duration::from_secs(1)).await;
    let report = scene.publish(scene.publication(room), Opening::Nothing, 0).await;
    println!("silent for long: {report}");
    sleep(BUS_COMMAND_DEADLINE).await;
    scene.holds_given_up(&report).await;
    assert_eq!((report.calls, scene.wire.calls()), (0, 0));
}

#[tokio::test]
async fn a_redis_that_falls_silent_when_the_room_is_open_gets_no_more_than_the_next_call() {
    let scene = Scene::start().await;
    let report = scene.publish(scene.publication(RoomId::generate()), Opening::ThenSilent, 0).await;
    println!("silent after the room was opened: {report}");
    scene.holds_given_up(&report).await;
    assert_eq!((report.prepared, report.calls), (2, 2));
}

/// In front of each call of a publication that needs all of them.
#[tokio::test]
async fn a_redis_may_fall_silent_at_any_call() {
    join_all((1..=CALLS_MAX).map(async |call| {
        let scene = Scene::start().await;
        let publication = TestPublication { before: Before::FlushScripts, ..scene.publication(RoomId::generate()) };
        let report = scene.publish(publication, Opening::Nothing, call).await;
        println!("silent at call {call}: {report}");
        scene.holds_given_up(&report).await;
        assert_eq!(report.calls, call);
    }))
    .await;
}

/// Scripts that are gone, together with each cause for which a publication begins anew.
#[tokio::test]
async fn retries_of_all_causes_together_stay_within_the_calls_of_one_publication() {
    let scene = Scene::start().await;
    let open = scene.api.room(0, 1).await;
    for (room, stale) in [(RoomId::generate(), false), (open, true)] {
        ask(scene.redis.port(), &["CONFIG", "RESETSTAT"]).await.unwrap();
        let publication = TestPublication { before: Before::FlushScripts, stale, ..scene.publication(room) };
        let report = scene.publish(publication, Opening::Nothing, 0).await;
        println!("flushed scripts, stale answers {stale}: {report}");
        assert_eq!(report.outcome, Err(AppendError::AttemptsExhausted));
        assert_eq!((report.prepared, report.calls), (PUBLISH_APPENDS_MAX + 1, CALLS_MAX));
        assert_eq!(carried_out(&scene.redis).await, CALLS_MAX, "the wire misses none");
    }
}

/// Each append waits for the next server, which needs a new epoch. In as long as all that may take.
#[tokio::test]
async fn a_redis_that_is_replaced_at_each_append_gets_no_more_calls() {
    let scene = Scene::start().await;
    let room = scene.api.room(0, 1).await;
    let publication =
        TestPublication { before: Before::Restart, within: PUBLISH_DEADLINE * 3, ..scene.publication(room) };
    let report = scene.publish(publication, Opening::Nothing, 0).await;
    println!("replaced at each append: {report}");
    assert!(matches!(report.outcome, Err(AppendError::AttemptsExhausted | AppendError::Bus(_))), "{report:?}");
    scene.holds_calls(&report).await;
}

/// A cold room on a server that knows no scripts is nothing out of the ordinary.
#[tokio::test]
async fn a_cold_room_is_opened_and_published_to() {
    let scene = Scene::start().await;
    let publication = TestPublication { before: Before::FlushScripts, ..scene.publication(RoomId::generate()) };
    let report = scene.publish(publication, Opening::Room, 0).await;
    println!("cold room, flushed scripts: {report}");
    assert!(report.outcome.is_ok(), "{report:?}");
    assert_eq!((report.prepared, report.calls), (2, 4));
}
