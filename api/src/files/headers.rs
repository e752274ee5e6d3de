//! What the answer with a file says of it, and what part of it is asked for. Pure.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::Range;

use axum::extract::FromRequestParts;
use http::header::RANGE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

/// Bytes of the name for those who read no other than ASCII.
const PLAIN_NAME_BYTES_MAX: usize = 200;

/// `Content-Disposition` (RFC 6266): whether a browser may show it, and the name under which it is kept.
pub(crate) fn disposition(is_inline: bool, name: &str) -> HeaderValue {
    let way = if is_inline { "inline" } else { "attachment" };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')');
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(PLAIN_NAME_BYTES_MAX)
        .collect();
    let text = format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{}", percent_encoded(name));
    // Letters, digits and a few signs: always a header.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// By RFC 8187.
fn percent_encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The headers of a request for a file. Only a `GET` gets a part of it (RFC 9110 §14.2).
pub struct AskedHeaders(pub HeaderMap);

impl<S: Send + Sync> FromRequestParts<S> for AskedHeaders {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let mut headers = parts.headers.clone();
        if parts.method != Method::GET {
            headers.remove(RANGE);
        }
        Ok(Self(headers))
    }
}

/// What part of a file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// None that there is, or several: nobody who shows a file needs more than one at a time.
    Unsatisfiable,
}

impl Part {
    /// Reads `Range` (RFC 9110 §14.2). What is no range is ignored.
    pub(crate) fn of(range: Option<&HeaderValue>, size: u64) -> Self {
        let Some(ranges) = range.and_then(|range| range.to_str().ok()?.trim().strip_prefix("bytes=")) else {
            return Self::Whole;
        };
        if ranges.contains(',') {
            return Self::Unsatisfiable;
        }
        let Some((first, last)) = ranges.split_once('-') else { return Self::Whole };
        let number = |text: &str| {
            let text = text.trim();
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            // What is too large to be a number is beyond the end.
            is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
        };
        match (number(first), number(last)) {
            (Some(first), last) if last.is_some() || last_is_open(ranges) => {
                let end = last.map_or(size, |last| last.saturating_add(1).min(size));
                match last {
                    Some(last) if last < first => Self::Whole,
                    _ if first >= size => Self::Unsatisfiable,
                    _ => Self::Bytes(first..end),
                }
            }
            (None, Some(count)) if first.trim().is_empty() => {
                if count == 0 || size == 0 {
                    Self::Unsatisfiable
                } else {
                    Self::Bytes(size.saturating_sub(count)..size)
                }
            }
            _ => Self::Whole,
        }
    }
}

fn last_is_open(range: &str) -> bool {
    range.trim_end().ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u14_a_range_is_one_part_or_none() {
        let part = |text: &str| Part::of(Some(&HeaderValue::from_str(text).unwrap()), 100);
        for (text, expected) in [
            ("bytes=0-9", Part::Bytes(0..10)),
            ("bytes=90-", Part::Bytes(90..100)),
            ("bytes=90-1000", Part::Bytes(90..100)),
            ("bytes=-10", Part::Bytes(90..100)),
            ("bytes=-1000", Part::Bytes(0..100)),
            ("bytes=99-99", Part::Bytes(99..100)),
            ("bytes=100-", Part::Unsatisfiable),
            ("bytes=18446744073709551616-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=0-1,1-2", Part::Unsatisfiable),
            ("bytes=5-2", Part::Whole),
            ("bytes=x-2", Part::Whole),
            ("bytes=1-x", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("items=0-9", Part::Whole),
        ] {
            assert_eq!(part(text), expected, "{text}");
        }
        let many = format!("bytes={}", vec!["0-"; 1_000].join(","));
        assert_eq!(part(&many), Part::Unsatisfiable);
        assert_eq!(Part::of(None, 100), Part::Whole);
        assert_eq!(Part::of(Some(&HeaderValue::from_static("bytes=0-")), 0), Part::Unsatisfiable);
    }

    #[test]
    fn u05_names_are_written_so_that_nothing_else_is_read() {
        let header = |name: &str| disposition(false, name).to_str().unwrap().to_owned();
        assert_eq!(header("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(header("日\".png"), "attachment; filename=\"__.png\"; filename*=UTF-8''%E6%97%A5%22.png");
        assert!(!header("x\r\nSet-Cookie: a=b\"; filename=\"y").contains(['\r', '\n']));
        assert!(disposition(true, "a").to_str().unwrap().starts_with("inline; "));
    }
}
