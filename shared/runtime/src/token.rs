//! Access tokens: EdDSA JWTs (RFC 7519, RFC 8037) that every node verifies alone, with the api's public keys.
//!
//! One algorithm, one type (`at+jwt`, RFC 9068), one issuer, one audience; everything else is refused before any
//! claim is believed (RFC 8725). Key ids are RFC 7638 thumbprints; an unknown one causes no look-up anywhere.

use rookery_protocol::id::{SessionId, TicketId, UserId};
use serde::{Deserialize, Serialize};

pub mod command;
mod error;
mod folder;
pub mod key_files;
mod key_set;
pub mod keys;
mod pem;
mod provider;
mod ticket;
pub mod verify;

pub use error::{KeyError, UnusableKeys};
pub use folder::KeyFolder;
pub use key_set::{KeySet, SigningKey};
pub use keys::SigningKeys;
pub use provider::install_provider;
pub use ticket::{TICKET_TYPE, Ticket};
pub use verify::{Signer, TokenError, Verifier};

/// `typ` of the header.
pub const TOKEN_TYPE: &str = "at+jwt";

/// What an access token says, after verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer: the deployment.
    pub iss: String,
    /// Audience: always [`AUDIENCE`].
    pub aud: String,
    /// Id of the user.
    pub sub: UserId,
    /// Login session.
    pub sid: SessionId,
    /// User name, carried so that no node has to look it up.
    pub name: String,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Valid until, seconds since 1970.
    pub exp: i64,
    /// Who vouches for it; not part of the token's text.
    #[serde(skip)]
    pub signer: Signer,
    /// The ticket that said so, to be spent before it counts; none for a token.
    #[serde(skip)]
    pub ticket: Option<TicketId>,
}

/// `aud` of every access token.
pub const AUDIENCE: &str = "rookery";

/// Public keys as the api publishes them (RFC 7517).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// One Ed25519 public key (RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
}
