//! A folder that a setting names.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::{fs, io};

use uuid::Uuid;

use super::Unusable;

/// A folder, and how it was given.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    given: String,
}

impl Folder {
    pub(super) fn new(path: &str, given: String) -> Self {
        Self { path: PathBuf::from(path), given }
    }

    /// A folder inside it, given in the same way.
    #[must_use]
    pub fn inside(&self, name: &str) -> Self {
        Self { path: self.path.join(name), given: self.given.clone() }
    }

    /// Makes it, with those above it, and sees whether it can be written.
    ///
    /// # Errors
    /// With the setting and the whole path.
    pub fn prepare(&self) -> Result<(), Unusable> {
        fs::create_dir_all(&self.path).map_err(|error| self.unusable("cannot be made", &error))?;
        let probe = self.path.join(format!(".{}", Uuid::new_v4().simple()));
        let written = fs::write(&probe, "x").and_then(|()| fs::remove_file(&probe));
        written.map_err(|error| self.unusable("cannot be written", &error))
    }

    /// Names the setting before what went wrong in the folder.
    pub fn unusable(&self, what: &str, error: &io::Error) -> Unusable {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        Unusable::new(format!("{}: the folder {} {what}: {error}", self.given, path.display()))
    }

    /// How it was given.
    pub fn given(&self) -> &str {
        &self.given
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_nothing_is_left_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("a/b").to_str().unwrap(), "data_dir".to_owned());
        assert_eq!(folder.prepare(), Ok(()));
        assert_eq!(fs::read_dir(&*folder).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_folder_is_told_with_setting_and_path() {
        // Even the superuser can neither make a folder in these places nor write into the second.
        for path in ["/dev/null/data", "/proc"] {
            let error = Folder::new(path, "ROOKERY_DATA_DIR=…".to_owned()).prepare().unwrap_err().to_string();
            assert!(error.starts_with(&format!("ROOKERY_DATA_DIR=…: the folder {path} cannot be ")), "{error}");
        }
    }
}
