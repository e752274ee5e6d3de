//! Questions for the api, gathered: what is asked while a call is under way goes along with the next. A single question
//! waits for nothing; a thousand connections that come back at once make a few calls. Calls that hang, because their api is
//! cut off, hold up what they asked and nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use rookery_bus::authority::AuthorityError;
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::limits::AUTHORIZE_SLOW;

/// What is asked about, and how.
pub(crate) trait Subject: Send + Sync + 'static {
    /// One question.
    type Question: Clone + Send + Sync + 'static;
    /// Its answer.
    type Answer: Send + 'static;
    /// How much is asked at once.
    const BOUNDS: Bounds;

    /// One call: an answer for each question, in their order.
    fn ask(&self, questions: &[Self::Question]) -> impl Future<Output = Answers<Self::Answer>> + Send;
}

/// Of one call.
pub(crate) type Answers<T> = Result<Vec<Result<T, AuthorityError>>, AuthorityError>;

/// See [`Subject::BOUNDS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The name of the tasks that ask.
    pub(crate) task: &'static str,
    /// Questions of one call, at most.
    pub(crate) questions_max: usize,
    /// At most so many, however slow the api is.
    pub(crate) questions_min: usize,
    /// Calls under way.
    pub(crate) calls_max: usize,
    /// Calls under way, if the newest of them is slow.
    pub(crate) calls_hanging_max: usize,
    /// Questions that wait.
    pub(crate) waiting_max: usize,
}

/// Questions of many connections that are asked together.
pub(crate) struct Questions<S: Subject> {
    subject: S,
    shutdown: Shutdown,
    state: Mutex<State<S>>,
}

struct State<S: Subject> {
    waiting: VecDeque<Waiting<S>>,
    calls: usize,
    /// When the newest call took its questions.
    taken: Option<Instant>,
    /// How many the next one takes.
    batch: Batch,
}

/// As many questions as are answered in good time: an api under load is asked for less at once, so that what waits is
/// answered late and not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch(usize);

impl Batch {
    const fn new(bounds: Bounds) -> Self {
        Self(bounds.questions_max / 4)
    }

    /// A call of this size took so long.
    fn learn(&mut self, took: Duration, bounds: Bounds) {
        if took >= AUTHORIZE_SLOW {
            self.0 = (self.0 / 2).max(bounds.questions_min);
        } else if took < AUTHORIZE_SLOW / 4 {
            self.0 = (self.0 * 2).min(bounds.questions_max);
        }
    }
}

impl<S: Subject> State<S> {
    /// Whether what waits should have a call of its own.
    fn wants_call(&self, now: Instant) -> bool {
        let hangs = self.taken.is_some_and(|taken| now.duration_since(taken) >= AUTHORIZE_SLOW);
        let most = if hangs { S::BOUNDS.calls_hanging_max } else { S::BOUNDS.calls_max };
        !self.waiting.is_empty() && self.calls < most
    }
}

struct Waiting<S: Subject> {
    question: S::Question,
    answer: oneshot::Sender<Result<S::Answer, AuthorityError>>,
}

type Receivers<S> = Vec<Result<oneshot::Receiver<Result<<S as Subject>::Answer, AuthorityError>>, ()>>;

impl<S: Subject> Questions<S> {
    /// Nothing was asked yet.
    pub(crate) fn new(subject: S, shutdown: Shutdown) -> Arc<Self> {
        let (waiting, batch) = (VecDeque::new(), Batch::new(S::BOUNDS));
        let state = Mutex::new(State { waiting, calls: 0, taken: None, batch });
        Arc::new(Self { subject, shutdown, state })
    }

    /// The answers, in the order of the questions. The call that asks begins later than this one.
    pub(crate) async fn ask(self: &Arc<Self>, questions: Vec<S::Question>) -> Vec<Result<S::Answer, AuthorityError>> {
        let answers = self.put(questions);
        let answers = join_all(answers.into_iter().map(|answer| async { answer.ok()?.await.ok() }));
        answers
            .await
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(not_asked())))
            .collect()
    }

    fn put(self: &Arc<Self>, questions: Vec<S::Question>) -> Receivers<S> {
        let mut state = self.state.lock();
        let receivers = questions.into_iter().map(|question| {
            if state.waiting.len() >= S::BOUNDS.waiting_max {
                return Err(());
            }
            let (answer, receiver) = oneshot::channel();
            state.waiting.push_back(Waiting { question, answer });
            Ok(receiver)
        });
        let receivers = receivers.collect();
        let starts = state.wants_call(Instant::now());
        if starts {
            state.calls += 1;
            state.taken = Some(Instant::now());
        }
        drop(state);
        if starts {
            // Not in the caller's future: others wait for the answers too, and the caller may be dropped.
            self.shutdown.spawn(S::BOUNDS.task, Arc::clone(self).call());
        }
        receivers
    }

    /// Asks until nothing waits.
    async fn call(self: Arc<Self>) {
        while let Some(batch) = self.next() {
            let questions: Vec<S::Question> = batch.iter().map(|waiting| waiting.question.clone()).collect();
            let start = Instant::now();
            let answers = self.subject.ask(&questions).await;
            self.state.lock().batch.learn(start.elapsed(), S::BOUNDS);
            let mut answers = answers.map(Vec::into_iter);
            for Waiting { answer, .. } in batch {
                let outcome = match &mut answers {
                    Ok(answers) => answers.next().unwrap_or_else(|| Err(not_asked())),
                    Err(error) => Err(error.clone()),
                };
                // Who no longer waits does not need it.
                answer.send(outcome).ok();
            }
        }
    }

    /// What to ask next; without anything the call is over.
    fn next(&self) -> Option<Vec<Waiting<S>>> {
        let mut state = self.state.lock();
        state.waiting.retain(|waiting| !waiting.answer.is_closed());
        if state.waiting.is_empty() {
            state.calls -= 1;
            return None;
        }
        state.taken = Some(Instant::now());
        let count = state.waiting.len().min(state.batch.0);
        Some(state.waiting.drain(..count).collect())
    }
}

fn not_asked() -> AuthorityError {
    AuthorityError::Unavailable("the question was not answered".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use crate::limits::{AUTHORIZE_CALLS_MAX, AUTHORIZE_QUESTIONS_MIN};
    use rookery_bus::authority::{Answer, Question};
    use rookery_protocol::id::{RoomRef, UserId};
    use rookery_protocol::limits::AUTHORIZE_QUESTIONS_MAX;

    use super::*;
    use crate::authorize::Rights;
    use crate::testing::FakeAuthority;

    fn about(room: &RoomRef) -> Question {
        Question { user: UserId::generate(), room: room.clone() }
    }

    #[tokio::test]
    async fn many_questions_are_few_calls_and_each_gets_its_answer() {
        let authority = FakeAuthority::new();
        let questions = Questions::new(Rights(Arc::clone(&authority) as _), Shutdown::new());
        let room = RoomRef::Id(authority.room);
        let asked: Vec<Vec<Question>> = (0..100).map(|_| (0..10).map(|_| about(&room)).collect()).collect();
        for question in asked.iter().flatten().step_by(2) {
            authority.join(question.user);
        }
        let answers = join_all(asked.into_iter().map(|asked| questions.ask(asked))).await;
        let is_member = |answer: &Answer| answer.as_ref().unwrap().role.is_some();
        for answers in answers {
            assert_eq!(answers.iter().map(is_member).collect::<Vec<_>>(), [true, false].repeat(5));
        }
        assert!(authority.calls.load(Ordering::SeqCst) <= 3);
        assert_eq!(questions.state.lock().calls, 0);
    }

    #[test]
    fn an_api_under_load_is_asked_for_less_at_once() {
        let (mut batch, bounds) = (Batch::new(Rights::BOUNDS), Rights::BOUNDS);
        for _ in 0..20 {
            batch.learn(AUTHORIZE_SLOW, bounds);
        }
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MIN));
        batch.learn(AUTHORIZE_SLOW / 2, bounds);
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MIN));
        for _ in 0..20 {
            batch.learn(Duration::ZERO, bounds);
        }
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_hang_hold_up_nobody_who_comes_later() {
        let authority = FakeAuthority::new();
        let questions = Questions::new(Rights(Arc::clone(&authority) as _), Shutdown::new());
        let room = RoomRef::Id(authority.room);
        authority.hanging.store(AUTHORIZE_CALLS_MAX, Ordering::SeqCst);
        let mut hung = Vec::new();
        for _ in 0..AUTHORIZE_CALLS_MAX {
            hung.push(questions.put(vec![about(&room)]));
            tokio::time::sleep(AUTHORIZE_SLOW / 10).await;
        }
        let asked = Instant::now();
        let early = tokio::spawn({
            let (questions, question) = (Arc::clone(&questions), about(&room));
            async move { questions.ask(vec![question]).await }
        });
        tokio::time::sleep(AUTHORIZE_SLOW).await;
        assert!(questions.ask(vec![about(&room)]).await[0].is_ok());
        assert!(early.await.unwrap()[0].is_ok(), "it goes along");
        assert!(asked.elapsed() < AUTHORIZE_SLOW * 2);
    }

    #[tokio::test]
    async fn who_went_away_is_not_asked_about() {
        let authority = FakeAuthority::new();
        let questions = Questions::new(Rights(Arc::clone(&authority) as _), Shutdown::new());
        let room = RoomRef::Id(authority.room);
        drop(questions.put(vec![about(&room)]));
        assert_eq!(questions.ask(vec![about(&room)]).await.len(), 1);
        assert_eq!(authority.asked.load(Ordering::SeqCst), 1);
    }
}
