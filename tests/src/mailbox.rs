//! Frames that a client has received: kept in order of arrival, handed out by what they say.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::wait::PATIENCE;

/// What a connection gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A frame.
    Frame(Value),
    /// The server closed, with the code if there was one.
    Closed(Option<u16>),
    /// The connection broke.
    Lost(String),
}

/// Frames seen so far.
#[derive(Debug, Default)]
pub struct Mailbox {
    waiting: VecDeque<Value>,
    /// Every frame in order of arrival.
    pub seen: Vec<Value>,
}

/// A chat client of whatever make: it sends frames and receives some.
pub trait ChatClient {
    /// Sends one frame.
    fn send(&mut self, frame: Value) -> impl Future<Output = ()> + Send;

    /// The next thing that comes from the server. Safe to drop half-way.
    fn incoming(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Its frames.
    fn mailbox(&mut self) -> &mut Mailbox;

    /// The first frame for which `fits` holds, seen before or coming; others are kept for later questions.
    fn expect<F: Fn(&Value) -> bool + Send>(&mut self, what: &str, fits: F) -> impl Future<Output = Value> + Send
    where
        Self: Send,
    {
        async move {
            let deadline = Instant::now() + PATIENCE;
            loop {
                if let Some(frame) = self.mailbox().take(&fits) {
                    return frame;
                }
                self.receive(deadline, what).await;
            }
        }
    }

    /// The first frame of this type.
    fn expect_type(&mut self, kind: &str) -> impl Future<Output = Value> + Send
    where
        Self: Send,
    {
        async move { self.expect(kind, |frame| frame["type"] == kind).await }
    }

    /// Reads until the server closes and returns the code; panics after `deadline`.
    fn closed(&mut self, deadline: Duration) -> impl Future<Output = Option<u16>> + Send
    where
        Self: Send,
    {
        async move {
            let end = Instant::now() + deadline;
            loop {
                match next_before(end, self).await {
                    Some(Incoming::Frame(frame)) => self.mailbox().push(frame),
                    Some(Incoming::Closed(code)) => return code,
                    Some(Incoming::Lost(cause)) => panic!("lost instead of closed: {cause}"),
                    None => panic!("not closed within {deadline:?}; frames: {:#?}", self.mailbox().seen),
                }
            }
        }
    }

    /// Puts the next frame into the mailbox; panics when none can come.
    fn receive(&mut self, deadline: Instant, what: &str) -> impl Future<Output = ()> + Send
    where
        Self: Send,
    {
        async move {
            match next_before(deadline, self).await {
                Some(Incoming::Frame(frame)) => self.mailbox().push(frame),
                Some(end) => panic!("waiting for {what}: {end:?}; frames: {:#?}", self.mailbox().seen),
                None => panic!("{what} did not come; frames: {:#?}", self.mailbox().seen),
            }
        }
    }
}

impl Mailbox {
    /// Adds a frame that has arrived.
    pub fn push(&mut self, frame: Value) {
        self.seen.push(frame.clone());
        self.waiting.push_back(frame);
    }

    /// The frames that were not asked for yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Value> {
        self.waiting.iter()
    }

    fn take(&mut self, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let place = self.waiting.iter().position(fits)?;
        self.waiting.remove(place)
    }
}

async fn next_before<T: ChatClient + ?Sized>(deadline: Instant, talker: &mut T) -> Option<Incoming> {
    timeout_at(deadline, talker.incoming()).await.ok()
}
