//! What every route stands on: who calls, how much may be asked, what is written down, and the document.

use http::HeaderValue;

pub(crate) mod bodiless;
pub mod cors;
pub mod cursor;
pub mod extract;
pub mod files;
pub mod health;
pub mod jwks;
pub mod limit;
pub mod observe;
pub mod openapi;
pub mod position_view;

pub(crate) use rookery_runtime::listener::RESOURCE_POLICY;

/// Whether `If-None-Match` names what there is: by its tag, or as whatever there is (RFC 9110 §13.1.2).
pub(crate) fn matches_etag(known: &HeaderValue, tag: &str) -> bool {
    let mut tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_has_is_named_by_its_tag_or_by_a_star() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*", " * "] {
            assert!(matches_etag(&HeaderValue::from_static(known), "\"a\""), "{known}");
        }
        for other in ["", "\"b\"", "a", "\"*\""] {
            assert!(!matches_etag(&HeaderValue::from_static(other), "\"a\""), "{other}");
        }
    }
}
