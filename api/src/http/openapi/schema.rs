//! Schemas of the document that are not derived where the types are: those of the protocol, which knows no OpenAPI, and
//! those of the key set.

use std::borrow::Cow;

use rookery_protocol::schema;
use rookery_protocol::{access, presence, server};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Stands for a type of the protocol in the document, under its name.
macro_rules! of_protocol {
    ($($type:path as $name:ident;)+) => {$(
        #[doc = concat!("See [`", stringify!($type), "`].")]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                whole(schema::sent::<$type>().0)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                let (_, definitions) = schema::sent::<$type>();
                schemas.extend(definitions.into_iter().map(|(name, schema)| (name, whole(schema))));
            }
        }
    )+};
}

of_protocol! {
    server::EventFrame as EventFrame;
    access::Visibility as Visibility;
    access::RoomRole as RoomRole;
    presence::PresenceView as PresenceView;
    presence::Status as Status;
}

/// A schema as it is: the document's own types know only some keywords.
fn whole(schema: Value) -> RefOr<Schema> {
    let all_of = Extensions::from_iter([("allOf", vec![schema])]);
    let object = ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(all_of)).build();
    RefOr::T(Schema::Object(object))
}

/// Public keys (RFC 7517).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// One Ed25519 public key (RFC 8037).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
