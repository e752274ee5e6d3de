//! What every route stands on: who calls, how much may be asked, what is written down, and the document.

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
