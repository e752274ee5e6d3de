//! Which partition something belongs to. It never changes, so it may be part of what is stored.

use uuid::Uuid;

use crate::id::{Partition, RoomId, UserId};
use crate::limits::PARTITIONS;

/// The partition of a room: the same on every node and for all time.
pub fn partition_of(room: RoomId) -> Partition {
    partition_of_id(room.as_uuid())
}

/// The partition of a user, where its channel lives.
pub fn partition_of_user(user: UserId) -> Partition {
    partition_of_id(user.as_uuid())
}

/// The partition of a bucket's subject.
pub fn partition_of_subject(subject: u128) -> Partition {
    partition_of_id(Uuid::from_u128(subject))
}

fn partition_of_id(id: Uuid) -> Partition {
    // FNV-1a over the id's bytes: stable, spread well enough over 64 partitions, and trivial to repeat elsewhere.
    let hash = id
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
    Partition(u16::try_from(folded % u64::from(PARTITIONS)).unwrap_or(0))
}

/// Every partition.
pub fn partitions() -> impl Iterator<Item = Partition> {
    (0..PARTITIONS).map(Partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_spread_over_all_partitions() {
        let mut counts = vec![0_u32; usize::from(PARTITIONS)];
        for _ in 0..64 * 200 {
            counts[usize::from(partition_of(RoomId::generate()).0)] += 1;
        }
        assert!(counts.iter().all(|count| (100..400).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_partition_of_a_room_never_changes() {
        let room = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(partition_of(room), Partition(PINNED));
    }

    const PINNED: u16 = 47;
}
