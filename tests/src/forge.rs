//! Makes access tokens of every wrong kind, and right ones to prove that the forgery would work otherwise.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rookery_protocol::clock::UnixMillis;
use serde_json::{Value, json};

use crate::rest::Account;

/// Prefix of an Ed25519 public key in `SubjectPublicKeyInfo` form (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A signing key and the header and claims of a token that would be accepted.
pub struct Forge {
    key: Ed25519KeyPair,
    /// Header of a right token.
    pub header: Value,
    /// Claims of a right token.
    pub claims: Value,
}

impl Forge {
    /// Takes the server's own key from its folder, and a token that it issued as the model.
    pub fn new(keys_dir: &Path, account: &Account) -> Self {
        let (header, claims) = parts(&account.token);
        Self { key: read_key(keys_dir), header, claims }
    }

    /// The same with a key that the server has never seen; the header still names the server's key.
    #[must_use]
    pub fn with_foreign_key(mut self) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key can be made");
        self.key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a fresh key can be read");
        self
    }

    /// A token that must be accepted.
    pub fn right(&self) -> String {
        self.sign(&self.header, &self.claims)
    }

    /// A token with one claim changed.
    pub fn claim(&self, name: &str, value: Value) -> String {
        self.sign(&self.header, &changed(&self.claims, name, Some(value)))
    }

    /// A token without one claim.
    pub fn without(&self, name: &str) -> String {
        self.sign(&self.header, &changed(&self.claims, name, None))
    }

    /// A token with one header field changed.
    pub fn field(&self, name: &str, value: Value) -> String {
        self.sign(&changed(&self.header, name, Some(value)), &self.claims)
    }

    /// A token without one header field.
    pub fn without_field(&self, name: &str) -> String {
        self.sign(&changed(&self.header, name, None), &self.claims)
    }

    /// A token whose header says `alg` and whose signature is empty.
    pub fn unsigned(&self, alg: &str) -> String {
        format!("{}.", body(&changed(&self.header, "alg", Some(json!(alg))), &self.claims))
    }

    /// Tokens signed with HMAC-SHA256 under the server's public key in each form that it is written down in.
    pub fn hmac_with_public_key(&self) -> Vec<String> {
        let raw = self.key.public_key().as_ref();
        let der = [&SPKI_PREFIX[..], raw].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let body = body(&changed(&self.header, "alg", Some(json!("HS256"))), &self.claims);
        let sign = |secret: &[u8]| {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body.as_bytes());
            format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
        };
        vec![sign(raw), sign(URL_SAFE_NO_PAD.encode(raw).as_bytes()), sign(&der), sign(pem.as_bytes())]
    }

    /// A right token whose claims were changed after it was signed.
    pub fn tampered(&self) -> String {
        let right = self.right();
        let signature = right.rsplit('.').next().unwrap_or_default();
        format!("{}.{signature}", body(&self.header, &changed(&self.claims, "name", Some(json!("admin")))))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let body = body(header, claims);
        let signature = self.key.sign(body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Now, in seconds, as tokens count.
pub fn now_seconds() -> i64 {
    UnixMillis::now().seconds()
}

fn parts(token: &str) -> (Value, Value) {
    let part = |n: usize| {
        let text = token.split('.').nth(n).expect("a token has three parts");
        let json = URL_SAFE_NO_PAD.decode(text).expect("a part of a token is base64url");
        serde_json::from_slice(&json).expect("a part of a token is JSON")
    };
    (part(0), part(1))
}

fn body(header: &Value, claims: &Value) -> String {
    [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}

fn changed(object: &Value, name: &str, value: Option<Value>) -> Value {
    let mut fields = object.as_object().expect("headers and claims are objects").clone();
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
    Value::Object(fields)
}

fn read_key(dir: &Path) -> Ed25519KeyPair {
    let path = find_pem(dir).unwrap_or_else(|| panic!("no key below {}", dir.display()));
    let pem = std::fs::read_to_string(path).expect("the key can be read");
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(base64).expect("PEM is base64");
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).expect("the key is Ed25519 in PKCS #8")
}

fn find_pem(dir: &Path) -> Option<PathBuf> {
    let paths: Vec<PathBuf> = std::fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let here = paths.iter().find(|path| path.extension().is_some_and(|ext| ext == "pem")).cloned();
    here.or_else(|| paths.iter().filter(|path| path.is_dir()).find_map(|path| find_pem(path)))
}
