//! The folder of the signing keys: PKCS#8 PEM files, and a file `signing` that names the one which signs.
//!
//! A key is known everywhere before it signs, and for as long as its last token lives: it is added, chosen a while later,
//! and the one before it is removed at the end. Running processes read the folder every few seconds; a folder that makes no
//! sense changes nothing. A folder may be a mounted secret: what is read may be a link, and nothing is written by processes
//! that serve.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use rookery_protocol::clock::UnixMillis;

use super::error::KeyError;
use super::key_set::{KeySet, SigningKey};
use super::pem;
use crate::limits::{SIGNING_KEY_NAME_BYTES_MAX, SIGNING_KEYS_MAX};

/// Names the key that signs.
pub(super) const CHOICE: &str = "signing";
const SUFFIX: &str = "pem";

/// Where the signing keys of a deployment are.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    dir: PathBuf,
    /// The key that a setting has chosen, whatever the folder says.
    fixed: Option<String>,
}

impl KeyFolder {
    /// A folder. With `fixed` the key of that name signs; else the one that the file `signing` names, else the one that
    /// signed before, else the last in alphabetical order.
    pub fn new(dir: &Path, fixed: Option<&str>) -> Self {
        Self { dir: dir.to_owned(), fixed: fixed.map(str::to_owned) }
    }

    /// Whether it has any key.
    pub fn has_keys(&self) -> bool {
        self.files().is_ok_and(|files| !files.is_empty())
    }

    /// What it has now. `before` is the name of the key that has signed until now.
    ///
    /// # Errors
    /// If any file cannot be read, or if the key that is to sign is not there.
    pub fn read(&self, before: Option<&str>) -> Result<KeySet, KeyError> {
        let files = self.files()?;
        let keys = files.iter().map(|file| read_key(file)).collect::<Result<Vec<_>, _>>()?;
        let place = |name: &str| keys.iter().position(|key| key.name() == name);
        let missing = |name: Option<String>| KeyError::Missing { path: self.dir.clone(), name };
        let chosen = self.fixed.clone().map_or_else(|| self.choice(), |name| Ok(Some(name)))?;
        let signing = match chosen {
            Some(name) => place(&name).ok_or_else(|| missing(Some(name)))?,
            None => before
                .and_then(place)
                .or_else(|| keys.len().checked_sub(1))
                .ok_or_else(|| missing(None))?,
        };
        Ok(KeySet::new(keys, signing))
    }

    /// Writes a new key, readable by its owner only; the folder is made if it does not exist. It verifies and does not sign
    /// until it is chosen, unless it is the only one.
    ///
    /// # Errors
    /// If there is one of this name, or nothing can be written.
    pub fn add(&self, name: &str) -> Result<PathBuf, KeyError> {
        let path = self.path(name)?;
        fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
        if self.files()?.len() >= SIGNING_KEYS_MAX {
            return Err(KeyError::TooMany(self.dir.clone()));
        }
        if self.has_keys() && self.choice()?.is_none() {
            self.write_choice(self.read(None)?.signing().name())?;
        }
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|error| KeyError::Signing(error.to_string()))?;
        // Under another name until it is whole: a process may be reading the folder.
        let partial = self.dir.join(format!(".{name}.new"));
        write_new(&partial, pem::write(der.as_ref()).as_bytes())?;
        let linked = fs::hard_link(&partial, &path).map_err(at(&path));
        fs::remove_file(&partial).map_err(at(&partial))?;
        linked.map(|()| path)
    }

    /// From now on the key of this name signs.
    ///
    /// # Errors
    /// If there is none, or if a setting has chosen already.
    pub fn choose(&self, name: &str) -> Result<(), KeyError> {
        if let Some(fixed) = &self.fixed {
            return Err(KeyError::Fixed(fixed.clone()));
        }
        if self.read(None)?.iter().all(|(key, _)| key.name() != name) {
            return Err(KeyError::Missing { path: self.dir.clone(), name: Some(name.to_owned()) });
        }
        self.write_choice(name)
    }

    /// Removes a key. Its tokens are refused from then on, so the choice of the one that signs has to be this old.
    ///
    /// # Errors
    /// If it signs, if it may have signed too lately, or if there is none.
    pub fn remove(&self, name: &str, chosen_since: Duration) -> Result<(), KeyError> {
        let path = self.path(name)?;
        if self.read(None)?.signing().name() == name {
            return Err(KeyError::Signs(name.to_owned()));
        }
        let choice = fs::metadata(self.dir.join(CHOICE)).and_then(|file| file.modified()).ok();
        let now = Duration::from_millis(u64::try_from(UnixMillis::now().0).unwrap_or(0));
        let age = choice.map(|at| now.saturating_sub(at.duration_since(UNIX_EPOCH).unwrap_or_default()));
        match age.and_then(|age| chosen_since.checked_sub(age)).filter(|rest| !rest.is_zero()) {
            Some(rest) => Err(KeyError::TooEarly { name: name.to_owned(), seconds: rest.as_secs() + 1 }),
            None => fs::remove_file(&path).map_err(at(&path)),
        }
    }

    /// The keys' files and the folder itself, for whoever checks who may read them.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn paths(&self) -> Result<Vec<PathBuf>, KeyError> {
        let mut paths = self.files()?;
        paths.push(self.dir.clone());
        Ok(paths)
    }

    /// The name that the file `signing` has.
    fn choice(&self) -> Result<Option<String>, KeyError> {
        let path = self.dir.join(CHOICE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let name = text.trim();
                Ok(Some(name.strip_suffix(".pem").unwrap_or(name).to_owned()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    fn write_choice(&self, name: &str) -> Result<(), KeyError> {
        let (path, partial) = (self.dir.join(CHOICE), self.dir.join(".signing.new"));
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&partial)(error)),
            Ok(()) | Err(_) => {}
        }
        write_new(&partial, format!("{name}\n").as_bytes())?;
        fs::rename(&partial, &path).map_err(at(&path))
    }

    fn files(&self) -> Result<Vec<PathBuf>, KeyError> {
        let entries = fs::read_dir(&self.dir).map_err(at(&self.dir))?.collect::<Result<Vec<_>, _>>();
        let mut files: Vec<PathBuf> = entries.map_err(at(&self.dir))?.into_iter().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == SUFFIX));
        files.sort();
        if files.len() > SIGNING_KEYS_MAX {
            return Err(KeyError::TooMany(self.dir.clone()));
        }
        Ok(files)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = (1..=SIGNING_KEY_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(plain)
            && !name.starts_with('.')
            && name != CHOICE;
        if !is_name {
            return Err(KeyError::BadName(name.to_owned()));
        }
        Ok(self.dir.join(format!("{name}.{SUFFIX}")))
    }
}

fn read_key(path: &Path) -> Result<SigningKey, KeyError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let key = pem::read(&text).and_then(|der| SigningKey::new(name, &der));
    key.ok_or_else(|| KeyError::NotAKey(path.to_owned()))
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let opened = File::options().write(true).create_new(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    |source| KeyError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> (tempfile::TempDir, KeyFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(dir.path(), None);
        for name in names {
            folder.add(name).unwrap();
        }
        (dir, folder)
    }

    fn signing(folder: &KeyFolder, before: Option<&str>) -> String {
        folder.read(before).unwrap().signing().name().to_owned()
    }

    #[test]
    fn a_key_that_is_added_does_not_sign_until_it_is_chosen() {
        let (_dir, folder) = folder(&["a", "b"]);
        assert_eq!(signing(&folder, None), "a");
        folder.choose("b").unwrap();
        assert_eq!(signing(&folder, Some("a")), "b");
        assert!(matches!(folder.choose("c"), Err(KeyError::Missing { .. })));
        assert_eq!(signing(&folder, None), "b");
    }

    #[test]
    fn without_a_choice_the_last_signs_unless_one_has_signed_before() {
        let (dir, folder) = folder(&["a", "b"]);
        fs::remove_file(dir.path().join(CHOICE)).unwrap();
        assert_eq!(signing(&folder, None), "b");
        assert_eq!(signing(&folder, Some("a")), "a");
        assert_eq!(signing(&folder, Some("gone")), "b");
    }

    #[test]
    fn a_setting_decides_before_the_folder_does() {
        let (dir, folder) = folder(&["a", "b"]);
        let fixed = KeyFolder::new(dir.path(), Some("b"));
        assert_eq!(signing(&fixed, Some("a")), "b");
        assert!(matches!(fixed.choose("a"), Err(KeyError::Fixed(_))));
        assert_eq!(signing(&folder, None), "a");
    }

    #[test]
    fn a_key_is_removed_when_no_token_of_it_can_live() {
        let (_dir, folder) = folder(&["a", "b"]);
        assert!(matches!(folder.remove("a", Duration::ZERO), Err(KeyError::Signs(_))));
        folder.choose("b").unwrap();
        assert!(matches!(folder.remove("a", Duration::from_mins(1)), Err(KeyError::TooEarly { .. })));
        folder.remove("a", Duration::ZERO).unwrap();
        assert_eq!(folder.read(None).unwrap().iter().count(), 1);
        assert!(matches!(folder.remove("a", Duration::ZERO), Err(KeyError::Io { .. })));
    }

    #[test]
    fn a_choice_of_nothing_and_a_broken_file_are_errors() {
        let (dir, folder) = folder(&["a"]);
        fs::write(dir.path().join(CHOICE), "../a\n").unwrap();
        assert!(matches!(folder.read(None), Err(KeyError::Missing { .. })));
        fs::write(dir.path().join(CHOICE), "a.pem\n").unwrap();
        assert_eq!(signing(&folder, None), "a");
        fs::write(dir.path().join("z.pem"), "half a key").unwrap();
        assert!(matches!(folder.read(Some("a")), Err(KeyError::NotAKey(_))));
    }

    #[test]
    fn names_lead_nowhere_else() {
        let (_dir, folder) = folder(&[]);
        for name in ["", ".", "..", "../a", "a/b", "/a", ".a", "signing", "a b", &"a".repeat(200)] {
            assert!(matches!(folder.add(name), Err(KeyError::BadName(_))), "{name}");
            assert!(folder.remove(name, Duration::ZERO).is_err(), "{name}");
        }
        assert!(folder.add("2026-11-28").is_ok() && folder.add("2026-11-28").is_err());
    }
}
