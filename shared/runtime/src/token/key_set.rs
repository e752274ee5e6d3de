//! The signing keys of a process at one moment: one of them signs, all of them verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;

use super::error::KeyError;
use super::{Claims, Jwk, JwkSet, TICKET_TYPE, TOKEN_TYPE, Ticket};

/// Signing keys as a folder had them.
pub struct KeySet {
    keys: Vec<SigningKey>,
    /// Index of the key that signs.
    signing: usize,
}

/// One key of a [`KeySet`].
pub struct SigningKey {
    name: String,
    jwk: Jwk,
    key: EncodingKey,
}

impl KeySet {
    /// All keys, of which the one with this index signs.
    pub(super) const fn new(keys: Vec<SigningKey>, signing: usize) -> Self {
        Self { keys, signing }
    }

    /// Every key, and whether it signs.
    pub fn iter(&self) -> impl Iterator<Item = (&SigningKey, bool)> {
        self.keys.iter().enumerate().map(|(index, key)| (key, index == self.signing))
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.keys[self.signing]
    }

    /// The public halves, to be published.
    pub fn public(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|key| key.jwk.clone()).collect() }
    }

    /// Secrets for another purpose, one for each key, that of the key which signs first; the label keeps purposes apart. What
    /// was made with any of them is genuine, so that a change of the signing key spoils nothing.
    pub fn secrets(&self, label: &str) -> Vec<[u8; 32]> {
        let others = self.iter().filter(|(_, signs)| !signs).map(|(key, _)| key);
        std::iter::once(self.signing()).chain(others).map(|key| key.secret(label)).collect()
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// If the library refuses the key.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        self.sign_as(TOKEN_TYPE, claims)
    }

    /// Signs a ticket.
    ///
    /// # Errors
    /// If the library refuses the key.
    pub fn sign_ticket(&self, ticket: &Ticket) -> Result<String, KeyError> {
        self.sign_as(TICKET_TYPE, ticket)
    }

    fn sign_as(&self, kind: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        let signing = self.signing();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(signing.id().to_owned());
        jsonwebtoken::encode(&header, claims, &signing.key).map_err(|error| KeyError::Signing(error.to_string()))
    }

    /// Whether the same keys do the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ids = |set: &Self| set.iter().map(|(key, signs)| (key.jwk.kid.clone(), signs)).collect::<Vec<_>>();
        ids(self) == ids(other)
    }
}

impl SigningKey {
    /// None if the bytes are no Ed25519 key in PKCS#8 form.
    pub(super) fn new(name: String, der: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
        Some(Self { name, jwk: public_jwk(pair.public_key().as_ref()), key: EncodingKey::from_ed_der(der) })
    }

    /// Name of its file, without the ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id in tokens: the RFC 7638 thumbprint.
    pub fn id(&self) -> &str {
        &self.jwk.kid
    }

    fn secret(&self, label: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.as_bytes());
        let tag = hmac::sign(&key, label.as_bytes());
        let mut secret = [0_u8; 32];
        secret.copy_from_slice(tag.as_ref());
        secret
    }
}

fn public_jwk(public: &[u8]) -> Jwk {
    let x = URL_SAFE_NO_PAD.encode(public);
    // The members of the thumbprint's input are fixed and ordered by RFC 7638 §3.2 and RFC 8037 §2.
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
    Jwk { kty: "OKP".into(), crv: "Ed25519".into(), alg: "EdDSA".into(), usage: "sig".into(), kid, x }
}
