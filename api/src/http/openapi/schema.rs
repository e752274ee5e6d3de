//! Schemas of the document that are not derived where the types are: those of the protocol, which knows no OpenAPI, and
//! those of the key set.

use std::borrow::Cow;

use rookery_protocol::schema;
use rookery_protocol::{access, filter, notice, presence, server};
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
    server::Message as Message;
    server::UserBrief as UserBrief;
    access::Visibility as Visibility;
    access::RoomKind as RoomKind;
    access::RoomRole as RoomRole;
    access::JoinRule as JoinRule;
    access::Posting as Posting;
    notice::NoticeView as Notification;
    filter::FilterMode as FilterMode;
    notice::Notify as Notify;
    notice::RoomPreferencesView as RoomPreferences;
    presence::PresenceView as PresenceView;
    presence::Status as Status;
}

/// A schema as it is: the document's own types know only some keywords.
fn whole(schema: Value) -> RefOr<Schema> {
    let all_of = Extensions::from_iter([("allOf", vec![schema])]);
    let object = ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(all_of)).build();
    RefOr::T(Schema::Object(object))
}

/// A word of a word filter: one visible line.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 64, format = "visible-text")]
pub struct FilterWord(#[expect(dead_code, reason = "a schema only")] String);

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
