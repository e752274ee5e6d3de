//! Questions for the api, gathered: what is asked while a call is under way goes along with the next. A single question
//! waits for nothing; a thousand connections that come back at once make a few calls. Calls that hang, because their api is
//! cut off, hold up what they asked and nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use rookery_shared::authority::{Answer, Authority, AuthorityError, Question};
use rookery_shared::limits::{
    AUTHORIZE_CALLS_HANGING_MAX, AUTHORIZE_CALLS_MAX, AUTHORIZE_QUESTIONS_MAX, AUTHORIZE_QUESTIONS_MIN, AUTHORIZE_SLOW,
    AUTHORIZE_WAITING_MAX,
};
use rookery_shared::shutdown::Shutdown;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// See the module's text.
pub(super) struct Questions {
    authority: Arc<dyn Authority>,
    shutdown: Shutdown,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
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

impl Default for Batch {
    fn default() -> Self {
        Self(AUTHORIZE_QUESTIONS_MAX / 4)
    }
}

impl Batch {
    /// A call of this size took so long.
    fn learn(&mut self, took: Duration) {
        if took >= AUTHORIZE_SLOW {
            self.0 = (self.0 / 2).max(AUTHORIZE_QUESTIONS_MIN);
        } else if took < AUTHORIZE_SLOW / 4 {
            self.0 = (self.0 * 2).min(AUTHORIZE_QUESTIONS_MAX);
        }
    }
}

impl State {
    /// Whether what waits should have a call of its own.
    fn wants_call(&self, now: Instant) -> bool {
        let hangs = self.taken.is_some_and(|taken| now.duration_since(taken) >= AUTHORIZE_SLOW);
        let most = if hangs { AUTHORIZE_CALLS_HANGING_MAX } else { AUTHORIZE_CALLS_MAX };
        !self.waiting.is_empty() && self.calls < most
    }
}

struct Waiting {
    question: Question,
    answer: oneshot::Sender<Answer>,
}

impl Questions {
    /// Nothing was asked yet.
    pub(super) fn new(authority: Arc<dyn Authority>, shutdown: Shutdown) -> Arc<Self> {
        Arc::new(Self { authority, shutdown, state: Mutex::default() })
    }

    /// The answers, in the order of the questions.
    pub(super) async fn ask(self: &Arc<Self>, questions: Vec<Question>) -> Vec<Answer> {
        let answers = self.put(questions);
        let answers = join_all(answers.into_iter().map(|answer| async { answer.ok()?.await.ok() }));
        answers
            .await
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(not_asked())))
            .collect()
    }

    fn put(self: &Arc<Self>, questions: Vec<Question>) -> Vec<Result<oneshot::Receiver<Answer>, ()>> {
        let mut state = self.state.lock();
        let receivers = questions.into_iter().map(|question| {
            if state.waiting.len() >= AUTHORIZE_WAITING_MAX {
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
            self.shutdown.spawn("ask for rights", Arc::clone(self).call());
        }
        receivers
    }

    /// Asks until nothing waits.
    async fn call(self: Arc<Self>) {
        while let Some(batch) = self.next() {
            let questions: Vec<Question> = batch.iter().map(|waiting| waiting.question.clone()).collect();
            let start = Instant::now();
            let answers = self.authority.authorize_many(&questions).await;
            self.state.lock().batch.learn(start.elapsed());
            let mut answers = answers.map(Vec::into_iter);
            for Waiting { answer, .. } in batch {
                let told = match &mut answers {
                    Ok(answers) => answers.next().unwrap_or_else(|| Err(not_asked())),
                    Err(error) => Err(error.clone()),
                };
                // Who no longer waits does not need it.
                answer.send(told).ok();
            }
        }
    }

    /// What to ask next; without anything the call is over.
    fn next(&self) -> Option<Vec<Waiting>> {
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

    use rookery_shared::id::{RoomRef, UserId};

    use super::*;
    use crate::testing::FakeAuthority;

    fn about(room: &RoomRef) -> Question {
        Question { user: UserId::generate(), room: room.clone() }
    }

    #[tokio::test]
    async fn many_questions_are_few_calls_and_each_gets_its_answer() {
        let authority = FakeAuthority::new();
        let questions = Questions::new(Arc::clone(&authority) as _, Shutdown::new());
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
        let mut batch = Batch::default();
        for _ in 0..20 {
            batch.learn(AUTHORIZE_SLOW);
        }
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MIN));
        batch.learn(AUTHORIZE_SLOW / 2);
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MIN));
        for _ in 0..20 {
            batch.learn(Duration::ZERO);
        }
        assert_eq!(batch, Batch(AUTHORIZE_QUESTIONS_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_hang_hold_up_nobody_who_comes_later() {
        let authority = FakeAuthority::new();
        let questions = Questions::new(Arc::clone(&authority) as _, Shutdown::new());
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
        let questions = Questions::new(Arc::clone(&authority) as _, Shutdown::new());
        let room = RoomRef::Id(authority.room);
        drop(questions.put(vec![about(&room)]));
        assert_eq!(questions.ask(vec![about(&room)]).await.len(), 1);
        assert_eq!(authority.asked.load(Ordering::SeqCst), 1);
    }
}
