//! The only place that spells Redis keys and channels.
//!
//! All keys of a room carry the hash tag of its partition, `{t}`, so one script touches one slot and the same
//! names work on Redis Cluster. Nothing that a client wrote ever becomes part of a key: only ids and numbers do.

use rookery_bus::limits::DEDUPE_BUCKET;
use rookery_bus::quota::Bucket;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{LeaseId, Partition, RoomId, TicketId, UserId};
use rookery_protocol::limits::PARTITIONS;
use rookery_protocol::partition::{partition_of, partition_of_subject, partition_of_user};
use uuid::Uuid;

/// Hash: fence, epoch and stored position of a partition.
pub fn partition(t: Partition) -> String {
    format!("{{{t}}}:pe")
}

/// Stream: all events of a partition that wait for the store.
pub fn log(t: Partition) -> String {
    format!("{{{t}}}:log")
}

/// String with expiry: which api process stores the partition's log.
pub fn lease(t: Partition) -> String {
    format!("{{{t}}}:lease")
}

/// Channel: how far a partition is stored, for those who wait for that.
pub fn marks_channel(t: Partition) -> String {
    format!("{{{t}}}:marks")
}

/// Channel: a partition's log is no longer empty, for whoever stores it.
pub fn wake_channel(t: Partition) -> String {
    format!("{{{t}}}:wake")
}

/// Hash: last number, epoch, ACL version, stored number and settings of a room.
pub fn room(room: RoomId) -> String {
    format!("{{{}}}:r:{}", partition_of(room), room.as_uuid().simple())
}

/// Stream: the newest events of a room, entry id `<seq>-0`.
pub fn tail(room: RoomId) -> String {
    format!("{{{}}}:t:{}", partition_of(room), room.as_uuid().simple())
}

/// Channel: events of a room.
pub fn room_channel(room: RoomId) -> String {
    format!("{{{}}}:c:{}", partition_of(room), room.as_uuid().simple())
}

/// Channel: news for the connections of a user, such as the end of a login.
pub fn user_channel(user: UserId) -> String {
    format!("{{{}}}:u:{}", partition_of_user(user), user.as_uuid().simple())
}

/// Hashes with expiry: results of recent appends, by user and client id. The first is the current bucket, the
/// second the one before it.
pub fn dedupe(room: RoomId, now: UnixMillis) -> [String; 2] {
    let length = i64::try_from(DEDUPE_BUCKET.as_millis()).unwrap_or(i64::MAX);
    let bucket = now.0.div_euclid(length);
    [bucket, bucket - 1].map(|bucket| format!("{{{}}}:a:{}:{bucket}", partition_of(room), room.as_uuid().simple()))
}

/// String with expiry: how fast a user talks in a room. Not in a bucket: those follow the clocks of many nodes.
pub fn pace(room: RoomId, user: UserId) -> String {
    let (t, room, user) = (partition_of(room), room.as_uuid().simple(), user.as_uuid().simple());
    format!("{{{t}}}:g:{room}:{user}")
}

/// String with expiry: when everything that was taken out of a bucket is paid.
pub fn quota(bucket: Bucket) -> String {
    let (t, subject) = (partition_of_subject(bucket.subject), bucket.subject);
    format!("{{{t}}}:q:{}:{subject:032x}", bucket.limit as u8)
}

/// String with expiry: a ticket was used.
pub fn ticket(ticket: TicketId) -> String {
    let id = ticket.as_uuid();
    format!("{{{}}}:k:{}", partition_of_subject(id.as_u128()), id.simple())
}

/// Sorted set with expiry: the processes that share buckets, by when they said so last.
pub fn nodes() -> String {
    format!("{{{}}}:limiters", Partition(0))
}

/// Hash: the leases of gateways on presence, `<lease>` to the time of its end, `c:<lease>` to that of a claim.
pub fn leases() -> String {
    format!("{{{LEASES_PARTITION}}}:nodes")
}

/// Hash: where a user is, `<lease>` for each gateway; `s`, the status; `seen`, when the user was last online.
pub fn user_presence(user: UserId) -> String {
    format!("{{{}}}:p:{}", partition_of_user(user), user.as_uuid().simple())
}

/// Hash: who is in a room, by gateway.
pub fn occupancy(room: RoomId) -> String {
    format!("{{{}}}:o:{}", partition_of(room), room.as_uuid().simple())
}

/// Set: users (`u:<id>`) and rooms (`r:<id>`) of a partition that a gateway has written presence of.
pub fn presence_of_lease(t: Partition, lease: LeaseId) -> String {
    format!("{{{t}}}:n:{}", lease.as_uuid().simple())
}

/// Hash with expiry: what processes say of themselves, by id.
pub fn cards() -> String {
    format!("{{{CARDS_PARTITION}}}:cards")
}

/// Hash with expiry: where nodes stand in the room that was asked about, by node.
pub fn head_answers(ask: Uuid) -> String {
    format!("{{{CARDS_PARTITION}}}:heads:{}", ask.simple())
}

/// The partition where they are.
pub const CARDS_PARTITION: Partition = Partition(0);

/// The partition where all leases are.
pub const LEASES_PARTITION: Partition = Partition(0);

/// String: the number of partitions this cluster was first started with.
pub fn partition_count() -> &'static str {
    "rookery:partitions"
}

/// String: the version of all that this module spells and of what is kept under it.
pub fn layout() -> &'static str {
    "rookery:layout"
}

/// String: the database that all of this belongs to, and how far it was.
pub fn timeline() -> &'static str {
    "rookery:timeline"
}

/// Whether this module spells such keys.
pub fn is_ours(key: &str) -> bool {
    let tag = key.strip_prefix('{').and_then(|rest| rest.split_once("}:")).map(|(tag, _)| tag);
    key.starts_with("rookery:") || tag.is_some_and(|tag| tag.parse::<u16>().is_ok_and(|tag| tag < PARTITIONS))
}

/// What a channel's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// See [`room_channel`].
    Room(RoomId),
    /// See [`marks_channel`].
    Marks(Partition),
    /// See [`wake_channel`].
    Wake(Partition),
    /// See [`user_channel`].
    User(UserId),
}

/// Reads a channel's name; none for a name this module did not spell.
pub fn parse_channel(name: &str) -> Option<Channel> {
    let (tag, rest) = name.strip_prefix('{')?.split_once("}:")?;
    let partition = tag.parse().ok().map(Partition)?;
    match rest.split_once(':') {
        Some(("c", id)) => {
            let room = id.parse().ok()?;
            (partition_of(room) == partition).then_some(Channel::Room(room))
        }
        Some(("u", id)) => {
            let user = id.parse().ok()?;
            (partition_of_user(user) == partition).then_some(Channel::User(user))
        }
        None if rest == "marks" => Some(Channel::Marks(partition)),
        None if rest == "wake" => Some(Channel::Wake(partition)),
        Some(_) | None => None,
    }
}

/// The partition of a channel; none for a name this module did not spell.
pub fn partition_of_channel(name: &str) -> Option<Partition> {
    Some(match parse_channel(name)? {
        Channel::Room(room) => partition_of(room),
        Channel::Marks(partition) | Channel::Wake(partition) => partition,
        Channel::User(user) => partition_of_user(user),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_back() {
        let id = RoomId::generate();
        assert_eq!(parse_channel(&room_channel(id)), Some(Channel::Room(id)));
        assert_eq!(parse_channel(&marks_channel(Partition(7))), Some(Channel::Marks(Partition(7))));
        assert_eq!(parse_channel(&wake_channel(Partition(7))), Some(Channel::Wake(Partition(7))));
        let user = UserId::generate();
        assert_eq!(parse_channel(&user_channel(user)), Some(Channel::User(user)));
        for foreign in ["", "x", "{1}:c:zz", "{999999}:wake", "{1}:other"] {
            assert_eq!(parse_channel(foreign), None, "{foreign}");
        }
    }
}
