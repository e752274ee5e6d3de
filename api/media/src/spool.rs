//! What is being uploaded, in a file without a name: nothing is left of it, however its upload ends.

use std::fs::File as StdFile;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::task::spawn_blocking;

use crate::limits::DISK_FREE_MIN_PERCENT;

/// Why an upload cannot wait on the disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpoolError {
    /// There is no space left, or not enough for everything else.
    #[error("no space left for uploads")]
    Full,
    /// The disk does not do it; for logs.
    #[error("upload on disk: {0}")]
    Broken(String),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            Self::Full
        } else {
            Self::Broken(error.to_string())
        }
    }
}

/// Where uploads wait.
#[derive(Clone, Debug)]
pub struct SpoolFolder(Arc<Path>);

impl SpoolFolder {
    /// In this folder, which is made when it is needed first.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder.into())
    }

    /// A place for an upload of so many bytes, if that is known.
    ///
    /// # Errors
    /// [`SpoolError::Full`] if the disk would have less space left than everything else needs.
    pub async fn begin(&self, expected: u64) -> Result<Spool, SpoolError> {
        let folder = Arc::clone(&self.0);
        let begun = spawn_blocking(move || {
            let file = tempfile::tempfile_in(&folder).or_else(|error| {
                if error.kind() != ErrorKind::NotFound {
                    return Err(error);
                }
                std::fs::create_dir_all(&folder)?;
                tempfile::tempfile_in(&folder)
            })?;
            let space = rustix::fs::fstatvfs(&file).map_err(io::Error::from)?;
            let block = space.f_frsize.max(1);
            let (free, all) = (space.f_bavail.saturating_mul(block), space.f_blocks.saturating_mul(block));
            if has_space(free, all, expected) { Ok(file) } else { Err(SpoolError::Full) }
        });
        let file: StdFile = begun.await.map_err(|error| SpoolError::Broken(error.to_string()))??;
        Ok(Spool { file: File::from_std(file), size: 0 })
    }
}

/// Whether enough is left for everything else.
const fn has_space(free: u64, all: u64, expected: u64) -> bool {
    free.saturating_sub(expected) > all / 100 * DISK_FREE_MIN_PERCENT
}

/// An upload.
#[derive(Debug)]
pub struct Spool {
    file: File,
    size: u64,
}

impl Spool {
    /// Its bytes so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds to its end.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub async fn add(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.file.write_all(bytes).await?;
        self.size = self.size.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// The next [`Spool::part`] is the first one.
    ///
    /// # Errors
    /// If the disk does not do it.
    pub async fn rewind(&mut self) -> Result<(), SpoolError> {
        // What was added is written by then.
        self.file.flush().await?;
        self.file.seek(SeekFrom::Start(0)).await?;
        Ok(())
    }

    /// The next bytes, as many or fewer only at the end.
    ///
    /// # Errors
    /// If the disk does not give them.
    pub async fn part(&mut self, most: usize) -> Result<Bytes, SpoolError> {
        let mut part = BytesMut::with_capacity(most.min(usize::try_from(self.size).unwrap_or(most)) + 1);
        while part.len() < most {
            let mut rest = (&mut self.file).take((most - part.len()) as u64);
            if rest.read_buf(&mut part).await? == 0 {
                break;
            }
        }
        Ok(part.freeze())
    }

    /// All of it, from the beginning.
    ///
    /// # Errors
    /// If the disk does not give it.
    pub async fn whole(&mut self) -> Result<Bytes, SpoolError> {
        self.rewind().await?;
        self.part(usize::try_from(self.size).unwrap_or(usize::MAX)).await
    }

    /// A second handle of it, at its beginning, for a program that reads it. Nothing may be read or added meanwhile.
    ///
    /// # Errors
    /// If there is none.
    pub async fn handle(&mut self) -> Result<StdFile, SpoolError> {
        self.rewind().await?;
        Ok(self.file.try_clone().await?.into_std().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_upload_is_read_as_it_was_written_and_has_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SpoolFolder::new(dir.path().join("uploads"));
        let mut spool = folder.begin(0).await.unwrap();
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
        for chunk in bytes.chunks(7_777) {
            spool.add(chunk).await.unwrap();
        }
        assert_eq!(spool.size(), 100_000);
        assert_eq!(spool.whole().await.unwrap(), bytes);
        spool.rewind().await.unwrap();
        assert_eq!(spool.part(10).await.unwrap(), bytes[..10]);
        assert_eq!(spool.part(100_000).await.unwrap(), bytes[10..]);
        assert_eq!(spool.part(10).await.unwrap().len(), 0);
        assert_eq!(std::fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0, "nothing to be found");
    }

    #[test]
    fn u03_a_disk_that_is_nearly_full_takes_no_uploads() {
        assert!(has_space(6, 100, 0) && !has_space(5, 100, 0) && !has_space(6, 100, 1) && !has_space(0, 0, 1));
    }
}
