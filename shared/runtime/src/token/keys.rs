//! The signing keys of a running process, which follow their folder.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use super::error::KeyError;
use super::folder::KeyFolder;
use super::key_set::KeySet;
use super::{Claims, JwkSet, Ticket};

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

    /// Signs a ticket.
    ///
    /// # Errors
    /// If the library refuses the key.
    pub fn sign_ticket(&self, ticket: &Ticket) -> Result<String, KeyError> {
        self.current().sign_ticket(ticket)
    }

    /// The public halves, to be published.
    pub fn public(&self) -> JwkSet {
        self.current().public()
    }
}
