//! The one field of a form that is a file (RFC 7578), read as it comes: nothing of it is kept but a piece.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use rookery_protocol::error_code::ErrorCode;

use super::body::{Incoming, broken_off};
use crate::error::ApiError;

/// The field that is the file.
const FIELD: &str = "file";
/// Bytes of a boundary (RFC 2046 §5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// Bytes of the head of a field.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Fields that are looked at before the file.
const FIELDS_MAX: usize = 8;
/// Bytes of what a form has beside its file: other fields, and what is around them.
pub(super) const BESIDE_BYTES_MAX: u64 = 64 * 1024;

/// A form, from its file on.
pub(super) struct FormFile {
    incoming: Incoming,
    buffer: BytesMut,
    /// What ends the field: the end of a line, and the boundary.
    delimiter: Vec<u8>,
    is_done: bool,
    /// What the sender calls it.
    pub(super) name: Option<String>,
    /// What the sender says that it is.
    pub(super) media_type: Option<String>,
}

/// The file of a form that is there as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeFile {
    /// Its bytes.
    pub content: Vec<u8>,
    /// What the sender calls it.
    pub name: Option<String>,
    /// What the sender says that it is.
    pub media_type: Option<String>,
}

/// The file of a form that comes in pieces of this length.
///
/// # Errors
/// As for one that comes over the network.
pub async fn read_in_pieces(form: &[u8], boundary: &str, piece: usize) -> Result<WholeFile, ApiError> {
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        form.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let incoming = Incoming::new(Body::from_stream(stream::iter(pieces)), form.len() as u64);
    let mut form = FormFile::begin(incoming, boundary).await?;
    let mut content = Vec::new();
    while let Some(piece) = form.piece().await? {
        content.extend_from_slice(&piece);
    }
    form.finish().await?;
    Ok(WholeFile { content, name: form.name, media_type: form.media_type })
}

/// The boundary of a form; none if it is no form.
///
/// # Errors
/// If it is a form without one.
pub(super) fn boundary(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(given) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let (kind, parameters) = given.split_once(';').unwrap_or((given, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    let boundary = parameter(parameters, "boundary").filter(|boundary| {
        (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len())
            && boundary.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    });
    boundary.map(Some).ok_or_else(|| bad("the form has no boundary"))
}

impl FormFile {
    /// Reads a form up to the beginning of its file.
    ///
    /// # Errors
    /// If it has none, or is no form.
    pub(super) async fn begin(incoming: Incoming, boundary: &str) -> Result<Self, ApiError> {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first boundary stands at the beginning of a line, too.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let mut form = Self { incoming, buffer, delimiter, is_done: false, name: None, media_type: None };
        let mut beside = 0;
        for _ in 0..=FIELDS_MAX {
            // What is before a boundary is nobody's, or the content of a field that is not wanted.
            while let Some(skipped) = form.piece().await? {
                beside += skipped.len() as u64;
                if beside > BESIDE_BYTES_MAX {
                    return Err(bad("the form has more beside its file than it may"));
                }
            }
            form.is_done = false;
            let head = form.head().await?;
            let disposition = head.iter().find_map(|line| line.strip_prefix("content-disposition:"));
            let disposition = disposition.ok_or_else(|| bad("a field of the form has no name"))?;
            if parameter(disposition.value, "name").as_deref() == Some(FIELD) {
                form.name = parameter(disposition.value, "filename");
                form.media_type = head
                    .iter()
                    .find_map(|line| line.strip_prefix("content-type:"))
                    .map(|line| line.value.trim().to_owned());
                return Ok(form);
            }
        }
        Err(bad("the form has too many fields before its file"))
    }

    /// The next piece of the field; none at its end.
    ///
    /// # Errors
    /// If the body ends before the field does.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.is_done {
            return Ok(None);
        }
        loop {
            if let Some(at) = position(&self.buffer, &self.delimiter) {
                let piece = self.buffer.split_to(at).freeze();
                let _delimiter = self.buffer.split_to(self.delimiter.len());
                self.is_done = true;
                return Ok((!piece.is_empty()).then_some(piece));
            }
            // What may be the beginning of the delimiter waits for the rest of it.
            let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.fill().await?;
        }
    }

    /// Reads on behind the file, to the end of the form.
    ///
    /// # Errors
    /// If the form does not come to its end, or has another file.
    pub(super) async fn finish(&mut self) -> Result<(), ApiError> {
        let mut beside = 0;
        for _ in 0..=FIELDS_MAX {
            while self.buffer.len() < 2 {
                self.fill().await?;
            }
            if self.buffer.starts_with(b"--") {
                return Ok(());
            }
            let head = self.head().await?;
            let disposition = head.iter().find_map(|line| line.strip_prefix("content-disposition:"));
            if disposition.is_some_and(|line| parameter(line.value, "name").as_deref() == Some(FIELD)) {
                return Err(bad("the form has two fields `file`"));
            }
            self.is_done = false;
            while let Some(skipped) = self.piece().await? {
                beside += skipped.len() as u64;
                if beside > BESIDE_BYTES_MAX {
                    return Err(bad("the form has more beside its file than it may"));
                }
            }
        }
        Err(bad("the form has too many fields behind its file"))
    }

    async fn fill(&mut self) -> Result<(), ApiError> {
        let bytes = self.incoming.next().await?.ok_or_else(broken_off)?;
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    /// The lines between a boundary and the content of its field.
    async fn head(&mut self) -> Result<Vec<HeadLine>, ApiError> {
        loop {
            if self.buffer.starts_with(b"--") {
                return Err(bad("the form has no field `file`"));
            }
            if let Some(end) = position(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                let text = std::str::from_utf8(&head).map_err(|_| bad("the head of a field is no text"))?;
                return Ok(text.split("\r\n").filter(|line| !line.is_empty()).map(HeadLine::of).collect());
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(bad("the head of a field is too long"));
            }
            self.fill().await?;
        }
    }
}

/// A line of a head.
struct HeadLine {
    line: String,
}

/// What stands behind the name of a line.
#[derive(Clone, Copy)]
struct Value<'a> {
    value: &'a str,
}

impl HeadLine {
    fn of(line: &str) -> Self {
        Self { line: line.to_owned() }
    }

    fn strip_prefix(&self, name: &str) -> Option<Value<'_>> {
        let (begins, rest) = self.line.split_at_checked(name.len())?;
        begins.eq_ignore_ascii_case(name).then_some(Value { value: rest })
    }
}

/// A parameter of a header: as a token or in quotes.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            None => (String::new(), after),
            Some(quoted) if quoted.starts_with('"') => unquoted(&quoted[1..]),
            Some(token) => {
                let end = token.find(';').unwrap_or(token.len());
                (token[..end].trim().to_owned(), &token[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// What is in quotes, and what follows. Browsers write a quote as `%22`; others put a backslash before it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '"' | '\\' if is_escaped => {
                value.push(c);
                is_escaped = false;
            }
            '"' => return (value, &text[at + 1..]),
            '\\' => is_escaped = true,
            _ => {
                // Paths of some systems have backslashes that escape nothing.
                if std::mem::take(&mut is_escaped) {
                    value.push('\\');
                }
                value.push(c);
            }
        }
    }
    (value, "")
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn bad(what: &'static str) -> ApiError {
    ApiError::field(ErrorCode::BadField, "(body)", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(content: &[u8]) -> Vec<u8> {
        [
            &b"--xYz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xYz\r\n\
               content-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\n"[..],
            content,
            b"\r\n--xYz--\r\n",
        ]
        .concat()
    }

    #[tokio::test]
    async fn a_file_is_read_out_of_its_form_however_it_is_cut() {
        for content in [&b""[..], b"x", b"line\r\nline\r\n--xY\r\n-", &[0, 255, 13, 10, 45, 45], &vec![b'\r'; 5_000]] {
            for piece in [1, 2, 3, 7, 64, 100_000] {
                let file = read_in_pieces(&form(content), "xYz", piece).await.unwrap();
                assert_eq!(file.content, content, "by {piece}");
                let said = (file.name.as_deref(), file.media_type.as_deref());
                assert_eq!(said, (Some("a \"b\".txt"), Some("text/plain")));
            }
        }
    }

    #[tokio::test]
    async fn u01_forms_that_make_no_sense_are_refused() {
        let whole = form(b"content");
        let twice = [
            &whole[..whole.len() - 4],
            b"\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nmore\r\n--xYz--\r\n",
        ]
        .concat();
        let many = b"--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(10_000);
        let endless = [&b"--xYz\r\nX: "[..], &vec![b'x'; 100_000]].concat();
        let beside =
            [&b"--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"[..], &vec![b'x'; 100_000]].concat();
        for odd in [
            &b""[..],
            b"nothing",
            b"--other\r\n\r\n",
            b"--xYz--\r\n",
            b"--xYz\r\n\r\n\r\n--xYz--",
            &whole[..whole.len() - 10],
            &whole[..whole.len() - 4],
            &twice,
            &whole[..60],
            &many,
            &endless,
            &beside,
        ] {
            assert!(
                read_in_pieces(odd, "xYz", 1_000).await.is_err(),
                "{}",
                String::from_utf8_lossy(&odd[..odd.len().min(80)])
            );
        }
    }

    #[tokio::test]
    async fn fields_behind_the_file_are_let_be() {
        let whole = form(b"content");
        let more = b"\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xYz--\r\n";
        let form = [&whole[..whole.len() - 4], more].concat();
        assert_eq!(read_in_pieces(&form, "xYz", 5).await.unwrap().content, b"content");
    }

    #[test]
    fn boundaries_are_found() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, text.parse().unwrap());
            boundary(&headers)
        };
        assert_eq!(of("multipart/form-data; boundary=xYz").unwrap().as_deref(), Some("xYz"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").unwrap().as_deref(), Some("a b"));
        assert_eq!(of("image/png").unwrap(), None);
        assert!(of("multipart/form-data").is_err() && of("multipart/form-data; boundary=").is_err());
        assert_eq!(boundary(&HeaderMap::new()).unwrap(), None);
    }
}
