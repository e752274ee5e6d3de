//! Codes and links that are sent by mail. They are derived from an id under the signing keys that all apis share, so that a
//! mail that is sent again has the same one; stores keep hashes only. What was made before the signing key was changed is
//! found again as long as that key still verifies.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::digest::{SHA256, digest};
use ring::hmac;
use rookery_store::StoreError;
use rookery_store::account::{Purpose, SecretHash};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

const TOKEN_BYTES: usize = 16;
/// Codes have six digits.
const CODES: u64 = 1_000_000;

/// Derives codes and links. Copies share their keys.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Vec<hmac::Key>>>);

/// There is no signing key at all, which no process starts with.
#[derive(Debug, thiserror::Error)]
#[error("no signing key")]
pub struct NoKey;

impl From<NoKey> for StoreError {
    fn from(error: NoKey) -> Self {
        Self::Inconsistent(error.to_string())
    }
}

impl Secrets {
    /// From now on these keys count: new secrets are derived under the first.
    pub fn replace(&self, keys: &[[u8; 32]]) {
        *self.0.write() = keys.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)).collect();
    }

    /// The code of a registration, six digits; each number is another one.
    ///
    /// # Errors
    /// If there is no key.
    pub fn code(&self, registration: Uuid, number: u32) -> Result<String, NoKey> {
        self.codes(registration, number).next().ok_or(NoKey)
    }

    /// The same code as it was made, under whichever key; none if that key is gone.
    pub fn code_of(&self, registration: Uuid, number: u32, kept: &SecretHash) -> Option<String> {
        self.codes(registration, number).find(|code| fits(code, kept))
    }

    /// The secret of a link: 128 bits.
    ///
    /// # Errors
    /// If there is no key.
    pub fn token(&self, id: Uuid, purpose: Purpose) -> Result<String, NoKey> {
        self.tokens(id, purpose).next().ok_or(NoKey)
    }

    /// The same secret as it was made, under whichever key; none if that key is gone.
    pub fn token_of(&self, id: Uuid, purpose: Purpose, kept: &SecretHash) -> Option<String> {
        self.tokens(id, purpose).find(|token| fits(token, kept))
    }

    /// What makes the address of a file a signed one: 128 bits over the file, what of it, and until when.
    ///
    /// # Errors
    /// If there is no key.
    pub fn file_link(&self, file: Uuid, variant: &str, until: i64) -> Result<String, NoKey> {
        self.file_links(file, variant, until).next().ok_or(NoKey)
    }

    /// Whether it is that, under whichever key.
    pub fn is_file_link(&self, file: Uuid, variant: &str, until: i64, signature: &str) -> bool {
        self.file_links(file, variant, until)
            .fold(false, |found, ours| found | bool::from(ours.as_bytes().ct_eq(signature.as_bytes())))
    }

    /// What tells one request under a key from another, one for each of our keys; bodies may have secrets that are easy to
    /// guess.
    pub(crate) fn request_tags(&self, key: &[u8; 32], request: &[&[u8]]) -> Vec<[u8; 32]> {
        let parts: Vec<&[u8]> = [&b"request\0"[..], key].into_iter().chain(request.iter().copied()).collect();
        self.tags(&parts).iter().map(whole).collect()
    }

    /// What the answer to such a request is sealed under, one for each of our keys.
    pub(crate) fn answer_keys(&self, key: &[u8; 32]) -> Vec<[u8; 32]> {
        self.tags(&[b"answer\0", key]).iter().map(whole).collect()
    }

    fn file_links(&self, file: Uuid, variant: &str, until: i64) -> impl Iterator<Item = String> {
        let tags = self.tags(&[b"file\0", file.as_bytes(), &until.to_be_bytes(), variant.as_bytes()]);
        tags.into_iter().map(|tag| URL_SAFE_NO_PAD.encode(&tag.as_ref()[..TOKEN_BYTES]))
    }

    fn codes(&self, registration: Uuid, number: u32) -> impl Iterator<Item = String> {
        let tags = self.tags(&[b"code\0", registration.as_bytes(), &number.to_be_bytes()]);
        tags.into_iter().map(|tag| {
            let mut first = [0_u8; 8];
            first.copy_from_slice(&tag.as_ref()[..8]);
            format!("{:06}", u64::from_be_bytes(first) % CODES)
        })
    }

    fn tokens(&self, id: Uuid, purpose: Purpose) -> impl Iterator<Item = String> {
        let tags = self.tags(&[b"token\0", id.as_bytes(), purpose.as_str().as_bytes()]);
        tags.into_iter().map(|tag| URL_SAFE_NO_PAD.encode(&tag.as_ref()[..TOKEN_BYTES]))
    }

    /// One for each key, that of the key which signs first.
    fn tags(&self, parts: &[&[u8]]) -> Vec<hmac::Tag> {
        let tag = |key: &hmac::Key| {
            let mut signing = hmac::Context::with_key(key);
            for part in parts {
                signing.update(part);
            }
            signing.sign()
        };
        self.0.read().iter().map(tag).collect()
    }
}

fn whole(tag: &hmac::Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

/// What a store keeps of a secret that somebody else has.
pub fn hash(secret: &str) -> SecretHash {
    let mut hash = SecretHash::default();
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// Whether a secret is the one of the hash; takes the same time whatever the answer.
pub fn fits(secret: &str, kept: &SecretHash) -> bool {
    hash(secret).ct_eq(kept).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_again_and_differ_by_what_they_are_for() {
        let secrets = Secrets::default();
        let id = Uuid::new_v4();
        assert!(secrets.code(id, 1).is_err() && secrets.token(id, Purpose::Recovery).is_err(), "without a key");
        secrets.replace(&[[1; 32]]);
        let code = secrets.code(id, 1).unwrap();
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        assert_eq!(code, secrets.code(id, 1).unwrap());
        let token = |id, purpose| secrets.token(id, purpose).unwrap();
        assert_ne!(token(id, Purpose::Recovery), token(id, Purpose::EmailUndo));
        assert_ne!(token(id, Purpose::Recovery), token(Uuid::new_v4(), Purpose::Recovery));
        assert!(fits(&code, &hash(&code)) && !fits(&code, &hash("x")));
    }

    #[test]
    fn secrets_outlive_a_change_of_keys() {
        let (secrets, id) = (Secrets::default(), Uuid::new_v4());
        secrets.replace(&[[1; 32]]);
        let (code, token) = (secrets.code(id, 1).unwrap(), secrets.token(id, Purpose::Recovery).unwrap());
        let (of_code, of_token) = (hash(&code), hash(&token));
        secrets.replace(&[[2; 32], [1; 32]]);
        assert_ne!(secrets.token(id, Purpose::Recovery).unwrap(), token, "new ones are under the new key");
        assert_eq!(secrets.code_of(id, 1, &of_code), Some(code));
        assert_eq!(secrets.token_of(id, Purpose::Recovery, &of_token), Some(token));
        secrets.replace(&[[2; 32]]);
        assert_eq!(secrets.token_of(id, Purpose::Recovery, &of_token), None);
    }
}
