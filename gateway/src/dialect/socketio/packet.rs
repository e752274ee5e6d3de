//! The text packets of Engine.IO 4 and Socket.IO 5, as they come in one WebSocket message each. Pure.
//!
//! Source: the protocol documents of engine.io-protocol (revision 4) and socket.io-protocol (revision 5).

use rookery_protocol::socketio::{PATH_NAMESPACE, ROOT_NAMESPACE};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::{SOCKETIO_ACK_ID_MAX, SOCKETIO_EVENT_ARGUMENTS_MAX};

/// The name of a group of events on one connection. Both stand for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// `/`
    Root,
    /// `/socket.io`
    Path,
}

/// The number under which the client wants to be answered.
pub(super) type AckId = u64;

/// A packet from the client.
#[derive(Debug)]
pub(super) enum Packet<'a> {
    /// The client ends the connection.
    Close,
    /// An answer to a heartbeat.
    Pong,
    /// A heartbeat of the client's own, with its payload.
    Ping(&'a str),
    /// Nothing.
    Noop,
    /// The client enters a namespace, with what it says of itself.
    Connect {
        /// The namespace, as it was written.
        namespace: &'a str,
        /// Its `auth`.
        auth: Option<&'a RawValue>,
    },
    /// The client leaves the namespace.
    Disconnect,
    /// An event.
    Event {
        /// The namespace; none if there is no such namespace.
        namespace: Option<Namespace>,
        /// Where to answer, if the client wants an answer.
        ack: Option<AckId>,
        /// The name, then the arguments.
        arguments: Vec<&'a RawValue>,
    },
    /// An acknowledgement. The server asks for none.
    Ack,
}

/// Why a text is no packet that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPacket {
    /// It has no known type, or another form than its type.
    Malformed,
    /// It announces binary attachments, which are not taken.
    Binary,
    /// The id of the acknowledgement is larger than clients can count.
    AckId,
    /// The event is no array that begins with a name, or has too many arguments; where to answer, if the client wants that.
    Arguments(Option<AckId>),
}

impl Namespace {
    /// By the name that a client gives, without its query; none if there is no such namespace.
    pub fn find(name: &str) -> Option<Self> {
        match name.split('?').next().unwrap_or_default() {
            "" | ROOT_NAMESPACE => Some(Self::Root),
            PATH_NAMESPACE => Some(Self::Path),
            _ => None,
        }
    }

    /// By its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => ROOT_NAMESPACE,
            Self::Path => PATH_NAMESPACE,
        }
    }

    /// What stands between the type of a packet and its content.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Path => "/socket.io,",
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads one text message.
    ///
    /// # Errors
    /// If it is no packet, or one that is not understood.
    pub(super) fn read(text: &'a str) -> Result<Self, BadPacket> {
        let mut chars = text.chars();
        let (kind, rest) = (chars.next(), chars.as_str());
        match kind {
            Some('1') if rest.is_empty() => Ok(Self::Close),
            Some('2') => Ok(Self::Ping(rest)),
            Some('3') => Ok(Self::Pong),
            Some('4') => Self::message(rest),
            // The end of an upgrade from polling, and what fills a pause of it.
            Some('5' | '6') if rest.is_empty() => Ok(Self::Noop),
            _ => Err(BadPacket::Malformed),
        }
    }

    fn message(text: &'a str) -> Result<Self, BadPacket> {
        let mut chars = text.chars();
        let (kind, rest) = (chars.next(), chars.as_str());
        match kind {
            Some('0') => {
                let (namespace, rest) = split_namespace(rest);
                let auth = if rest.is_empty() { None } else { Some(json(rest)?) };
                Ok(Self::Connect { namespace, auth })
            }
            Some('1') => Ok(Self::Disconnect),
            Some('2') => Self::event(rest),
            Some('3') => Ok(Self::Ack),
            Some('5' | '6') => Err(BadPacket::Binary),
            _ => Err(BadPacket::Malformed),
        }
    }

    fn event(text: &'a str) -> Result<Self, BadPacket> {
        let (namespace, rest) = split_namespace(text);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, rest) = rest.split_at(digits);
        let ack = match id {
            "" => None,
            id => Some(id.parse().ok().filter(|id| *id <= SOCKETIO_ACK_ID_MAX).ok_or(BadPacket::AckId)?),
        };
        let arguments = Arguments::deserialize(&mut serde_json::Deserializer::from_str(rest));
        let Arguments(arguments) = arguments.map_err(|_| BadPacket::Arguments(ack))?;
        json::<&RawValue>(rest).map_err(|_| BadPacket::Arguments(ack))?;
        Ok(Self::Event { namespace: Namespace::find(namespace), ack, arguments })
    }
}

/// The values of an array, no more than may be.
struct Arguments<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Arguments<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Arguments<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of an event and its arguments")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut arguments = Vec::new();
                while let Some(item) = items.next_element()? {
                    if arguments.len() > SOCKETIO_EVENT_ARGUMENTS_MAX {
                        return Err(serde::de::Error::custom("too many arguments"));
                    }
                    arguments.push(item);
                }
                Ok(Arguments(arguments))
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

/// The namespace before a comma; without one it is the root.
fn split_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') {
        text.split_once(',').unwrap_or((text, ""))
    } else {
        (ROOT_NAMESPACE, text)
    }
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BadPacket> {
    serde_json::from_str(text).map_err(|_| BadPacket::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> (Option<Namespace>, Option<AckId>, Vec<String>) {
        match Packet::read(text) {
            Ok(Packet::Event { namespace, ack, arguments }) => {
                (namespace, ack, arguments.iter().map(|argument| argument.get().to_owned()).collect())
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn packets_are_read_as_the_protocol_writes_them() {
        assert!(matches!(Packet::read("1"), Ok(Packet::Close)));
        assert!(matches!(Packet::read("3"), Ok(Packet::Pong)));
        assert!(matches!(Packet::read("2probe"), Ok(Packet::Ping("probe"))));
        assert!(matches!(Packet::read("40"), Ok(Packet::Connect { namespace: "/", auth: None })));
        assert!(matches!(Packet::read("41"), Ok(Packet::Disconnect)));
        let Ok(Packet::Connect { namespace: "/admin", auth: Some(auth) }) = Packet::read(r#"40/admin,{"token":"x"}"#)
        else {
            panic!("a namespace")
        };
        assert_eq!(auth.get(), r#"{"token":"x"}"#);
        let name = |name: &str| format!("\"{name}\"");
        assert_eq!(event(r#"42["a"]"#), (Some(Namespace::Root), None, vec![name("a")]));
        assert_eq!(
            event(r#"42/socket.io,7["a",{"b":[1]},null]"#),
            (Some(Namespace::Path), Some(7), vec![name("a"), r#"{"b":[1]}"#.to_owned(), "null".to_owned()])
        );
        assert_eq!(event(r#"42/other?x=1,["a"]"#).0, None);
    }

    #[test]
    fn i01_to_i07_what_is_no_packet_is_refused() {
        let many = format!("42[{}0]", "0,".repeat(SOCKETIO_EVENT_ARGUMENTS_MAX + 1));
        let deep = format!("42[\"a\",{}]", "[".repeat(10_000));
        for (text, why) in [
            ("", BadPacket::Malformed),
            ("0{}", BadPacket::Malformed),
            ("9", BadPacket::Malformed),
            ("4", BadPacket::Malformed),
            ("49", BadPacket::Malformed),
            ("40{", BadPacket::Malformed),
            ("40{}x", BadPacket::Malformed),
            ("ÿ", BadPacket::Malformed),
            ("42", BadPacket::Arguments(None)),
            ("42{}", BadPacket::Arguments(None)),
            (r#"42["a"]x"#, BadPacket::Arguments(None)),
            (r#"42"a""#, BadPacket::Arguments(None)),
            (&many, BadPacket::Arguments(None)),
            (&many.replacen("42", "427", 1), BadPacket::Arguments(Some(7))),
            (&deep, BadPacket::Arguments(None)),
            (r#"451-["a",{"_placeholder":true,"num":0}]"#, BadPacket::Binary),
            (r#"45999999-["a"]"#, BadPacket::Binary),
            ("461-[]", BadPacket::Binary),
            (r#"429007199254740992["a"]"#, BadPacket::AckId),
            (r#"4299999999999999999999["a"]"#, BadPacket::AckId),
        ] {
            assert_eq!(Packet::read(text).err(), Some(why), "{text:.40}");
        }
        assert_eq!(event(r#"429007199254740991["a"]"#).1, Some(SOCKETIO_ACK_ID_MAX));
    }
}
