//! Another address: asked for with the password, made with the link that the new address is sent, undone with the one that
//! the old address is sent.

use std::time::Duration;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_store::StoreError;
use rookery_store::account::{Keep, OneTimeToken, Purpose};
use rookery_store::user::{Email, PasswordAttempt, User, UserChange};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::ClientAddress;
use crate::limits::{EMAIL_CONFIRM_LIFE, EMAIL_UNDO_LIFE, NAME_CLAIM_LIFE};
use crate::mail::Letter;
use crate::mail::secrets::hash;

/// How many links of one kind an account has at most.
const LINKS_MAX: usize = 8;

/// Another address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailRequest {
    /// The address as it is to be.
    #[schema(value_type = String, format = Email, max_length = 254, example = "testuser@example.org")]
    email: Email,
    /// The password of the account.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: PasswordAttempt,
}

/// Change your address
///
/// The new address is sent a link; it replaces the old one when that is opened. The answer does not tell whether the address has
/// an account, nor whether too many mails were sent to it.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/email",
    operation_id = "change_email",
    tag = "users",
    security(("bearer" = [])),
    request_body = EmailRequest,
    responses(
        (status = 202, description = "A link is sent to the new address"),
        (status = 403, description = "`password_wrong`"),
    ),
)]
pub async fn change_email(
    State(accounts): State<Accounts>,
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<EmailRequest>,
) -> Result<StatusCode, ApiError> {
    let user = sessions.confirm(caller.user_id, request.password, from).await?;
    if sessions.limits.mail(&request.email).await {
        let now = UnixMillis::now();
        let token = accounts.link(&user, Purpose::EmailConfirm, request.email, now).await?;
        let letter = Letter::EmailConfirm { token };
        accounts.post.send(&letter, &format!("email {token}"), Some(user.id), now).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// What a link about an address carries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmailRequest {
    /// What the link carries.
    #[schema(max_length = 64)]
    token: String,
}

/// Confirm an address, or undo its change
///
/// With the link that the new address was sent, it becomes the account's; the old one is told. With the link that the old
/// address was sent, it is the account's again, and all sessions end. Nobody needs to be logged in for either.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/email/confirm",
    operation_id = "confirm_email",
    tag = "users",
    request_body = ConfirmEmailRequest,
    responses(
        (status = 204, description = "The account has the address"),
        (status = 400, description = "`token_invalid`: expired, used, none of ours, or of an address that has another account by now"),
    ),
)]
pub async fn confirm_email(
    State(accounts): State<Accounts>,
    State(sessions): State<Sessions>,
    JsonBody(request): JsonBody<ConfirmEmailRequest>,
) -> Result<StatusCode, ApiError> {
    let (now, tokens) = (UnixMillis::now(), &accounts.stores.one_time_tokens);
    let bad = || ApiError::refused(ErrorCode::TokenInvalid);
    let hash = hash(&request.token);
    let token = match tokens.find(&hash, Purpose::EmailConfirm, now).await? {
        Some(token) => Some(token),
        None => tokens.find(&hash, Purpose::EmailUndo, now).await?,
    };
    let token = token.ok_or_else(bad)?;
    let user = accounts.stores.users.enabled(token.user_id).await?.ok_or_else(bad)?;
    if !tokens.take(token.id).await? {
        return Err(bad());
    }
    let (owner, names) = (user.id.as_uuid(), &accounts.stores.names);
    let wanted = address_key(&token.email);
    // The old address of somebody else, who may still want it back.
    if !names.claim(&wanted, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
        return Err(bad());
    }
    let change = UserChange { email: Some(token.email.clone()), verified: Some(true), ..UserChange::default() };
    match accounts.stores.users.change(user.id, &change).await {
        Ok(Some(_)) => {}
        Ok(None) | Err(StoreError::Taken(_)) => return Err(bad()),
        Err(error) => return Err(error.into()),
    }
    names.release(&wanted, owner).await?;
    // Links that went to the other address are worth nothing any more.
    accounts.end_links(user.id).await?;
    if token.purpose == Purpose::EmailUndo {
        // Neither are those that would bring back an address which the account got after this one.
        tokens.remove_later(&token).await?;
        sessions.end_all(user.id, now).await?;
    } else {
        let (id, old) = (user.id, user.email.clone());
        // As long as the change can be undone.
        names.claim(&address_key(&old), owner, Some(now.plus(EMAIL_UNDO_LIFE)), now).await?;
        let undo = accounts.link(&user, Purpose::EmailUndo, old, now).await?;
        let letter = Letter::EmailUndo { token: undo };
        accounts.post.send(&letter, &format!("email {undo}"), Some(id), now).await?;
    }
    tracing::info!(user_id = %user.id, undone = token.purpose == Purpose::EmailUndo, "address changed");
    Ok(StatusCode::NO_CONTENT)
}

impl Accounts {
    /// Links that were sent before somebody proved to be the owner work no more: somebody else may have asked for them.
    pub(super) async fn end_links(&self, user: UserId) -> Result<(), StoreError> {
        let tokens = &self.stores.one_time_tokens;
        tokens.remove_all(user, Purpose::Recovery).await?;
        tokens.remove_all(user, Purpose::EmailConfirm).await
    }

    /// Keeps a link about an address, and gives its id.
    async fn link(&self, user: &User, purpose: Purpose, email: Email, now: UnixMillis) -> Result<Uuid, StoreError> {
        let id = Uuid::now_v7();
        let expires_at = now.plus(life(purpose));
        let hash = hash(&self.secrets.token(id, purpose)?);
        let token = OneTimeToken { id, hash, purpose, user_id: user.id, email, created_at: now, expires_at };
        let keep = match purpose {
            Purpose::EmailUndo => Keep::Oldest(LINKS_MAX),
            Purpose::Recovery | Purpose::EmailConfirm | Purpose::Deletion => Keep::Newest(LINKS_MAX),
        };
        self.stores.one_time_tokens.insert(&token, keep).await?;
        Ok(id)
    }
}

/// What an address is kept under beside the names of users, none of which has a space. It cannot be read back.
pub(super) fn address_key(email: &Email) -> String {
    format!("address {}", URL_SAFE_NO_PAD.encode(hash(&email.key())))
}

const fn life(purpose: Purpose) -> Duration {
    match purpose {
        Purpose::EmailUndo => EMAIL_UNDO_LIFE,
        Purpose::Recovery | Purpose::EmailConfirm | Purpose::Deletion => EMAIL_CONFIRM_LIFE,
    }
}
