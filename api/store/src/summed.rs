//! The sum of a backup: what tells that a file is as it was written.

use std::io::{self, Read, Write};

use ring::digest::{Context, SHA256};

/// Bytes of a sum.
pub const SUM_BYTES: usize = 32;

/// Passes bytes on, and sums them up by SHA-256.
pub struct Summed<T> {
    inner: T,
    sum: Context,
}

impl<T> Summed<T> {
    /// Around what is written to or read from.
    pub fn new(inner: T) -> Self {
        Self { inner, sum: Context::new(&SHA256) }
    }

    /// What was inside, and the sum of what has passed.
    pub fn finish(self) -> (T, [u8; SUM_BYTES]) {
        let mut sum = [0; SUM_BYTES];
        sum.copy_from_slice(self.sum.finish().as_ref());
        (self.inner, sum)
    }
}

impl<T: Write> Write for Summed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.sum.update(&bytes[..read]);
        Ok(read)
    }
}
