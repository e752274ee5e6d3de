//! What every route stands on: who calls, how much may be asked, what is written down, and the document.

use http::HeaderName;

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

/// Whose pages may embed an answer. Nobody else's, unless the answer says so.
pub(crate) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
