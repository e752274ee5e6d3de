//! Whether a file is a picture from its first byte to its last. A decoder stops where the picture ends; what lies behind is
//! another file, for programs that look from the end, and nobody who draws a picture puts one there.

use image::ImageFormat;

use super::PictureError;

/// Refuses a picture that is cut off, or has something behind it. JPEG has no length: its end is a marker, and telephones append
/// their own data to it, which is not drawn.
pub(super) fn check(bytes: &[u8], format: ImageFormat) -> Result<(), PictureError> {
    let end = if format == ImageFormat::Png {
        png_end(bytes)
    } else if format == ImageFormat::WebP {
        webp_end(bytes)
    } else {
        let has_end = jpeg_has_end(bytes).unwrap_or(false);
        return if has_end { Ok(()) } else { Err(cut_off()) };
    };
    match end {
        Some(end) if end == bytes.len() => Ok(()),
        Some(end) if end < bytes.len() => Err(PictureError::Broken("something follows the picture".to_owned())),
        _ => Err(cut_off()),
    }
}

fn cut_off() -> PictureError {
    PictureError::Broken("the picture is cut off".to_owned())
}

/// Whether a marker ends it (ITU-T T.81 §B.1). Its decoder would draw what is missing grey. None if it ends before.
fn jpeg_has_end(bytes: &[u8]) -> Option<bool> {
    let mut at = 2_usize;
    loop {
        // Behind a scan come its bits; a byte that is 255 among them is followed by 0, or is a marker of the scan itself.
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, 0xd9) => return Some(true),
            (0xff, _) => {
                let length = u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?);
                at += 2 + usize::from(length);
            }
            _ => at += 1,
        }
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
