//! `PUT` and `DELETE /api/v1/push/subscriptions`

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::object::Object;
use rookery_runtime::limits::OUTGOING_URL_BYTES_MAX;
use rookery_runtime::outgoing::SECURE;
use rookery_store::push::PushSubscription;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Push;
use super::encryption::is_public_key;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, QueryParams};
use crate::limits::PUSH_SUBSCRIPTIONS_MAX;

/// A device, as the browser's `PushSubscription` describes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSubscriptionRequest {
    /// Where pushes go: an https address that is public.
    #[schema(min_length = 1, max_length = 2048, example = "https://push.example/send/f1lVQd")]
    endpoint: String,
    /// Whom they are encrypted for.
    #[schema(value_type = PushKeys)]
    keys: Object<PushKeys>,
}

/// Keys of a device, base64url.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// Its public key: 65 bytes.
    #[schema(example = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")]
    p256dh: String,
    /// A secret: 16 bytes.
    #[schema(example = "BTBZMqHH6r4Tts7J_aSIgg")]
    auth: String,
}

/// Which device.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PushSubscriptionQuery {
    /// Its address.
    #[param(min_length = 1, max_length = 2048)]
    endpoint: String,
}

/// Have a device told while no page is open
///
/// By Web Push, encrypted for the device; `push_key` of `GET /server` is the server's key to subscribe with. It ends with the
/// login that asks. Of more than ten devices the newest are kept, and one that its push service no longer knows is forgotten.
#[utoipa::path(
    put,
    path = "/api/v1/push/subscriptions",
    operation_id = "subscribe_to_pushes",
    tag = "users",
    security(("bearer" = [])),
    request_body = PushSubscriptionRequest,
    responses(
        (status = 204, description = "It is told from now on, also if it was"),
        (status = 400, description = "`bad_field`, also for addresses that are not public"),
    ),
)]
pub async fn subscribe(
    State(push): State<Push>,
    caller: Caller,
    JsonBody(PushSubscriptionRequest { endpoint, keys: Object(keys) }): JsonBody<PushSubscriptionRequest>,
) -> Result<StatusCode, ApiError> {
    let bad = |field: &str, why: &str| ApiError::field(ErrorCode::BadField, field, why);
    let destination = push.options.outgoing.destination(&endpoint, SECURE);
    destination.map_err(|why| bad("endpoint", &why.to_string()))?;
    let p256dh = decoded(&keys.p256dh).filter(is_public_key);
    let p256dh = p256dh.ok_or_else(|| bad("keys.p256dh", "must be a public key of P-256, 65 bytes as base64url"))?;
    let auth = decoded(&keys.auth).ok_or_else(|| bad("keys.auth", "must be 16 bytes as base64url"))?;
    let subscription = PushSubscription {
        id: PushSubscription::id_of(&endpoint),
        user: caller.user_id,
        session: caller.session_id,
        endpoint,
        p256dh,
        auth,
        created_at: UnixMillis::now(),
    };
    push.store.subscribe(&subscription, PUSH_SUBSCRIPTIONS_MAX).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a device told no more
#[utoipa::path(
    delete,
    path = "/api/v1/push/subscriptions",
    operation_id = "unsubscribe_from_pushes",
    tag = "users",
    security(("bearer" = [])),
    params(PushSubscriptionQuery),
    responses(
        (status = 204, description = "It is told nothing, also if it was not"),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn unsubscribe(
    State(push): State<Push>,
    caller: Caller,
    QueryParams(PushSubscriptionQuery { endpoint }): QueryParams<PushSubscriptionQuery>,
) -> Result<StatusCode, ApiError> {
    if endpoint.is_empty() || endpoint.len() > OUTGOING_URL_BYTES_MAX {
        return Err(ApiError::field(ErrorCode::BadField, "endpoint", "must have 1 to 2048 bytes"));
    }
    push.store.unsubscribe(caller.user_id, PushSubscription::id_of(&endpoint)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Browsers write no padding; others do.
fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    bytes.try_into().ok()
}
