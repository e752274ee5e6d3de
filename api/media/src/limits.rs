//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

/// Pictures that one process decodes at a time: each may take 200 MB for a moment and a processor for a second.
pub const PICTURES_AT_ONCE: usize = 2;
/// Pictures that one process receives or has waiting, beside those; beyond it they are refused.
pub const PICTURES_WAITING_MAX: usize = 14;
/// How long a picture waits for its turn.
pub const PICTURE_WAIT: Duration = Duration::from_secs(10);
/// Pixels of one side of a picture.
pub const PICTURE_SIDE_MAX: u32 = 8_192;
/// Pixels of a picture: what telephones take, and not much more.
pub const PICTURE_PIXELS_MAX: u64 = 26_000_000;
/// Bytes that a decoder may take for one.
pub const PICTURE_MEMORY_MAX: u64 = 160 * 1024 * 1024;
/// Frames of a picture that moves.
pub const ANIMATION_FRAMES_MAX: usize = 2_000;
/// Pixels of all frames of a picture that moves: some seconds of a processor.
pub const ANIMATION_PIXELS_MAX: u64 = 400_000_000;
/// How long one request to the object store may take.
pub const OBJECT_DEADLINE: Duration = Duration::from_secs(10);
/// How often such a request is made before it has failed.
pub const OBJECT_ATTEMPTS_MAX: usize = 3;
/// Bytes of a name in the object store.
pub const OBJECT_NAME_BYTES_MAX: usize = 200;
/// Connections to the object store that are kept while nobody uses them.
pub const OBJECT_IDLE_MAX: usize = 8;
/// How long they are kept.
pub const OBJECT_IDLE: Duration = Duration::from_secs(30);
/// Bytes that are put into the object store at once: what is larger goes there in such parts.
pub const OBJECT_PART_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of an uploaded picture that is drawn.
pub const PICTURE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Pixels of the longer side of a small picture.
pub const THUMBNAIL_SIDE_MAX: u32 = 320;
/// Of the space of a disk, in hundredths: what is left to everything else when uploads are refused.
pub const DISK_FREE_MIN_PERCENT: u64 = 5;
