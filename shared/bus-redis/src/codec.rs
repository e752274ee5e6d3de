//! The text forms of places, entries and control messages on Redis. Everything that comes back from Redis is
//! input: it is parsed strictly, and what does not parse is an error, never a guess.

use rookery_bus::error::BusError;
use rookery_bus::pace::TooEarly;
use rookery_bus::presence::UserPresence;
use rookery_bus::signal::{EphemeralSignal, Revoked};
use rookery_bus::{AppendError, Appended, Began, Head, Mark, Relocated};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EVENT_VERSION, Event, EventBody, SequencedEvent};
use rookery_protocol::id::{Epoch, LogPosition, RoomId, Seq, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::position::{Position, StoredPosition};

use crate::entry::{Batch, Entry};

/// `<epoch> <seq> <millis> <event>`
pub(super) fn parse_entry(room: RoomId, text: &str) -> Option<SequencedEvent> {
    let mut parts = text.splitn(4, ' ');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let seq = parse_seq(parts.next()?)?;
    let timestamp = UnixMillis(parts.next()?.parse().ok()?);
    let event: Event = serde_json::from_str(parts.next()?).ok()?;
    (event.v == EVENT_VERSION).then_some(SequencedEvent { room, epoch, seq, timestamp, event })
}

/// Whether this release can store the event. One of a later release is delivered all the same, as a number that counts.
pub(super) const fn is_known(event: &SequencedEvent) -> bool {
    !matches!(event.event.body, EventBody::Unknown(_))
}

/// What `append.lua` answers: `appended` or `repeated`, the place, the epoch of the server, and for a repeat the mark.
/// The place is `<epoch> <seq> <millis> <ms>-<n> <event id>`, and ` stored` if the store has said that it is there.
pub(super) fn parse_place(answer: &[&str]) -> Option<Appended> {
    let (repeated, place, answered, mark) = match *answer {
        ["appended", place, answered] => (false, place, answered, None),
        ["repeated", place, answered, mark] => (true, place, answered, parse_mark(mark)),
        _ => return None,
    };
    let answered = Epoch(answered.parse().ok()?);
    let mut parts = place.split(' ');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let seq = parse_seq(parts.next()?)?;
    let timestamp = UnixMillis(parts.next()?.parse().ok()?);
    let (ms, n) = parse_stream_id(parts.next()?)?;
    let id = parts.next()?.parse().ok()?;
    let position = LogPosition { epoch, ms, n };
    // An epoch begins when all that survived of the one before is stored.
    let stored = parts.next() == Some("stored")
        || epoch < answered
        || mark.is_some_and(|mark| mark.epoch == epoch && position <= mark);
    Some(Appended { id, epoch, seq, timestamp, position, repeated, answered, stored })
}

/// `<epoch> <seq> <stored seq>`, then how the epoch began if that was noted; empty for a room that is not open.
pub(super) fn parse_head(text: &str) -> Option<Head> {
    let mut parts = text.splitn(4, ' ');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let (seq, stored) = (parse_seq(parts.next()?)?, parse_seq(parts.next()?)?);
    let began = parts.next().and_then(parse_began).filter(|began| began.epoch == epoch);
    Some(Head { epoch, seq, stored, began })
}

/// How epochs of a room began, by semicolons. What is not understood is as if it had not been noted.
pub(super) fn parse_epochs(text: &str) -> Vec<Began> {
    text.split(';').filter_map(parse_began).collect()
}

/// `<epoch> <number before its first> <epoch of the last stored event before it> <number of that>`
fn parse_began(text: &str) -> Option<Began> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [epoch, after, kept_epoch, kept_seq] = *parts.as_slice() else { return None };
    let kept = Position { epoch: Epoch(kept_epoch.parse().ok()?), seq: parse_seq(kept_seq)? };
    Some(Began { epoch: Epoch(epoch.parse().ok()?), after: parse_seq(after)?, kept })
}

/// Milliseconds to wait, by the limit that asks for it.
pub(super) fn parse_wait(limit: &str, text: &str) -> AppendError {
    match (limit, text.parse()) {
        ("rate_limited", Ok(ms)) => AppendError::TooEarly(TooEarly::RateLimit(ms)),
        ("slow_mode", Ok(ms)) => AppendError::TooEarly(TooEarly::SlowMode(ms)),
        (_, _) => BusError::Protocol(limit.to_owned()).into(),
    }
}

/// `<epoch> <ms>-<n>`
pub(super) fn parse_mark(text: &str) -> Option<LogPosition> {
    let (epoch, id) = text.split_once(' ')?;
    position(epoch, id)
}

/// `<ms>-<n>`
pub(super) fn parse_stream_id(text: &str) -> Option<(u64, u64)> {
    let (ms, n) = text.split_once('-')?;
    Some((ms.parse().ok()?, n.parse().ok()?))
}

pub(super) fn parse_seq(text: &str) -> Option<Seq> {
    Seq::try_from(text.parse::<u64>().ok()?).ok()
}

/// `<epoch> <ms>-<n> <moves>`, then ` <ms>-<n> <epoch> <seq> <millis>` for each move.
pub(super) fn parse_stored(text: &str) -> Option<Mark> {
    let parts: Vec<&str> = text.split(' ').collect();
    let (mark, others) = parts.split_at_checked(3)?;
    let [epoch, id, count] = *mark else { return None };
    let upto = position(epoch, id)?;
    let moved: Option<Vec<Relocated>> = others.chunks(4).map(|one| parse_moved(upto.epoch, one)).collect();
    Some(Mark { upto, moves: count.parse().ok()?, moved: moved? })
}

fn parse_moved(of: Epoch, parts: &[&str]) -> Option<Relocated> {
    let [id, epoch, seq, millis] = *parts else { return None };
    let (ms, n) = parse_stream_id(id)?;
    let (epoch, timestamp) = (Epoch(epoch.parse().ok()?), UnixMillis(millis.parse().ok()?));
    let first = StoredPosition { epoch, seq: parse_seq(seq)?, timestamp };
    Some(Relocated { position: LogPosition { epoch: of, ms, n }, first })
}

/// The first entry of a log that was empty: `<ms>-<n> <fence> <room> <key and field of its result> <entry>`.
pub(super) fn parse_wake(text: &str) -> Option<Batch> {
    let mut parts = text.splitn(6, ' ');
    let (id, fence) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let room = parts.next()?.parse().ok()?;
    let result = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let event = parse_entry(room, parts.next()?)?;
    let epoch = event.epoch;
    let entry = Entry { id, event: Some(event).filter(is_known), result: Some(result) };
    Some(Batch { fence, epoch, entries: vec![entry] })
}

fn position(epoch: &str, id: &str) -> Option<LogPosition> {
    let (ms, n) = parse_stream_id(id)?;
    Some(LogPosition { epoch: Epoch(epoch.parse().ok()?), ms, n })
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

/// What stands before something that is neither numbered nor kept; an entry begins with a digit.
const EPHEMERAL: &str = "w ";

pub(super) fn ephemeral(signal: &EphemeralSignal) -> String {
    // Ids and names only: nothing in it can fail to serialise.
    format!("{EPHEMERAL}{}", serde_json::to_string(signal).unwrap_or_default())
}

pub(super) fn parse_ephemeral(text: &str) -> Option<EphemeralSignal> {
    serde_json::from_str(text.strip_prefix(EPHEMERAL)?).ok()
}

/// What stands before a user's presence on the user's channel.
pub(super) const PRESENCE: &str = "presence ";

/// `<0 or 1> <millis or nothing> <setting or nothing>`
pub(super) fn parse_presence(user: UserId, text: &str) -> Option<UserPresence> {
    let mut parts = text.splitn(3, ' ');
    let online = match parts.next()? {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    let seen = match parts.next()? {
        "" => None,
        millis => Some(UnixMillis(millis.parse().ok()?)),
    };
    let setting = match parts.next()? {
        "" => None,
        setting => Some(serde_json::from_str(setting).ok()?),
    };
    Some(UserPresence { user, online, setting, seen })
}

/// The same channel, for what is no end of a login: `news ` and JSON.
pub(super) fn user_news(news: &UserNews) -> String {
    // Ids, numbers and flags only: nothing in it can fail to serialise.
    format!("news {}", serde_json::to_string(news).unwrap_or_default())
}

pub(super) fn parse_user_news(text: &str) -> Option<UserNews> {
    serde_json::from_str(text.strip_prefix("news ")?).ok()
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
            assert_eq!(parse_place(&["appended", text, "1"]), None, "{text}");
        }
        for text in ["", "wake", "1-1 f r k d", "1-1 f r k d 1 2 3 {}"] {
            assert_eq!(parse_wake(text), None, "{text}");
        }
        for text in ["", "1", "1 2", "1 2 x", "1 -2 3"] {
            assert_eq!(parse_head(text), None, "{text}");
        }
        for text in ["", "wake", "1", "1 2", "x 1-2 0", "1 1-2", "1 1-2 x", "1 1-2 1 1-2 1 1", "1 1-2 1 1-2 1 -1 1"] {
            assert_eq!(parse_stored(text), None, "{text}");
        }
        for text in ["", "1", "1 ", "2  ", "1 x ", "0  {", r#"1  {"status":"fly"}"#] {
            assert_eq!(parse_presence(UserId::generate(), text), None, "{text}");
        }
        for text in ["", "w", "w ", "w {}", r#"w {"kind":"shout"}"#, r#"{"kind":"occupancy"}"#] {
            assert_eq!(parse_ephemeral(text), None, "{text}");
        }
        for text in ["", "revoked", "revoked ", "revoked nobody", "all"] {
            assert_eq!(parse_revocation(text), None, "{text}");
        }
    }

    #[test]
    fn a_repeat_is_known_to_be_stored_by_the_mark_or_by_a_newer_epoch() {
        let id = uuid::Uuid::nil();
        let stored = |answered: &str, mark: &str| {
            let place = format!("3 7 1000 50-2 {id}");
            parse_place(&["repeated", &place, answered, mark]).unwrap().stored
        };
        assert!(stored("3", "3 50-2") && stored("3", "3 51-0") && stored("4", "4 0-0"));
        assert!(!stored("3", "3 50-1") && !stored("3", "") && !stored("3", "2 90-0") && !stored("2", "2 90-0"));
    }

    #[test]
    fn a_mark_tells_of_moves() {
        let at = |ms| LogPosition { epoch: Epoch(4), ms, n: 1 };
        let first = StoredPosition { epoch: Epoch(2), seq: Seq::new(9), timestamp: UnixMillis(77) };
        let mark = |moves, moved| Some(Mark { upto: at(50), moves, moved });
        assert_eq!(parse_stored("4 50-1 0"), mark(0, Vec::new()));
        assert_eq!(parse_stored("4 50-1 3 40-1 2 9 77"), mark(3, vec![Relocated { position: at(40), first }]));
    }

    #[test]
    fn revocations_are_read_back() {
        for revoked in [Revoked::All, Revoked::One(rookery_protocol::id::SessionId::generate())] {
            assert_eq!(parse_revocation(&revocation(revoked)), Some(revoked));
        }
    }

    #[test]
    fn news_is_read_back() {
        let counted = rookery_protocol::position::Position { epoch: Epoch(2), seq: Seq::new(9) };
        let (epoch, seq, room) = (Epoch(1), Seq::new(7), RoomId::generate());
        let state = rookery_protocol::unread::ReadState { epoch, seq, unread: 3, mentions: 1, capped: false, counted };
        let news = UserNews::Read { room, state };
        assert_eq!(parse_user_news(&user_news(&news)), Some(news));
        assert_eq!(parse_user_news("news {}"), None);
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

    #[test]
    fn the_number_of_a_kind_of_a_later_release_counts() {
        let room = RoomId::generate();
        let event = |kind: &str| {
            let id = uuid::Uuid::nil();
            format!(
                r#"1 2 3 {{"v":1,"id":"{id}","user_id":"{id}","username":"a","kind":"{kind}","much":{{"more":[]}}}}"#
            )
        };
        let later = parse_entry(room, &event("poll_opened")).unwrap();
        assert_eq!((later.epoch, later.seq, is_known(&later)), (Epoch(1), Seq::new(2), false));
        let frame = rookery_protocol::server::ServerFrame::from(later).to_json();
        assert!(
            frame.starts_with(&format!(r#"{{"type":"poll_opened","room":"{room}","epoch":"e1","seq":2,"#)),
            "{frame}"
        );
        // A kind that is known, in a form that is not, is broken.
        assert_eq!(parse_entry(room, &event("message")), None);
        assert!(parse_entry(room, &event("member_joined")).as_ref().is_some_and(is_known));
    }
}
