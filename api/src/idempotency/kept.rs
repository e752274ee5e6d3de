//! An answer as it is kept: sealed under a key that is derived from one of the server's and from that of the request, so
//! that whoever has the store alone reads none.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rookery_protocol::error_code::ErrorCode;
use rookery_store::kept_answer::KeyHash;
use serde::{Deserialize, Serialize};

use super::json;
use crate::error::{ApiError, Refusal, refusal_of};
use crate::mail::Secrets;
use crate::random;

const NONCE_BYTES: usize = 12;

#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// A refusal, whose body is written anew for each request.
#[derive(Serialize, Deserialize)]
struct Problem {
    code: ErrorCode,
    field: Option<String>,
    detail: Option<String>,
}

/// An answer with its body, sealed.
pub(super) fn sealed(secrets: &Secrets, key: &KeyHash, response: &Response, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let problem = refusal_of(response).map(|refusal| Problem {
        code: refusal.code,
        field: refusal.field.clone(),
        detail: refusal.detail.clone(),
    });
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(body).into_owned());
    let answer = Answer { status: response.status().as_u16(), body, problem };
    let mut text = serde_json::to_vec(&answer).map_err(|error| defect(&error.to_string()))?;
    let nonce = random::bytes::<NONCE_BYTES>()?;
    let key = secrets.answer_keys(key).into_iter().next().ok_or_else(|| defect("no signing key"))?;
    sealing(&key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
        .map_err(|_| defect("an answer was not sealed"))?;
    Ok([&nonce[..], &text].concat())
}

/// The answer once more, under whichever key it was sealed.
pub(super) fn opened(secrets: &Secrets, key: &KeyHash, kept: &[u8]) -> Result<Response, ApiError> {
    let (nonce, sealed) = kept.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| defect("a kept answer is cut"))?;
    for key in secrets.answer_keys(key) {
        let mut text = sealed.to_vec();
        if let Ok(text) = sealing(&key)?.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text) {
            let answer = serde_json::from_slice(text).map_err(|error| defect(&error.to_string()))?;
            return response(answer);
        }
    }
    Err(defect("a kept answer opens under none of the keys"))
}

fn response(answer: Answer) -> Result<Response, ApiError> {
    if let Some(Problem { code, field, detail }) = answer.problem {
        return Ok(ApiError::Refused(Refusal { code, field, detail, retry_after_ms: None }).into_response());
    }
    let status = StatusCode::from_u16(answer.status).map_err(|error| defect(&error.to_string()))?;
    Ok(match answer.body {
        Some(body) => (status, [json()], Body::from(body)).into_response(),
        None => status.into_response(),
    })
}

fn sealing(key: &[u8; 32]) -> Result<LessSafeKey, ApiError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| defect("a key has the wrong length"))?;
    Ok(LessSafeKey::new(key))
}

fn defect(what: &str) -> ApiError {
    ApiError::Panic(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(keys: &[[u8; 32]]) -> Secrets {
        let secrets = Secrets::default();
        secrets.replace(keys);
        secrets
    }

    #[tokio::test]
    async fn answers_are_the_same_again_and_nobody_reads_them_without_the_key() {
        let (before, key) = (secrets(&[[1; 32]]), [7; 32]);
        let response = (StatusCode::CREATED, [json()], r#"{"code":"secret"}"#).into_response();
        let kept = sealed(&before, &key, &response, br#"{"code":"secret"}"#).unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("secret"));
        for now in [secrets(&[[1; 32]]), secrets(&[[2; 32], [1; 32]])] {
            let again = opened(&now, &key, &kept).unwrap();
            assert_eq!((again.status(), again.headers()), (response.status(), response.headers()));
            let body = axum::body::to_bytes(again.into_body(), 100).await.unwrap();
            assert_eq!(body, br#"{"code":"secret"}"#.as_slice());
        }
        assert!(opened(&before, &[8; 32], &kept).is_err(), "of another request");
        assert!(opened(&secrets(&[[2; 32]]), &key, &kept).is_err(), "the key is gone");
    }

    #[test]
    fn refusals_are_refusals_again() {
        let (secrets, key) = (secrets(&[[1; 32]]), [7; 32]);
        let refused = ApiError::field(ErrorCode::BadField, "name", "is bad").into_response();
        let kept = sealed(&secrets, &key, &refused, b"").unwrap();
        let again = opened(&secrets, &key, &kept).unwrap();
        assert_eq!(again.status(), refused.status());
        assert_eq!(refusal_of(&again), refusal_of(&refused));
    }
}
