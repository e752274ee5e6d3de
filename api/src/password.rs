//! Passwords: argon2id off the async threads, at most one per processor at a time.
//!
//! Promises that an unknown account costs the same time as a wrong password, and that a flood of logins makes
//! others wait a second at most before they are told so.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use prometheus::IntGauge;
use rookery_shared::limits::PASSWORD_WAIT;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::domain::user::{Password, PasswordAttempt};

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
    permits: Arc<Semaphore>,
    waiting: IntGauge,
    dummy: String,
}

impl Passwords {
    /// Takes as many processors as there are; `waiting` shows how many passwords wait for one.
    pub fn new(waiting: IntGauge) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2.hash_password(b"nobody has this password").map_err(failed)?.to_string();
        let processors = available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { argon2, permits: Arc::new(Semaphore::new(processors)), waiting, dummy })
    }

    /// The hash of a new password in PHC form.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(failed))
            .await
    }

    /// Whether the password is the one of the hash. Without a hash the answer is no, after the same work.
    pub async fn verify(&self, hash: Option<String>, attempt: PasswordAttempt) -> Result<bool, PasswordError> {
        let (argon2, known) = (self.argon2.clone(), hash.is_some());
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let matches = self.run(move || {
            let parsed = PasswordHash::new(&hash).map_err(failed)?;
            Ok(argon2.verify_password(attempt.as_bytes(), &parsed).is_ok())
        });
        Ok(matches.await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = self.permit().await?;
        // The permit goes with the work: a request that is given up still occupies its processor until the end.
        let task = spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        task.await.map_err(failed)?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let _waiting = Waiting::begin(&self.waiting);
        match timeout(PASSWORD_WAIT, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(PasswordError::Busy),
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
        Passwords::new(IntGauge::new("waiting", "x").unwrap()).unwrap()
    }

    fn attempt(text: &str) -> PasswordAttempt {
        PasswordAttempt::try_from(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let passwords = passwords();
        let hash = passwords.hash(Password::try_from("correct horse".to_owned()).unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify(Some(hash.clone()), attempt("correct horse")).await, Ok(true));
        assert_eq!(passwords.verify(Some(hash), attempt("correct horsf")).await, Ok(false));
        assert_eq!(passwords.waiting.get(), 0);
    }

    #[tokio::test]
    async fn nobody_matches_without_an_account() {
        assert_eq!(passwords().verify(None, attempt("nobody has this password")).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_told_after_a_second() {
        let passwords = passwords();
        let all = passwords.permits.available_permits();
        let _held = passwords.permits.acquire_many(u32::try_from(all).unwrap()).await.unwrap();
        assert_eq!(passwords.verify(None, attempt("x")).await, Err(PasswordError::Busy));
    }
}
