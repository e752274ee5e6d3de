//! What a file is, as its first bytes say: what a sender calls it is only compared with that. Pure.

use rookery_store::file::name;

/// First bytes of a file that its kind is found by.
pub const HEAD_BYTES: usize = 4 * 1024;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its media type.
    pub media_type: &'static str,
    family: Family,
}

/// Kinds that may stand for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Picture,
    /// Sound and films, which share their containers.
    Media,
    Text,
    Document,
    Archive,
}

/// Pictures that are drawn anew.
const DRAWN: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

const fn kind(media_type: &'static str, family: Family) -> Kind {
    Kind { media_type, family }
}

/// Kinds by what they begin with, at which byte.
const MAGIC: [(usize, &[u8], Kind); 19] = [
    (0, b"\x89PNG\r\n\x1a\n", kind("image/png", Family::Picture)),
    (0, b"\xff\xd8\xff", kind("image/jpeg", Family::Picture)),
    (8, b"WEBP", kind("image/webp", Family::Picture)),
    (0, b"GIF87a", kind("image/gif", Family::Picture)),
    (0, b"GIF89a", kind("image/gif", Family::Picture)),
    (0, b"%PDF-", kind("application/pdf", Family::Document)),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", kind("application/x-ole-storage", Family::Document)),
    (0, b"ID3", kind("audio/mpeg", Family::Media)),
    (0, b"fLaC", kind("audio/flac", Family::Media)),
    (8, b"WAVE", kind("audio/wav", Family::Media)),
    (8, b"AVI ", kind("video/x-msvideo", Family::Media)),
    (0, b"PK\x03\x04", kind("application/zip", Family::Archive)),
    (0, b"PK\x05\x06", kind("application/zip", Family::Archive)),
    (0, b"\x1f\x8b\x08", kind("application/gzip", Family::Archive)),
    (0, b"7z\xbc\xaf\x27\x1c", kind("application/x-7z-compressed", Family::Archive)),
    (0, b"\xfd7zXZ\0", kind("application/x-xz", Family::Archive)),
    (0, b"BZh", kind("application/x-bzip2", Family::Archive)),
    (0, b"\x28\xb5\x2f\xfd", kind("application/zstd", Family::Archive)),
    (257, b"ustar", kind("application/x-tar", Family::Archive)),
];

/// Brands of containers that have a picture inside.
const PICTURE_BRANDS: [&[u8; 4]; 19] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"miaf",
    b"avif", b"avis", b"avio", b"avci", b"jpeg", b"j2ki", b"crx ",
];

/// What begins so is a program, whatever else it may be taken for.
const PROGRAMS: [&[u8]; 6] = [
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
];

/// What begins so is no text that is only read.
const MARKUP: [(&str, &str); 9] = [
    ("<!doctype html", "text/html"),
    ("<html", "text/html"),
    ("<head", "text/html"),
    ("<body", "text/html"),
    ("<script", "text/html"),
    ("<iframe", "text/html"),
    ("<svg", "image/svg+xml"),
    ("<!doctype svg", "image/svg+xml"),
    ("<?xml", "text/xml"),
];

impl Kind {
    /// What a file is that begins so; none if it is nothing that is taken.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        if PROGRAMS.iter().any(|magic| head.starts_with(magic)) {
            return None;
        }
        if let Some(kind) = container(head) {
            return Some(kind);
        }
        let is = |(at, magic): (usize, &[u8])| head.get(at..).is_some_and(|rest| rest.starts_with(magic));
        let riff = |at: usize| at != 8 || head.starts_with(b"RIFF");
        let found = MAGIC.iter().find(|(at, magic, _)| is((*at, magic)) && riff(*at));
        found.map(|(.., kind)| *kind).or_else(|| text(head))
    }

    /// Whether it is drawn anew.
    #[must_use]
    pub fn is_drawn(self) -> bool {
        DRAWN.contains(&self.media_type)
    }

    /// Whether somebody says of it what it is: by a media type, or by the ending of a name. Who says nothing of it is not wrong.
    #[must_use]
    pub fn agrees(self, media_type: Option<&str>, name: &str) -> bool {
        let ending = name::ending(name);
        let claims = [media_type.and_then(family_of_type), family_of_ending(&ending)];
        claims.into_iter().flatten().all(|claimed| self.may_be(claimed))
    }

    /// Documents of offices are archives.
    fn may_be(self, claimed: Family) -> bool {
        claimed == self.family || matches!((self.family, claimed), (Family::Archive | Family::Text, Family::Document))
    }
}

/// Whether a browser may show a file in the page: pictures that were drawn anew, sound and films. What has scripts never.
#[must_use]
pub fn is_shown_inline(media_type: &str) -> bool {
    DRAWN.contains(&media_type) || media_type.starts_with("audio/") || media_type.starts_with("video/")
}

/// Containers whose kind is inside.
fn container(head: &[u8]) -> Option<Kind> {
    let media = |media_type| Some(kind(media_type, Family::Media));
    if head.get(4..8) == Some(b"ftyp") {
        return match head.get(8..12) {
            _ if is_picture_in_boxes(head) => None,
            Some(b"M4A " | b"M4B ") => media("audio/mp4"),
            Some(b"qt  ") => media("video/quicktime"),
            _ => media("video/mp4"),
        };
    }
    if head.starts_with(b"OggS") {
        let is_film = head.windows(6).any(|part| part == b"theora");
        return media(if is_film { "video/ogg" } else { "audio/ogg" });
    }
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        let is_webm = head
            .iter()
            .take(64)
            .collect::<Vec<_>>()
            .windows(4)
            .any(|part| part == [&b'w', &b'e', &b'b', &b'm']);
        return media(if is_webm { "video/webm" } else { "video/x-matroska" });
    }
    // A frame of MPEG audio without a tag before it.
    let is_frame = matches!(head, [0xff, second, third, ..]
        if second & 0xe6 == 0xe2 && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c);
    if is_frame { media("audio/mpeg") } else { None }
}

/// Whether a container of boxes has a picture inside: HEIF, AVIF and pictures of cameras. We cannot draw them anew, and as they come
/// they say where they were taken.
fn is_picture_in_boxes(head: &[u8]) -> bool {
    let size = head.get(..4).and_then(|size| size.try_into().ok()).map(u32::from_be_bytes);
    let end = size
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(0)
        .clamp(12, head.len().max(12));
    // The brand, its version, and those that it is compatible with.
    let brands = head.get(8..end).unwrap_or_else(|| head.get(8..).unwrap_or_default());
    brands.chunks_exact(4).any(|brand| PICTURE_BRANDS.iter().any(|of| *of == brand))
}

fn text(head: &[u8]) -> Option<Kind> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let readable = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that the head cuts.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}');
    if !readable.chars().all(is_text) {
        return None;
    }
    let begins: String = readable.trim_start().chars().take(16).collect::<String>().to_lowercase();
    let markup = MARKUP.iter().find(|(tag, _)| begins.starts_with(tag)).map(|(_, media_type)| *media_type);
    let is_picture = markup == Some("text/xml") && readable.to_lowercase().contains("<svg");
    let media_type = if is_picture { "image/svg+xml" } else { markup.unwrap_or("text/plain") };
    Some(kind(media_type, Family::Text))
}

/// What somebody says by a media type; none if it says nothing.
fn family_of_type(given: &str) -> Option<Family> {
    let given = given.split(';').next().unwrap_or_default().trim().to_lowercase();
    let (kind, sub) = given.split_once('/')?;
    match (kind, sub) {
        ("image", "svg+xml") | ("text", _) | ("application", "json" | "xml" | "javascript" | "xhtml+xml") => {
            Some(Family::Text)
        }
        ("image", _) => Some(Family::Picture),
        ("audio" | "video", _) => Some(Family::Media),
        ("application", "pdf" | "msword" | "rtf") => Some(Family::Document),
        ("application", sub) if sub.starts_with("vnd.") => Some(Family::Document),
        ("application", "zip" | "gzip" | "x-tar" | "x-7z-compressed" | "x-xz" | "zstd") => Some(Family::Archive),
        _ => None,
    }
}

fn family_of_ending(ending: &str) -> Option<Family> {
    match ending {
        "png" | "jpg" | "jpeg" | "jpe" | "webp" | "gif" | "heic" | "heif" | "avif" | "bmp" | "tif" | "tiff" => {
            Some(Family::Picture)
        }
        "mp3" | "ogg" | "oga" | "opus" | "wav" | "flac" | "m4a" | "aac" | "mp4" | "m4v" | "webm" | "mkv" | "mov"
        | "avi" | "ogv" => Some(Family::Media),
        "pdf" | "doc" | "docx" | "xls" | "xlsx" | "ppt" | "pptx" | "odt" | "ods" | "odp" | "rtf" => {
            Some(Family::Document)
        }
        "zip" | "gz" | "tgz" | "tar" | "7z" | "xz" | "bz2" | "zst" => Some(Family::Archive),
        "txt" | "md" | "csv" | "json" | "xml" | "html" | "htm" | "svg" | "js" | "css" | "log" => Some(Family::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type(head: &[u8]) -> Option<&'static str> {
        Kind::of(head).map(|kind| kind.media_type)
    }

    #[test]
    fn files_are_what_their_bytes_say() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0rest", Some("image/jpeg")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"JUNK\0\0\0\0WEBPVP8 ", None),
            (b"GIF89a/*...*/=1;alert(1)", Some("image/gif")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (b"\0\0\0\x18ftypisom", Some("video/mp4")),
            (b"\0\0\0\x18ftypM4A ", Some("audio/mp4")),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", None),
            (b"\0\0\0\x18ftypisom\0\0\0\0mif1heic", None),
            (b"\0\0\0\x14ftypisom\0\0\0\0isomheic", Some("video/mp4")),
            (b"\0\0\0\x18ftypcrx ", None),
            (b"OggS\0\x02", Some("audio/ogg")),
            (b"\x1a\x45\xdf\xa3\0\0webm", Some("video/webm")),
            (b"PK\x03\x04", Some("application/zip")),
            (b"ID3\x04", Some("audio/mpeg")),
            (b"\xff\xfb\x90\x00", Some("audio/mpeg")),
            (b"  <!DOCTYPE html><script>", Some("text/html")),
            (b"<?xml version='1.0'?>\n<svg onload='x'/>", Some("image/svg+xml")),
            (b"<svg onload=alert(1)>", Some("image/svg+xml")),
            (b"alert(document.cookie)", Some("text/plain")),
            ("żółć".as_bytes(), Some("text/plain")),
            (b"", Some("text/plain")),
            (b"MZ\x90\0", None),
            (b"\x7fELF\x02", None),
            (b"\0\x01\x02\x03", None),
            (b"\xc3\x28", None),
        ] {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
        assert_eq!(media_type(&"é".as_bytes()[..1]), Some("text/plain"), "a character that is cut");
    }

    #[test]
    fn who_says_something_else_of_a_file_is_wrong() {
        let kind = |head: &[u8]| Kind::of(head).unwrap();
        let (png, html, zip, mp4) =
            (kind(b"\x89PNG\r\n\x1a\n"), kind(b"<html>"), kind(b"PK\x03\x04"), kind(b"\0\0\0\x18ftypisom"));
        for (kind, media_type, name, agrees) in [
            (png, Some("image/png"), "a.png", true),
            (png, Some("image/jpeg"), "a.jpg", true),
            (png, None, "picture", true),
            (png, Some("application/octet-stream"), "a", true),
            (png, Some("application/x-www-form-urlencoded"), "a.unknown", true),
            (png, Some("text/html"), "a.png", false),
            (png, Some("image/png"), "a.html", false),
            (html, Some("image/png"), "a", false),
            (html, None, "a.png", false),
            (html, Some("text/html; charset=utf-8"), "a.html", true),
            (zip, None, "report.docx", true),
            (zip, None, "a.mp4", false),
            (mp4, Some("audio/mp4"), "a.m4a", true),
        ] {
            assert_eq!(kind.agrees(media_type, name), agrees, "{kind:?} {media_type:?} {name}");
        }
    }

    #[test]
    fn only_what_runs_nothing_is_shown_in_a_page() {
        for shown in ["image/png", "image/jpeg", "audio/mpeg", "video/mp4"] {
            assert!(is_shown_inline(shown), "{shown}");
        }
        for kept in ["image/svg+xml", "text/html", "application/pdf", "text/plain", "application/zip"] {
            assert!(!is_shown_inline(kept), "{kept}");
        }
    }
}
