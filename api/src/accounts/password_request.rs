//! What routes take that ask for the password once more.

use rookery_store::user::PasswordAttempt;
use serde::Deserialize;
use utoipa::ToSchema;

/// The password of the caller.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 256)]
    pub(crate) password: PasswordAttempt,
}
