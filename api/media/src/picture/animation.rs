//! GIF pictures, which may move: every frame is unpacked and packed again as it is, without comments, without what programs
//! have put beside the frames, and without what follows them.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, Encoder, Frame, MemoryLimit};
use image::imageops::FilterType;
use image::{DynamicImage, Rgba, RgbaImage};

use super::{Drawn, PictureError, encode_lossless};
use crate::limits::{
    ANIMATION_FRAMES_MAX, ANIMATION_PIXELS_MAX, PICTURE_MEMORY_MAX, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX,
    THUMBNAIL_SIDE_MAX,
};

/// The picture with all of its frames, and a small one of the first.
pub(super) fn redrawn(bytes: &[u8]) -> Result<Drawn, PictureError> {
    let mut decoder = opened(bytes)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    let is_large = width.max(height) > PICTURE_SIDE_MAX || u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX;
    if is_large {
        return Err(PictureError::Pixels);
    }
    let palette = decoder.global_palette().map(<[u8]>::to_vec).unwrap_or_default();
    let mut first = None;
    let mut picture = Vec::new();
    let mut encoder =
        Encoder::new(&mut picture, decoder.width(), decoder.height(), &palette).map_err(|error| broken(&error))?;
    let (mut frames, mut pixels) = (0_usize, 0_u64);
    loop {
        // How often it is repeated stands before the first frame.
        let frame = decoder.read_next_frame().map_err(|error| broken(&error))?.cloned();
        let Some(mut frame) = frame else { break };
        frames += 1;
        pixels += u64::from(frame.width) * u64::from(frame.height);
        if frames > ANIMATION_FRAMES_MAX || pixels > ANIMATION_PIXELS_MAX {
            return Err(PictureError::Pixels);
        }
        // It was put in order when it was unpacked.
        frame.interlaced = false;
        if first.is_none() {
            encoder.set_repeat(decoder.repeat()).map_err(|error| broken(&error))?;
            first = Some(shown(&frame, &palette, width, height)?);
        }
        encoder.write_frame(&frame).map_err(|error| broken(&error))?;
    }
    drop(encoder);
    let first = first.ok_or_else(|| PictureError::Broken("it has no frame".to_owned()))?;
    let is_small = width.max(height) <= THUMBNAIL_SIDE_MAX;
    let small = if is_small {
        first
    } else {
        first.resize(THUMBNAIL_SIDE_MAX, THUMBNAIL_SIDE_MAX, FilterType::CatmullRom)
    };
    Ok(Drawn { picture: picture.into(), width, height, thumbnail: encode_lossless(&small)? })
}

fn opened(bytes: &[u8]) -> Result<Decoder<Cursor<&[u8]>>, PictureError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    let most = NonZeroU64::new(PICTURE_MEMORY_MAX).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes);
    options.set_memory_limit(most);
    options.read_info(Cursor::new(bytes)).map_err(|error| broken(&error))
}

/// A frame on the picture as one sees it.
fn shown(frame: &Frame<'_>, palette: &[u8], width: u32, height: u32) -> Result<DynamicImage, PictureError> {
    let colours = frame.palette.as_deref().unwrap_or(palette);
    let mut canvas = RgbaImage::new(width, height);
    let across = usize::from(frame.width).max(1);
    for (row, indices) in (0_u32..).zip(frame.buffer.chunks(across)) {
        for (column, index) in (0_u32..).zip(indices) {
            if frame.transparent == Some(*index) {
                continue;
            }
            let at = usize::from(*index) * 3;
            let Some([red, green, blue]) = colours.get(at..at + 3) else {
                return Err(PictureError::Broken("a colour that is none".to_owned()));
            };
            let place = canvas.get_pixel_mut_checked(u32::from(frame.left) + column, u32::from(frame.top) + row);
            let place = place.ok_or_else(|| PictureError::Broken("a frame beside the picture".to_owned()))?;
            *place = Rgba([*red, *green, *blue, u8::MAX]);
        }
    }
    Ok(canvas.into())
}

fn broken(error: &dyn std::error::Error) -> PictureError {
    PictureError::Broken(error.to_string())
}
