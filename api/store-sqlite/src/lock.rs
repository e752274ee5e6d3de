//! One process at a time serves a data folder: a lock on a file in it, which the system gives back when the process
//! ends, however it ends. The file says who has it, for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rookery_protocol::clock::UnixMillis;

const NAME: &str = "rookery.lock";
/// Bytes of the file that are shown.
const HOLDER_BYTES_MAX: u64 = 200;

/// Why a folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody serves it.
    #[error("the data folder {folder} is in use by {holder}; stop that process, or name another folder in data_dir")]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// The file cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The folder is ours as long as this lives.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder, or says who has it. `purpose` is what this process does with it.
    pub fn take(folder: &Path, purpose: &str) -> Result<Self, LockError> {
        let path = folder.join(NAME);
        let failed = |source| LockError::Io { path: path.clone(), source };
        // Not emptied when it is opened: it may be somebody else's.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{}", description(purpose)).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Who this process is, for people who look for it.
pub fn description(purpose: &str) -> String {
    format!("process {} ({purpose}), since {}", std::process::id(), UnixMillis::now())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    let text = text.trim();
    if read.is_err() || text.is_empty() {
        "another process".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path(), "serving 127.0.0.1:1").unwrap();
        let refused = FolderLock::take(folder.path(), "serving 127.0.0.1:2").unwrap_err().to_string();
        for part in [&std::process::id().to_string(), "127.0.0.1:1", &folder.path().display().to_string()] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        drop(first);
        FolderLock::take(folder.path(), "serving 127.0.0.1:2").unwrap();
    }
}
