//! What may be wrong with signing keys.

use std::io;
use std::path::PathBuf;

/// Why keys cannot be used or changed.
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
    /// The folder has more keys than anybody needs.
    #[error("{0} has too many keys")]
    TooMany(PathBuf),
    /// A name that no key can have.
    #[error("{0:?} is no name of a key: letters, digits, hyphens, underscores and dots")]
    BadName(String),
    /// A setting has chosen the key that signs.
    #[error("the setting signing_key has chosen {0}; remove it, then restart, and the folder decides")]
    Fixed(String),
    /// The key signs.
    #[error("{0} signs; choose another key first")]
    Signs(String),
    /// Tokens of the key may still be valid.
    #[error("tokens of {name} may be valid for {seconds} s more; --now refuses them at once")]
    TooEarly {
        /// The key.
        name: String,
        /// Until none is.
        seconds: u64,
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
