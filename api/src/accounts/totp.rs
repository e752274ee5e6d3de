//! `POST /api/v1/users/me/totp` and what follows it: a second factor is begun, confirmed, taken away, and gets new recovery
//! codes.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::second_factor::SecondFactor;
use rookery_store::user::PasswordAttempt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::password_request::PasswordRequest;
use crate::accounts::second_factor::{device, matching_step, new_codes};
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::ClientAddress;
use crate::random;

/// Bytes of what a device derives its codes from: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// A code of the device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// Six digits.
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// The password of the caller, and a code beside it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordAndCodeRequest {
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 256)]
    pub(crate) password: PasswordAttempt,
    /// Six digits of the device, or a recovery code.
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// What a device derives its codes from. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct NewTotp {
    /// In base 32, for typing.
    secret: String,
    /// The same for a picture that devices read.
    #[schema(example = "otpauth://totp/rookery:ada?secret=…&issuer=rookery")]
    otpauth_url: String,
}

/// Codes for who has lost the device. They are shown once, and each works once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<String>,
}

/// Begin a second factor
///
/// Logins ask for it once a code was shown to `confirm`.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/totp",
    operation_id = "begin_totp",
    tag = "users",
    security(("bearer" = [])),
    request_body = PasswordRequest,
    responses(
        (status = 200, description = "What the device needs", body = NewTotp),
        (status = 403, description = "`password_wrong`, or `forbidden`: there is a second factor; take it away first"),
    ),
)]
pub async fn begin(
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<Json<NewTotp>, ApiError> {
    let user = sessions.confirm(caller.user_id, request.password, from).await?;
    let factors = &sessions.stores.second_factors;
    if factors.get(user.id).await?.is_some_and(|factor| factor.is_confirmed) {
        return Err(ApiError::refused(ErrorCode::Forbidden));
    }
    let secret = random::bytes::<SECRET_BYTES>()?.to_vec();
    let broken = |error: totp_rs::TotpError| ApiError::Panic(format!("a new second factor: {error}"));
    let device = device(&secret, &sessions.tokens.issuer.replace(':', " "), user.username.as_str()).map_err(broken)?;
    let shown = NewTotp { secret: device.secret().to_base32(), otpauth_url: device.to_url().map_err(broken)? };
    let factor = SecondFactor { user_id: user.id, secret, is_confirmed: false, last_step: 0, recovery: Vec::new() };
    factors.put(&factor).await?;
    Ok(Json(shown))
}

/// Confirm a second factor
///
/// From here on logins ask for it. The recovery codes are for who has lost the device.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/totp/confirm",
    operation_id = "confirm_totp",
    tag = "users",
    security(("bearer" = [])),
    request_body = CodeRequest,
    responses(
        (status = 200, description = "It is asked for", body = RecoveryCodes),
        (status = 400, description = "`code_invalid`: not a code of the device, or none was begun"),
    ),
)]
pub async fn confirm(
    State(sessions): State<Sessions>,
    caller: Caller,
    JsonBody(request): JsonBody<CodeRequest>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let (now, factors) = (UnixMillis::now(), &sessions.stores.second_factors);
    let bad = || ApiError::refused(ErrorCode::CodeInvalid);
    let begun = factors.get(caller.user_id).await?.filter(|factor| !factor.is_confirmed).ok_or_else(bad)?;
    sessions.limits.code(caller.user_id).await?;
    let last_step = matching_step(&begun, request.code.trim(), now).ok_or_else(bad)?;
    sessions.limits.right_code(caller.user_id);
    let (recovery_codes, recovery) = new_codes()?;
    // Somebody with the same code was faster, or another device was begun: these recovery codes would not be the account's.
    if !factors
        .confirm(&SecondFactor { is_confirmed: true, last_step, recovery, ..begun })
        .await?
    {
        return Err(bad());
    }
    tracing::info!(user_id = %caller.user_id, "second factor confirmed");
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Take your second factor away
#[utoipa::path(
    post,
    path = "/api/v1/users/me/totp/disable",
    operation_id = "disable_totp",
    tag = "users",
    security(("bearer" = [])),
    request_body = PasswordAndCodeRequest,
    responses(
        (status = 204, description = "Logins ask for the password alone"),
        (status = 400, description = "`code_invalid`, also where there is no second factor"),
        (status = 403, description = "`password_wrong`"),
    ),
)]
pub async fn disable(
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<PasswordAndCodeRequest>,
) -> Result<StatusCode, ApiError> {
    sessions.with_code(&caller, request, from).await?;
    sessions.stores.second_factors.remove(caller.user_id).await?;
    tracing::info!(user_id = %caller.user_id, "second factor taken away");
    Ok(StatusCode::NO_CONTENT)
}

/// Get new recovery codes
///
/// Those of before work no more.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/totp/recovery-codes",
    operation_id = "new_recovery_codes",
    tag = "users",
    security(("bearer" = [])),
    request_body = PasswordAndCodeRequest,
    responses(
        (status = 200, description = "The new codes", body = RecoveryCodes),
        (status = 400, description = "`code_invalid`, also where there is no second factor"),
        (status = 403, description = "`password_wrong`"),
    ),
)]
pub async fn recovery_codes(
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<PasswordAndCodeRequest>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    sessions.with_code(&caller, request, from).await?;
    let (recovery_codes, hashes) = new_codes()?;
    sessions.stores.second_factors.replace_recovery(caller.user_id, &hashes).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

impl Sessions {
    /// An error unless both the password and the code are the caller's.
    async fn with_code(
        &self,
        caller: &Caller,
        request: PasswordAndCodeRequest,
        from: ClientAddress,
    ) -> Result<(), ApiError> {
        let bad = || ApiError::refused(ErrorCode::CodeInvalid);
        let user = self.confirm(caller.user_id, request.password, from).await?;
        let factor = self.stores.second_factors.get(user.id).await?.filter(|factor| factor.is_confirmed);
        let factor = factor.ok_or_else(bad)?;
        if self.takes(&factor, request.code.trim(), from, UnixMillis::now()).await? {
            Ok(())
        } else {
            Err(bad())
        }
    }
}
