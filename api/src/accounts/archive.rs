//! A ZIP that is written in pieces: what is in memory is one page of rows and one piece, whatever the size of all.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_store::Exports;
use serde::Serialize;
use uuid::Uuid;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::jobs::JobError;
use crate::limits::EXPORT_PIECE_BYTES;

/// What was written and is not kept yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ZIP of JSON on its way into the store.
pub(super) struct Archive {
    exports: Arc<dyn Exports>,
    id: Uuid,
    zip: ZipWriter<StreamWriter<Written>>,
    written: Written,
    pieces: u32,
    bytes: u64,
    /// Whether the list that is being written has an item.
    has_items: bool,
}

impl Archive {
    pub(super) fn new(exports: Arc<dyn Exports>, id: Uuid) -> Self {
        let written = Written::default();
        let zip = ZipWriter::new_stream(written.clone());
        Self { exports, id, zip, written, pieces: 0, bytes: 0, has_items: false }
    }

    /// A whole file.
    pub(super) async fn file<T: Serialize + Sync>(&mut self, name: &str, content: &T) -> Result<(), JobError> {
        self.begin(name)?;
        serde_json::to_writer_pretty(&mut self.zip, content).map_err(broken)?;
        self.keep().await
    }

    /// A file that is a list, item by item.
    pub(super) fn begin_list(&mut self, name: &str) -> Result<(), JobError> {
        self.begin(name)?;
        self.has_items = false;
        self.zip.write_all(b"[").map_err(broken)
    }

    /// An item of the list.
    pub(super) fn item<T: Serialize>(&mut self, item: &T) -> Result<(), JobError> {
        let between: &[u8] = if self.has_items { b",\n" } else { b"\n" };
        self.zip.write_all(between).map_err(broken)?;
        self.has_items = true;
        serde_json::to_writer(&mut self.zip, item).map_err(broken)
    }

    /// The end of the list.
    pub(super) fn end_list(&mut self) -> Result<(), JobError> {
        self.zip.write_all(b"\n]\n").map_err(broken)
    }

    /// Puts into the store what is enough for a piece.
    pub(super) async fn keep(&mut self) -> Result<(), JobError> {
        while self.written.0.lock().len() >= EXPORT_PIECE_BYTES {
            let piece: Vec<u8> = self.written.0.lock().drain(..EXPORT_PIECE_BYTES).collect();
            self.put(&piece).await?;
        }
        Ok(())
    }

    /// Puts the rest into the store; how many pieces and bytes there are.
    pub(super) async fn finish(mut self) -> Result<(u32, u64), JobError> {
        self.keep().await?;
        let Self { exports, id, zip, written, pieces, bytes, .. } = self;
        zip.finish().map_err(broken)?;
        let last = std::mem::take(&mut *written.0.lock());
        exports.put_piece(id, pieces, &last).await?;
        Ok((pieces + 1, bytes + u64::try_from(last.len()).unwrap_or(0)))
    }

    fn begin(&mut self, name: &str) -> Result<(), JobError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
            .unix_permissions(0o600);
        self.zip.start_file(name, options).map_err(broken)
    }

    async fn put(&mut self, piece: &[u8]) -> Result<(), JobError> {
        self.exports.put_piece(self.id, self.pieces, piece).await?;
        self.pieces += 1;
        self.bytes += u64::try_from(piece.len()).unwrap_or(0);
        Ok(())
    }
}

fn broken(error: impl std::error::Error) -> JobError {
    JobError::Again(format!("the archive: {error}"))
}
