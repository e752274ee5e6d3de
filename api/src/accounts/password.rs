//! Passwords: argon2id off the async threads, at most one per processor at a time, and one processor left for others.
//!
//! Promises that an unknown account costs the same time as a wrong password, that a flood of logins makes others wait a
//! second at most before they are refused, and that those who flood wait behind those who do not, see `turns`.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::Mutex;
use prometheus::IntGauge;
use rookery_protocol::clock::UnixMillis;
use rookery_store::room::RoomPassword;
use rookery_store::user::{Password, PasswordAttempt};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::limits::PASSWORD_WAIT;

pub mod common;
mod turns;

use turns::{Admission, Turns};

/// Memory of one hash in KiB, passes and lanes: the second recommendation of the OWASP password storage cheat sheet.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why there is no hash and no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many passwords wait for a processor.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The library refuses, or a stored hash is not one.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// Hashes and verifies.
pub struct Passwords {
    argon2: Argon2<'static>,
    queue: Arc<Queue>,
    waiting: IntGauge,
    dummy: String,
}

type Queue = Mutex<Turns<oneshot::Sender<Turn>>>;

/// The right to keep a processor busy, until it is dropped.
#[derive(Debug)]
struct Turn(Option<Arc<Queue>>);

impl Passwords {
    /// Takes all processors but one; so many passwords of one address wait for them. `waiting` shows how many do.
    pub fn new(waiting: IntGauge, per_address: usize) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2.hash_password(b"nobody has this password").map_err(failed)?.to_string();
        let processors = available_parallelism().map_or(1, std::num::NonZero::get);
        let turns = Turns::new(processors.saturating_sub(1).max(1), per_address);
        Ok(Self { argon2, queue: Arc::new(Mutex::new(turns)), waiting, dummy })
    }

    /// The hash of a new password in PHC form. `from` stands for the address that it came from.
    pub async fn hash(&self, password: Password, from: u128) -> Result<String, PasswordError> {
        self.hash_bytes(password.as_bytes().to_vec(), from).await
    }

    /// The same of the password of a room.
    pub async fn hash_of_room(&self, password: &RoomPassword, from: u128) -> Result<String, PasswordError> {
        self.hash_bytes(password.as_bytes().to_vec(), from).await
    }

    async fn hash_bytes(&self, password: Vec<u8>, from: u128) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        let work = move || argon2.hash_password(&password).map(|hash| hash.to_string()).map_err(failed);
        self.run(from, work).await
    }

    /// Whether the password is the one of the hash. Without a hash the answer is no, after the same work.
    pub async fn verify(
        &self,
        hash: Option<String>,
        attempt: PasswordAttempt,
        from: u128,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        self.verify_bytes(hash, attempt.as_bytes().to_vec(), from, known).await
    }

    /// Whether the password is the one of the room's hash.
    pub async fn verify_of_room(
        &self,
        hash: String,
        attempt: &RoomPassword,
        from: u128,
    ) -> Result<bool, PasswordError> {
        self.verify_bytes(hash, attempt.as_bytes().to_vec(), from, true).await
    }

    async fn verify_bytes(
        &self,
        hash: String,
        attempt: Vec<u8>,
        from: u128,
        known: bool,
    ) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let matches = self.run(from, move || {
            let parsed = PasswordHash::new(&hash).map_err(failed)?;
            Ok(argon2.verify_password(&attempt, &parsed).is_ok())
        });
        let matches = matches.await? && known;
        if matches {
            self.queue.lock().refund(from);
        }
        Ok(matches)
    }

    async fn run<T: Send + 'static>(
        &self,
        from: u128,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = self.turn(from).await?;
        self.queue.lock().charge(from, UnixMillis::now());
        // The turn goes with the work: a request that is given up still occupies its processor until the end.
        let task = spawn_blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        });
        task.await.map_err(failed)?
    }

    async fn turn(&self, from: u128) -> Result<Turn, PasswordError> {
        let (sender, receiver) = oneshot::channel();
        match self.queue.lock().request(from, sender, oneshot::Sender::is_closed) {
            Admission::Now(_) => return Ok(Turn(Some(Arc::clone(&self.queue)))),
            Admission::Refused => return Err(PasswordError::Busy),
            Admission::Queued => {}
        }
        let _waiting = Waiting::begin(&self.waiting);
        match timeout(PASSWORD_WAIT, receiver).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(PasswordError::Busy),
        }
    }
}

impl Drop for Turn {
    /// Hands it to whoever is next and still there.
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        let mut turns = queue.lock();
        while let Some(next) = turns.next(UnixMillis::now()) {
            match next.send(Self(Some(Arc::clone(&queue)))) {
                Ok(()) => return,
                // Given up meanwhile. It must not come back through here.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }
}

/// Counts one password in the queue, also when its request is given up.
struct Waiting<'a>(&'a IntGauge);

impl<'a> Waiting<'a> {
    fn begin(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(IntGauge::new("waiting", "x").unwrap(), 2).unwrap()
    }

    fn attempt(text: &str) -> PasswordAttempt {
        PasswordAttempt::try_from(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let passwords = passwords();
        let hash = passwords.hash(Password::try_from("correct horse".to_owned()).unwrap(), 1).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify(Some(hash.clone()), attempt("correct horse"), 1).await, Ok(true));
        assert_eq!(passwords.verify(Some(hash), attempt("correct horsf"), 1).await, Ok(false));
        assert_eq!(passwords.waiting.get(), 0);
    }

    #[tokio::test]
    async fn nobody_matches_without_an_account() {
        assert_eq!(passwords().verify(None, attempt("nobody has this password"), 1).await, Ok(false));
    }

    async fn all_turns(passwords: &Passwords) -> Vec<Turn> {
        let mut turns = Vec::new();
        while passwords.queue.lock().free() > 0 {
            turns.push(passwords.turn(7).await.unwrap());
        }
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_told_after_a_second() {
        let passwords = passwords();
        let held = all_turns(&passwords).await;
        assert_eq!(passwords.verify(None, attempt("x"), 1).await, Err(PasswordError::Busy));
        drop(held);
        assert!(passwords.verify(None, attempt("x"), 1).await.is_ok(), "who gave up took no turn along");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_only_so_many_waiting_and_others_have_theirs() {
        let passwords = passwords();
        let mut held = all_turns(&passwords).await;
        let wait = |from| passwords.turn(from);
        let (first, second) = (wait(1), wait(1));
        tokio::pin!(first, second);
        assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
        assert!(wait(1).await.is_err(), "refused at once");
        let other = wait(2);
        tokio::pin!(other);
        assert!(futures_util::poll!(&mut other).is_pending(), "another address has its own places");
        held.pop();
        let served = [futures_util::poll!(&mut first).is_ready(), futures_util::poll!(&mut other).is_ready()];
        assert_eq!(served.into_iter().filter(|served| *served).count(), 1);
    }
}
