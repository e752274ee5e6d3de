//! Mail: what is written, to whom, and how it leaves the house. Every mail is a job, so that a request does not wait for a
//! mail server, and what cannot be sent now is sent later.
//!
//! # Promise
//! * One job is one mail. If a process ends between the server's 250 and the note that it was sent, the same mail goes out
//!   again: same code or link, same `Message-ID`.
//! * Codes and links are in no store: they are derived from ids, see [`secrets`].

use std::sync::Arc;

pub mod handler;
pub mod letter;
pub mod options;
pub mod secrets;
mod templates;
pub mod transport;

pub use handler::MailHandler;
pub use letter::Letter;
pub use options::{MailOptions, SETTINGS};
pub use secrets::Secrets;
pub use transport::{Mailer, MailerError};

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::StoreError;

use crate::jobs::{JobQueue, Order};

/// The kind of jobs that are mails.
pub const KIND: &str = "mail";

/// Asks for mails. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    queue: JobQueue,
    mailer: Arc<Mailer>,
}

impl Post {
    /// Asks by jobs of this queue.
    pub const fn new(queue: JobQueue, mailer: Arc<Mailer>) -> Self {
        Self { queue, mailer }
    }

    /// A link to the page that does something with a secret.
    pub fn link(&self, action: &str, secret: &str) -> String {
        self.mailer.link(action, secret)
    }

    /// Whether mail leaves the house at all.
    pub fn is_on(&self) -> bool {
        self.mailer.is_on()
    }

    /// Has a mail written; the same key is the same mail. Without effect where mail is off.
    pub async fn send(
        &self,
        letter: &Letter,
        key: &str,
        about: Option<UserId>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        if !self.is_on() {
            tracing::debug!("mail is off, none is written");
            return Ok(());
        }
        self.queue.add(Order { kind: KIND, key, about, payload: letter }, now).await.map(drop)
    }
}
