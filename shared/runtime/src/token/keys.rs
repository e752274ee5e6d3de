//! The signing keys of a running process, which follow their folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use super::{Claims, JwkSet, KeyFolder, KeySet};

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

/// All keys of an issuer, as its folder had them when it was read last.
pub struct SigningKeys {
    folder: KeyFolder,
    set: RwLock<Arc<KeySet>>,
}

impl SigningKeys {
    /// Reads a folder; see [`KeyFolder::new`] for which key signs.
    ///
    /// # Errors
    /// If any file cannot be read, or if the key that is to sign is not there.
    pub fn load(dir: &Path, fixed: Option<&str>) -> Result<Self, KeyError> {
        let folder = KeyFolder::new(dir, fixed);
        let set = RwLock::new(Arc::new(folder.read(None)?));
        Ok(Self { folder, set })
    }

    /// Writes a new key into a folder; see [`KeyFolder::add`].
    ///
    /// # Errors
    /// If there is one of this name, or nothing can be written.
    pub fn generate(dir: &Path, name: &str) -> Result<(), KeyError> {
        KeyFolder::new(dir, None).add(name).map(drop)
    }

    /// Whether a folder has any key.
    pub fn exist(dir: &Path) -> bool {
        KeyFolder::new(dir, None).has_keys()
    }

    /// Reads the folder again: its keys, if they are others than those in use, or if another one is to sign. Blocks on files.
    ///
    /// # Errors
    /// If the folder makes no sense; the keys in use stay.
    pub fn read_again(&self) -> Result<Option<KeySet>, KeyError> {
        let current = self.current();
        let read = self.folder.read(Some(current.signing().name()))?;
        Ok((!read.is_same(&current)).then_some(read))
    }

    /// From now on these keys count.
    pub fn replace(&self, set: KeySet) {
        *self.set.write() = Arc::new(set);
    }

    /// The keys in use.
    pub fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.set.read())
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// If the library refuses the key.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        self.current().sign(claims)
    }

    /// The public halves, to be published.
    pub fn public(&self) -> JwkSet {
        self.current().public()
    }
}
