//! What a request may not be, whoever serves it (RFC 9110, RFC 9112). Pure.

use http::header::{CONTENT_ENCODING, EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use rookery_protocol::error_code::ErrorCode;

/// A rule that a request breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtocolError {
    /// No `Host`, several, or one that is none.
    Host,
    /// An address of another scheme, or with a user in it.
    Target,
    /// An expectation that is not known.
    Expectation,
    /// A body that is compressed.
    ContentCoding,
    /// A transfer coding that is not known.
    TransferCoding,
}

impl ProtocolError {
    /// How it is answered.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Target => StatusCode::BAD_REQUEST,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// For programs.
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::ContentCoding => ErrorCode::UnsupportedMediaType,
            Self::Host | Self::Target | Self::Expectation | Self::TransferCoding => ErrorCode::BadField,
        }
    }

    /// The part of the request at fault.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Target => "(target)",
            Self::Expectation => "Expect",
            Self::ContentCoding => "Content-Encoding",
            Self::TransferCoding => "Transfer-Encoding",
        }
    }

    /// For people.
    pub(super) const fn detail(self) -> &'static str {
        match self {
            Self::Host => "A request names its host, once.",
            Self::Target => "The address of the request must be a path, or begin with http:// or https:// and a host.",
            Self::Expectation => "100-continue is the only expectation that is met.",
            Self::ContentCoding => "Send the body as it is: it may not be compressed.",
            Self::TransferCoding => "chunked is the only transfer coding that is understood.",
        }
    }
}

/// Judges a request by its head, and gives it the form that everybody behind expects: a path, and the host in `Host`.
pub(super) fn check(parts: &mut Parts, has_body: bool) -> Result<(), ProtocolError> {
    check_target(parts)?;
    check_host(&parts.headers, parts.version)?;
    let (headers, http11) = (&parts.headers, parts.version == Version::HTTP_11);
    if http11 && tokens(headers, &EXPECT).any(|token| !token.eq_ignore_ascii_case("100-continue")) {
        return Err(ProtocolError::Expectation);
    }
    let mut codings = tokens(headers, &TRANSFER_ENCODING);
    if codings.next().is_some_and(|coding| !coding.eq_ignore_ascii_case("chunked")) || codings.next().is_some() {
        return Err(ProtocolError::TransferCoding);
    }
    if has_body && tokens(headers, &CONTENT_ENCODING).any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(ProtocolError::ContentCoding);
    }
    Ok(())
}

/// Whether the client sends its body only when it is asked to.
pub(super) fn waits_to_continue(headers: &HeaderMap, version: Version) -> bool {
    version == Version::HTTP_11 && headers.contains_key(EXPECT)
}

/// The host of an absolute address is the one that counts (RFC 9112 §3.2.2).
fn check_target(parts: &mut Parts) -> Result<(), ProtocolError> {
    let Some(authority) = parts.uri.authority().filter(|_| parts.method != Method::CONNECT) else {
        return Ok(());
    };
    let is_web = matches!(parts.uri.scheme_str(), Some("http" | "https"));
    if !is_web || authority.as_str().contains('@') {
        return Err(ProtocolError::Target);
    }
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| ProtocolError::Target)?;
    let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path: Uri = path.parse().map_err(|_| ProtocolError::Target)?;
    if parts.headers.contains_key(HOST) {
        parts.headers.insert(HOST, host);
    }
    parts.uri = path;
    Ok(())
}

fn check_host(headers: &HeaderMap, version: Version) -> Result<(), ProtocolError> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, more) = (hosts.next(), hosts.next());
    match first {
        Some(host) if more.is_none() && is_host(host) => Ok(()),
        None if version != Version::HTTP_11 => Ok(()),
        Some(_) | None => Err(ProtocolError::Host),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let port_is_number = |authority: &Authority| {
        let after = &authority.as_str()[authority.host().len()..];
        after.is_empty() || authority.port_u16().is_some()
    };
    !text.contains('@') && text.parse::<Authority>().is_ok_and(|it| !it.host().is_empty() && port_is_number(&it))
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    // A value that is no text is no token that anybody knows.
    let lines = headers.get_all(name).into_iter().map(|line| line.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn checked(version: Version, target: &str, headers: &[(&str, &str)]) -> (Result<(), ProtocolError>, Parts) {
        let builder = Request::builder().version(version).uri(target);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        (check(&mut parts, true), parts)
    }

    fn outcome(headers: &[(&str, &str)]) -> Result<(), ProtocolError> {
        checked(Version::HTTP_11, "/", headers).0
    }

    #[test]
    fn a_request_names_its_host_once() {
        for good in ["chat.example", "chat.example:8080", "127.0.0.1:1", "[::1]:8080", "rookery"] {
            assert_eq!(outcome(&[("host", good)]), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a:x", "u@a", "a/b", "http://a"] {
            assert_eq!(outcome(&[("host", bad)]), Err(ProtocolError::Host), "{bad}");
        }
        assert_eq!(outcome(&[]), Err(ProtocolError::Host));
        assert_eq!(outcome(&[("host", "a"), ("host", "a")]), Err(ProtocolError::Host));
        assert_eq!(checked(Version::HTTP_10, "/", &[]).0, Ok(()), "the first version knew no hosts");
        assert_eq!(checked(Version::HTTP_10, "/", &[("host", "a"), ("host", "b")]).0, Err(ProtocolError::Host));
    }

    #[test]
    fn the_host_of_an_absolute_address_counts() {
        let (outcome, parts) = checked(Version::HTTP_11, "http://a.example:81/x?y=1", &[("host", "b.example")]);
        assert_eq!(outcome, Ok(()));
        assert_eq!(
            (parts.uri.to_string().as_str(), &parts.headers[HOST]),
            ("/x?y=1", &HeaderValue::from_static("a.example:81"))
        );
        assert_eq!(checked(Version::HTTP_11, "http://a.example", &[("host", "a.example")]).1.uri, "/");
        for bad in ["ftp://a.example/", "http://u@a.example/"] {
            assert_eq!(checked(Version::HTTP_11, bad, &[("host", "a.example")]).0, Err(ProtocolError::Target), "{bad}");
        }
        assert_eq!(
            checked(Version::HTTP_11, "http://a.example/", &[]).0,
            Err(ProtocolError::Host),
            "it is needed all the same"
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (name, value, expected) in [
            ("expect", "100-Continue", Ok(())),
            ("expect", "200-ok", Err(ProtocolError::Expectation)),
            ("expect", "100-continue, x", Err(ProtocolError::Expectation)),
            ("transfer-encoding", "Chunked", Ok(())),
            ("transfer-encoding", "gzip, chunked", Err(ProtocolError::TransferCoding)),
            ("transfer-encoding", "chunked, chunked", Err(ProtocolError::TransferCoding)),
            ("content-encoding", "identity", Ok(())),
            ("content-encoding", "gzip", Err(ProtocolError::ContentCoding)),
            ("content-encoding", "identity, br", Err(ProtocolError::ContentCoding)),
        ] {
            assert_eq!(outcome(&[("host", "a"), (name, value)]), expected, "{name}: {value}");
        }
    }
}
