//! Safe pictures out of what people upload.
//!
//! What comes out was drawn anew from pixels: no metadata, no second file behind the picture, no size that was not asked for.
//! Decoding happens beside the async threads, and its pixels and memory are bounded before it begins.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::limits::{
    PICTURE_MEMORY_MAX, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, PICTURE_WAIT, PICTURES_AT_ONCE, PICTURES_WAITING_MAX,
    THUMBNAIL_SIDE_MAX,
};

mod animation;
mod container;

/// Of 100.
const JPEG_QUALITY: u8 = 85;

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Neither PNG nor JPEG nor WebP.
    #[error("not a PNG, JPEG or WebP picture")]
    Kind,
    /// It has more pixels than are drawn.
    #[error("too many pixels")]
    Pixels,
    /// It is cut off or broken, or is something else as well.
    #[error("broken: {0}")]
    Broken(String),
    /// Too many others are being drawn.
    #[error("too many pictures at once")]
    Busy,
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    /// With transparency.
    Png,
    /// Without.
    Jpeg,
    /// One that may move.
    Gif,
}

/// Draws pictures, so many at a time. Cheap to clone.
#[derive(Clone)]
pub struct Pictures {
    places: Arc<Semaphore>,
    decoders: Arc<Semaphore>,
}

/// A place among those who wait; to be taken before a picture is received.
pub struct PicturePlace(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Default for Pictures {
    fn default() -> Self {
        let places = Arc::new(Semaphore::new(PICTURES_AT_ONCE + PICTURES_WAITING_MAX));
        Self { places, decoders: Arc::new(Semaphore::new(PICTURES_AT_ONCE)) }
    }
}

impl Pictures {
    /// A place for one more.
    ///
    /// # Errors
    /// [`PictureError::Busy`] if there is none.
    pub fn enter(&self) -> Result<PicturePlace, PictureError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(PicturePlace).map_err(|_| PictureError::Busy)
    }

    /// The middle of a picture as squares with these sides, in pixels.
    ///
    /// # Errors
    /// If it is no picture, or none that is drawn.
    pub async fn squares(
        &self,
        place: PicturePlace,
        bytes: Bytes,
        sides: &'static [u32],
    ) -> Result<Vec<Bytes>, PictureError> {
        self.draw(place, move || squares(&bytes, sides)).await
    }
}

/// A picture that was drawn anew.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The whole picture.
    pub picture: Bytes,
    /// From left to right, in pixels.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
    /// The whole picture again, with at most [`THUMBNAIL_SIDE_MAX`] pixels a side.
    pub thumbnail: Bytes,
}

impl Pictures {
    /// The picture drawn anew, in its size and in a small one.
    ///
    /// # Errors
    /// If it is no picture, or none that is drawn.
    pub async fn redraw(&self, place: PicturePlace, bytes: Bytes) -> Result<Drawn, PictureError> {
        self.draw(place, move || redrawn(&bytes)).await
    }

    async fn draw<T: Send + 'static>(
        &self,
        place: PicturePlace,
        draw: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
    ) -> Result<T, PictureError> {
        let turn = timeout(PICTURE_WAIT, Arc::clone(&self.decoders).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(PictureError::Busy)?;
        // The place and the turn are given back by the thread: who no longer waits does not make it faster.
        let drawn = spawn_blocking(move || {
            let drawn = draw();
            drop((place, turn));
            drawn
        });
        drawn.await.map_err(|_| PictureError::Broken("the decoder failed".to_owned()))?
    }
}

/// The picture drawn anew. Takes a thread for as long as it draws; servers call [`Pictures::redraw`].
///
/// # Errors
/// If it is no picture, or none that is drawn.
pub fn redrawn(bytes: &[u8]) -> Result<Drawn, PictureError> {
    if matches!(image::guess_format(bytes), Ok(ImageFormat::Gif)) {
        return animation::redrawn(bytes);
    }
    let picture = decode(bytes)?;
    let (width, height) = (picture.width(), picture.height());
    // What was without loss stays so: screens and drawings look bad otherwise.
    let is_lossless = matches!(image::guess_format(bytes), Ok(ImageFormat::Png));
    let write = |picture: &DynamicImage| if is_lossless { encode_lossless(picture) } else { encode(picture) };
    let whole = write(&picture)?;
    let thumbnail = if width.max(height) > THUMBNAIL_SIDE_MAX {
        write(&picture.resize(THUMBNAIL_SIDE_MAX, THUMBNAIL_SIDE_MAX, FilterType::CatmullRom))?
    } else {
        whole.clone()
    };
    Ok(Drawn { picture: whole, width, height, thumbnail })
}

/// How a picture of ours was written.
pub fn kind_of(ours: &[u8]) -> PictureKind {
    if ours.starts_with(&[0x89, b'P', b'N', b'G']) {
        PictureKind::Png
    } else if ours.starts_with(b"GIF8") {
        PictureKind::Gif
    } else {
        PictureKind::Jpeg
    }
}

impl PictureKind {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
        }
    }
}

/// The middle of a picture as squares with these sides, in pixels. Takes a thread for as long as it draws; servers call
/// [`Pictures::squares`].
///
/// # Errors
/// If it is no picture, or none that is drawn.
pub fn squares(bytes: &[u8], sides: &[u32]) -> Result<Vec<Bytes>, PictureError> {
    let picture = decode(bytes)?;
    let mut drawn: Option<DynamicImage> = None;
    let mut written = Vec::with_capacity(sides.len());
    for side in sides {
        // Smaller ones are made of the first.
        let square = drawn.as_ref().unwrap_or(&picture).resize_to_fill(*side, *side, FilterType::CatmullRom);
        written.push(encode(&square)?);
        drawn.get_or_insert(square);
    }
    Ok(written)
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let refused = |error: ImageError| {
        if matches!(error, ImageError::Limits(_)) {
            PictureError::Pixels
        } else {
            PictureError::Broken(error.to_string())
        }
    };
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) = image::guess_format(bytes) else {
        return Err(PictureError::Kind);
    };
    container::check(bytes, format)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX || decoder.total_bytes() > PICTURE_MEMORY_MAX {
        return Err(PictureError::Pixels);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn encode(picture: &DynamicImage) -> Result<Bytes, PictureError> {
    if picture.color().has_alpha() {
        return encode_lossless(picture);
    }
    let mut bytes = Vec::new();
    let plain = DynamicImage::ImageRgb8(picture.to_rgb8());
    let written = plain.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY));
    written.map_err(|error| PictureError::Broken(error.to_string()))?;
    Ok(bytes.into())
}

fn encode_lossless(picture: &DynamicImage) -> Result<Bytes, PictureError> {
    let plain = if picture.color().has_alpha() {
        DynamicImage::ImageRgba8(picture.to_rgba8())
    } else {
        DynamicImage::ImageRgb8(picture.to_rgb8())
    };
    let mut bytes = Vec::new();
    let written = plain.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
    written.map_err(|error| PictureError::Broken(error.to_string()))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
