//! The text forms of places, entries and control messages on Redis. Everything that comes back from Redis is
//! input: it is parsed strictly, and what does not parse is an error, never a guess.

use crate::bus::{AppendError, Appended, BusError, Revoked};
use crate::clock::UnixMillis;
use crate::event::{EVENT_VERSION, Event, SequencedEvent};
use crate::id::{Epoch, LogPosition, RoomId, Seq};
use crate::pace::TooEarly;

/// `<epoch> <seq> <millis> <event>`
pub(super) fn parse_entry(room: RoomId, text: &str) -> Option<SequencedEvent> {
    let mut parts = text.splitn(4, ' ');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let seq = parse_seq(parts.next()?)?;
    let timestamp = UnixMillis(parts.next()?.parse().ok()?);
    let event: Event = serde_json::from_str(parts.next()?).ok()?;
    (event.v == EVENT_VERSION).then_some(SequencedEvent { room, epoch, seq, timestamp, event })
}

/// `<epoch> <seq> <millis> <ms>-<n> <event id>`
pub(super) fn parse_place(text: &str, repeated: bool) -> Option<Appended> {
    let mut parts = text.split(' ');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let seq = parse_seq(parts.next()?)?;
    let timestamp = UnixMillis(parts.next()?.parse().ok()?);
    let (ms, n) = parse_stream_id(parts.next()?)?;
    let id = parts.next()?.parse().ok()?;
    Some(Appended { id, epoch, seq, timestamp, position: LogPosition { epoch, ms, n }, repeated })
}

/// Milliseconds to wait, by the limit that asks for it.
pub(super) fn parse_wait(limit: &str, text: &str) -> AppendError {
    match (limit, text.parse()) {
        ("rate_limited", Ok(ms)) => AppendError::TooEarly(TooEarly::Pace(ms)),
        ("slow_mode", Ok(ms)) => AppendError::TooEarly(TooEarly::SlowMode(ms)),
        (_, _) => BusError::Protocol(limit.to_owned()).into(),
    }
}

/// `<epoch> <ms>-<n>`
pub(super) fn parse_mark(text: &str) -> Option<LogPosition> {
    let (epoch, id) = text.split_once(' ')?;
    let (ms, n) = parse_stream_id(id)?;
    Some(LogPosition { epoch: Epoch(epoch.parse().ok()?), ms, n })
}

/// `<ms>-<n>`
pub(super) fn parse_stream_id(text: &str) -> Option<(u64, u64)> {
    let (ms, n) = text.split_once('-')?;
    Some((ms.parse().ok()?, n.parse().ok()?))
}

pub(super) fn parse_seq(text: &str) -> Option<Seq> {
    Seq::try_from(text.parse::<u64>().ok()?).ok()
}

/// What a control channel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// The log is no longer empty.
    Wake,
    /// Everything up to here is stored.
    Stored(LogPosition),
}

pub(super) fn parse_control(text: &str) -> Option<Control> {
    match text.split_once(' ') {
        Some(("stored", mark)) => parse_mark(mark).map(Control::Stored),
        None if text == "wake" => Some(Control::Wake),
        Some(_) | None => None,
    }
}

/// What the channel of a user says: `revoked <session>` or `revoked all`.
pub(super) fn revocation(revoked: Revoked) -> String {
    match revoked {
        Revoked::One(session) => format!("revoked {session}"),
        Revoked::All => "revoked all".to_owned(),
    }
}

pub(super) fn parse_revocation(text: &str) -> Option<Revoked> {
    match text.strip_prefix("revoked ")? {
        "all" => Some(Revoked::All),
        session => session.parse().ok().map(Revoked::One),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_from_the_bus_is_refused() {
        let room = RoomId::generate();
        for text in ["", "1", "1 2 3", "1 2 3 {}", "x 2 3 {}", "1 -2 3 {}", "1 2 3 [", "1 99999999999999999999 3 {}"] {
            assert_eq!(parse_entry(room, text), None, "{text}");
        }
        for text in ["", "1 2 3 4 5", "1 2 3 4-5", "1 2 3 4-5 nobody"] {
            assert_eq!(parse_place(text, false), None, "{text}");
        }
        for text in ["", "woke", "stored", "stored 1", "stored 1 2", "stored x 1-2"] {
            assert_eq!(parse_control(text), None, "{text}");
        }
        for text in ["", "revoked", "revoked ", "revoked nobody", "all"] {
            assert_eq!(parse_revocation(text), None, "{text}");
        }
    }

    #[test]
    fn revocations_are_read_back() {
        for revoked in [Revoked::All, Revoked::One(crate::id::SessionId::generate())] {
            assert_eq!(parse_revocation(&revocation(revoked)), Some(revoked));
        }
    }

    #[test]
    fn a_newer_event_version_is_not_guessed_at() {
        let room = RoomId::generate();
        let event = |v: u8| {
            let id = uuid::Uuid::nil();
            format!(r#"1 2 3 {{"v":{v},"id":"{id}","user_id":"{id}","username":"a","kind":"member_joined"}}"#)
        };
        assert!(parse_entry(room, &event(EVENT_VERSION)).is_some());
        assert_eq!(parse_entry(room, &event(EVENT_VERSION + 1)), None);
    }
}
