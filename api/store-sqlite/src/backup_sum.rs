//! The sum at the end of a copy. SQLite reads no further than its own pages, and its own check sees only what breaks their order.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rookery_store::summed::{SUM_BYTES, Summed};

const MARK: &[u8; 16] = b"rookery backup\n\0";
const END_BYTES: usize = MARK.len() + SUM_BYTES;
/// The smallest page of SQLite; the end is none, so a file with one has another length.
const PAGE_BYTES_MIN: u64 = 512;

/// Writes the sum of a whole file behind it.
pub(super) fn seal(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let mut summed = Summed::new(&mut file);
    io::copy(&mut summed, &mut io::sink())?;
    let (_, sum) = summed.finish();
    file.write_all(&[&MARK[..], &sum].concat())?;
    file.sync_all()
}

/// How many bytes of a file are the database; none if the file is not as it was written. Copies of older programs have no sum.
pub(super) fn checked(path: &Path) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let all = file.metadata()?.len();
    let Some(length) = all.checked_sub(u64::try_from(END_BYTES).unwrap_or(0)) else { return Ok(None) };
    if all.is_multiple_of(PAGE_BYTES_MIN) {
        return Ok(Some(all));
    }
    let mut summed = Summed::new((&mut file).take(length));
    io::copy(&mut summed, &mut io::sink())?;
    let (_, sum) = summed.finish();
    let mut end = [0; END_BYTES];
    file.seek(SeekFrom::Start(length))?;
    file.read_exact(&mut end)?;
    Ok((end[..] == [&MARK[..], &sum].concat()[..]).then_some(length))
}
