//! The key that this server is known by to push services (VAPID, RFC 8292). It is made once, when the first api starts, and kept
//! in the store: devices subscribe to it, so another key would cut all of them off.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use rookery_store::push::Pushes;
use serde::Serialize;

use crate::limits::PUSH_TOKEN_LIFE;

/// The key.
pub(super) struct PushKey(EcdsaKeyPair);

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct PushClaims<'a> {
    aud: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl PushKey {
    /// That of the store, or a new one if it has none.
    pub(super) async fn load(store: &dyn Pushes) -> Result<Self, StoreError> {
        let new = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let new = new.map_err(|_| StoreError::Inconsistent("no random bytes for the key of pushes".to_owned()))?;
        let kept = store.push_key(new.as_ref()).await?;
        let broken = |_| StoreError::Inconsistent("the key of pushes is none".to_owned());
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &kept, &SystemRandom::new())
            .map(Self)
            .map_err(broken)
    }

    /// The public key, as pages need it to subscribe.
    pub(super) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }

    /// The header that tells a push service whose push it is, and whom to write to about it.
    pub(super) fn authorization(&self, origin: &str, contact: Option<&str>, now: UnixMillis) -> Option<String> {
        let claims = PushClaims { aud: origin, exp: now.plus(PUSH_TOKEN_LIFE).0.div_euclid(1_000), sub: contact };
        let header = encoded(&Header { typ: "JWT", alg: "ES256" })?;
        let text = format!("{header}.{}", encoded(&claims)?);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).ok()?;
        Some(format!("vapid t={text}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public()))
    }
}

fn encoded(part: &impl Serialize) -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).ok()?))
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_token_is_signed_by_the_key_that_the_store_keeps() {
        let dir = tempfile::tempdir().unwrap();
        let stores = rookery_store_sqlite::open(&dir.path().join("push.db")).await.unwrap();
        stores.backend.migrate().await.unwrap();
        let key = PushKey::load(&*stores.pushes).await.unwrap();
        let public = PushKey::load(&*stores.pushes).await.unwrap().public();
        assert_eq!(key.public(), public, "it is made once");
        let now = UnixMillis(1_700_000_000_000);
        let header = key.authorization("https://push.example", Some("mailto:a@b.example"), now).unwrap();
        let token = header
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.strip_suffix(&format!(", k={public}")))
            .unwrap();
        let (text, signature) = token.rsplit_once('.').unwrap();
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let claims: Value = serde_json::from_slice(&decoded(text.split_once('.').unwrap().1)).unwrap();
        let exp = 1_700_000_000 + PUSH_TOKEN_LIFE.as_secs();
        assert_eq!(claims, json!({"aud": "https://push.example", "exp": exp, "sub": "mailto:a@b.example"}));
        let public = decoded(&public);
        let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        assert!(verified.verify(text.as_bytes(), &decoded(signature)).is_ok());
    }
}
