//! What a full disk looks like to the database: an error of input or output, which says nothing about disks.

use std::path::Path;

use rookery_store::StoreError;

/// Bytes below which a disk is called full: the database needs some for its log and the index of that.
const FREE_BYTES_MIN: u64 = 1024 * 1024;

/// Says of an error which disk is full, if one is.
pub(super) fn explained(error: StoreError, file: &Path) -> StoreError {
    let StoreError::Unavailable(cause) = error else { return error };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let free = rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    StoreError::Unavailable(match free {
        Ok(free) if free < FREE_BYTES_MIN => {
            format!("the disk of {} is full, {free} bytes are free: {cause}", folder.display())
        }
        Ok(_) | Err(_) => cause,
    })
}
