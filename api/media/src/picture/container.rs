//! Whether a file is a picture from its first byte to its last. A decoder stops where the picture ends; what lies behind is
//! another file, for programs that look from the end, and nobody who draws a picture puts one there.

use image::ImageFormat;

use super::PictureError;

/// Refuses a picture with something behind it. JPEG has no length: its end is the last marker, and telephones append their own
/// data to it, which is not drawn.
pub(super) fn check(bytes: &[u8], format: ImageFormat) -> Result<(), PictureError> {
    let end = if format == ImageFormat::Png {
        png_end(bytes)
    } else if format == ImageFormat::WebP {
        webp_end(bytes)
    } else {
        return Ok(());
    };
    match end {
        Some(end) if end == bytes.len() => Ok(()),
        Some(end) if end < bytes.len() => Err(PictureError::Broken("something follows the picture".to_owned())),
        _ => Err(PictureError::Broken("the picture is cut off".to_owned())),
    }
}

/// Where the last chunk ends (ISO/IEC 15948 §5.3).
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8_usize;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let kind = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(12)?.checked_add(usize::try_from(length).ok()?)?;
        if kind == b"IEND" || at > bytes.len() {
            return Some(at);
        }
    }
}

/// Where the RIFF file ends, its padding included.
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let size = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    Some(8 + size + size % 2)
}
