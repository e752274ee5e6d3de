//! Signing keys as files, for backups: all of a folder as they are, with the file that names the one which signs, and back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::folder::CHOICE;
use crate::token::KeyError;

const SUFFIX: &str = "pem";

/// Names and contents of all keys of the folder.
///
/// # Errors
/// If the folder or a file in it cannot be read.
pub fn read(dir: &Path) -> Result<Vec<(String, Vec<u8>)>, KeyError> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| is_ours(name)) {
            keys.push((name.to_owned(), fs::read(&path).map_err(at(&path))?));
        }
    }
    keys.sort();
    Ok(keys)
}

/// Puts a key back, readable by its owner only, in the place of one of that name. Others stay.
///
/// # Errors
/// If the name is not that of a key in the folder itself, or the system refuses.
pub fn write(dir: &Path, name: &str, content: &[u8]) -> Result<(), KeyError> {
    let plain = Path::new(name).file_name().filter(|plain| *plain == name);
    if plain.is_none() || !is_ours(name) {
        return Err(KeyError::NotAKey(dir.join(name.replace('/', "?"))));
    }
    fs::create_dir_all(dir).map_err(at(dir))?;
    let (path, partial) = (dir.join(name), dir.join(format!("{name}.partial")));
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&partial)(error)),
        Ok(()) | Err(_) => {}
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
    let mut file = opened.map_err(at(&partial))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(&partial))?;
    fs::rename(&partial, &path).map_err(at(&path))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

fn is_ours(name: &str) -> bool {
    name == CHOICE || Path::new(name).extension().is_some_and(|suffix| suffix == SUFFIX)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    |source| KeyError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_come_back_as_they_were_and_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "none of ours").unwrap();
        write(dir.path(), "first.pem", b"old").unwrap();
        write(dir.path(), "first.pem", b"new").unwrap();
        write(dir.path(), CHOICE, b"first").unwrap();
        let kept = [("first.pem".to_owned(), b"new".to_vec()), (CHOICE.to_owned(), b"first".to_vec())];
        assert_eq!(read(dir.path()).unwrap(), kept);
        let mode = fs::metadata(dir.path().join("first.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../first.pem", "/tmp/first.pem", "first", ".pem/..", "", ".."] {
            assert!(write(dir.path(), name, b"").is_err(), "{name}");
        }
    }
}
