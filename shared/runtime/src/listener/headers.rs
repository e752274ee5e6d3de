//! What browsers are told with every answer of every listener, unless the answer says something else: nothing in it is to
//! be run, framed, guessed at, kept, or embedded by pages of others.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Whose pages may embed an answer. Nobody else's, unless the answer says so.
pub const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Pages of other origins get no hold of a window of ours.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// An answer that is not a page has nothing to run and nothing to frame.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// For half a year a browser asks with TLS only. Where `public_url` is https; not for names below it.
const HTTPS_ONLY: &str = "max-age=15552000";

/// Adds what the answer does not say itself.
pub(super) fn complete(headers: &mut HeaderMap, is_https: bool) {
    let always = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ];
    let over_tls = is_https.then_some((STRICT_TRANSPORT_SECURITY, HTTPS_ONLY));
    for (name, value) in always.into_iter().chain(over_tls) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_says_itself_is_left_as_it_is() {
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("private"))]);
        complete(&mut headers, false);
        assert_eq!((&headers[CACHE_CONTROL], headers.len()), (&HeaderValue::from_static("private"), 5));
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        complete(&mut headers, true);
        assert_eq!((&headers[STRICT_TRANSPORT_SECURITY], headers.len()), (&HeaderValue::from_static(HTTPS_ONLY), 6));
    }
}
