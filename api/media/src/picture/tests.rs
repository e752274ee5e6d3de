//! Pictures that people upload, and files that are none.

use image::{GenericImageView as _, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

const SIDES: &[u32] = &[512, 64];

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Red on the left, blue on the right.
fn two_halves(width: u32, height: u32) -> DynamicImage {
    let color = |x: u32| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
    RgbImage::from_fn(width, height, |x, _| color(x)).into()
}

#[test]
fn every_kind_is_drawn_anew_in_both_sizes() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let drawn = squares(&encoded(&two_halves(300, 200), format), SIDES).unwrap();
        for (bytes, side) in drawn.iter().zip(SIDES) {
            let picture = image::load_from_memory(bytes).unwrap();
            assert_eq!(picture.dimensions(), (*side, *side), "{format:?}");
            let Rgba([red, _, blue, _]) = picture.get_pixel(2, side / 2);
            assert!(red > 200 && blue < 60, "{format:?}: {red} {blue}");
            assert_eq!(kind_of(bytes), PictureKind::Jpeg);
        }
    }
}

#[test]
fn transparency_stays() {
    let clear: DynamicImage = RgbaImage::from_pixel(80, 80, Rgba([1, 2, 3, 0])).into();
    let drawn = squares(&encoded(&clear, ImageFormat::Png), SIDES).unwrap();
    assert_eq!(kind_of(&drawn[0]), PictureKind::Png);
    assert_eq!(image::load_from_memory(&drawn[0]).unwrap().get_pixel(9, 9)[3], 0);
}

/// A chunk that is not shown.
fn with_text(png: &[u8], text: &[u8]) -> Vec<u8> {
    let mut chunk = b"tEXt".to_vec();
    chunk.extend(text);
    let mut bytes = png[..33].to_vec();
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(&chunk);
    bytes.extend(crc32(&chunk).to_be_bytes());
    bytes.extend(&png[33..]);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn no_metadata_is_left() {
    let secret = b"Comment\0taken at home".as_slice();
    let png = with_text(&encoded(&two_halves(90, 90), ImageFormat::Png), secret);
    assert!(png.windows(13).any(|part| part == b"taken at home"));
    for bytes in squares(&png, SIDES).unwrap() {
        assert!(!bytes.windows(13).any(|part| part == b"taken at home"));
    }
}

#[test]
fn pictures_are_turned_as_their_camera_says() {
    // An Exif block of one entry: orientation 6, to be turned by 90 degrees.
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let jpeg = encoded(&two_halves(200, 200), ImageFormat::Jpeg);
    let mut turned = jpeg[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    turned.extend(exif);
    turned.extend(&jpeg[2..]);
    let drawn = image::load_from_memory(&squares(&turned, SIDES).unwrap()[0]).unwrap();
    let (top, bottom) = (drawn.get_pixel(256, 20), drawn.get_pixel(256, 490));
    assert!(top[0] > 200 && bottom[2] > 200, "{top:?} {bottom:?}");
}

#[test]
fn files_that_are_no_pictures_are_refused() {
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;".as_slice();
    for bytes in [b"".as_slice(), b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", gif, b"%PDF-1.7", b"\x89PNG"] {
        assert_eq!(squares(bytes, SIDES), Err(PictureError::Kind), "{bytes:?}");
    }
}

#[test]
fn what_is_cut_off_or_followed_by_another_file_is_refused() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let whole = encoded(&two_halves(120, 120), format);
        for end in [12, 30, whole.len() / 2, whole.len() - 1] {
            let cut = squares(&whole[..end], SIDES);
            assert!(matches!(cut, Err(PictureError::Broken(_) | PictureError::Kind)), "{format:?} {end}");
        }
        let mut polyglot = whole.clone();
        polyglot.extend(b"PK\x03\x04<script>alert(1)</script>");
        match squares(&polyglot, SIDES) {
            Err(PictureError::Broken(_)) if format != ImageFormat::Jpeg => {}
            Ok(drawn) if format == ImageFormat::Jpeg => {
                assert!(drawn.iter().all(|bytes| !bytes.windows(8).any(|part| part == b"<script>")));
            }
            other => panic!("{format:?}: {other:?}"),
        }
    }
}

/// A PNG of one chunk of pixels that says it is larger than it is.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(&two_halves(8, 8), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    for (width, height) in [(8_193, 1), (1, 8_193), (8_000, 8_000), (u32::MAX >> 1, u32::MAX >> 1), (60_000, 60_000)] {
        assert_eq!(squares(&bomb(width, height), SIDES), Err(PictureError::Pixels), "{width} x {height}");
    }
    assert!(matches!(squares(&bomb(4_000, 4_000), SIDES), Err(PictureError::Broken(_))), "it has no such pixels");
    assert!(squares(&bomb(0, 8), SIDES).is_err());
}

#[tokio::test]
async fn only_so_many_wait() {
    let pictures = Pictures::default();
    let mut places: Vec<_> = (0..PICTURES_AT_ONCE + PICTURES_WAITING_MAX).map(|_| pictures.enter().unwrap()).collect();
    assert!(matches!(pictures.enter(), Err(PictureError::Busy)));
    let bytes = Bytes::from(encoded(&two_halves(20, 20), ImageFormat::Png));
    let drawn = pictures.squares(places.pop().unwrap(), bytes, SIDES).await.unwrap();
    assert_eq!(drawn.len(), 2);
    assert!(pictures.enter().is_ok(), "its place is free again");
}

#[test]
fn a_whole_picture_keeps_its_size_and_gets_a_small_one() {
    for (format, kind) in [
        (ImageFormat::Png, PictureKind::Png),
        (ImageFormat::Jpeg, PictureKind::Jpeg),
        (ImageFormat::WebP, PictureKind::Jpeg),
    ] {
        let drawn = redrawn(&encoded(&two_halves(800, 200), format)).unwrap();
        assert_eq!((drawn.width, drawn.height, kind_of(&drawn.picture)), (800, 200, kind), "{format:?}");
        assert_eq!(image::load_from_memory(&drawn.picture).unwrap().dimensions(), (800, 200));
        assert_eq!(image::load_from_memory(&drawn.thumbnail).unwrap().dimensions(), (320, 80));
        assert_eq!(kind_of(&drawn.thumbnail), kind);
        let small = redrawn(&encoded(&two_halves(20, 10), format)).unwrap();
        assert_eq!(image::load_from_memory(&small.thumbnail).unwrap().dimensions(), (20, 10));
    }
}

/// Two frames, of which the second is smaller, with a comment, a location and something behind it.
fn moving(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [255, 0, 0, 0, 0, 255, 9, 9, 9];
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &palette).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    encoder.write_raw_extension(gif::AnyExtension(0xfe), &[b"GPS 52.5200 13.4050"]).unwrap();
    encoder
        .write_raw_extension(gif::AnyExtension(0xff), &[b"XMP DataXMP", b"GPS 52.5200 13.4050"])
        .unwrap();
    let whole = vec![0; usize::from(width) * usize::from(height)];
    encoder
        .write_frame(&gif::Frame { width, height, buffer: whole.into(), delay: 7, ..gif::Frame::default() })
        .unwrap();
    let part = gif::Frame { left: 1, top: 2, width: 2, height: 1, transparent: Some(2), ..gif::Frame::default() };
    encoder.write_frame(&gif::Frame { buffer: vec![1, 2].into(), delay: 9, ..part }).unwrap();
    drop(encoder);
    bytes.extend(b"<script>alert(1)</script>");
    bytes
}

#[test]
fn a_picture_that_moves_goes_on_moving_and_has_nothing_beside() {
    let drawn = redrawn(&moving(400, 100)).unwrap();
    assert_eq!((drawn.width, drawn.height, kind_of(&drawn.picture)), (400, 100, PictureKind::Gif));
    for secret in [&b"GPS"[..], b"XMP", b"<script>"] {
        assert!(!drawn.picture.windows(secret.len()).any(|part| part == secret));
    }
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(&*drawn.picture).unwrap();
    let first = decoder.read_next_frame().unwrap().unwrap().clone();
    assert_eq!((first.width, first.height, first.delay, first.buffer.len()), (400, 100, 7, 40_000));
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    let second = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!((second.left, second.top, second.delay, second.transparent), (1, 2, 9, Some(2)));
    assert_eq!(&*second.buffer, [1, 2]);
    assert!(decoder.read_next_frame().unwrap().is_none());
    let small = image::load_from_memory(&drawn.thumbnail).unwrap();
    assert_eq!((small.dimensions(), kind_of(&drawn.thumbnail)), ((320, 80), PictureKind::Png));
    assert_eq!(small.to_rgb8().get_pixel(9, 9).0, [255, 0, 0]);
}

#[test]
fn moving_pictures_are_bounded_and_whole() {
    assert!(matches!(redrawn(&moving(8_193, 2)), Err(PictureError::Pixels)));
    let whole = moving(40, 30);
    for end in 0..whole.len() - 26 {
        let cut = redrawn(&whole[..end]);
        assert!(!matches!(cut, Err(PictureError::Pixels | PictureError::Busy)), "{end}");
    }
    // A script that begins like a picture; as a picture it is 10,799 pixels wide.
    assert!(redrawn(b"GIF89a/*\0\0\0\0*/=1;alert(1)").is_err());
    let mut many = Vec::new();
    let mut encoder = gif::Encoder::new(&mut many, 1, 1, &[0, 0, 0]).unwrap();
    for _ in 0..=crate::limits::ANIMATION_FRAMES_MAX {
        encoder
            .write_frame(&gif::Frame { width: 1, height: 1, buffer: vec![0].into(), ..gif::Frame::default() })
            .unwrap();
    }
    drop(encoder);
    assert!(matches!(redrawn(&many), Err(PictureError::Pixels)));
}
