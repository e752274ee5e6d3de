//! Signing keys: a folder of PKCS#8 PEM files, one of which signs. All of them are published, so a key can be
//! known everywhere before it signs and for as long as its last token lives.
//!
//! Rotation: add a file and restart the api (published), wait for the gateways' `KEY_REFRESH_INTERVAL`, name it
//! as `signing_key` and restart (signs), wait for [`rookery_protocol::limits::ACCESS_TOKEN_LIFE`], remove the old file.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::token::{Claims, Jwk, JwkSet, TOKEN_TYPE};

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
const PEM_LINE: usize = 64;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder or a file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not an Ed25519 key in PKCS#8 PEM form.
    #[error("{0} is not an Ed25519 private key in PKCS#8 PEM form")]
    NotAKey(PathBuf),
    /// The folder has no key, or not the one that is to sign.
    #[error("{path} has no signing key{}", .name.as_ref().map(|n| format!(" named {n}")).unwrap_or_default())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The key asked for.
        name: Option<String>,
    },
    /// The library refuses to sign or to generate.
    #[error("signing failed: {0}")]
    Signing(String),
}

/// The signing keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{given}: {source}")]
pub struct UnusableKeys {
    /// The folder, as it was given.
    pub given: String,
    /// Cause of the failure.
    pub source: KeyError,
}

/// All keys of an issuer.
pub struct SigningKeys {
    signing: SigningKey,
    published: JwkSet,
}

struct SigningKey {
    kid: String,
    key: EncodingKey,
}

impl SigningKeys {
    /// Reads all `*.pem` of a folder. The one whose file stem is `active` signs; without a name the last in
    /// alphabetical order does, so that names which are dates work by themselves.
    pub fn load(dir: &Path, active: Option<&str>) -> Result<Self, KeyError> {
        let files = pem_files(dir)?;
        let chosen = match active {
            Some(name) => files.iter().find(|file| file.file_stem().is_some_and(|stem| stem == name)),
            None => files.last(),
        };
        let missing = || KeyError::Missing { path: dir.to_owned(), name: active.map(str::to_owned) };
        let signing = SigningKey::read(chosen.ok_or_else(missing)?)?.0;
        let keys = files
            .iter()
            .map(|file| SigningKey::read(file).map(|(_, jwk)| jwk))
            .collect::<Result<_, _>>()?;
        Ok(Self { signing, published: JwkSet { keys } })
    }

    /// Writes a new key into the folder, readable by its owner only. The folder is made if it does not exist.
    pub fn generate(dir: &Path, stem: &str) -> Result<(), KeyError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            |source| KeyError::Io { path, source }
        };
        fs::create_dir_all(dir).map_err(at(dir))?;
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|error| KeyError::Signing(error.to_string()))?;
        let path = dir.join(stem).with_extension("pem");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        file.write_all(to_pem(der.as_ref()).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(at(&path))
    }

    /// Whether the folder has any key.
    pub fn exist(dir: &Path) -> bool {
        pem_files(dir).is_ok_and(|files| !files.is_empty())
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(self.signing.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing.key).map_err(|error| KeyError::Signing(error.to_string()))
    }

    /// The public halves, to be published.
    pub fn public(&self) -> JwkSet {
        self.published.clone()
    }

    /// A secret for another purpose, bound to the key that signs; the label keeps purposes apart.
    pub fn derive_secret(&self, label: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.signing.key.as_bytes());
        let tag = hmac::sign(&key, label.as_bytes());
        let mut secret = [0_u8; 32];
        secret.copy_from_slice(tag.as_ref());
        secret
    }
}

impl SigningKey {
    fn read(path: &Path) -> Result<(Self, Jwk), KeyError> {
        let text = fs::read_to_string(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        let not_a_key = || KeyError::NotAKey(path.to_owned());
        let der = from_pem(&text).ok_or_else(not_a_key)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| not_a_key())?;
        let jwk = public_jwk(pair.public_key().as_ref());
        Ok((Self { kid: jwk.kid.clone(), key: EncodingKey::from_ed_der(&der) }, jwk))
    }
}

fn pem_files(dir: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let at = |source| KeyError::Io { path: dir.to_owned(), source };
    let entries = fs::read_dir(dir).map_err(at)?.collect::<Result<Vec<_>, _>>().map_err(at)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
    files.sort();
    Ok(files)
}

fn public_jwk(public: &[u8]) -> Jwk {
    let x = URL_SAFE_NO_PAD.encode(public);
    // The members of the thumbprint's input are fixed and ordered by RFC 7638 §3.2 and RFC 8037 §2.
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
    Jwk { kty: "OKP".into(), crv: "Ed25519".into(), alg: "EdDSA".into(), usage: "sig".into(), kid, x }
}

fn to_pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    // Base64 is ASCII, so every slice of it is text.
    let lines: Vec<_> = body.as_bytes().chunks(PEM_LINE).map(String::from_utf8_lossy).collect();
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", lines.join("\n"))
}

fn from_pem(text: &str) -> Option<Vec<u8>> {
    let body = text.split_once(PEM_BEGIN)?.1.split_once(PEM_END)?.0;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
