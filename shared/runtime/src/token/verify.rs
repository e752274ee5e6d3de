//! Verifying access tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::RwLock;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::{TOKEN_BYTES_MAX, TOKEN_LEEWAY};
use serde::de::DeserializeOwned;

use crate::token::{AUDIENCE, Claims, Jwk, JwkSet, TICKET_TYPE, TOKEN_TYPE, Ticket};

/// Why a token is not accepted. For logs and metrics; a client gets `unauthenticated` in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or larger than ours can be.
    #[error("malformed token")]
    Malformed,
    /// Wrong algorithm, type, or a header that points elsewhere.
    #[error("token header not accepted")]
    Header,
    /// Signed by no key of ours.
    #[error("unknown key")]
    UnknownKey,
    /// The signature or a claim is wrong.
    #[error("token not valid")]
    Invalid,
    /// It was valid once.
    #[error("token expired")]
    Expired,
}

/// Verifies tokens of one issuer with the keys it publishes; shared by all connections of a process.
pub struct Verifier {
    issuer: String,
    keys: RwLock<HashMap<String, Arc<PublicKey>>>,
}

/// A key that counts as long as it is published.
struct PublicKey {
    x: String,
    key: DecodingKey,
}

/// The key that verified a token, so that a connection can end with it. That of no token never ends.
#[derive(Clone, Default)]
pub struct Signer(Option<Weak<PublicKey>>);

impl Signer {
    /// Whether the key has been removed since the token was verified.
    pub fn is_removed(&self) -> bool {
        self.0.as_ref().is_some_and(|key| key.strong_count() == 0)
    }
}

impl PartialEq for Signer {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(ours), Some(theirs)) => ours.ptr_eq(theirs),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl Eq for Signer {}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_removed() { "Signer(removed)" } else { "Signer" })
    }
}

impl Verifier {
    /// Knows no key yet and so refuses every token.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), keys: RwLock::default() }
    }

    /// From now on exactly these keys count. Keys that are not Ed25519 are left out; those that counted before are the same,
    /// also to tokens that they verified.
    pub fn replace(&self, set: &JwkSet) {
        let mut keys = self.keys.write();
        let known = |jwk: &Jwk| keys.get(&jwk.kid).filter(|key| key.x == jwk.x).cloned();
        let next = set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.kid.clone(), known(jwk).or_else(|| PublicKey::read(jwk))?)))
            .collect();
        *keys = next;
    }

    /// Whether any key is known.
    pub fn is_ready(&self) -> bool {
        !self.keys.read().is_empty()
    }

    /// The claims of a valid token.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        let (claims, signer) = self.decode::<Claims>(token, TOKEN_TYPE)?;
        self.check(Claims { signer, ..claims }, now)
    }

    /// The claims that a valid ticket vouches for: they end with the access token that it was made for. Whether it was used
    /// before is not known here.
    pub fn verify_ticket(&self, ticket: &str, now: UnixMillis) -> Result<Claims, TokenError> {
        let (ticket, signer) = self.decode::<Ticket>(ticket, TICKET_TYPE)?;
        let Ticket { iss, aud, sub, sid, name, iat, exp, jti, until } = ticket;
        // First its own times, which are shorter.
        let own = Claims { iss, aud, sub, sid, name, iat, exp, signer, ticket: Some(jti) };
        Ok(Claims { exp: until, ..self.check(own, now)? })
    }

    fn decode<T: DeserializeOwned>(&self, token: &str, kind: &str) -> Result<(T, Signer), TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let key = self.key_of(token, kind)?;
        let decoded = jsonwebtoken::decode::<T>(token, &key.key, &validation());
        let claims = decoded.map_err(|_| TokenError::Invalid)?.claims;
        Ok((claims, Signer(Some(Arc::downgrade(&key)))))
    }

    fn key_of(&self, token: &str, typ: &str) -> Result<Arc<PublicKey>, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        let plain = header.jku.is_none()
            && header.jwk.is_none()
            && header.x5u.is_none()
            && header.x5c.is_none()
            && header.crit.is_none();
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(typ) || !plain {
            return Err(TokenError::Header);
        }
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        self.keys.read().get(&kid).cloned().ok_or(TokenError::UnknownKey)
    }

    fn check(&self, claims: Claims, now: UnixMillis) -> Result<Claims, TokenError> {
        let leeway = i64::try_from(TOKEN_LEEWAY.as_secs()).unwrap_or(0);
        let ours = claims.iss == self.issuer && claims.aud == AUDIENCE;
        // A token from the future, or one whose life makes no sense, was not made by our api.
        if !ours || claims.iat > now.seconds() + leeway || claims.exp <= claims.iat {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= now.seconds() - leeway {
            Err(TokenError::Expired)
        } else {
            Ok(claims)
        }
    }
}

/// Only the signature is left to the library; times and names are checked above, against the time passed in.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

impl PublicKey {
    fn read(jwk: &Jwk) -> Option<Arc<Self>> {
        let ed25519 = jwk.kty == "OKP" && jwk.crv == "Ed25519";
        let key = ed25519.then(|| DecodingKey::from_ed_components(&jwk.x).ok()).flatten()?;
        Some(Arc::new(Self { x: jwk.x.clone(), key }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{SigningKeys, install_provider};
    use rookery_protocol::id::{SessionId, TicketId, UserId};

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn keys() -> SigningKeys {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        SigningKeys::generate(dir.path(), "a").unwrap();
        SigningKeys::load(dir.path(), None).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "here".into(),
            aud: AUDIENCE.into(),
            sub: UserId::generate(),
            sid: SessionId::generate(),
            name: "alice".into(),
            iat: NOW.seconds(),
            exp: NOW.seconds() + 900,
            signer: Signer::default(),
            ticket: None,
        }
    }

    fn verifier(keys: &SigningKeys) -> Verifier {
        let verifier = Verifier::new("here");
        verifier.replace(&keys.public());
        verifier
    }

    #[test]
    fn a_signed_token_is_verified() {
        let keys = keys();
        let token = keys.sign(&claims()).unwrap();
        assert_eq!(verifier(&keys).verify(&token, NOW).map(|c| c.name), Ok("alice".to_owned()));
    }

    #[test]
    fn a_ticket_is_good_for_half_a_minute_and_vouches_for_its_token() {
        let (keys, token, id) = (keys(), claims(), TicketId::generate());
        let verifier = verifier(&keys);
        let ticket = Ticket::new(token.clone(), id, NOW);
        assert_eq!(ticket.life_seconds(), 30);
        let text = keys.sign_ticket(&ticket).unwrap();
        let vouched = verifier.verify_ticket(&text, NOW).unwrap();
        assert_eq!((vouched.ticket, vouched.exp, vouched.sid), (Some(id), token.exp, token.sid));
        let later = |seconds: i64| verifier.verify_ticket(&text, UnixMillis(NOW.0 + seconds * 1_000)).map(|_| ());
        assert_eq!((later(34), later(36)), (Ok(()), Err(TokenError::Expired)));
        assert_eq!(verifier.verify(&text, NOW), Err(TokenError::Header), "it is no token");
        let access = keys.sign(&token).unwrap();
        assert_eq!(verifier.verify_ticket(&access, NOW), Err(TokenError::Header), "a token is no ticket");
        let last = Claims { exp: NOW.seconds() + 7, ..token };
        assert_eq!(Ticket::new(last, id, NOW).life_seconds(), 7, "no longer than its token");
    }

    #[test]
    fn claims_are_checked() {
        let keys = keys();
        let verifier = verifier(&keys);
        let verdict = |change: fn(&mut Claims)| {
            let mut claims = claims();
            change(&mut claims);
            verifier.verify(&keys.sign(&claims).unwrap(), NOW).map(|_| ())
        };
        assert_eq!(verdict(|c| c.iss = "there".into()), Err(TokenError::Invalid));
        assert_eq!(verdict(|c| c.aud = "other".into()), Err(TokenError::Invalid));
        assert_eq!(verdict(|c| (c.iat, c.exp) = (c.iat - 2000, c.iat - 100)), Err(TokenError::Expired));
        assert_eq!(verdict(|c| c.iat += 100), Err(TokenError::Invalid));
        assert_eq!(verdict(|c| c.exp = c.iat), Err(TokenError::Invalid));
    }

    #[test]
    fn a_key_counts_while_it_is_published() {
        let (old, new) = (keys(), keys());
        let token = old.sign(&claims()).unwrap();
        let verifier = verifier(&old);
        let mut both = old.public();
        both.keys.extend(new.public().keys);
        let before = verifier.verify(&token, NOW).unwrap();
        verifier.replace(&both);
        let after = verifier.verify(&token, NOW).unwrap();
        assert_eq!(before, after, "a key that stays is the same key");
        assert!(verifier.verify(&new.sign(&claims()).unwrap(), NOW).is_ok());
        assert!(!after.signer.is_removed() && !Signer::default().is_removed());
        verifier.replace(&new.public());
        assert_eq!(verifier.verify(&token, NOW), Err(TokenError::UnknownKey));
        assert!(after.signer.is_removed());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let keys = keys();
        let token = keys.sign(&claims()).unwrap();
        let verifier = verifier(&keys);
        for bad in ["", "a", "a.b.c", &token[..token.len() - 3], &format!("{token}A"), &format!(" {token}")] {
            assert!(verifier.verify(bad, NOW).is_err(), "{bad}");
        }
        assert!(verifier.verify(&"x".repeat(TOKEN_BYTES_MAX + 1), NOW).is_err());
    }
}
